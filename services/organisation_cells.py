"""What may stand in a cell of an organisation's spreadsheet, and the sentence for what may not."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.organisation_columns import Column, Content
from services.spreadsheets import Formula, Value
from workflow.vocabulary import Severity

FIRST_YEAR, LAST_YEAR = 1900, 2200
LONGEST_EMAIL = 254

_NUMBER = re.compile(r"(?P<number>[^\s/@#,;()]{1,32})(?:\s*[\s(,]\s*(?P<name>[^()]+?)\s*\)?)?")
_DATE = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?: 00:00(?::00)?)?"
)
_LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_LOCAL}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_CODE = re.compile(r"[^\s/@#]{1,64}")
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_YES = {"yes": True, "y": True, "true": True, "1": True, "x": True, "是": True, "√": True}
_NO = {"no": False, "n": False, "false": False, "0": False, "否": False}
_SEPARATORS = re.compile(r"[;,；，、\n]")


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """Something wrong with a file, or odd: where it stands, what it is and what to do."""

    severity: Severity
    code: str
    sheet: str
    row: int | None
    column: str | None
    text: str

    def __str__(self) -> str:
        place = [f"sheet {self.sheet}"]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.text}"


class CellFault(Exception):  # noqa: N818 - it is a fault of the cell, told to a person
    """A cell that cannot be taken: the code and the sentence; the reader adds the place."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Named:
    """An employee number with the name that stood beside it, for checking."""

    number: str
    name: str | None


def value_of(column: Column, cell: Value | Formula) -> Any:
    """Return what a cell means in its column; None for an empty one.

    A `Named` for employee numbers, a tuple for lists, a Fraction for figures, a day, a bool or a text.

    Raises:
        CellFault: it means nothing there.
    """
    if isinstance(cell, Formula) or (isinstance(cell, str) and cell.lstrip().startswith("=")):
        raise CellFault("formula", "this is a formula, and formulas are not worked out; paste its value.")
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, dt.datetime | dt.date):
        if column.content is not Content.DATE:
            raise CellFault("unexpected-day", f"the day {cell:%Y-%m-%d} stands where {_a(column)} is needed.")
        return _within(cell.date() if isinstance(cell, dt.datetime) else cell)
    if isinstance(cell, dt.time):
        raise CellFault("unexpected-time", f"a time of day stands where {_a(column)} is needed.")
    text = _text(cell, column)
    if column.choices is not None:
        return _choice(column, text)
    return _READERS[column.content](text)


def _a(column: Column) -> str:
    word = column.content.value
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _text(cell: Value, column: Column) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        cell = int(cell) if cell.is_integer() else repr(cell)
    text = unicodedata.normalize("NFC", str(cell)).strip()
    if column.content is not Content.TEXT or column.choices is not None:
        text = unicodedata.normalize("NFKC", text).strip()
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        if column.content is Content.EMAIL:
            raise CellFault("email-line-break", "this address has a line break in it; write one address on one line.")
        raise CellFault("line-break", "this has a line break or a control character in it; write it on one line.")
    if any(unicodedata.bidirectional(letter) in _TURNING for letter in text):
        raise CellFault("hidden-character", "this has a hidden character that turns the writing; type it anew.")
    return text if column.content is Content.LIST else " ".join(text.split())


_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _choice(column: Column, text: str) -> str:
    choices = column.choices or {}
    found = choices.get(text.casefold()) or choices.get(text)
    if found is None:
        raise CellFault("unknown-word", f"{text!r} is not possible; write one of {', '.join(dict.fromkeys(choices))}.")
    return found


def _number(text: str) -> Named:
    match = _NUMBER.fullmatch(text)
    if match is None or not any(letter.isdigit() for letter in match["number"]):
        raise CellFault(
            "bad-number", f"{text!r} is no employee number; write the number, since two people may share a name."
        )
    return Named(match["number"], match["name"])


def _date(text: str) -> dt.date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise CellFault("bad-date", f"{text!r} is no day; write it as 2026-03-31.")
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return _within(dt.date(year, month, day))
    except ValueError:
        raise CellFault("bad-date", f"{text!r} is no day of the calendar; write it as 2026-03-31.") from None


def _within(day: dt.date) -> dt.date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellFault("bad-date", f"{day} lies outside the years {FIRST_YEAR} to {LAST_YEAR}; correct the year.")
    return day


def _yes(text: str) -> bool:
    answer = {**_YES, **_NO}.get(text.casefold())
    if answer is None:
        raise CellFault("unknown-word", f"{text!r} is neither yes nor no.")
    return answer


def _figure(text: str) -> Fraction:
    if _DECIMAL.fullmatch(text) is None:
        raise CellFault("bad-figure", f"{text!r} is no figure; write digits and at most six decimals, such as 0.5.")
    return Fraction(text)


def _email(text: str) -> str:
    if _EMAIL.fullmatch(text) is None or len(text) > LONGEST_EMAIL or ".." in text:
        raise CellFault("bad-email", f"{text!r} is no e-mail address; write one, such as name@bank.example.")
    return text


def _months(text: str) -> tuple[str, ...]:
    months = _list(text)
    for month in months:
        if _MONTH.fullmatch(month) is None:
            raise CellFault("bad-month", f"{month!r} is no month; write months as 2026-02; 2026-03.")
    return tuple(sorted(set(months)))


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEPARATORS.split(text) if part.strip())


_READERS: dict[Content, Callable[[str], Any]] = {
    Content.TEXT: str,
    Content.CODE: str,
    Content.NUMBER: _number,
    Content.DATE: _date,
    Content.YES: _yes,
    Content.FIGURE: _figure,
    Content.EMAIL: _email,
    Content.MONTHS: _months,
    Content.LIST: _list,
}


def is_code(text: str) -> bool:
    """Return whether a text may be the code of a unit, post or site: no space, slash, @ or #."""
    return _CODE.fullmatch(text) is not None
