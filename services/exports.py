"""Exporting the result table of a cycle: CSV, JSON or a spreadsheet, as far as the viewer may see it, and on record.

Nothing half-written is ever left: a file appears whole or not at all.
"""

import csv
import datetime as dt
import decimal
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from sqlalchemy import bindparam, select

from scoring.numbers import to_decimal
from services import checkpoints, naming, years
from services.actors import Actor
from services.audit import append_event
from services.cycles import created_with
from services.errors import Malformed, Refused
from services.final_rows import FINAL_ITEM, SCORE_ITEM
from services.finalising import stream
from services.result_table import FIGURES
from services.results import Result, read_results
from services.unit_of_work import Transaction, UnitOfWork, use_case
from services.whole_files import whole_file

COLUMNS = (
    "number",
    "name",
    "post",
    "stage",
    "outcome",
    "total",
    "max",
    "grade",
    "final",
    "person_total",
    "person_grade",
    "item",
    *FIGURES,
)
"""One row for each appraisal and item, by employee number; somebody without a score has one row without an item."""

_BATCH = 500
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_IDS: Any = bindparam("ids", expanding=True)
_FINAL_ITEMS = select(FINAL_ITEM).where(FINAL_ITEM.c.final_id.in_(_IDS)).order_by(FINAL_ITEM.c.id)
_SCORE_ITEMS = select(SCORE_ITEM).where(SCORE_ITEM.c.score_id.in_(_IDS)).order_by(SCORE_ITEM.c.id)

Cell = str | Fraction | bool | None
Line = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written: where, in which form, how many rows, and its SHA-256, which the record has."""

    path: Path
    form: str
    rows: int
    sha256: str


@use_case("cycle.export")
def export(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, path: Path) -> Exported:
    """Write the result table of a cycle to a file, in the form its suffix names: .csv, .json or .xlsx.

    An existing file is replaced, once the new one is whole. JSON and the foot of a spreadsheet's pages hold the
    fingerprint of the newest checkpoint; a CSV has no place for it. CSV is UTF-8 with a byte order mark; text that a
    spreadsheet would take for a formula is prefixed with an apostrophe, in CSV and in spreadsheets.

    Raises:
        Malformed: the suffix names no form.
        NotFound: there is no such cycle, or nothing of it is the actor's to see.
        Refused: the cycle is a year.
        Environment: the file cannot be written there.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in _WRITERS:
        known = ", ".join(f".{name}" for name in _WRITERS)
        raise Malformed(f"{path.name} does not say what form to write; let it end in one of {known}.", "bad-format")
    with whole_file(path, replace=True) as out:
        with uow.read() as tx:
            newest = checkpoints.newest(tx)
            fingerprint = None if newest is None else newest.fingerprint
            results = read_results(tx, viewer=actor, now=now, cycle=cycle)
            if not results and years.rule_of(created_with(tx, naming.cycle(tx, cycle).id)) is not None:
                raise Refused(
                    f"{cycle} is a year and has no appraisals; export its periods, or take `appraise cycle results "
                    f"{cycle} --json`.",
                    "a-year",
                )
            rows = _WRITERS[form](out, (cycle, fingerprint), _lines(tx, results))
        digest = _sha256(out)
        with uow.write() as tx:
            payload = {"format": form, "rows": rows, "sha256": digest}
            append_event(tx, stream(naming.cycle(tx, cycle).id), "exported", actor=actor, at=now, payload=payload)
    return Exported(path, form, rows, digest)


def _sha256(out: IO[bytes]) -> str:
    out.flush()
    out.seek(0)
    digest = hashlib.sha256()
    while part := out.read(1 << 16):
        digest.update(part)
    return digest.hexdigest()


def _lines(tx: Transaction, results: Sequence[Result]) -> Iterator[Line]:
    for start in range(0, len(results), _BATCH):
        batch = results[start : start + _BATCH]
        finals = _items(tx, _FINAL_ITEMS, "final_id", [row.final_id for row in batch])
        scores = _items(tx, _SCORE_ITEMS, "score_id", [row.score_id for row in batch if row.final_id is None])
        for row in batch:
            head = (
                row.number,
                row.name,
                row.post,
                row.stage,
                row.outcome,
                row.total,
                row.maximum,
                row.grade,
                row.final,
                row.person_total,
                row.person_grade,
            )
            items = finals.get(row.final_id, []) if row.final_id is not None else scores.get(row.score_id, [])
            for item in items or [(None,) * (1 + len(FIGURES))]:
                yield (*head, *item)


def _items(tx: Transaction, statement: Any, key: str, owners: Sequence[int | None]) -> Mapping[int | None, list[Line]]:
    ids = [owner for owner in owners if owner is not None]
    found: dict[int | None, list[Line]] = {}
    for row in tx.all(statement, {"ids": ids}) if ids else ():
        figures = (getattr(row, name) for name in FIGURES)
        found.setdefault(getattr(row, key), []).append((row.item, *figures))
    return found


def _write_csv(out: IO[bytes], _of: tuple[str, str | None], lines: Iterator[Line]) -> int:
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for line in lines:
        writer.writerow([_plain(cell) for cell in line])
        count += 1
    text.flush()
    text.detach()
    return count


def _write_json(out: IO[bytes], of: tuple[str, str | None], lines: Iterator[Line]) -> int:
    cycle, fingerprint = of
    head = json.dumps({"cycle": cycle, "checkpoint": fingerprint}, ensure_ascii=False).removesuffix("}")
    out.write(f'{head}, "rows": ['.encode())
    count = 0
    for line in lines:
        row = {
            name: to_decimal(cell) if isinstance(cell, Fraction) else cell
            for name, cell in zip(COLUMNS, line, strict=True)
        }
        out.write((",\n" if count else "\n").encode() + json.dumps(row, ensure_ascii=False).encode())
        count += 1
    out.write(b"\n]}\n")
    return count


def _write_xlsx(out: IO[bytes], of: tuple[str, str | None], lines: Iterator[Line]) -> int:
    from openpyxl import Workbook

    cycle, fingerprint = of
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title=_sheet_title(cycle))
    if fingerprint is not None:
        # At the foot of each printed page.
        sheet.oddFooter.center.text = f"Newest checkpoint: {fingerprint}"
    sheet.append(COLUMNS)
    count = 0
    for line in lines:
        sheet.append([_cell(cell) for cell in line])
        count += 1
    book.save(out)
    return count


_WRITERS: Mapping[str, Callable[[IO[bytes], tuple[str, str | None], Iterator[Line]], int]] = {
    "csv": _write_csv,
    "json": _write_json,
    "xlsx": _write_xlsx,
}


def guarded(text: str | None) -> str:
    """Return text that no spreadsheet takes for a formula (G17)."""
    if not text:
        return ""
    return f"'{text}" if text[0] in _FORMULA or text.lstrip()[:1] in _FORMULA else text


def _plain(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return to_decimal(cell) if isinstance(cell, Fraction) else guarded(cell)


def _cell(cell: Cell) -> str | decimal.Decimal | None:
    if isinstance(cell, Fraction):
        return decimal.Decimal(to_decimal(cell))
    return None if cell is None else _plain(cell)


def _sheet_title(cycle: str) -> str:
    """Return a name that a spreadsheet takes: no brackets or slashes, at most 31 characters."""
    return "".join("-" if letter in "[]:*?/\\" else letter for letter in cycle)[:31] or "results"
