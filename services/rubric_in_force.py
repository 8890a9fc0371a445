"""By which rubric, and in which period, something about an assignment is judged (domain.md, reading 12)."""

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, bindparam, exists, or_, select

from models.columns import table_of
from models.cycles import Cycle, CycleRubric
from models.rubrics import Definition
from scoring.rubric import Rubric
from services.definitions import digest_asked, rubric_of
from services.errors import Refused
from services.ledgers import LedgerState
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState

CYCLE = table_of(Cycle)
_CHILD = CYCLE.alias("child")
CYCLE_RUBRIC = table_of(CycleRubric)
DEFINITION = table_of(Definition)

_COVERING = (
    select(CYCLE.c.period_from, CYCLE.c.period_to, CYCLE_RUBRIC.c.definition_id)
    .outerjoin(CYCLE_RUBRIC, (CYCLE_RUBRIC.c.cycle_id == CYCLE.c.id) & (CYCLE_RUBRIC.c.post_id == bindparam("post")))
    .where(
        CYCLE.c.state != CycleState.CANCELLED.value,
        CYCLE.c.period_from <= bindparam("on"),
        CYCLE.c.period_to >= bindparam("on"),
        # A year of quarters has no rubrics of its own: it covers no day.
        ~exists(select(_CHILD.c.id).where(_CHILD.c.parent_id == CYCLE.c.id)),
    )
    .order_by(CYCLE.c.period_from.desc(), CYCLE.c.period_to)
    .limit(1)
)
_PUBLISHED = (
    select(DEFINITION.c.id, DEFINITION.c.digest)
    .where(
        DEFINITION.c.kind == "rubric",
        or_(DEFINITION.c.adopted.is_(None), DEFINITION.c.adopted <= bindparam("first")),
        or_(DEFINITION.c.announced.is_(None), DEFINITION.c.announced <= bindparam("first")),
    )
    .order_by(DEFINITION.c.published_at.desc(), DEFINITION.c.id.desc())
)
_QUARTER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class InForce:
    """A rubric and the period, both days inclusive, in which it judges."""

    rubric: Rubric
    period_from: dt.date
    period_to: dt.date


def rubric_in_force(tx: Transaction, state: LedgerState, *, post_id: int, post: str) -> InForce:
    """Return the rubric an entry of the ledger is checked by.

    That of the appraisal, where it is open; else that of the cycle which covers the day; else the rubric published
    last that has the post and was adopted and announced by the first day of the period. Where no cycle covers the day
    the period is its calendar quarter.

    Args:
        tx: the open transaction.
        state: of the day by which the entry counts.
        post_id: the post of the assignment.
        post: its code.

    Raises:
        Refused: no published rubric has the post in that period.
    """
    if state.rubric_id is not None and state.period_from is not None and state.period_to is not None:
        return InForce(rubric_of(tx, state.rubric_id), state.period_from, state.period_to)
    cycle = tx.first(*covering_asked(post_id, state.on))
    first, last = (cycle.period_from, cycle.period_to) if cycle is not None else quarter_of(state.on)
    if cycle is not None and cycle.definition_id is not None:
        return InForce(rubric_of(tx, cycle.definition_id), first, last)
    for row in tx.all(_PUBLISHED, {"first": first}):
        rubric = rubric_of(tx, row.id, row.digest)
        if any(one.id == post for one in rubric.posts):
            return InForce(rubric, first, last)
    raise Refused(
        f"No published rubric has the post {post} and was in force on {first}; publish one first, since no rule judges "
        "the past.",
        "no-rubric",
    )


def covering_asked(post_id: int, on: dt.date) -> tuple[Executable, dict[str, Any]]:
    """Return what `rubric_in_force` asks of the database first, where no appraisal says its rubric."""
    return _COVERING, {"post": post_id, "on": on}


def rubric_asked(tx: Transaction, state: LedgerState, post_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `rubric_in_force` asks of the database then."""
    if state.rubric_id is not None:
        return digest_asked("rubric", state.rubric_id)
    cycle = tx.first(*covering_asked(post_id, state.on))
    if cycle is not None and cycle.definition_id is not None:
        return digest_asked("rubric", cycle.definition_id)
    return _PUBLISHED, {"first": quarter_of(state.on)[0] if cycle is None else cycle.period_from}


def quarter_of(day: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of the calendar quarter of a day."""
    first = dt.date(day.year, (day.month - 1) // _QUARTER_MONTHS * _QUARTER_MONTHS + 1, 1)
    month = first.month + _QUARTER_MONTHS - 1
    return first, dt.date(day.year, month, calendar.monthrange(day.year, month)[1])
