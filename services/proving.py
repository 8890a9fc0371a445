"""Proving scores: the ledger is scored anew with the pinned version of the rubric and compared with what is stored.

An appraisal is proved once its ledger is closed; a corrected one with the corrections that its final row rests on.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, or_, select, type_coerce

from models.columns import BIGINT, MILLIONTH, table_of
from models.cycles import Cycle
from models.people import Person
from scoring.errors import ScoringError
from scoring.ledger import Ledger
from scoring.numbers import to_decimal
from scoring.plan import plan_for
from scoring.result import ItemScore
from scoring.rubric import Rubric
from scoring.score import ARITHMETIC
from scoring.score import score as score_ledger
from services import correction_records as records
from services import ledgers, naming
from services.audit import stamp
from services.calendars import closures
from services.definitions import rubric_of
from services.errors import NotFound
from services.judging import SCORE, SCORE_ITEM, with_pending
from services.ledger_ranges import load_range
from services.outbox import owe_job
from services.outbox_jobs import record_failure
from services.person_results import APPRAISAL, DEFINITION, FINAL, HELD, IN_FORCE, POST
from services.result_table import FIGURES
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import Outcome

CYCLE = table_of(Cycle)
PERSON = table_of(Person)

_SCORED = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.assignment_id,
        PERSON.c.number,
        POST.c.code.label("post"),
        SCORE.c.id.label("score_id"),
        SCORE.c.rubric_id,
        SCORE.c.arithmetic,
        SCORE.c.ledger_digest,
        SCORE.c.as_of,
        # As stored, in millionths: they are only compared.
        type_coerce(SCORE.c.total, BIGINT).label("total"),
        type_coerce(SCORE.c.maximum, BIGINT).label("maximum"),
        SCORE.c.grade,
        DEFINITION.c.digest.label("rubric_digest"),
    )
    .select_from(
        HELD.join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .outerjoin(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE))
        .join(SCORE, SCORE.c.id == func.coalesce(FINAL.c.score_id, APPRAISAL.c.score_id))
        .join(DEFINITION, DEFINITION.c.id == SCORE.c.rubric_id)
    )
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        APPRAISAL.c.id.between(bindparam("first"), bindparam("last")),
        APPRAISAL.c.stage.not_in(ledgers.OPEN_STAGES),
        or_(APPRAISAL.c.outcome.is_(None), APPRAISAL.c.outcome != Outcome.NOT_RATED.value),
    )
    .order_by(APPRAISAL.c.id)
)
_ITEMS = select(
    SCORE_ITEM.c.score_id, SCORE_ITEM.c.item, *(type_coerce(SCORE_ITEM.c[name], BIGINT).label(name) for name in FIGURES)
).where(SCORE_ITEM.c.score_id.in_(bindparam("scores", expanding=True)))
_BOUNDS = select(func.min(APPRAISAL.c.id).label("low"), func.max(APPRAISAL.c.id).label("high")).where(
    APPRAISAL.c.cycle_id == bindparam("cycle")
)
_CYCLE = select(CYCLE).where(CYCLE.c.id == bindparam("cycle"))
_ALL = 2**62
_PAGE = 500
"""Scores whose ledgers are in memory at once."""

Items = Mapping[str, tuple[int, ...]]
"""The figures of each item in millionths."""

Progress = Callable[[int], None]
"""Told how many scores are proved."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise: `what` is total, maximum, grade, ledger, arithmetic, score or an item."""

    appraisal_id: int
    code: str
    what: str
    stored: str | None
    proved: str | None

    def __str__(self) -> str:
        """Return it as a person reads it."""
        return f"{self.code}: {self.what} is stored as {self.stored} and comes to {self.proved}."


@dataclass(frozen=True, slots=True)
class Proof:
    """How many scores were proved, and every difference found."""

    cycle: str
    checked: int
    differences: tuple[Difference, ...]


def prove(
    uow: UnitOfWork, *, cycle: str | int, first: int = 0, last: int = _ALL, progress: Progress | None = None
) -> Proof:
    """Score the closed ledgers of a cycle anew and compare totals, items, grades and the ledgers' digests.

    Args:
        uow: the database.
        cycle: the code of the cycle, or its id.
        first: the first appraisal id that is proved.
        last: the last one.
        progress: told after each score how many are done.

    Raises:
        NotFound: there is no such cycle.
        Environment: a published rubric no longer has its content.
    """
    with uow.read() as tx:
        row = naming.cycle(tx, cycle) if isinstance(cycle, str) else _cycle(tx, cycle)
        closed_days = closures(tx)
        corrections = records.events_of(tx, row.id)
        checked = 0
        found: list[Difference] = []
        for page in _pages(tx.stream(_SCORED, {"cycle": row.id, "first": first, "last": last}, batch=_PAGE)):
            read = load_range(
                tx,
                cycle_id=row.id,
                period=(row.period_from, row.period_to),
                first=page[0].id,
                last=page[-1].id,
                closed_days=closed_days,
            )
            kept = _kept(tx, page)
            for scored in page:
                recorded = corrections.get(scored.id, [])
                pending = records.decisions(recorded, until_score=scored.score_id) if recorded else ()
                rubric = rubric_of(tx, scored.rubric_id, scored.rubric_digest)
                ledger = with_pending(read.of(scored.id, rubric.settings.calendar), pending)
                found.extend(_compare(row.code, scored, rubric, ledger, kept.get(scored.score_id, {})))
                checked += 1
                if progress is not None:
                    progress(checked)
    return Proof(row.code, checked, tuple(found))


