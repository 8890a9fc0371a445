"""Reading a spreadsheet that somebody made elsewhere: xlsx, or CSV in whatever encoding an office program wrote.

Nothing is evaluated: a cell with a formula is handed on as a formula, for the reader to refuse. Sizes are limited
before anything is unpacked.
"""

import csv
import datetime as dt
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from services.errors import Malformed

MAX_BYTES = 50_000_000
MAX_UNPACKED = 500_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 100
MAX_CELL = 10_000

_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]")

Value = str | int | float | bool | dt.datetime | dt.date | dt.time | None


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that holds a formula; it is never worked out."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number as the office program shows it, and its cells."""

    number: int
    cells: tuple[Value | Formula, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet: the row with the names of the columns, and the rows under it that are neither empty nor comments."""

    name: str
    header: tuple[str, ...]
    header_row: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Spreadsheet:
    """The tables of a file, and how it was read: `xlsx`, or `csv` and its encoding."""

    form: str
    encoding: str | None
    tables: tuple[Table, ...]

    @property
    def took(self) -> str:
        """How the file was read, in a few words."""
        return self.form if self.encoding is None else f"{self.form}, {self.encoding}"


def read(data: bytes, *, where: str) -> Spreadsheet:
    """Read a file; its form is known by its content, not by its name.

    Raises:
        Malformed: it is too large, damaged, of another form, or in no encoding we know.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(f"{where} is larger than {MAX_BYTES // 1_000_000} MB; split it.", "too-large")
    if data.startswith(b"PK\x03\x04"):
        return Spreadsheet("xlsx", None, tuple(_workbook(data, where)))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Malformed(
            f"{where} is an old .xls file or is locked with a password; save it as .xlsx without one.", "unknown-form"
        )
    text, encoding = decode(data, where=where)
    return Spreadsheet("csv", encoding, (_flat(text, where),))


def _workbook(data: bytes, where: str) -> Iterator[Table]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise Malformed(f"{where} unpacks to more than {MAX_UNPACKED // 1_000_000} MB; split it.", "too-large")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, TypeError, ParseError) as error:
        raise Malformed(f"{where} is no readable xlsx file ({error}); save it again as .xlsx.", "damaged") from error
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            rows = (
                Line(number, tuple(_cell(cell.value, cell.data_type) for cell in row))
                for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), start=1)
            )
            yield _table(sheet.title, rows, where)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, ParseError) as error:
        raise Malformed(f"{where} is damaged ({error}); save it again as .xlsx.", "damaged") from error
    finally:
        book.close()


def _cell(value: Any, data_type: str) -> Value | Formula:
    if data_type == "f":
        return Formula(str(getattr(value, "text", value)))
    if isinstance(value, str):
        return value[:MAX_CELL] if value.strip() else None
    if isinstance(value, dt.timedelta):
        return str(value)
    return value if isinstance(value, int | float | bool | dt.date | dt.time) else None


def _table(name: str, rows: Iterable[Line], where: str) -> Table:
    header: Line | None = None
    lines: list[Line] = []
    for row in rows:
        if all(cell is None for cell in row.cells) or _is_comment(row.cells[0]):
            continue
        if header is None:
            header = row
            continue
        if len(lines) == MAX_ROWS:
            raise Malformed(f"{where}: the sheet {name} has more than {MAX_ROWS} rows; split it.", "too-large")
        lines.append(row)
    if header is None:
        return Table(name, (), 0, ())
    titles = tuple("" if cell is None or isinstance(cell, Formula) else str(cell) for cell in header.cells)
    return Table(name, titles, header.number, tuple(lines))


def _is_comment(cell: Value | Formula) -> bool:
    return isinstance(cell, str) and cell.lstrip().startswith(("#", "＃"))


def _flat(text: str, where: str) -> Table:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    name = re.split(r"[\\/]", where)[-1].rpartition(".")[0] or where
    try:
        return _table(name, _csv_rows(reader), where)
    except csv.Error as error:
        raise Malformed(f"{where}, line {reader.line_num}: {error}; check the quotation marks.", "damaged") from error


def _csv_rows(reader: Any) -> Iterator[Line]:
    start = 1
    for row in reader:
        cells: Sequence[str] = row[:MAX_COLUMNS]
        # A field may go on over several lines; people look a row up by the line it begins on.
        yield Line(start, tuple(_csv_cell(cell) for cell in cells) or (None,))
        start = reader.line_num + 1


def _csv_cell(cell: str) -> Value | Formula:
    if not cell.strip():
        return None
    return Formula(cell) if cell.lstrip().startswith("=") else cell[:MAX_CELL]


def decode(data: bytes, *, where: str) -> tuple[str, str]:
    """Return the text of a CSV file and the name of its encoding.

    UTF-8 and UTF-16, with a byte order mark or without, and GB18030 (with it GBK and GB2312) are known. Any bytes can
    be read as GB18030 by accident, so what it gives must also look like Chinese writing.

    Raises:
        Malformed: it is none of them.
    """
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], codec, name, where), name
    if (guess := _utf_16(data)) is not None:
        return _strict(data, guess, guess.upper(), where), guess.upper()
    try:
        text, name = data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        try:
            text, name = data.decode("gb18030"), "GB18030"
        except UnicodeDecodeError:
            raise _unknown(where) from None
        if not _looks_chinese(text):
            raise _unknown(where) from None
    if _NO_TEXT.search(text):
        raise _unknown(where)
    return text, name


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8 with a byte order mark"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
    (b"\x84\x31\x95\x33", "gb18030", "GB18030"),
)


def _strict(data: bytes, codec: str, name: str, where: str) -> str:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise Malformed(
            f"{where} begins as {name} and is damaged at byte {error.start}; save it again as CSV UTF-8.",
            "unknown-encoding",
        ) from error
    if _NO_TEXT.search(text):
        raise _unknown(where)
    return text


def _utf_16(data: bytes) -> str | None:
    """Tell UTF-16 without a mark by its separators: a comma or line end has a zero byte beside it."""
    sample = data[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > even:
        return "utf-16-le"
    return "utf-16-be" if even else None


def _looks_chinese(text: str) -> bool:
    foreign = [letter for letter in text if not letter.isascii()]
    if any(unicodedata.category(letter) in {"Co", "Cn", "Cs", "Cc"} for letter in foreign):
        return False
    # A Latin letter with an accent swallows its neighbour and comes out as a character in the middle of a word.
    if re.search(r"[A-Za-z][^\x00-\x7f][A-Za-z]", text):
        return False
    rare = sum(1 for letter in foreign if not _is_common(letter))
    return rare * 4 <= len(foreign)


def _is_common(letter: str) -> bool:
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _unknown(where: str) -> Malformed:
    return Malformed(
        f"{where} is in no encoding we know (UTF-8, UTF-16, GB18030); save it as xlsx or as CSV UTF-8.",
        "unknown-encoding",
    )
