"""The cycle of a year: the parent of its quarters, months or half-years (W13), open from its first period on."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.cycles import Cycle
from services.actors import Actor
from services.audit import append_event, digest
from services.cycles import advance, create, open_year
from services.plan_form import YearRule, read_year_rule
from services.plan_periods import Every
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState

CYCLE = table_of(Cycle)

_BY_CODE = select(CYCLE).where(CYCLE.c.code == bindparam("code"))
_PERIODS = (
    select(CYCLE)
    .where(CYCLE.c.parent_id == bindparam("cycle"), CYCLE.c.state != CycleState.CANCELLED.value)
    .order_by(CYCLE.c.period_from, CYCLE.c.id)
)


def year_of(
    tx: Transaction,
    *,
    actor: Actor,
    now: dt.datetime,
    code: str,
    year: int,
    every: Every,
    rule: YearRule,
    workflow: str,
) -> int:
    """Return the id of the cycle of a year, made where there is none yet.

    Raises:
        Refused: the code is that of a cycle of another kind, or the year is closed already.
    """
    there = open_year(tx, code)
    if there is not None:
        return there
    facts = {"year": {**rule.model_dump(mode="json"), "every": every.value}}
    period = (dt.date(year, 1, 1), dt.date(year, 12, 31))
    made = create(tx, actor=actor, now=now, code=code, period=period, rubrics=(), workflow=workflow, facts=facts)
    row = tx.first(_BY_CODE, {"code": code})
    if row is not None:
        advance(tx, row, CycleState.OPEN, opened_at=now)
    # It has no roster of its own: its people are those of its periods.
    nobody: dict[str, Any] = {"roster": digest({"rows": []}), "counts": {}, "overrides": {}, "left-out": {}}
    append_event(tx, f"cycle:{made.id}", "opened", actor=actor, at=now, payload=nobody)
    return made.id


def rule_of(created: Mapping[str, Any]) -> YearRule | None:
    """Return how the figure of a year is made, of what its event says, or None where it is no year of periods."""
    content = created.get("year")
    if content is None:
        return None
    return read_year_rule({name: value for name, value in content.items() if name != "every"})


def every_of(created: Mapping[str, Any]) -> Every:
    """Return how long the periods of a year are; only of a cycle that has a rule."""
    return Every(created["year"]["every"])


def periods_of(tx: Transaction, cycle_id: int) -> tuple[Row[Any], ...]:
    """Return the cycles of a year that were not cancelled, in their order."""
    return tuple(tx.all(_PERIODS, {"cycle": cycle_id}))
