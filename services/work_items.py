"""Work items by name, `W77`: given to somebody else by HR, or given back by who declares an interest (W11)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from services import naming
from services.access import superiors_of
from services.actors import Actor
from services.audit import StoredText, store_text
from services.definitions import workflow_of
from services.errors import Malformed, NotFound, Refused
from services.grants import demand, demand_distance, demand_typist
from services.handover import Handover, acted_in, hand_over, holders_of
from services.losses import LOOKS_BACK
from services.people import lay_row
from services.reporting import load_office
from services.standing import PERSON, WORK_ITEM, OpenItem, Standing, load
from services.successions import PassedOn, pass_on
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.replacing import demand_fit
from workflow.vocabulary import JUDGING_ROLES, CycleState, Role

_ITEM = select(WORK_ITEM).where(WORK_ITEM.c.id == bindparam("item"))
_NUMBER = select(PERSON.c.number).where(PERSON.c.id == bindparam("person"))


@dataclass(frozen=True, slots=True)
class OpenWork:
    """An open work item with the appraisal it belongs to, and the role its holder has there."""

    code: str
    standing: Standing
    item: OpenItem
    role: str


@use_case("workitem.reassign")
def reassign(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str, number: str, reason: str
) -> tuple[Handover, ...]:
    """Give an open work item, and the part it lies in, to somebody else; by HR or the approver, with a reason.

    Never to the person appraised, to who has or had another part, to who has an interest, has left, is away under
    protection, or stands below the person appraised; and nobody gives himself a part. The former holder keeps sight of
    what he did; his mails stop, and the new one is told once.

    Raises:
        Malformed: the name has another form than `W77`, or there is no reason.
        NotFound: there is no such work item or person.
        Refused: the item is closed, it is the person's own, or the rules do not let that one have the part.
        Conflict: somebody acted on it at the same moment.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR, Role.APPROVER), "give work to somebody else")
        work = open_work(tx, item, actor, now)
        standing = work.standing
        demand_distance(tx, actor, now, standing.row.person_id, "give work to somebody else")
        stored = _reason(tx, reason, "Giving work to somebody else")
        demand_judging(work)
        near = {actor.person_id, actor.typed_by} - {None}
        if any(one in near for people in standing.parts.holders.values() for one in people):
            raise Refused(
                f"You have a part in {standing.code} yourself, so another officer must say who does the rest of it.",
                "own-part",
            )
        person = naming.person(tx, number)
        if person.id in {actor.person_id, actor.typed_by}:
            raise Refused("Nobody gives himself a part; another officer must do it.", "own")
        if person.id == work.item.holder_id:
            raise Refused(f"{work.code} is with {number} already.", "same-holder")
        demand_may_hold(tx, standing, work.role, person.id, number)
        done = hand_over(
            tx,
            standing,
            role=work.role,
            was=work.item.holder_id,
            becomes=person.id,
            why="reassigned",
            actor=actor,
            now=now,
            reason=stored,
        )
    return (done,)


@use_case("workitem.recuse")
def recuse(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str, reason: str) -> PassedOn:
    """Declare an interest in the person appraised and be replaced; by the holder of the work item himself.

    From today he neither scores, reviews, decides nor records anything about that person, in any appraisal. The reason
    is read by HR alone.

    Raises:
        Malformed: the name has another form than `W77`, or there is no reason.
        NotFound: there is no such work item, or it is not the actor's.
        Refused: the item is closed, or it is his own appraisal.
        Conflict: somebody acted on it at the same moment.
    """
    if not reason.strip():
        raise Malformed("Declaring an interest needs a reason; HR alone reads it.", "reason-missing")
    with uow.write() as tx:
        work = open_work(tx, item, actor, now)
        standing = work.standing
        demand_typist(tx, actor, standing.today)
        if work.item.holder_id != actor.person_id:
            raise _unknown(item)
        demand_judging(work)
        own = str(tx.scalar(_NUMBER, {"person": actor.person_id}))
        values = {"number": own, "other": standing.row.number, "from": standing.today, "to": None, "reason": reason}
        lay_row(tx, "conflicts", values, actor=actor, now=now)
        return pass_on(tx, actor=actor, now=now, people=frozenset({work.item.holder_id}))