def prove_chunk(uow: UnitOfWork, *, now: dt.datetime, cycle_id: int, first: int, last: int) -> Proof:
    """Prove one range as a job does: what comes out otherwise is shown to an operator.

    Raises:
        NotFound: there is no such cycle.
    """
    proof = prove(uow, cycle=cycle_id, first=first, last=last)
    if proof.differences:
        wrong = sorted({difference.appraisal_id for difference in proof.differences})
        with uow.write() as tx:
            details = {"cycle": proof.cycle, "appraisals": wrong}
            record_failure(tx, "finalising", cycle_id, "not-proven", details=details, at=now)
    return proof


def owe_proof(uow: UnitOfWork, *, now: dt.datetime, cycle: str, chunk: int = 500) -> int:
    """Owe the proof of every score of a cycle to the jobs, in ranges of `chunk` ids; how many runs are owed.

    Raises:
        NotFound: there is no such cycle.
    """
    with uow.write() as tx:
        row = naming.cycle(tx, cycle)
        bounds = tx.first(_BOUNDS, {"cycle": row.id})
        if bounds is None or bounds.low is None:
            return 0
        starts = range(bounds.low, bounds.high + 1, chunk)
        for first in starts:
            args = {"cycle_id": row.id, "first": first, "last": min(first + chunk - 1, bounds.high)}
            key = f"prove/{row.id}/{first}/{stamp(now)}"
            owe_job(tx, name="scores.prove", args=args, dedupe_key=key, now=now)
    return len(starts)


def _cycle(tx: Transaction, cycle_id: int) -> Row[Any]:
    row = tx.first(_CYCLE, {"cycle": cycle_id})
    if row is None:
        raise NotFound(f"There is no cycle with the id {cycle_id}.", "unknown-cycle")
    return row


def _pages(rows: Iterator[Row[Any]]) -> Iterator[list[Row[Any]]]:
    while page := list(islice(rows, _PAGE)):
        yield page


def _kept(tx: Transaction, page: Sequence[Row[Any]]) -> Mapping[int, Items]:
    """Return the items of a page's scores as they are stored, by score."""
    kept: dict[int, dict[str, tuple[int, ...]]] = {}
    row: tuple[Any, ...]
    for row in map(tuple, tx.all(_ITEMS, {"scores": [scored.score_id for scored in page]})):
        kept.setdefault(row[0], {})[row[1]] = row[2:]
    return kept


def _compare(cycle: str, stored: Row[Any], rubric: Rubric, ledger: Ledger, kept: Items) -> Iterator[Difference]:
    def differs(what: str, was: str | None, now: str | None) -> Difference:
        return Difference(stored.id, f"{cycle}/{stored.number}@{stored.post}", what, was, now)

    if stored.arithmetic != ARITHMETIC:
        yield differs("arithmetic", str(stored.arithmetic), str(ARITHMETIC))
    digest = ledger.digest
    if stored.ledger_digest != digest:
        yield differs("ledger", stored.ledger_digest[:12], digest[:12])
    try:
        score = score_ledger(rubric, stored.post, ledger, stored.as_of)
    except ScoringError as error:
        yield differs("score", _decimal(stored.total), str(error))
        return
    for what, was, proved in (("total", stored.total, score.total), ("maximum", stored.maximum, score.maximum)):
        if was != _millionths(proved):
            yield differs(what, _decimal(was), to_decimal(proved))
    if stored.grade != score.grade:
        yield differs("grade", stored.grade, score.grade)
    untouched = _untouched(rubric, stored.post)
    made = {
        item.id: untouched[item.id] if item is plan.untouched else _in_millionths(item)
        for item, plan in zip(score.items, plan_for(rubric, stored.post).items, strict=True)
    }
    if kept == made:
        return
    for item in [*made, *(item for item in kept if item not in made)]:
        if kept.get(item) != made.get(item):
            yield differs(item, _figures(kept.get(item)), _figures(made.get(item)))


@lru_cache(maxsize=1024)
def _untouched(rubric: Rubric, post: str) -> Items:
    """Return the figures of the items of a post as they are where nothing happened: most of all items."""
    return {plan.item.id: _in_millionths(plan.untouched) for plan in plan_for(rubric, post).items}


def _in_millionths(item: ItemScore) -> tuple[int, ...]:
    return tuple(_millionths(getattr(item, name)) for name in FIGURES)


def _millionths(figure: Fraction) -> int:
    """Return a figure in millionths, as it is stored; what no millionth holds could not have been stored."""
    millionths, rest = divmod(figure.numerator * MILLIONTH, figure.denominator)
    if rest:
        raise ValueError(f"{figure} does not fit in millionths.")
    return millionths


def _figures(figures: tuple[int, ...] | None) -> str | None:
    if figures is None:
        return None
    return " ".join(f"{name} {_decimal(value)}" for name, value in zip(FIGURES, figures, strict=True))


def _decimal(millionths: int) -> str:
    return to_decimal(Fraction(millionths, MILLIONTH))
