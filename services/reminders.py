"""The planner: from what is open and what time it is to the messages that are owed. Any process may run it (G4, G5).

An open work item says itself when it next needs attention; planning promises every message due in the range that ends
now and moves that moment on. The dedupe key of a promise is made of the business identity of the obligation, so any
number of planners make each promise once.
"""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, or_, select, true, update

from models.appraisals import Appraisal
from models.columns import UtcDateTime, table_of
from models.cycles import Cycle
from models.outbox import Job, Message
from models.people import Absence, Organisation
from models.prepared import Prepared
from models.rubrics import Definition
from models.workitems import WorkItem
from services import calendars, mail_habits, mail_rounds, request_keys
from services.audit import stamp
from services.deadline_rows import REMINDERS
from services.definitions import lifecycle_of
from services.duty_calendar import due_warnings
from services.messages import Lateness, kind_of
from services.outbox import Promise, note_superseded, owe_jobs, promise_many
from services.planner_marks import marked, marked_asked, set_mark
from services.reminder_days import Occasion, Office, between
from services.successions import pass_on_due
from services.unit_of_work import Transaction, UnitOfWork
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import CountedFrom, CycleState, Effect, Missed, Role

WORK_ITEM = table_of(WorkItem)
APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
ORGANISATION = table_of(Organisation)
ABSENCE = table_of(Absence)
DEFINITION = table_of(Definition)
JOB = table_of(Job)
MESSAGE = table_of(Message)
PAGE = 500
NAME = "reminders"
RUN_OUT = "deadlines.run-out"
"""The job that does what follows when the days of a stage are over; `services.missed`."""

WAITING = (
    select(
        WORK_ITEM,
        APPRAISAL.c.workflow_id,
        DEFINITION.c.digest.label("workflow_digest"),
        CYCLE.c.state.label("cycle_state"),
        ORGANISATION.c.zone,
        ORGANISATION.c.calendar,
    )
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(DEFINITION, DEFINITION.c.id == APPRAISAL.c.workflow_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(ORGANISATION, true())
    .where(
        WORK_ITEM.c.next_action_at.is_not(None),
        WORK_ITEM.c.next_action_at <= bindparam("now", type_=UtcDateTime()),
    )
    .order_by(WORK_ITEM.c.next_action_at, WORK_ITEM.c.id)
)
_DUE = Prepared(WAITING.limit(PAGE).with_for_update(of=WORK_ITEM, skip_locked=True))
_MOVE_ON = Prepared(
    update(WORK_ITEM)
    .where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None))
    .values(next_action_at=bindparam("next", type_=UtcDateTime()))
)
_PROTECTED = Prepared(
    select(ABSENCE.c.person_id).where(
        ABSENCE.c.person_id.in_(bindparam("people", expanding=True)),
        ABSENCE.c.kind == "protected",
        ABSENCE.c.valid_from <= bindparam("on"),
        or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
    )
)
_KNOWN = Prepared(select(JOB.c.dedupe_key).where(JOB.c.dedupe_key.in_(bindparam("keys", expanding=True))))
_PROMISED = Prepared(select(MESSAGE.c.dedupe_key).where(MESSAGE.c.dedupe_key.in_(bindparam("keys", expanding=True))))
_ORGANISATION = select(ORGANISATION.c.zone)


@dataclass(frozen=True, slots=True)
class Planned:
    """What one run of the planner looked at and promised."""

    items: int = 0
    promised: int = 0
    superseded: int = 0


DutyWarnings = Callable[[Transaction, dt.date], Sequence[Any]]


def plan(uow: UnitOfWork, *, now: dt.datetime, warnings: DutyWarnings = due_warnings) -> Planned:
    """Promise every message that came due since the last planning, up to `now`; running it again promises nothing.

    `warnings` gives the scheduled duties to warn of on a day; each row has `assignment_id`, `person_id`, `rule` and
    `month`. A reminder that a later one overtook while nobody planned is kept as a cancelled row.
    """
    items = promised = superseded = 0
    while True:
        with uow.write() as tx:
            page = tx.all(_DUE, {"now": now})
            if not page:
                more, missed = _plan_duties(tx, warnings, now)
                more += mail_rounds.promise_rounds(tx, now=now)
                set_mark(tx, NAME, now)
                return Planned(items, promised + more, superseded + missed)
            more, missed = _plan_items(tx, page, now)
        items, promised, superseded = items + len(page), promised + more, superseded + missed


