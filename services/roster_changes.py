"""Taking people out of an open cycle, and taking up again what could not be opened (domain.md, section 5)."""

import datetime as dt

from sqlalchemy import and_, bindparam, func, select, update

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Roster
from models.outbox import Failure
from models.people import Post
from services import naming
from services.actors import Actor
from services.appraisals import Words, take
from services.audit import append_event, store_text
from services.cycles import demand_hr
from services.effects import after_move
from services.errors import Malformed, Refused
from services.grants import demand_distance
from services.launch import CHUNK
from services.moving import write_steps
from services.outbox import owe_job
from services.standing import load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import LAST_STAGE, CycleState, RosterStatus

APPRAISAL = table_of(Appraisal)
FAILURE = table_of(Failure)
POST = table_of(Post)
ROSTER = table_of(Roster)

_PLACES = (
    select(
        ROSTER.c.id, ROSTER.c.status, POST.c.code.label("post"), APPRAISAL.c.id.label("appraisal"), APPRAISAL.c.stage
    )
    .join(POST, POST.c.id == ROSTER.c.post_id)
    .outerjoin(
        APPRAISAL,
        and_(APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id),
    )
    .where(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.person_id == bindparam("person"))
    .order_by(ROSTER.c.id)
)
_LEAVE_OUT = (
    update(ROSTER)
    .where(ROSTER.c.id == bindparam("row"), ROSTER.c.status == RosterStatus.SET_ASIDE.value)
    .values(status=RosterStatus.LEFT_OUT.value, reason_code="withdrawn", reason_id=bindparam("reason"))
)
_ASIDE = select(func.min(ROSTER.c.id).label("low"), func.max(ROSTER.c.id).label("high")).where(
    ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.status == RosterStatus.SET_ASIDE.value
)
_ATTEMPTS = select(func.count()).where(
    FAILURE.c.source == "opening", FAILURE.c.source_id.between(bindparam("low"), bindparam("high"))
)
_TAKE_UP = (
    update(ROSTER)
    .where(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.status == RosterStatus.SET_ASIDE.value)
    .values(status=RosterStatus.RATED.value)
)
_DEALT_WITH = (
    update(FAILURE)
    .where(
        FAILURE.c.source == "opening",
        FAILURE.c.source_id.between(bindparam("low"), bindparam("high")),
        FAILURE.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("moment"))
)


@use_case("cycle.withdraw")
def withdraw(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, number: str, reason: str
) -> tuple[str, ...]:
    """Take somebody out of an open cycle, with a reason: each of his appraisals closes as not rated; by HR.

    `number` is the employee number, with @POST for one of several posts. What could not be opened for him is left out.
    Nothing is deleted. Returns the appraisals that closed.

    Raises:
        Malformed: the reason is missing.
        NotFound: there is no such cycle or person.
        Refused: the cycle is not open, he is not in it, all of it is closed already, or it is the actor's own or his
            superior's.
        Conflict: somebody moved one of them at the same moment.
    """
    if not reason.strip():
        raise Malformed("Taking somebody out of a cycle needs a reason.", "reason-missing")
    wanted, _, post = number.partition("@")
    with uow.write() as tx:
        demand_hr(tx, actor, now, "take somebody out of a cycle")
        person = naming.person(tx, wanted)
        row = naming.cycle(tx, cycle)
        if row.state != CycleState.OPEN:
            raise Refused(f"The cycle {cycle} is {row.state}; people are taken out of an open cycle only.", "not-open")
        demand_distance(tx, actor, now, person.id, "take anybody out of a cycle")
        places = [
            place for place in tx.all(_PLACES, {"cycle": row.id, "person": person.id}) if place.post == post or not post
        ]
        opened = [place.appraisal for place in places if place.appraisal is not None and place.stage != LAST_STAGE]
        aside = [place.id for place in places if place.status == RosterStatus.SET_ASIDE]
        if not opened and not aside:
            raise Refused(f"{number} has nothing open in {cycle} that could be taken out.", "not-enrolled")
        _leave_out(tx, row.id, aside, reason, actor=actor, now=now)
        standings = load(tx, opened, actor, now) if opened else []
        words = Words(comment=reason)
        taken = [take(tx, standing, action="exclude", words=words, actor=actor, now=now) for standing in standings]
        write_steps(tx, [one.step for one in taken])
        for one in taken:
            after_move(one)
    return tuple(standing.code for standing in standings)


def _leave_out(tx: Transaction, cycle_id: int, rows: list[int], reason: str, *, actor: Actor, now: dt.datetime) -> None:
    stored = store_text(tx, reason) if rows else None
    for roster_id in rows:
        tx.run(_LEAVE_OUT, {"row": roster_id, "reason": None if stored is None else stored.id})
        tx.run(_DEALT_WITH, {"low": roster_id, "high": roster_id, "moment": now})
        payload = {"roster": roster_id, "reason": None if stored is None else stored.digest}
        append_event(tx, f"cycle:{cycle_id}", "withdrawn", actor=actor, at=now, payload=payload)


@use_case("cycle.retry")
def retry(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, chunk: int = CHUNK) -> int:
    """Take up again every roster row that was set aside and owe its opening to the jobs; how many rows. By HR.

    Raises:
        NotFound: there is no such cycle.
        Refused: the cycle is not open, or the actor is no HR officer.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "take up what could not be opened")
        row = naming.cycle(tx, cycle)
        if row.state != CycleState.OPEN:
            raise Refused(f"The cycle {cycle} is {row.state}; nothing opens in it.", "not-open")
        bounds = tx.first(_ASIDE, {"cycle": row.id})
        taken = tx.run(_TAKE_UP, {"cycle": row.id})
        if bounds is None or not taken:
            return 0
        span = {"low": bounds.low, "high": bounds.high}
        attempt = tx.scalar(_ATTEMPTS, span)
        tx.run(_DEALT_WITH, {**span, "moment": now})
        append_event(tx, f"cycle:{row.id}", "retried", actor=actor, at=now, payload={"rows": taken})
        for first in range(bounds.low, bounds.high + 1, chunk):
            last = min(first + chunk - 1, bounds.high)
            owe_job(
                tx,
                name="cycle.open-chunk",
                args={"cycle": row.id, "first": first, "last": last, "at": now.isoformat()},
                dedupe_key=f"open/{row.id}/{first}/again/{attempt}",
                now=now,
            )
    return taken
