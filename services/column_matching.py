"""Which column of somebody's file is which of ours: matched by name, and by hand where the name says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.errors import Malformed
from services.organisation_columns import FLAT, column_of
from services.organisation_rows import sheet_for
from services.spreadsheets import Spreadsheet


@dataclass(frozen=True, slots=True)
class Matched:
    """One column of a file: its title, the column of ours it was taken for or None, and those it could be."""

    table: str
    title: str
    column: str | None
    choices: tuple[str, ...]


def matched(file: Spreadsheet) -> tuple[Matched, ...]:
    """Return every column of a file that has a title, and what it was taken for."""
    found = []
    for table in file.tables:
        sheet = sheet_for(table, alone=len(file.tables) == 1) or FLAT
        for title in table.header:
            if title.strip():
                column = column_of(sheet, title)
                ids = tuple(one.id for one in sheet.columns)
                found.append(Matched(table.name, title, None if column is None else column.id, ids))
    return tuple(found)


def renamed(file: Spreadsheet, columns: Mapping[str, str]) -> Spreadsheet:
    """Return the file with its columns called as somebody matched them: the title in the file to the id of ours.

    Raises:
        Malformed: a title is not in the file.
    """
    if not columns:
        return file
    known = {title for table in file.tables for title in table.header}
    for title in columns:
        if title not in known:
            raise Malformed(f"There is no column {title[:60]!r} in this file; look at it again.", "unknown-column")
    tables = tuple(
        replace(table, header=tuple(columns.get(title, title) for title in table.header)) for table in file.tables
    )
    return replace(file, tables=tables)
