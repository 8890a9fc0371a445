"""Comparing sheets with the moves that wrote them: whose they are, of which round, and what was rated on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, exists, select

from services.audit import digest
from services.chain_checks import Faults, Told
from services.effects import SHEET_KINDS, ratings_content
from services.id_sets import IdSet
from services.judging import RATING, SCORE, SHEET
from services.unit_of_work import Transaction

_BATCH = 500
_IDS: Any = bindparam("ids", expanding=True)
_OF_STATEMENTS = select(SHEET).where(SHEET.c.id.in_(_IDS))
_OF_SCORES = (
    select(SHEET, SCORE.c.id.label("score_id")).join(SCORE, SCORE.c.sheet_id == SHEET.c.id).where(SCORE.c.id.in_(_IDS))
)
_RATINGS = select(RATING).where(RATING.c.sheet_id.in_(_IDS)).order_by(RATING.c.id)
_STATEMENTS = select(SHEET.c.id).where(SHEET.c.kind == "self").order_by(SHEET.c.id)
_EMPTY = (
    select(SHEET.c.id)
    .where(SHEET.c.kind != "self", ~exists(select(SCORE.c.id).where(SCORE.c.sheet_id == SHEET.c.id)))
    .order_by(SHEET.c.id)
)


@dataclass(slots=True)
class Sheets:
    """Compares the sheets of moves as they come."""

    tx: Transaction
    faults: Faults
    _written: dict[int, tuple[Any, Told]] = field(default_factory=dict)
    _scored: dict[int, tuple[Any, Told]] = field(default_factory=dict)
    _known: IdSet = field(default_factory=IdSet)

    def take(self, move: Any, told: Told) -> None:
        """Take in a move that wrote a sheet: an own statement, or a score."""
        if isinstance(sheet := told.payload.get("sheet"), int):
            self._written[sheet] = (move, told)
            self._known.add(sheet)
        if "score" in told.payload and move.score_id is not None:
            self._scored[move.score_id] = (move, told)

    def flush(self) -> None:
        """Compare what was taken in so far."""
        for some in _batches(list(self._written)):
            rows = {row.id: row for row in self.tx.all(_OF_STATEMENTS, {"ids": some})}
            ratings: dict[int, list[Any]] = {}
            for row in self.tx.all(_RATINGS, {"ids": some}):
                ratings.setdefault(row.sheet_id, []).append(row)
            for number in some:
                move, told = self._written[number]
                self._compare(rows.get(number), move, told, "self")
                rated = {row.item: row.value for row in ratings.get(number, ())}
                said = told.payload.get("ratings")
                if said != (digest(ratings_content(rated)) if rated else None):
                    self.faults.add("sheet", told.where, "the self scores on its sheet are not those that were sent.")
        for some in _batches(list(self._scored)):
            rows = {row.score_id: row for row in self.tx.all(_OF_SCORES, {"ids": some})}
            for number in some:
                move, told = self._scored[number]
                self._compare(rows.get(number), move, told, SHEET_KINDS.get(move.role, "reviewer"))
        self._written.clear()
        self._scored.clear()

    def check_unvouched(self) -> None:
        """Report sheets that no move wrote."""
        for row in self.tx.stream(_STATEMENTS):
            if row.id not in self._known:
                self.faults.add("no-event", f"sheet {row.id}", "no move wrote it.")
        for row in self.tx.stream(_EMPTY):
            self.faults.add("no-event", f"sheet {row.id}", "it has no score.")

    def _compare(self, sheet: Any, move: Any, told: Told, kind: str) -> None:
        by = move.on_behalf_of if move.on_behalf_of is not None else move.actor_id
        wanted = (move.appraisal_id, by, 1, kind, move.round, move.at)
        if sheet is None:
            self.faults.add("missing-row", told.where, "its sheet is gone.")
        elif (sheet.appraisal_id, sheet.person_id, sheet.seat, sheet.kind, sheet.round, sheet.at) != wanted:
            self.faults.add("sheet", told.where, "its sheet is not the one it wrote.")


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