def open_work(tx: Transaction, code: str, actor: Actor, now: dt.datetime) -> OpenWork:
    """Return an open work item by its name, `W77`, or by that of its appraisal, with where that stands.

    Raises:
        Malformed: the name has another form.
        NotFound: there is none, or the actor has nothing to do with its appraisal.
        Refused: it is closed, or its cycle is.
    """
    if "/" in code:
        standing = load(tx, [code], actor, now)[0]
        if not standing.parts.related(actor.person_id):
            raise naming.unseen(code)
        if not standing.items:
            raise Refused(f"{standing.code} has no open work item; nothing waits for anybody there.", "item-closed")
        code = f"W{standing.items[0].id}"
    row = tx.first(_ITEM, {"item": naming.numbered(code, "W")})
    if row is None:
        raise _unknown(code)
    standing = load(tx, [int(row.appraisal_id)], actor, now)[0]
    if not standing.parts.related(actor.person_id):
        raise _unknown(code)
    if standing.row.cycle_state == CycleState.CANCELLED:
        raise Refused(f"The cycle of W{row.id} is cancelled; nothing in it is owed any more.", "cycle-open")
    item = next((one for one in standing.items if one.id == row.id), None)
    if item is None:
        raise Refused(
            f"W{row.id} is closed: it was done on {row.closed_at:%Y-%m-%d}; `appraise show {standing.code}` says where "
            "the appraisal is now.",
            "item-closed",
        )
    return OpenWork(f"W{row.id}", standing, item, str(row.role))


def demand_judging(work: OpenWork) -> None:
    """Let pass only an item that scores, reviews or decides: nobody states or answers for somebody else.

    Raises:
        Refused: it is the person's own statement or answer.
    """
    if work.role not in JUDGING_ROLES:
        raise Refused(
            f"{work.code} waits for the person appraised, whose statement and answer nobody can give; enter it by "
            "proxy, or record the delivery.",
            "not-replaceable",
        )


def demand_may_hold(tx: Transaction, standing: Standing, role: str, person_id: int, number: str) -> None:
    """Let pass only who may have a part of an appraisal by the rules of roles and of distance.

    Raises:
        Refused: the rules do not let that one have it; the sentence says which.
    """
    office = load_office(tx, standing.today, since=standing.today - LOOKS_BACK)
    reporting = office.reporting.get(standing.row.assignment_id)
    if reporting is None:
        raise Refused(f"The post of {standing.code} ended long ago; nobody can take a part in it.", "too-old")
    if not any(row.person_id == person_id for row in office.assignments.values() if _held_on(row, standing.today)):
        raise Refused(f"{number} is in no post today, so no work can be given to him.", "no-assignment")
    demand_fit(
        workflow_of(tx, standing.row.workflow_id, standing.row.workflow_digest).roles,
        reporting,
        office.office,
        holders_of(standing),
        role=role,
        person=person_id,
        acted=acted_in(tx, standing),
    )
    if int(standing.row.person_id) in superiors_of(tx, person_id, standing.today):
        raise Refused(f"{number} stands below {standing.row.number}, and nobody judges his superior.", "below")


def _held_on(row: Row[Any], day: dt.date) -> bool:
    return bool(row.valid_from <= day and (row.valid_to is None or day <= row.valid_to))


def _reason(tx: Transaction, reason: str, doing: str) -> StoredText:
    stored = store_text(tx, reason)
    if stored is None:
        raise Malformed(f"{doing} needs a reason.", "reason-missing")
    return stored


def _unknown(code: str) -> NotFound:
    return NotFound(f"There is no work item {code}, or it is not yours to see.", "unknown-work-item")
