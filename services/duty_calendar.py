"""The calendar of scheduled duties: what was done where, and whom to warn before a month ends (reading 4)."""

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import bindparam, exists, or_, select

from models.columns import table_of
from models.findings import DutyRecord
from models.people import Absence, Assignment, Post
from scoring.duties import duty_months, expected_months, last_scored_day, warning_day
from scoring.ledger import Ledger
from scoring.plan import plan_for
from scoring.rubric import Rule
from services import delegations
from services.actors import Actor
from services.calendars import Closures, closures, working_days
from services.errors import NotFound, Refused
from services.finding_checks import held_by_id, held_on
from services.grants import today
from services.ledger_sight import ledger_sight
from services.ledgers import LedgerState, load, state
from services.naming import unseen
from services.rubric_in_force import InForce, rubric_in_force
from services.sight import sight
from services.standing import load as load_standing
from services.unit_of_work import Transaction, UnitOfWork, use_case

ABSENCE = table_of(Absence)
ASSIGNMENT = table_of(Assignment)
DUTY = table_of(DutyRecord)
POST = table_of(Post)

_POSTS = (
    select(POST.c.id, POST.c.code)
    .where(
        exists().where(
            ASSIGNMENT.c.post_id == POST.c.id,
            ASSIGNMENT.c.kind == "regular",
            ASSIGNMENT.c.valid_from <= bindparam("on"),
            or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("on")),
        )
    )
    .order_by(POST.c.id)
)
_HOLDERS = (
    select(
        ASSIGNMENT.c.id, ASSIGNMENT.c.person_id, ASSIGNMENT.c.post_id, ASSIGNMENT.c.valid_from, ASSIGNMENT.c.valid_to
    )
    .where(
        ASSIGNMENT.c.post_id.in_(bindparam("posts", expanding=True)),
        ASSIGNMENT.c.kind == "regular",
        ASSIGNMENT.c.valid_from <= bindparam("on"),
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("on")),
        ~exists().where(
            ABSENCE.c.person_id == ASSIGNMENT.c.person_id,
            ABSENCE.c.kind == "protected",
            ABSENCE.c.valid_from <= bindparam("on"),
            or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
        ),
    )
    .order_by(ASSIGNMENT.c.id)
)
_RECORDED = (
    select(DUTY.c.assignment_id, DUTY.c.rule)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == DUTY.c.assignment_id)
    .where(
        DUTY.c.month == bindparam("month"),
        DUTY.c.voided_at.is_(None),
        ASSIGNMENT.c.post_id.in_(bindparam("posts", expanding=True)),
    )
)


@dataclass(frozen=True, slots=True)
class DutyMonthView:
    """A duty in one expected month: `state` is met, missed, excused or pending; `coverage` a share from 0 to 1.

    `sites` maps each site to done, open or closed; `confirmed` says that the assessor confirmed a missed month.
    """

    rule: str
    month: str
    state: str
    coverage: Fraction
    sites: Mapping[str, str]
    confirmed: bool


@dataclass(frozen=True, slots=True)
class DutyWarning:
    """A duty with nothing recorded for the month, whose end `last_day` is near."""

    assignment_id: int
    person_id: int
    rule: str
    month: str
    last_day: dt.date


@use_case("duty.show")
def show_duties(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, on: dt.date | None = None
) -> tuple[DutyMonthView, ...]:
    """Return the duties of a person month by month and site by site, in the period that contains `on` (default: today).

    These are facts: the person, his assessor and reviewer, and who oversees everybody see them.

    Raises:
        Malformed: the name has no such form.
        NotFound: there is no such person, or he is not the viewer's to see.
        Refused: the person had no assignment on that day.
    """
    with uow.read() as tx:
        date = today(tx, now)
        held = held_on(tx, number, on or date)
        at = state(tx, held.id, on or date)
        if not ledger_sight(tx, at, held.person_id, actor=actor, now=now, today=date).facts:
            raise NotFound(f"There are no duties of {number}, or they are not yours to see.", "not-yours")
        force = rubric_in_force(tx, at, post_id=held.post_id, post=held.post)
        return months_of(tx, at, force, post=held.post, today=date)


