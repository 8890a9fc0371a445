"""The spreadsheet of an organisation, empty but for its columns, an example and what each column is for."""

import datetime as dt
import io
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from services.organisation_columns import ABOUT, SHEETS, Column, Sheet

_HEAD = Font(bold=True)
_REQUIRED = PatternFill("solid", fgColor="FFF2CC")
_EXAMPLE = Font(italic=True, color="808080")
_WIDTH = 22
_WIDE = 60
_WHEN = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the xlsx format has no zone; the same template has the same bytes


def template() -> bytes:
    """Return the empty spreadsheet as xlsx; the examples begin with # and are not read."""
    book = Workbook()
    about: Any = book.active
    about.title = ABOUT
    _explain(about)
    for sheet in SHEETS:
        _lay_out(book.create_sheet(sheet.id), sheet)
    book.properties.created = book.properties.modified = _WHEN
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _explain(page: Any) -> None:
    page.append(["sheet 表", "column 列", "needed 必填", "what goes in", "填写说明", "may be 可填"])
    for sheet in SHEETS:
        page.append([f"{sheet.id} {sheet.zh}", "", "", sheet.help_en, "", ""])
        for column in sheet.columns:
            page.append(["", f"{column.id} {column.zh}", _needed(column), column.help_en, column.help_zh, _may(column)])
    for cell in page[1]:
        cell.font = _HEAD
    for letter in "DE":
        page.column_dimensions[letter].width = _WIDE
    for letter in "ABF":
        page.column_dimensions[letter].width = _WIDTH
    page.freeze_panes = "A2"


def _lay_out(page: Any, sheet: Sheet) -> None:
    page.append([f"{column.id} {column.zh}" for column in sheet.columns])
    first, *others = sheet.example
    page.append([f"# {first}", *others])
    for number, column in enumerate(sheet.columns, start=1):
        head = page.cell(1, number)
        head.font = _HEAD
        head.alignment = Alignment(wrap_text=True, vertical="top")
        if column.required:
            head.fill = _REQUIRED
        page.cell(2, number).font = _EXAMPLE
        # Text, or an office program takes the zeros off 0042 and turns a day into a figure.
        for row in range(2, 200):
            page.cell(row, number).number_format = "@"
        page.column_dimensions[get_column_letter(number)].width = _WIDTH
    page.freeze_panes = "A2"


def _needed(column: Column) -> str:
    return "yes 是" if column.required else ""


def _may(column: Column) -> str:
    return ", ".join(column.choices) if column.choices else column.content.value
