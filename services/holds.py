"""Putting one work item on hold, and releasing it: no deadline, no reminder, in no overdue list meanwhile (5b).

A hold stops the clock and no person: whoever holds the item may still act, and the hold ends with his act. What was
written stays. A cycle can be proposed around what is on hold; it enters later, as a revision.
"""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Text, bindparam, cast, func, literal, null, select

from models.columns import BIGINT
from services import calendars, due_dates, naming
from services.actors import Actor
from services.audit import append_event, stamp
from services.cycles import demand_hr
from services.deadline_rows import keep_history, move_deadlines
from services.definitions import lifecycle_of
from services.errors import NotFound, Refused
from services.extension_events import EVENT, HELD, RELEASED, held_items, item_told, told
from services.extensions import OPEN_ITEMS, code_of, demand_reason
from services.grants import demand_distance
from services.standing import APPRAISAL, CYCLE, WORK_ITEM
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.deadlines import at_time
from workflow.vocabulary import CountedFrom, CycleState

_ONE = (
    OPEN_ITEMS.add_columns(
        CYCLE.c.code.label("cycle"),
        CYCLE.c.state.label("cycle_state"),
        CYCLE.c.opened_at.label("cycle_opened_at"),
        CYCLE.c.period_to,
        APPRAISAL.c.workflow_id,
    )
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(WORK_ITEM.c.id == bindparam("item"))
)


@dataclass(frozen=True, slots=True)
class Held:
    """A work item that was put on hold or released, and its deadline from now on."""

    item: str
    appraisal: str
    stage: str
    due_at: dt.datetime | None


@use_case("workitem.hold")
def hold(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str, reason: str) -> Held:
    """Put an open work item on hold with a reason; by HR, not about himself or a superior of his.

    Raises:
        NotFound: there is no such open work item.
        Malformed: the name is no W and number, or the reason is missing.
        Refused: the actor may not, or it is on hold already.
        Conflict: somebody acted at the same moment.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "put something on hold")
        row = _open(tx, item)
        demand_distance(tx, actor, now, int(row.person_id), "put something on hold")
        text = demand_reason(tx, reason)
        if row.id in held_items(tx, row.cycle_id):
            raise Refused(f"{item} is on hold already; `appraise workitem release {item}` ends that.", "held")
        move_deadlines(tx, [row], None, now, why="held")
        keep_history(tx, [row], row.due_at or now, "hold", text)
        _tell(tx, row, HELD, actor=actor, now=now, until=row.due_at, reason=[text.id, text.digest])
    return Held(f"W{row.id}", code_of(row.cycle, row), row.stage, None)


@use_case("workitem.release")
def release(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str, reason: str) -> Held:
    """Let the clock run again: what was left of the days when it was put on hold is left now. By HR, as `hold`.

    Raises:
        NotFound: there is no such open work item.
        Malformed: the name is no W and number, or the reason is missing.
        Refused: the actor may not, or it is not on hold.
        Conflict: somebody acted at the same moment.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "release something")
        row = _open(tx, item)
        demand_distance(tx, actor, now, int(row.person_id), "release something")
        text = demand_reason(tx, reason)
        since = _since(tx, row)
        due = _due(tx, row, since, now)
        move_deadlines(tx, [row], due, now, why="released")
        if due is not None:
            keep_history(tx, [row], due, "release", text)
        _tell(tx, row, RELEASED, actor=actor, now=now, until=due, reason=[text.id, text.digest])
        tx.ring()
    return Held(f"W{row.id}", code_of(row.cycle, row), row.stage, due)


def held_counted() -> Any:
    """Return the rows `held` of a statement that counts: how many open items of a `stream` are on hold in each stage.

    Its columns are a kind, two empty texts, the stage, the number and two noughts.
    """
    item = item_told(EVENT.c.payload)
    last = (
        select(
            item.label("item"),
            EVENT.c.kind,
            func.row_number().over(partition_by=item, order_by=EVENT.c.seq.desc()).label("rank"),
        )
        .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind.in_((HELD, RELEASED)))
        .subquery("last_told")
    )
    nothing, zero = cast(null(), Text), literal(0, BIGINT)
    return (
        select(
            literal("held", Text),
            nothing,
            nothing,
            WORK_ITEM.c.stage.label("what"),
            func.count().label("number"),
            zero,
            zero,
        )
        .join(last, last.c.item == WORK_ITEM.c.id)
        .where(last.c.rank == 1, last.c.kind == HELD, WORK_ITEM.c.closed_at.is_(None))
        .group_by(WORK_ITEM.c.stage)
    )


_HELD_BY_STAGE = held_counted()


def held_by_stage(tx: Transaction, cycle_id: int) -> Mapping[str, int]:
    """Return how many open items of a cycle are on hold in each stage."""
    return {row.what: row.number for row in tx.all(_HELD_BY_STAGE, {"stream": f"cycle:{cycle_id}"})}


def _open(tx: Transaction, item: str) -> Row[Any]:
    row = tx.first(_ONE, {"item": naming.numbered(item, "W")})
    if row is None or row.cycle_state == CycleState.CANCELLED:
        raise NotFound(f"There is no open work item {item}; `appraise cycle overdue` and `work` name them.", "no-item")
    return row


@dataclass(frozen=True, slots=True)
class _Since:
    at: dt.datetime
    due_at: dt.datetime | None


def _since(tx: Transaction, row: Row[Any]) -> _Since:
    """Return since when an item is on hold, and what its deadline was.

    Raises:
        Refused: it is not on hold.
    """
    since = None
    for event, payload in told(tx, row.cycle_id):
        if row.id in payload["items"]:
            until = payload["until"]
            due = None if until is None else dt.datetime.fromisoformat(until)
            since = _Since(event.at, due) if event.kind == HELD else None if event.kind == RELEASED else since
    if since is None:
        raise Refused(f"W{row.id} is not on hold.", "not-held")
    return since


def _due(tx: Transaction, row: Row[Any], since: _Since, now: dt.datetime) -> dt.datetime | None:
    organisation = naming.organisation(tx)
    zone = zoneinfo.ZoneInfo(organisation.zone)
    lifecycle = lifecycle_of(tx, row.workflow_id)
    if since.due_at is None:
        stage = lifecycle.stage(row.stage)
        if stage.counted_from == CountedFrom.PROVEN_NOTICE and row.noticed_at is None:
            return None
        return due_dates.due_at(
            tx,
            calendar=organisation.calendar,
            zone=organisation.zone,
            lifecycle=lifecycle,
            stage=row.stage,
            start=now,
            marks=due_dates.Marks.of(row),
        )
    # It was late already, or had some working days left: as many as then.
    first, today = since.at.astimezone(zone).date(), now.astimezone(zone).date()
    closures = calendars.closures(tx)
    days = calendars.working_days(organisation.calendar, first + dt.timedelta(days=1), today, closures)
    local = since.due_at.astimezone(zone)
    if not days:
        return since.due_at
    day = calendars.add_working_days(organisation.calendar, local.date(), len(days), closures)
    return at_time(day, local.time(), zone)


def _tell(
    tx: Transaction,
    row: Row[Any],
    kind: str,
    *,
    actor: Actor,
    now: dt.datetime,
    until: dt.datetime | None,
    reason: list[Any],
) -> None:
    append_event(
        tx,
        f"cycle:{row.cycle_id}",
        kind,
        actor=actor,
        at=now,
        payload={
            "appraisal": row.appraisal_id,
            "items": [row.id],
            "until": None if until is None else stamp(until),
            "reason": reason,
        },
    )