def tick(uow: UnitOfWork, now: dt.datetime, *, warnings: DutyWarnings = due_warnings) -> Planned:
    """Do what the passing of time asks for, up to `now`: parts are passed on before anybody is reminded of them.

    The first planning of a day also forgets the request keys that are too old to be asked for again.
    """
    with uow.read() as tx:
        planned = planned_until(tx)
    if planned is None or planned.date() < now.date():
        with uow.write() as tx:
            tx.run(request_keys.FORGET, {"before": now - request_keys.KEPT})
    pass_on_due(uow, now=now, planned=planned)
    return plan(uow, now=now, warnings=warnings)


def planned_until(tx: Transaction) -> dt.datetime | None:
    """Return up to when everything due has been planned, in business time; None before the first planning."""
    return marked(tx, NAME)


def planned_asked() -> tuple[Executable, dict[str, Any]]:
    """Return what `planned_until` asks of the database."""
    return marked_asked(NAME)


def _plan_items(tx: Transaction, page: Sequence[Row[Any]], now: dt.datetime) -> tuple[int, int]:
    office = office_of(tx, page)
    away = protected(tx, page, office.local_day(now))
    send: list[Promise] = []
    skip: list[Promise] = []
    following = []
    over: dict[str, dict[str, int]] = {}
    overrun: dict[int, str] = {}
    for row in page:
        if row.cycle_state == CycleState.CANCELLED:
            following.append({"item": row.id, "next": None})
            continue
        lifecycle = lifecycle_of(tx, row.workflow_id, row.workflow_digest)
        absent = row.holder_id in away
        due, late, then = of_item(row, lifecycle, office, now, absent=absent)
        if runs_out(row, lifecycle, now, absent=absent):
            over[run_key(row)] = {"item": row.id}
            overrun[row.id] = run_key(row)
        send.extend(due)
        skip.extend(late)
        following.append({"item": row.id, "next": then})
    tx.run_all((_MOVE_ON, following))
    send = _not_yet_promised(tx, page, send)
    # The clock acts first: nobody is told that he is late with what is passed on, or over, a moment later.
    known = {row.dedupe_key for row in tx.all(_KNOWN, {"keys": list(over)})} if over else set()
    owe_jobs(tx, name=RUN_OUT, runs=over, now=now)
    moot = [one for one in send if one.kind == "overdue" and overrun.get(one.work_item_id or 0, "") not in {"", *known}]
    skip += moot
    send = [one for one in send if one not in moot]
    return promise_many(tx, send, now=now), note_superseded(tx, skip, now=now)


def _not_yet_promised(tx: Transaction, page: Sequence[Row[Any]], send: list[Promise]) -> list[Promise]:
    """Leave out what was promised when its item was opened: every look at an item comes by that again."""
    looked_at = {row.id for row in page if row.next_action_at > row.opened_at}
    opening = [one.dedupe_key for one in send if one.work_item_id in looked_at and one.kind not in REMINDERS]
    if not opening:
        return send
    promised = {row.dedupe_key for row in tx.all(_PROMISED, {"keys": opening})}
    return [one for one in send if one.dedupe_key not in promised]


def office_of(tx: Transaction, page: Sequence[Row[Any]]) -> Office:
    """Return in what calendar, and on which mornings, the organisation reminds the holders of these work items."""
    habits = mail_habits.of(tx)
    zone = zoneinfo.ZoneInfo(page[0].zone)
    return Office(page[0].calendar, calendars.closures(tx), zone, habits.digest_at, habits.overdue_every)


def protected(tx: Transaction, page: Sequence[Row[Any]], on: dt.date) -> frozenset[int]:
    """Return who of the holders of these work items is away under protection on a day."""
    people = sorted({row.holder_id for row in page})
    return frozenset(row.person_id for row in tx.all(_PROTECTED, {"people": people, "on": on}))


