"""The cycles of a plan: which there are, which are due, what stands in the way of each, and how they are made."""

import datetime as dt
import json
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, String, and_, bindparam, cast, literal, select

from models.columns import table_of
from models.cycles import Cycle
from models.history import Event
from models.rubrics import Plan
from services import calendars, cycles, definitions, naming, roster, years
from services.actors import SYSTEM
from services.errors import AppraiseError
from services.plan_form import PlanForm
from services.plan_periods import Days, Period, days_of, periods
from services.plan_scope import units_below, with_plan
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState, Severity

CYCLE = table_of(Cycle)
EVENT = table_of(Event)
PLAN = table_of(Plan)

_BY_CODES = (
    select(CYCLE.c.id, CYCLE.c.code, CYCLE.c.state, EVENT.c.payload)
    .outerjoin(
        EVENT, and_(EVENT.c.stream == literal("cycle:").concat(cast(CYCLE.c.id, String)), EVENT.c.kind == "created")
    )
    .where(CYCLE.c.code.in_(bindparam("codes", expanding=True)))
)
_MEND = (
    "Publish what is missing, in time; or plan and open this one by hand (appraise cycle new, with --override and, "
    "where it belongs to a year, --year), which the plan then leaves alone."
)


@dataclass(frozen=True, slots=True)
class Due:
    """A period of a plan whose cycle is still to be made (`cycle_id` is None) or to be opened, with its days."""

    period: Period
    code: str
    days: Days
    cycle_id: int | None


def zone_of(tx: Transaction, form: PlanForm) -> zoneinfo.ZoneInfo:
    """Return the zone that a plan's days are counted in."""
    return zoneinfo.ZoneInfo(form.zone or naming.organisation(tx).zone)


def calendar_of(tx: Transaction, form: PlanForm) -> str:
    """Return the working calendar that a plan's days are counted in."""
    return form.calendar or str(naming.organisation(tx).calendar)


def period_days(tx: Transaction, form: PlanForm, period: Period) -> Days:
    """Return when a period of a plan opens, and when HR is first told."""
    return days_of(period, form.working_day, calendar_of(tx, form), calendars.closures(tx))


def due_periods(tx: Transaction, plan_id: int, form: PlanForm, on: dt.date) -> Iterator[Due]:
    """Yield the periods of which HR is to be told by `on`, and whose cycle has not opened, the oldest first.

    A cycle of that code which was made by hand, opened or cancelled is no longer the plan's to open.
    """
    wanted = {period.code(form.suffix): period for period in periods(form.every, form.first, on)}
    there = {row.code: row for row in tx.all(_BY_CODES, {"codes": list(wanted)})}
    for code, period in wanted.items():
        row = there.get(code)
        if row is not None and not (row.state == CycleState.PLANNED and made_by(row) == plan_id):
            continue
        days = period_days(tx, form, period)
        if days.notice <= on:
            yield Due(period, code, days, None if row is None else row.id)


def planned(tx: Transaction, plan_id: int, form: PlanForm, on: dt.date) -> tuple[str, ...]:
    """Return the codes of the cycles that a plan made and that have not opened."""
    codes = [period.code(form.suffix) for period in periods(form.every, form.first, on)]
    rows = tx.all(_BY_CODES, {"codes": codes})
    return tuple(sorted(row.code for row in rows if row.state == CycleState.PLANNED and made_by(row) == plan_id))


def made_by(row: Row[Any]) -> int | None:
    """Return the id of the plan that made a cycle, or None where it was made by hand."""
    content: Mapping[str, Any] = json.loads(row.payload) if row.payload is not None else {}
    return content.get("plan")


def make(tx: Transaction, plan: Row[Any], form: PlanForm, due: Due, now: dt.datetime) -> int:
    """Plan the cycle of a period, and that of its year where there is none yet; return its id. Raises as `obstacle`."""
    parent = make_year(tx, form, due.period, now)
    made = cycles.create(
        tx,
        actor=SYSTEM,
        now=now,
        code=due.code,
        period=(due.period.first, due.period.last),
        rubrics=form.rubrics,
        workflow=form.workflow,
        parent=parent,
        facts={"plan": plan.id, "plan-version": form.version},
    )
    return made.id


def make_year(tx: Transaction, form: PlanForm, period: Period, now: dt.datetime) -> int | None:
    """Return the id of the cycle of a period's year, made where there is none yet; None of a plan without years."""
    if form.year is None:
        return None
    return years.year_of(
        tx,
        actor=SYSTEM,
        now=now,
        code=period.year_code(form.suffix),
        year=period.first.year,
        every=form.every,
        rule=form.year,
        workflow=form.workflow,
    )


def obstacle(tx: Transaction, form: PlanForm, period: Period) -> roster.Problem | None:
    """Return why the cycle of a period cannot be made: nothing is published, or not in time. Nothing is written."""
    try:
        units_below(tx, form.unit)
        definitions.named(tx, "workflow", form.workflow)
        for name in form.rubrics:
            cycles.judging(tx, name, period.first, override=False)
        if form.year is not None:
            cycles.open_year(tx, period.year_code(form.suffix))
    except AppraiseError as error:
        return roster.Problem(Severity.ERROR, error.code, error.sentence, _MEND)
    return None


def problems(tx: Transaction, form: PlanForm, due: Due, on: dt.date) -> Sequence[roster.Problem]:
    """Return what stands in the way of a period as of a day, its cycle made or not; nothing is written."""
    if due.cycle_id is None:
        found = obstacle(tx, form, due.period)
        return () if found is None else (found,)
    cycle = naming.cycle(tx, due.code)
    choices = with_plan(tx, cycle, roster.Choices(), cycles.created_with(tx, cycle.id))
    return roster.draw(tx, cycle, on, choices).problems
