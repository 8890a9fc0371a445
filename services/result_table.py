"""The result table of a cycle: one row for each appraisal, unit by unit, and the result of each person.

The same rows are read from two places: from the scores in force while the table is proposed and signed, and from the
final rows once they are written. Both come to one digest, so what was signed is what is final. Rows are streamed: no
table is ever whole in memory.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import FromClause, Row, Select, bindparam, func, literal, select, type_coerce

from models.appraisals import FinalItem, ScoreItem
from models.columns import BIGINT, table_of
from scoring.canonical import canonical
from services import person_results
from services.person_results import APPRAISAL, FINAL, FIRST, HELD, POST, SCORE, SCORE_IN_FORCE, PersonRow
from services.unit_of_work import Transaction
from services.year_results import load_year, of_year
from workflow.vocabulary import LAST_STAGE

FINAL_ITEM = table_of(FinalItem)
SCORE_ITEM = table_of(ScoreItem)

FIGURES = ("points", "recorded", "counted", "reward", "score")
"""The five figures of an item, in points."""

_FIRST_ITEM = 7
"""The place in a row of `_rows` where its item begins; what is before it are the fields of a `TableRow`."""

INPUT_DIGEST = func.coalesce(SCORE.c.ledger_digest, literal("not-rated"))
"""The digest of what a result was computed from: the ledger of its score."""


def _rows(source: FromClause, figures: Any, digest: Any, outcome: Any, items: Any) -> Select[Any]:
    return (
        select(
            APPRAISAL.c.id.label("appraisal_id"),
            POST.c.code.label("post"),
            outcome.label("outcome"),
            digest.label("input_digest"),
            # As stored, in millionths: nobody calculates with these, and there are eight times as many items as rows.
            type_coerce(figures.total, BIGINT).label("total"),
            type_coerce(figures.maximum, BIGINT).label("maximum"),
            figures.grade,
            items.item,
            *(type_coerce(getattr(items, name), BIGINT).label(name) for name in FIGURES),
        )
        .select_from(source)
        .order_by(APPRAISAL.c.unit_no, APPRAISAL.c.id, items.id)
    )


_OF_SCORES = _rows(
    HELD.outerjoin(SCORE, SCORE_IN_FORCE).outerjoin(SCORE_ITEM, SCORE_ITEM.c.score_id == SCORE.c.id),
    SCORE.c,
    INPUT_DIGEST,
    APPRAISAL.c.outcome,
    SCORE_ITEM.c,
).where(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.stage == LAST_STAGE)
_OF_SOME_SCORES = _OF_SCORES.where(APPRAISAL.c.id.in_(bindparam("appraisals", expanding=True)))
_OF_FINALS = _rows(
    HELD.join(FINAL, FINAL.c.appraisal_id == APPRAISAL.c.id).outerjoin(FINAL_ITEM, FINAL_ITEM.c.final_id == FINAL.c.id),
    FINAL.c,
    FINAL.c.input_digest,
    FINAL.c.outcome,
    FINAL_ITEM.c,
).where(APPRAISAL.c.cycle_id == bindparam("cycle"))
_OF_FIRST_FINALS = _OF_FINALS.where(FIRST)
_OF_SOME_FINALS = _OF_FINALS.where(FINAL.c.id.in_(bindparam("finals", expanding=True)))
_OF_LATE_FINALS = _OF_FINALS.where(
    FINAL.c.supersedes_id.is_(None), FINAL.c.appraisal_id.in_(bindparam("appraisals", expanding=True))
)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One appraisal in the table; total, maximum and grade are empty where the person was not rated.

    Figures are in millionths; each of `items` is its id and its five figures.
    """

    appraisal_id: int
    post: str
    outcome: str
    input_digest: str
    total: int | None
    maximum: int | None
    grade: str | None
    items: tuple[tuple[Any, ...], ...]

    def content(self) -> dict[str, Any]:
        """Return what the digest of the table is made of: ids and figures, no names and no numbers of people."""
        return {
            "appraisal": self.appraisal_id,
            "post": self.post,
            "outcome": self.outcome,
            "input": self.input_digest,
            "total": self.total,
            "max": self.maximum,
            "grade": self.grade,
            "items": sorted(self.items),
        }


@dataclass(slots=True)
class Summary:
    """What a table amounts to: its rows, how many were rated, its people, and its digest so far."""

    rows: int = 0
    rated: int = 0
    persons: int = 0
    _hash: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, row: TableRow | PersonRow) -> None:
        """Take in the next row: first every appraisal's, then every person's."""
        self._hash.update(canonical(row.content()) + b"\n")
        if isinstance(row, PersonRow):
            self.persons += 1
            return
        self.rows += 1
        self.rated += row.total is not None

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of all that was taken in."""
        return str(self._hash.hexdigest())


def proposed_table(tx: Transaction, cycle_id: int, carried: Collection[int]) -> Summary:
    """Return the table that the scores in force make, without the appraisals carried over. Two statements.

    A year has no appraisals; its table is that of its people, from the results of its periods.
    """
    summary = Summary()
    for row in _grouped(tx.stream(_OF_SCORES, {"cycle": cycle_id})):
        if row.appraisal_id not in carried:
            summary.add(row)
    year = None if summary.rows else load_year(tx, cycle_id)
    for person in person_results.of_scores(tx, cycle_id, carried) if year is None else of_year(tx, year):
        summary.add(person)
    return summary


def written_table(tx: Transaction, cycle_id: int) -> tuple[Summary, Iterator[PersonRow]]:
    """Return the table of the final rows, with the people still to be taken in as they come. Two statements."""
    summary = Summary()
    for row in _grouped(tx.stream(_OF_FIRST_FINALS, {"cycle": cycle_id})):
        summary.add(row)
    year = None if summary.rows else load_year(tx, cycle_id)
    return summary, person_results.of_first_finals(tx, cycle_id) if year is None else of_year(tx, year)


def late_table(tx: Transaction, cycle_id: int, appraisals: Sequence[int]) -> Summary:
    """Return the rows of appraisals that closed after the proposal."""
    summary = Summary()
    for row in _grouped(tx.stream(_OF_SOME_SCORES, {"cycle": cycle_id, "appraisals": list(appraisals)})):
        summary.add(row)
    return summary


def late_written(tx: Transaction, cycle_id: int, appraisals: Sequence[int]) -> Summary:
    """Return the same rows as they entered the final table."""
    summary = Summary()
    for row in _grouped(tx.stream(_OF_LATE_FINALS, {"cycle": cycle_id, "appraisals": list(appraisals)})):
        summary.add(row)
    return summary


def finals_table(tx: Transaction, cycle_id: int, finals: Sequence[int]) -> Summary:
    """Return the rows with these ids of the final table."""
    summary = Summary()
    for row in _grouped(tx.stream(_OF_SOME_FINALS, {"cycle": cycle_id, "finals": list(finals)})):
        summary.add(row)
    return summary


def _grouped(rows: Iterable[Row[Any]]) -> Iterator[TableRow]:
    for appraisal_id, group in groupby(map(tuple, rows), key=itemgetter(0)):
        of_one = list(group)
        _, post, outcome, input_digest, total, maximum, grade, first, *_ = of_one[0]
        items = () if first is None else tuple(row[_FIRST_ITEM:] for row in of_one)
        yield TableRow(appraisal_id, post, outcome, input_digest, total, maximum, grade, items)