def of_item(
    row: Row[Any], lifecycle: Lifecycle, office: Office, now: dt.datetime, *, absent: bool
) -> tuple[list[Promise], list[Promise], dt.datetime | None]:
    """Return the messages of a work item that are due, those that were overtaken, and when to look again."""
    send = [_promise(row, Occasion(_opening_kind(lifecycle, row.stage, row.action), row.opened_at, "1"))]
    if row.due_at is None:
        return send, [], None
    if absent:
        # Whoever is away under protection is never late; look again on the next morning: he may be back on any day.
        return send, [], _or_due(row, now, office.morning(office.local_day(now) + dt.timedelta(days=1)))
    passed, following = between(office, row.due_at, lifecycle.nudge_working_days, row.next_action_at, now)
    overtaken = [one for one in passed[:-1] if kind_of(one.kind).lateness == Lateness.SUPERSEDE]
    send += [_promise(row, one) for one in passed if one not in overtaken]
    return send, [_promise(row, one) for one in overtaken], _or_due(row, now, following)


def _or_due(row: Row[Any], now: dt.datetime, then: dt.datetime) -> dt.datetime:
    """Return when to look again: at `then`, or when the deadline has just passed, since it may have consequences."""
    past = row.due_at + dt.timedelta(seconds=1)
    return min(then, past) if past > now else then


def run_key(row: Row[Any]) -> str:
    """Return the identity of what follows from one deadline of one work item: it is owed once (G5)."""
    return f"run-out/{row.id}/{stamp(row.due_at)}"


def runs_out(row: Row[Any], lifecycle: Lifecycle, now: dt.datetime, *, absent: bool) -> bool:
    """Say whether the clock must act on a deadline; nobody's own rights run out while he is away under protection."""
    stage = lifecycle.stage(row.stage)
    own = stage.holder == Role.APPRAISEE
    return row.due_at is not None and row.due_at < now and stage.missed != Missed.HOLD and not (absent and own)


def _promise(row: Row[Any], occasion: Occasion) -> Promise:
    key = f"work-item/{row.id}/person/{row.holder_id}/{occasion.kind}/{occasion.occurrence}"
    return Promise(occasion.kind, row.holder_id, key, work_item_id=row.id, appraisal_id=row.appraisal_id)


# Of a published workflow, so there are few.
@functools.lru_cache(maxsize=256)
def _opening_kind(lifecycle: Lifecycle, stage: str, action: str) -> str:
    if lifecycle.stage(stage).counted_from == CountedFrom.PROVEN_NOTICE:
        return "released"
    opened_by = [move for move in lifecycle.moves if move.action == action and move.to_stage == stage]
    effects = {effect for move in opened_by for effect in move.effects}
    if Effect.HAND_ON in effects:
        return "passed-upward"
    if Effect.CONTEST in effects:
        return "objection-made"
    return "returned" if Effect.NEW_ROUND in effects else "your-turn"


def _plan_duties(tx: Transaction, warnings: DutyWarnings, now: dt.datetime) -> tuple[int, int]:
    zone = tx.scalar(_ORGANISATION)
    if zone is None:
        return 0, 0
    today = now.astimezone(zoneinfo.ZoneInfo(zone)).date()
    last = planned_until(tx)
    first = today if last is None else min(today, last.astimezone(zoneinfo.ZoneInfo(zone)).date())
    found: dict[str, tuple[Promise, bool]] = {}
    for ordinal in range(first.toordinal(), today.toordinal() + 1):
        for row in warnings(tx, dt.date.fromordinal(ordinal)):
            key = f"duty/{row.assignment_id}/{row.rule}/{row.month}/person/{row.person_id}/duty-missing"
            payload = {"assignment": row.assignment_id, "rule": row.rule, "month": row.month}
            one = Promise("duty-missing", row.person_id, key, payload=payload)
            found[key] = (one, row.month >= f"{today:%Y-%m}")
    in_time = [one for one, current in found.values() if current]
    too_late = [one for one, current in found.values() if not current]
    return promise_many(tx, in_time, now=now), note_superseded(tx, too_late, now=now)
