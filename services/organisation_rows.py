"""From the tables of a file to records of an organisation: columns found by name, cells read, every fault placed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.organisation_cells import CellFault, ImportProblem, Named, is_code, value_of
from services.organisation_columns import ABOUT, FLAT, SHEETS, Column, Sheet, column_of, plain, sheet_of
from services.spreadsheets import Formula, Line, Spreadsheet, Table, Value
from workflow.vocabulary import Severity

PEOPLE_COLUMNS = frozenset(column.id for column in next(sheet for sheet in SHEETS if sheet.id == "people").columns)
_WITH_CODES = frozenset({"units", "posts", "sites"})


@dataclass(frozen=True, slots=True)
class Record:
    """One row of one sheet: what it is about (`key`) and what it says, employee numbers and codes as typed."""

    sheet: str
    key: tuple[Any, ...]
    values: Mapping[str, Any]
    place: str
    row: int | None = None


@dataclass(slots=True)
class Reading:
    """What a file says: the records by sheet, the columns each sheet had, and everything that is wrong with it."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    given: dict[str, frozenset[str]] = field(default_factory=dict)
    problems: list[ImportProblem] = field(default_factory=list)
    heads: list[tuple[str, str, Record]] = field(default_factory=list)

    def error(self, code: str, record: Record, column: str | None, text: str) -> None:
        """Note an error of a record."""
        self.problems.append(ImportProblem(Severity.ERROR, code, record.place, record.row, column, text))

    def warn(self, code: str, record: Record, column: str | None, text: str) -> None:
        """Note an oddity of a record."""
        self.problems.append(ImportProblem(Severity.WARNING, code, record.place, record.row, column, text))

    def of(self, sheet: str) -> list[Record]:
        """Return the records of a sheet; none where the file lacks it."""
        return self.records.get(sheet, [])


def read_rows(file: Spreadsheet) -> Reading:
    """Read every table of a file whose sheet is known; what is unknown is named and left alone."""
    reading = Reading()
    for table in file.tables:
        sheet = sheet_for(table, alone=len(file.tables) == 1)
        if sheet is None:
            if plain(table.name) != ABOUT and table.header:
                reading.problems.append(
                    ImportProblem(
                        Severity.WARNING,
                        "unknown-sheet",
                        table.name,
                        None,
                        None,
                        "this sheet is unknown and was not read.",
                    )
                )
            continue
        if sheet.id in reading.given:
            reading.problems.append(
                ImportProblem(Severity.ERROR, "sheet-twice", table.name, None, None, "this sheet is there twice.")
            )
            continue
        _read(table, sheet, reading)
    if not reading.given:
        reading.problems.append(
            ImportProblem(
                Severity.ERROR, "nothing-known", "-", None, None, "no sheet is known; compare with `org template`."
            )
        )
    return reading


def sheet_for(table: Table, *, alone: bool) -> Sheet | None:
    """Return what sheet of ours a table is, or None; `alone` tells that it is the only one of its file."""
    found = sheet_of(table.name)
    if alone and table.header:
        # The only table of a file, CSV above all, is known by its columns: people call such files anything.
        columns = [column_of(FLAT, title) for title in table.header]
        ids = {column.id for column in columns if column is not None}
        if found is None and {"number", "name"} <= ids:
            return FLAT
        if found is not None and found.id == "people" and "post" in ids:
            return FLAT
    return found


def _read(table: Table, sheet: Sheet, reading: Reading) -> None:
    columns = _columns(table, sheet, reading)
    given = frozenset(column.id for column in columns.values())
    flat = sheet is FLAT
    reading.given[sheet.id] = given
    if flat:
        reading.given["people"] = given & PEOPLE_COLUMNS
        if "post" in given:
            reading.given["assignments"] = given
    missing = [column for column in sheet.columns if column.required and column.id not in given]
    for column in missing:
        reading.problems.append(
            ImportProblem(
                Severity.ERROR,
                "missing-column",
                table.name,
                table.header_row or None,
                column.id,
                f"there is no column {column.id} ({column.zh}); add it.",
            )
        )
    if missing:
        return
    for line in table.lines:
        record = _record(line, columns, sheet, table.name, reading)
        if record is None:
            continue
        for part in _split(record, reading) if flat else (record,):
            reading.records.setdefault(part.sheet, []).append(part)


def _columns(table: Table, sheet: Sheet, reading: Reading) -> dict[int, Column]:
    columns: dict[int, Column] = {}
    for place, title in enumerate(table.header):
        if not title.strip():
            continue
        column = column_of(sheet, title)
        if column is None:
            text = f"the column {title!r} is unknown and was not read."
            reading.problems.append(
                ImportProblem(Severity.WARNING, "unknown-column", table.name, table.header_row, title, text)
            )
        elif column in columns.values():
            text = f"the column {column.id} is there twice; keep one."
            reading.problems.append(
                ImportProblem(Severity.ERROR, "column-twice", table.name, table.header_row, title, text)
            )
        else:
            columns[place] = column
    return columns


def _record(line: Line, columns: Mapping[int, Column], sheet: Sheet, place: str, reading: Reading) -> Record | None:
    values: dict[str, Any] = {}
    sound = True
    for index, column in columns.items():
        cell = line.cells[index] if index < len(line.cells) else None
        try:
            value = _checked(column, cell, sheet)
        except CellFault as fault:
            problem = ImportProblem(Severity.ERROR, fault.code, place, line.number, column.id, str(fault))
            reading.problems.append(problem)
            sound = False
        else:
            values[column.id] = value
    if not sound:
        return None
    if all(value is None for value in values.values()):
        return None
    return Record(sheet.id, _key(sheet, values), values, place, line.number)


def _checked(column: Column, cell: Value | Formula, sheet: Sheet) -> Any:
    value = value_of(column, cell)
    if value is None and column.required:
        raise CellFault("empty", f"{column.id} is empty; fill it in.")
    if column.id == "code" and sheet.id in _WITH_CODES and not is_code(value):
        raise CellFault("bad-code", f"{value!r} is no code; leave out spaces, / @ and #.")
    return value


def _key(sheet: Sheet, values: Mapping[str, Any]) -> tuple[Any, ...]:
    defaults = {"kind": "regular"} if sheet.id == "assignments" else {}
    parts = (values.get(column) or defaults.get(column) for column in sheet.key)
    return tuple(part.number if isinstance(part, Named) else part for part in parts)


def _split(record: Record, reading: Reading) -> Iterator[Record]:
    """Divide a row of the flat table into a person and, where a post is named, an assignment."""
    person = {name: value for name, value in record.values.items() if name in PEOPLE_COLUMNS}
    yield Record("people", (record.values["number"].number,), person, record.place, record.row)
    place = {name: value for name, value in record.values.items() if name not in PEOPLE_COLUMNS - {"number"}}
    unit_head = place.pop("unit-head", None)
    if all(value is None for name, value in place.items() if name != "number"):
        return
    sheet = next(one for one in SHEETS if one.id == "assignments")
    lacking = [name for name in ("post", "unit", "from") if place.get(name) is None]
    for name in lacking:
        reading.error("empty", record, name, f"{name} is empty; it is needed for an assignment.")
    if lacking:
        return
    if unit_head:
        reading.heads.append((str(place["unit"]), record.values["number"].number, record))
    yield Record("assignments", _key(sheet, place), place, record.place, record.row)
