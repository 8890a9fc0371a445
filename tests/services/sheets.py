"""Spreadsheets to import in tests: a bank of seven people, sheet by sheet, and ways to change one cell of it."""

import copy
import io
from typing import Any

from openpyxl import Workbook

Rows = list[list[Any]]
Sheets = dict[str, Rows]

BANK: Sheets = {
    "organisation": [
        ["name", "kind", "zone", "language", "calendar"],
        ["A bank", "practice", "Asia/Shanghai", "en", "CN"],
    ],
    "units": [["code", "name", "parent", "head"], ["bank", "Bank", "", "1001"], ["office", "办公室", "bank", "1002"]],
    "posts": [
        ["code", "name-en", "name-zh", "aliases"],
        ["president", "President", "行长", ""],
        ["director", "Director", "办公室主任", ""],
        ["personnel-officer", "Personnel officer", "人事劳资员", "personnel supervisor"],
        ["escort", "Escort", "押运员", "doorman; security personnel"],
    ],
    "people": [
        ["number", "name", "language", "email", "joined", "left"],
        ["1001", "高建国", "zh", "p1001@bank.example", "2019-03-01", ""],
        ["1002", "Henrik Dahl", "en", "p1002@bank.example", "2019-03-01", ""],
        ["1003", "王芳", "zh", "p1003@bank.example", "2019-03-01", ""],
        ["1004", "张伟", "zh", "p1004@bank.example", "2019-03-01", ""],
        ["1005", "张伟", "zh", "", "2019-03-01", ""],
        ["1006", "Ana Petrova", "en", "p1006@bank.example", "2019-03-01", ""],
        ["1007", "Karl Weiss", "en", "p1007@bank.example", "2015-01-05", "2026-02-27"],
    ],
    "assignments": [
        ["number", "post", "unit", "manager", "in-charge", "kind", "main", "weight", "from", "to"],
        ["1001", "president", "bank", "", "", "", "", "", "2019-03-01", ""],
        ["1002", "director", "office", "1001", "1001", "", "", "", "2019-03-01", ""],
        ["1003", "personnel-officer", "office", "1002", "1002", "", "", "", "2019-03-01", ""],
        ["1004", "escort", "office", "1002", "1006", "", "", "", "2019-03-01", ""],
        ["1005", "escort", "office", "1002", "1006", "", "", "", "2019-03-01", ""],
        ["1006", "escort", "office", "1002", "1002", "", "", "", "2019-03-01", ""],
        ["1007", "escort", "office", "1002", "1002", "", "", "", "2019-03-01", ""],
    ],
    "grants": [["number", "role", "unit", "from", "to"], ["1003", "hr", "", "2025-01-01", ""]],
}


def bank() -> Sheets:
    """A copy of the bank to change."""
    return copy.deepcopy(BANK)


def changed(sheet: str, number: str, column: str, value: Any) -> Sheets:
    """The bank with one cell changed, in the first row whose first cell is `number`."""
    sheets = bank()
    header, *rows = sheets[sheet]
    row = next(row for row in rows if row[0] == number)
    row[header.index(column)] = value
    return sheets


def with_row(sheet: str, *cells: Any) -> Sheets:
    """The bank with one more row."""
    sheets = bank()
    sheets[sheet].append(list(cells))
    return sheets


def without(number: str) -> Sheets:
    """The bank as a file that no longer has one person."""
    sheets = bank()
    for name in ("people", "assignments", "grants"):
        sheets[name] = [row for row in sheets[name] if row[0] != number]
    return sheets


def xlsx(sheets: Sheets) -> bytes:
    """The file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()
