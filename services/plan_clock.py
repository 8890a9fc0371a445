"""What the clock does with plans: makes their cycles, tells HR what stands in the way, and opens them on their day.

Any number of processes may run it at once. A plan's row is held while its morning is worked off, in one transaction
with the mark that says so, and every message has a key made of plan, cycle, person and day (G4, G5).
"""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, String, bindparam, cast, literal, or_, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import PlannerMark
from models.people import Grant, Person
from models.rubrics import Plan
from services import calendars, launch, naming, roster
from services.actors import SYSTEM
from services.audit import StoredText, digest
from services.outbox import Promise, promise_many
from services.plan_cycles import Due, calendar_of, due_periods, make, make_year, obstacle, zone_of
from services.plan_form import PlanForm, read_form
from services.plan_periods import MORNING
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import Role, Severity

GRANT = table_of(Grant)
MARK = table_of(PlannerMark)
PERSON = table_of(Person)
PLAN = table_of(Plan)
KIND = "opening-problems"
_ONLY_THE_RUBRIC = frozenset({"rubric-after-period-start", "unknown-rubric"})

_NAME = literal("plan/").concat(cast(PLAN.c.id, String))
_ACTIVE = (
    select(PLAN.c.id, PLAN.c.text, MARK.c.at).outerjoin(MARK, MARK.c.name == _NAME).where(PLAN.c.active).order_by("id")
)
_HELD = select(PLAN).where(PLAN.c.id == bindparam("plan"), PLAN.c.active).with_for_update()
_MARKED = select(MARK.c.at).where(MARK.c.name == bindparam("name"))
_SET_MARK = update(MARK).where(MARK.c.name == bindparam("mark")).values(at=bindparam("new_at", type_=UtcDateTime()))
_HR = (
    select(GRANT.c.person_id)
    .join(PERSON, PERSON.c.id == GRANT.c.person_id)
    .where(
        GRANT.c.role == Role.HR.value,
        GRANT.c.valid_from <= bindparam("on"),
        or_(GRANT.c.valid_to.is_(None), GRANT.c.valid_to >= bindparam("on")),
        or_(PERSON.c.left.is_(None), PERSON.c.left >= bindparam("on")),
        PERSON.c.erased_at.is_(None),
    )
    .distinct()
    .order_by(GRANT.c.person_id)
)


@dataclass(frozen=True, slots=True)
class Worked:
    """What a run did: the codes of the cycles it made and opened, and how many messages it promised."""

    made: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    promised: int = 0


def mark_of(plan_id: int) -> str:
    """Return the name of the mark that says which morning of a plan was worked off."""
    return f"plan/{plan_id}"


def due_plans(tx: Transaction, now: dt.datetime) -> tuple[int, ...]:
    """Return the ids of the plans whose last morning has not been worked off. Two statements."""
    rows = tx.all(_ACTIVE)
    return tuple(row.id for row in rows if row.at is None or row.at < _morning(tx, read_form(row.text), now))


def run(uow: UnitOfWork, *, now: dt.datetime, chunk: int = launch.CHUNK) -> Worked:
    """Work off the morning of every plan that is due, each in a transaction of its own; a second run does nothing.

    `chunk` is how many roster rows a job opens at once.

    Raises:
        Conflict: somebody changed a cycle of a plan at the same moment; the next run takes it up again.
    """
    with uow.read() as tx:
        due = due_plans(tx, now)
    worked = Worked()
    for plan_id in due:
        with uow.write() as tx:
            one = _work_off(tx, plan_id, now, chunk)
        worked = Worked(worked.made + one.made, worked.opened + one.opened, worked.promised + one.promised)
    return worked


def _work_off(tx: Transaction, plan_id: int, now: dt.datetime, chunk: int) -> Worked:
    plan = tx.first(_HELD, {"plan": plan_id})
    if plan is None:
        return Worked()
    form = read_form(plan.text)
    morning = _morning(tx, form, now)
    marked = tx.scalar(_MARKED, {"name": mark_of(plan_id)})
    if marked is not None and marked >= morning:
        return Worked()
    if marked is None:
        tx.run(MARK.insert(), {"name": mark_of(plan_id), "at": now})
    else:
        tx.run(_SET_MARK, {"mark": mark_of(plan_id), "new_at": now})
    on = morning.astimezone(zone_of(tx, form)).date()
    worked = Worked()
    if calendars.is_working_day(calendar_of(tx, form), on, calendars.closures(tx)):
        for due in tuple(due_periods(tx, plan_id, form, on)):
            one = _take_up(tx, plan, form, due, on=on, now=now, chunk=chunk)
            worked = Worked(worked.made + one.made, worked.opened + one.opened, worked.promised + one.promised)
    return worked


def _take_up(
    tx: Transaction, plan: Row[Any], form: PlanForm, due: Due, *, on: dt.date, now: dt.datetime, chunk: int
) -> Worked:
    made: tuple[str, ...] = ()
    if due.cycle_id is None:
        found = obstacle(tx, form, due.period)
        if found is not None:
            if found.code in _ONLY_THE_RUBRIC:  # HR may make this one by hand, as a period of the same year
                make_year(tx, form, due.period, now)
            return Worked(promised=_tell(tx, plan, due, (found,), on=on, now=now))
        make(tx, plan, form, due, now)
        made = (due.code,)
    cycle = naming.cycle_to_change(tx, due.code)
    if cycle.state != "planned":
        return Worked()
    drawn, _ = launch.draw_up(tx, cycle, roster.Choices(), actor=SYSTEM, now=now)
    if on >= due.days.opening and not drawn.errors:
        launch.open_in(tx, actor=SYSTEM, now=now, cycle=due.code, chunk=chunk)
        return Worked(made, (due.code,))
    reasons = {number: StoredText(text, said) for number, (text, said) in form.exceptions.items()}
    roster.write(tx, cycle.id, drawn, reasons)
    return Worked(made, (), _tell(tx, plan, due, drawn.problems, on=on, now=now))


def _tell(
    tx: Transaction, plan: Row[Any], due: Due, problems: Sequence[roster.Problem], *, on: dt.date, now: dt.datetime
) -> int:
    """Promise HR the list: each working day while it has errors, else once for each list that is new."""
    errors = any(problem.severity == Severity.ERROR for problem in problems)
    listed = sorted(f"{problem.severity} {problem.code} {problem.text}" for problem in problems)
    occasion = on.isoformat() if errors else digest({"problems": listed})
    return promise_many(
        tx,
        [
            Promise(
                KIND,
                row.person_id,
                f"plan/{plan.id}/cycle/{due.code}/person/{row.person_id}/{KIND}/{occasion}",
                payload={"plan": plan.id, "cycle": due.code},
            )
            for row in tx.all(_HR, {"on": on})
        ],
        now=now,
    )


def _morning(tx: Transaction, form: PlanForm, now: dt.datetime) -> dt.datetime:
    """Return the last moment, up to `now`, at which a plan's day began."""
    zone = zone_of(tx, form)
    day = now.astimezone(zone).date()
    at = _at(day, zone)
    return at if at <= now else _at(day - dt.timedelta(days=1), zone)


def _at(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, MORNING, zone).astimezone(dt.UTC)