def months_of(
    tx: Transaction, at: LedgerState, force: InForce, *, post: str, today: dt.date
) -> tuple[DutyMonthView, ...]:
    """Return the duties of an assignment in a post month by month, as of today, for who was found to see them."""
    loaded = load(
        tx,
        assignment_id=at.assignment_id,
        period_from=force.period_from,
        period_to=force.period_to,
        calendar=force.rubric.settings.calendar,
        appraisal_id=at.appraisal_id,
    )
    ledger = loaded.ledger
    day = last_scored_day(force.rubric.settings, ledger, min(today, force.period_to))
    months = duty_months(plan_for(force.rubric, post), ledger, day)
    return tuple(
        DutyMonthView(
            rule=month.plan.rule.id,
            month=month.month,
            state=month.state,
            coverage=month.coverage,
            sites=_sites(ledger, month.plan.rule.id, month.month),
            confirmed=(month.plan.rule.id, month.month) in loaded.confirmed,
        )
        for month in months
    )


def of_appraisal(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str
) -> tuple[str, tuple[DutyMonthView, ...]]:
    """Return whose duties count in an appraisal, as people are named in entries, and the duties month by month.

    Raises:
        Malformed: the code has another form.
        NotFound: there is no such appraisal, or its facts are not the viewer's to see.
    """
    with uow.read() as tx:
        standing, actor = delegations.stand_in(tx, load_standing(tx, [appraisal], actor, now)[0], actor)
        if not sight(tx, standing, actor, standing.today).facts:
            raise unseen(standing.asked)
        row = standing.row
        held = held_by_id(tx, row.assignment_id)
        number, last = f"{row.number}@{row.post}", min(row.period_to, held.valid_to or row.period_to)
    return number, show_duties(uow, actor=actor, now=now, number=number, on=last)


def due_warnings(tx: Transaction, on: dt.date) -> tuple[DutyWarning, ...]:
    """Return the scheduled duties with nothing recorded whose month is about to end, on a day in the office's zone.

    From the day on which as many working days of the month are left, that day included, as the rubric says (five). The
    statements grow with the number of posts and not with that of people.
    """
    closed_days = closures(tx)
    month = f"{on:%Y-%m}"
    last_day = on.replace(day=calendar.monthrange(on.year, on.month)[1])
    due: dict[int, tuple[InForce, tuple[Rule, ...]]] = {}
    for post in tx.all(_POSTS, {"on": on}):
        try:
            force = rubric_in_force(tx, LedgerState(0, on), post_id=post.id, post=post.code)
        except Refused:
            continue  # without a rubric the post has no duties either
        rules = force.rubric.post(post.code).duties
        begins = warning_day(_days(force, closed_days), month, force.rubric.settings)
        if rules and begins is not None and begins <= on:
            due[post.id] = (force, rules)
    if not due:
        return ()
    recorded = {(row.assignment_id, row.rule) for row in tx.all(_RECORDED, {"month": month, "posts": list(due)})}
    return tuple(
        DutyWarning(row.id, row.person_id, rule.id, month, last_day)
        for row in tx.all(_HOLDERS, {"posts": list(due), "on": on})
        for rule in due[row.post_id][1]
        if (row.id, rule.id) not in recorded
        and _expected(due[row.post_id][0], closed_days, month, row.valid_from, row.valid_to)
    )


def _expected(force: InForce, closed_days: Closures, month: str, first: dt.date, last: dt.date | None) -> bool:
    ledger = Ledger(
        period_from=force.period_from,
        period_to=force.period_to,
        working_days=_days(force, closed_days),
        assignment_from=first,
        assignment_to=last,
    )
    return month in expected_months(force.rubric.settings, ledger)


def _days(force: InForce, closed_days: Closures) -> frozenset[dt.date]:
    return working_days(force.rubric.settings.calendar, force.period_from, force.period_to, closed_days)


def _sites(ledger: Ledger, rule: str, month: str) -> dict[str, str]:
    done = {
        site
        for record in ledger.duties
        if record.rule == rule and record.month == month and not record.voided
        for site in record.sites
    }
    return {
        site: "closed" if month in ledger.closed.get(site, ()) else "done" if site in done else "open"
        for site in sorted(ledger.sites)
    }
