"""Plans: standing orders to open cycles by the calendar; added, shown, removed. Each version has an audit event."""

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, bindparam, delete, select, update

from models.columns import table_of
from models.outbox import PlannerMark
from models.rubrics import Plan
from services import calendars, definitions, naming
from services.access import superiors_of
from services.actors import Actor
from services.audit import append_event, digest, head, store_texts
from services.cycles import demand_hr, period_of
from services.errors import Conflict, Malformed, NotFound, Refused
from services.grants import today
from services.plan_clock import mark_of
from services.plan_cycles import period_days, planned, zone_of
from services.plan_form import PlanForm, YearRule, read_form
from services.plan_periods import Days, Every, Period, before, labels, period_at
from services.plan_scope import units_below
from services.unit_of_work import Transaction, UnitOfWork, use_case

PLAN = table_of(Plan)
MARK = table_of(PlannerMark)

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_LATEST_WORKING_DAY = 60
_BY_CODE = select(PLAN).where(PLAN.c.code == bindparam("code"))
_ALL = select(PLAN).order_by(PLAN.c.code)
_ACTIVE = select(PLAN).where(PLAN.c.active, PLAN.c.code != bindparam("code")).order_by(PLAN.c.code)
_RENEW = update(PLAN).where(PLAN.c.id == bindparam("plan")).values(text=bindparam("new_text"), active=True)
_REMOVE = update(PLAN).where(PLAN.c.id == bindparam("plan"), PLAN.c.active).values(active=False)
_FORGET_MARK = delete(MARK).where(MARK.c.name == bindparam("name"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants planned, as he wrote it.

    `exceptions` has a reason for each employee number. `first` is the code of the first period, such as 2026Q1; by
    default the one that runs. `suffix` tells the codes of two plans apart. Calendar and zone are those the opening day
    is counted in, by default the organisation's.
    """

    every: str
    working_day: int
    rubrics: Sequence[str]
    unit: str
    workflow: str = "quarterly"
    exceptions: Mapping[str, str] = field(default_factory=dict)
    first: str | None = None
    suffix: str = ""
    calendar: str | None = None
    zone: str | None = None
    year: YearRule | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan as it stands; `next_period` is the first whose opening day has not passed."""

    code: str
    active: bool
    form: PlanForm
    next_code: str
    next_period: Period
    next_notice: dt.date
    next_opening: dt.date


@use_case("plan.add")
def add(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, code: str, wanted: Wanted) -> Shown:
    """Add a plan, or the next version of one that was removed; its cycles that are only planned follow the new version.

    Raises:
        Malformed: the code, the periods, the working day, the zone or the weights are not of the form asked for.
        NotFound: there is no such unit, workflow, rubric or person among the exceptions.
        Refused: the plan overlaps with another, there is no such calendar, or the actor is no HR officer or excepts
            himself or a superior.
        Conflict: there is such a plan already.
    """
    if _CODE.fullmatch(code) is None or len(code) > _LONGEST:
        raise Malformed(f"{code!r} cannot name a plan; write small letters, digits and dashes: office.", "bad-code")
    every = _every(wanted.every)
    if not 1 <= wanted.working_day <= _LATEST_WORKING_DAY:
        raise Malformed(
            f"A cycle opens on working day 1 to {_LATEST_WORKING_DAY} after its period, not on {wanted.working_day}.",
            "bad-working-day",
        )
    if wanted.suffix and (_CODE.fullmatch(wanted.suffix) is None or len(wanted.suffix) > _LONGEST):
        raise Malformed(f"{wanted.suffix!r} is no suffix; write small letters, digits and dashes.", "bad-suffix")
    _demand_weights(every, wanted.year)
    with uow.write() as tx:
        demand_hr(tx, actor, now, "add a plan")
        head(tx, "org")  # two who add at once come one after the other, so that neither overlooks the other's
        row = tx.first(_BY_CODE, {"code": code})
        if row is not None and row.active:
            raise Conflict(f"There is a plan {code} already; `appraise plan remove {code}` ends it.", "plan-exists")
        zone = _demand_zone(tx, wanted, now)
        units_below(tx, wanted.unit)
        definitions.named(tx, "workflow", wanted.workflow)
        for name in wanted.rubrics:
            definitions.named(tx, "rubric", name)
        _demand_others(tx, actor, now, wanted.exceptions)
        _demand_apart(tx, code, wanted, every)
        texts = store_texts(tx, [reason for _, reason in sorted(wanted.exceptions.items())])
        kept = dict(zip(sorted(wanted.exceptions), ([text.id, text.digest] for text in texts), strict=True))
        form = PlanForm(
            version=1 if row is None else read_form(row.text).version + 1,
            every=every,
            working_day=wanted.working_day,
            workflow=wanted.workflow,
            rubrics=tuple(wanted.rubrics),
            unit=wanted.unit,
            exceptions={number: (text, said) for number, (text, said) in kept.items()},
            first=_first(every, wanted.first, now.astimezone(zone).date()),
            suffix=wanted.suffix,
            calendar=wanted.calendar,
            zone=wanted.zone,
            year=wanted.year,
        )
        plan_id = _store(tx, row, code, form, now)
        facts = {f"except-{number}": text for number, text in kept.items()}
        _vouch(tx, plan_id, code, "plan.added", actor=actor, now=now, facts=facts)
        return _shown(tx, code, form, now, active=True)


def _store(tx: Transaction, row: Row[Any] | None, code: str, form: PlanForm, now: dt.datetime) -> int:
    if row is None:
        return tx.insert(PLAN, {"code": code, "text": form.text(), "active": True, "created_at": now})
    tx.run(_RENEW, {"plan": row.id, "new_text": form.text()})
    tx.run(_FORGET_MARK, {"name": mark_of(row.id)})
    return int(row.id)


@use_case("plan.remove")
def remove(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, code: str) -> tuple[str, ...]:
    """End a plan: it opens nothing more. Returns its cycles that are planned and now wait for HR's hand.

    Raises:
        NotFound: there is no such plan, or it was removed.
        Refused: the actor is no HR officer.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "remove a plan")
        head(tx, "org")
        row = tx.first(_BY_CODE, {"code": code})
        if row is None or tx.run(_REMOVE, {"plan": row.id}) != 1:
            raise _unknown(code)
        _vouch(tx, row.id, code, "plan.removed", actor=actor, now=now, facts={})
        form = read_form(row.text)
        return planned(tx, row.id, form, now.astimezone(zone_of(tx, form)).date())


def year_rule(weights: Mapping[str, Fraction], *, window: int | None, digits: int, rounding: str) -> YearRule:
    """Return the rule of a year as somebody wrote it.

    Raises:
        Malformed: the window is not 1 to 12, the digits not 0 to 6, or there is no such rounding.
    """
    try:
        return YearRule.model_validate(
            {"weights": dict(weights), "window": window, "digits": digits, "rounding": rounding}
        )
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        raise Malformed(f"The {wrong['loc'][0]} of a year: {wrong['msg']}.", "bad-year") from error


def show(uow: UnitOfWork, *, now: dt.datetime, code: str) -> Shown:
    """Return a plan with the period it opens next; nothing of anybody's is in it but who is excepted.

    Raises:
        NotFound: there is no such plan.
    """
    with uow.read() as tx:
        row = tx.first(_BY_CODE, {"code": code})
        if row is None:
            raise _unknown(code)
        return _shown(tx, code, read_form(row.text), now, active=row.active)


def list_plans(uow: UnitOfWork, *, now: dt.datetime) -> tuple[Shown, ...]:
    """Return every plan, those that were removed too, by code."""
    with uow.read() as tx:
        return tuple(_shown(tx, row.code, read_form(row.text), now, active=row.active) for row in tx.all(_ALL))


def plan_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a plan's row its event vouches for."""
    return {"code": row["code"], "text": row["text"], "active": bool(row["active"])}


CONTENT = {"plan": (PLAN, plan_content)}
"""For each id that a payload may hold: its table and the content its digest was made of."""


def _vouch(
    tx: Transaction, plan_id: int, code: str, kind: str, *, actor: Actor, now: dt.datetime, facts: Mapping[str, Any]
) -> None:
    row = tx.first(_BY_CODE, {"code": code})
    content = {} if row is None else plan_content(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's API
    append_event(tx, "org", kind, actor=actor, at=now, payload={"plan": plan_id, "digest": digest(content), **facts})


def _shown(tx: Transaction, code: str, form: PlanForm, now: dt.datetime, *, active: bool) -> Shown:
    period, days = next_period(tx, form, now)
    return Shown(code, active, form, period.code(form.suffix), period, days.notice, days.opening)


def next_period(tx: Transaction, form: PlanForm, now: dt.datetime) -> tuple[Period, Days]:
    """Return the first period of a plan whose opening day has not passed, with its days."""
    on = now.astimezone(zone_of(tx, form)).date()
    period = period_at(form.every, form.first)
    while (days := period_days(tx, form, period)).opening < on:
        period = period_at(form.every, period.last + dt.timedelta(days=1))
    return period, days


def _every(word: str) -> Every:
    try:
        return Every(word)
    except ValueError as error:
        known = ", ".join(Every)
        raise Malformed(f"A plan opens a cycle every {known}; {word!r} is none of these.", "bad-every") from error


def _first(every: Every, code: str | None, on: dt.date) -> dt.date:
    """Return the first day of the first period: at the earliest the one before the one that runs."""
    running = period_at(every, on)
    if code is None:
        return running.first
    first, last = period_of(code)
    wanted = period_at(every, first)
    if (wanted.first, wanted.last) != (first, last):
        raise Malformed(
            f"{code} is no {every}; write a code like {running.code()}.",
            "other-period",
        )
    if first < before(running).first:
        raise Malformed(
            f"{code} is long over; a plan begins at the earliest with {before(running).code()}.", "period-in-past"
        )
    return first


def _demand_zone(tx: Transaction, wanted: Wanted, now: dt.datetime) -> zoneinfo.ZoneInfo:
    organisation = naming.organisation(tx)
    calendars.public_year(wanted.calendar or organisation.calendar, now.year)
    name = wanted.zone or organisation.zone
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Malformed(f"There is no time zone {name!r}; write one such as Asia/Shanghai.", "unknown-zone") from error


def _demand_weights(every: Every, rule: YearRule | None) -> None:
    if rule is None or not rule.weights:
        return
    known = labels(every)
    if set(rule.weights) != set(known):
        raise Malformed(f"The year needs a weight for each of {', '.join(known)}, and for no other.", "bad-weights")
    if min(rule.weights.values()) < 0 or sum(rule.weights.values(), Fraction(0)) == 0:
        raise Malformed("The weights of a year are 0 or more, and not all of them 0.", "bad-weights")


def _demand_others(tx: Transaction, actor: Actor, now: dt.datetime, exceptions: Mapping[str, str]) -> None:
    people = {naming.person(tx, number).id for number in exceptions}
    for number, reason in exceptions.items():
        if not reason.strip():
            raise Malformed(f"--except {number} needs a reason: {number}=REASON.", "reason-missing")
    for one in (actor.person_id, actor.typed_by) if people else ():
        if one is not None and not people.isdisjoint(superiors_of(tx, one, today(tx, now)) | {one}):
            raise Refused(
                "Nobody may except himself or one of his superiors from a plan; another HR officer must add it.",
                "own-or-superior",
            )


def _demand_apart(tx: Transaction, code: str, wanted: Wanted, every: Every) -> None:
    """Refuse a plan that would appraise somebody twice, or give two cycles one code."""
    units = units_below(tx, wanted.unit)
    for row in tx.all(_ACTIVE, {"code": code}):
        other = read_form(row.text)
        if not units.isdisjoint(units_below(tx, other.unit)):
            raise Refused(
                f"The plan {row.code} opens cycles for people of {wanted.unit} already; remove it first "
                f"(`appraise plan remove {row.code}`), or take a unit that does not overlap with {other.unit}.",
                "overlapping-plan",
            )
        same_codes = other.every == every or (other.year is not None and wanted.year is not None)
        if same_codes and other.suffix == wanted.suffix:
            raise Refused(
                f"The plan {row.code} gives its cycles the same codes; tell them apart with a suffix.",
                "overlapping-codes",
            )


def _unknown(code: str) -> NotFound:
    return NotFound(f"There is no plan {code}; `appraise plan list` lists them.", "unknown-plan")
