"""What happens when the days of a stage are over (W4): the clock does what the workflow says, as an ordinary move.

The planner owes one run for each work item and deadline; a run looks again, decides, and acts as the system through
the one function that moves appraisals. Run twice, or by two at once, it does nothing more: the item is closed, or the
version has moved on.
"""

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from models.columns import UtcDateTime
from services import absences, due_dates, proven_notice
from services.actors import SYSTEM
from services.appraisals import Words, act
from services.audit import append_event, stamp
from services.case_facts import gather
from services.deadline_rows import keep_history
from services.errors import Refused
from services.passing import next_holder
from services.standing import WORK_ITEM, Standing, load, local_day
from services.unit_of_work import Transaction, UnitOfWork, rule_error
from workflow.deadlines import at_time
from workflow.engine import decide
from workflow.errors import WorkflowError
from workflow.lifecycle import Move
from workflow.vocabulary import CountedFrom, CycleState, Effect, Missed, Role

_ITEM = select(WORK_ITEM).where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None))
_STOP = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.id == bindparam("item"),
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.due_at == bindparam("was", type_=UtcDateTime()),
    )
    .values(due_at=bindparam("due", type_=UtcDateTime()), next_action_at=bindparam("now", type_=UtcDateTime()))
)
_NOBODY = {"nobody-left", "with-hr"}


@dataclass(frozen=True, slots=True)
class Overrun:
    """A work item whose days are over, and what follows.

    `action` is the move that the clock makes, or None where it holds, and then `why` says why as a code; `to` is who
    takes the part; `until` is the later moment where days of absence do not count.
    """

    item: int
    appraisal_id: int
    cycle_id: int
    code: str
    version: int
    stage: str
    holder: int
    due_at: dt.datetime
    policy: str
    action: str | None = None
    to: int | None = None
    why: str | None = None
    until: dt.datetime | None = None


def run_out(uow: UnitOfWork, *, now: dt.datetime, item: int) -> str:
    """Do what follows from a deadline that was missed; return what was done, as one word.

    `moved` or `passed-on`; `stopped` where days of absence gave it more time; `holds` where nobody can take it, or the
    silence is not proven; `nothing` where it is done or extended already.

    Raises:
        Conflict: somebody acted at the same moment; look again.
    """
    with uow.read() as tx:
        found = look(tx, item, now)
    if found is None:
        return "nothing"
    if found.until is not None:
        with uow.write() as tx:
            return "stopped" if _stop(tx, found, now) else "nothing"
    if found.action is None:
        if found.why in _NOBODY:
            with uow.write() as tx:
                _note_nobody(tx, found, now)
        return "holds"
    why = {"item": item, "due": stamp(found.due_at), "missed": found.policy}
    act(
        uow,
        actor=SYSTEM,
        now=now,
        appraisal=found.appraisal_id,
        action=found.action,
        words=Words(why=why),
        version=found.version,
    )
    return "moved" if found.to is None else "passed-on"


def look(tx: Transaction, item: int, now: dt.datetime) -> Overrun | None:
    """Return what follows for a work item now, or None where nothing does: closed, not due, held; writes nothing."""
    row = tx.first(_ITEM, {"item": item})
    if row is None or row.due_at is None or row.due_at >= now:
        return None
    standing = load(tx, [int(row.appraisal_id)], SYSTEM, now)[0]
    stage = standing.lifecycle.stage(row.stage)
    if standing.row.cycle_state == CycleState.CANCELLED or stage.missed is Missed.HOLD:
        return None
    found = _found(standing, row, str(stage.missed))
    if stage.holder == Role.APPRAISEE:
        until = _given_more(tx, standing, row)
        if until is not None and until > row.due_at:
            return _found(standing, row, str(stage.missed), until=until)
    why = None
    for move in _moves(standing, stage.missed):
        try:
            prepared = gather(tx, standing, move, comment=None, witness=None, lines={}, actor=SYSTEM, now=now)
            decide(standing.lifecycle, prepared.case, move.action)
            to = next_holder(tx, standing).holders[str(stage.holder)] if Effect.HAND_ON in move.effects else None
        except WorkflowError as error:
            why = why or rule_error(error).code
        except Refused as error:
            why = error.code
        else:
            return _found(standing, row, str(stage.missed), action=move.action, to=to)
    return found if why is None else _found(standing, row, str(stage.missed), why=why)


def _found(standing: Standing, row: Row[Any], policy: str, **more: Any) -> Overrun:
    return Overrun(
        item=int(row.id),
        appraisal_id=standing.id,
        cycle_id=int(standing.row.cycle_id),
        code=standing.code,
        version=standing.version,
        stage=str(row.stage),
        holder=int(row.holder_id),
        due_at=row.due_at,
        policy=policy,
        **more,
    )


def _moves(standing: Standing, policy: Missed) -> Iterator[Move]:
    for move in standing.lifecycle.actions(standing.stage):
        if Role.SYSTEM not in move.who:
            continue
        hands_on = Effect.HAND_ON in move.effects
        if hands_on == (policy in {Missed.ESCALATE, Missed.DELEGATE}) and (hands_on or move.to_stage != standing.stage):
            yield move


def _given_more(tx: Transaction, standing: Standing, row: Row[Any]) -> dt.datetime | None:
    """Return until when the person's own right runs, the days on which he is away under protection not counted."""
    stage = standing.lifecycle.stage(row.stage)
    if stage.counted_from == CountedFrom.PROVEN_NOTICE:
        return proven_notice.window(tx, standing).due_at
    zone = standing.row.zone
    first = local_day(row.opened_at, zone) + dt.timedelta(days=1)
    away = absences.days_away(tx, int(standing.row.person_id), first, standing.today)
    if not away:
        return None
    due = due_dates.due_at(
        tx,
        calendar=standing.row.calendar,
        zone=zone,
        lifecycle=standing.lifecycle,
        stage=row.stage,
        start=row.opened_at,
        marks=due_dates.Marks.of(standing.row),
        free=away,
    )
    local = row.due_at.astimezone(zoneinfo.ZoneInfo(zone))
    if due is None or due > row.due_at or local.date() not in away:
        return due
    day = due_dates.working_days(tx, standing.row.calendar, away)(local.date(), 1)
    return at_time(day, local.time(), zoneinfo.ZoneInfo(zone))


def _stop(tx: Transaction, found: Overrun, now: dt.datetime) -> bool:
    changed = tx.run(_STOP, {"item": found.item, "was": found.due_at, "due": found.until, "now": now})
    if changed and found.until is not None:
        keep_history(tx, [found], found.until, "absence", None)
        tx.ring()
    return bool(changed)


def _note_nobody(tx: Transaction, found: Overrun, now: dt.datetime) -> None:
    append_event(
        tx,
        f"cycle:{found.cycle_id}",
        str(found.why),
        actor=SYSTEM,
        at=now,
        payload={"appraisal": found.appraisal_id, "item": found.item, "stage": found.stage},
    )
