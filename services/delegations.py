"""Delegation with dates, given in advance: a substitute acts on somebody's behalf, on those days and no others (W11).

It covers scoring, reviewing and deciding, never a person's own statement or answer. Whether it holds for an appraisal
is looked at when the substitute acts: never in his own, nor where he has or had a part or an interest, nor upward. The
audit has both, the substitute as who acted and the holder as for whom.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, RowMapping, bindparam, or_, select, update

from models.columns import table_of
from models.people import Delegation
from services import naming
from services.access import PARTY, interested, interests_asked, own_or_superior, superiors_asked
from services.actors import Actor
from services.audit import append_event, digest, store_text
from services.errors import Malformed, Refused
from services.grants import demand, demand_distance, today
from services.handover import acted_asked, acted_in
from services.one_reading import ahead
from services.outbox import promise
from services.standing import APPRAISAL, CYCLE, PERSON, Standing, load, seen_by
from services.unit_of_work import Transaction, UnitOfWork, use_case
from services.work_items import demand_judging, open_work
from workflow.vocabulary import JUDGING_ROLES, LAST_STAGE, CycleState, Role

DELEGATION = table_of(Delegation)
HOLDER = PERSON.alias("holder")
DELEGATE = PERSON.alias("delegate")

_JUDGING = frozenset(JUDGING_ROLES)
_SAME = select(DELEGATION).where(
    DELEGATION.c.person_id == bindparam("person"),
    DELEGATION.c.delegate_id == bindparam("delegate"),
    DELEGATION.c.valid_from == bindparam("first"),
)
_UNTIL = update(DELEGATION).where(DELEGATION.c.id == bindparam("row")).values(valid_to=bindparam("last"))
_BY_ID = select(DELEGATION).where(DELEGATION.c.id == bindparam("row"))
_ON = bindparam("on", type_=DELEGATION.c.valid_from.type)
_MINE = (
    select(DELEGATION.c.person_id, DELEGATION.c.role)
    .join(DELEGATE, DELEGATE.c.id == DELEGATION.c.delegate_id)
    .where(
        DELEGATION.c.delegate_id == bindparam("delegate"),
        DELEGATION.c.valid_from <= _ON,
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= _ON),
        # Whoever has left stands in for nobody any more.
        or_(DELEGATE.c.left.is_(None), DELEGATE.c.left >= _ON),
    )
)
_OF = (
    select(
        DELEGATION.c.person_id,
        DELEGATION.c.delegate_id,
        DELEGATION.c.role,
        DELEGATION.c.valid_from,
        DELEGATION.c.valid_to,
        HOLDER.c.number.label("holder"),
        DELEGATE.c.number,
        DELEGATE.c.name,
    )
    .join(HOLDER, HOLDER.c.id == DELEGATION.c.person_id)
    .join(DELEGATE, DELEGATE.c.id == DELEGATION.c.delegate_id)
    .where(
        DELEGATION.c.person_id.in_(bindparam("people", expanding=True)),
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= _ON),
        # One that was ended before it began is none.
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= DELEGATION.c.valid_from),
    )
    .order_by(DELEGATION.c.valid_from, DELEGATION.c.id)
)
_PARTS = (
    select(PARTY.c.appraisal_id, PARTY.c.role)
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        PARTY.c.person_id == bindparam("person"),
        PARTY.c.to_at.is_(None),
        PARTY.c.role.in_([role.value for role in JUDGING_ROLES]),
        APPRAISAL.c.stage != LAST_STAGE,
        CYCLE.c.state != CycleState.CANCELLED.value,
    )
    .order_by(PARTY.c.appraisal_id)
)
_ANY_PART = (
    select(PARTY.c.id)
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .where(
        PARTY.c.person_id == bindparam("person"),
        APPRAISAL.c.assignment_id == bindparam("assignment"),
        APPRAISAL.c.stage != LAST_STAGE,
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Delegated:
    """A delegation as it was written; `role` is None for all that he scores, reviews and decides.

    `not_for` names the open appraisals it does not hold for, each with the sentence that says why.
    """

    holder: str
    delegate: str
    role: str | None
    first: dt.date
    last: dt.date
    not_for: tuple[tuple[str, str], ...]


@use_case("workitem.delegate")
def delegate(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    first: dt.date,
    last: dt.date,
    role: str | None = None,
    item: str | None = None,
    holder: str | None = None,
    reason: str | None = None,
) -> Delegated:
    """Let `number` act for the actor, or by HR for `holder`, from `first` to `last`; the substitute is told once.

    `role` narrows it to scoring, reviewing or deciding; `item`, such as W77, to the role of that work item, and then it
    must hold for that appraisal. The same delegation with another last day changes that day.

    Raises:
        Malformed: there is no such role, or the name of the item has another form.
        NotFound: there is no such person or work item.
        Refused: the days lie in the past or are in the wrong order; the substitute is the person appraised, has or had
            a part, an interest, has left, or stands below him; or the actor may not.
    """
    with uow.write() as tx:
        day = today(tx, now)
        person = _holder(tx, actor, now, holder)
        substitute = naming.person(tx, number)
        _demand_days(substitute, first, last, day)
        if substitute.id == person.id:
            raise Refused("Nobody is his own substitute; name somebody else.", "self")
        if role is not None and role not in JUDGING_ROLES:
            known = ", ".join(JUDGING_ROLES)
            raise Malformed(f"Only {known} can be delegated, not {role!r}; leave the role out for all.", "unknown-role")
        if item is not None:
            role = _of_item(tx, item, person.id, substitute, actor=actor, now=now)
        not_for = _not_for(tx, person.id, substitute, role, actor=actor, now=now)
        stored = store_text(tx, reason)
        values = {"person_id": person.id, "delegate_id": substitute.id, "role": role, "valid_from": first}
        same = {"person": person.id, "delegate": substitute.id, "first": first}
        before = next((row for row in tx.all(_SAME, same) if row.role == role), None)
        if before is None:
            rest = {"valid_to": last, "reason_id": None if stored is None else stored.id}
            row_id = tx.insert(DELEGATION, values | rest)
        else:
            row_id = int(before.id)
            tx.run(_UNTIL, {"row": row_id, "last": last})
        row = tx.all(_BY_ID, {"row": row_id})[0]
        payload: dict[str, Any] = {"delegation": row_id, "digest": digest(content(row._mapping))}  # noqa: SLF001
        if before is None and stored is not None:
            payload["reason"] = [stored.id, stored.digest]
        kind = "delegation.new" if before is None else "delegation.changed"
        append_event(tx, "org", kind, actor=actor, at=now, payload=payload)
        promise(
            tx,
            kind="delegated",
            person_id=substitute.id,
            dedupe_key=f"delegated/{row_id}/{last}",
            now=now,
            payload={"delegation": row_id},
        )
    return Delegated(person.number, number, role, first, last, not_for)


def content(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    """Return what of a delegation's row its latest event vouches for."""
    plain = ("person_id", "delegate_id", "role", "reason_id")
    days = {name: None if row[name] is None else row[name].isoformat() for name in ("valid_from", "valid_to")}
    return {name: row[name] for name in plain} | days


CONTENT = {"delegation": (DELEGATION, content)}
"""For the id that a payload may hold: its table and the content its digest was made of; the latest event holds."""


def principals(tx: Transaction, person_id: int | None, on: dt.date) -> Mapping[int, frozenset[str]]:
    """Return for whom somebody may act on a day, and in which roles."""
    found: dict[int, frozenset[str]] = {}
    for row in tx.all(*principals_asked(person_id, on)) if person_id is not None else ():
        roles = frozenset(role.value for role in JUDGING_ROLES) if row.role is None else frozenset({row.role})
        found[row.person_id] = found.get(row.person_id, frozenset()) | roles
    return found


def principals_asked(person_id: int, on: dt.date) -> tuple[Executable, dict[str, Any]]:
    """Return what `principals` asks of the database."""
    return _MINE, {"delegate": person_id, "on": on}


def stand_in(tx: Transaction, standing: Standing, actor: Actor, action: str | None = None) -> tuple[Standing, Actor]:
    """Return the appraisal as the one sees it for whom the actor acts here, and as whom he acts; else both as given.

    Looked up only where the actor has no right of his own to the action, or, without one, judges nothing here.
    """
    if actor.person_id is None or actor.typed_by is not None or actor.person_id == standing.row.person_id:
        return standing, actor
    move = None if action is None else standing.lifecycle.move(standing.stage, action)
    wanted = _JUDGING if action is None else frozenset(() if move is None else move.who)
    if wanted.isdisjoint(_JUDGING) or not standing.roles.isdisjoint(wanted):
        return standing, actor
    for holder, roles in principals(tx, actor.person_id, standing.today).items():
        held = {role for role in roles & wanted if holder in standing.parts.holders.get(role, ())}
        if held:
            ahead(tx, *unfit_asked(standing, actor.person_id))
        if held and all(unfit(tx, standing, actor.person_id, role) is None for role in held):
            acting = Actor(holder, typed_by=actor.person_id, delegated=True)
            return seen_by(tx, standing, acting), acting
    return standing, actor


def unfit(tx: Transaction, standing: Standing, person_id: int, role: str) -> tuple[str, str] | None:
    """Return code and sentence of why somebody cannot stand in for a role of an appraisal, or None."""
    appraisee = int(standing.row.person_id)
    if person_id == appraisee:
        return "is-appraisee", "he is the person appraised"
    if any(person_id in people for people in standing.parts.holders.values()):
        return "has-a-part", "he has a part in it himself"
    if any(person_id in people for part, people in acted_in(tx, standing).items() if part != role):
        return "has-a-part", "he has already acted in another part of it"
    if interested(tx, person_id, appraisee, standing.today):
        return "recused", "he has a recorded interest in the person appraised"
    if own_or_superior(tx, person_id, appraisee, standing.today):
        return "below", "he stands below the person appraised"
    return None


def unfit_asked(standing: Standing, person_id: int) -> list[tuple[Executable, dict[str, Any]]]:
    """Return what `unfit` asks of the database at most."""
    interests = interests_asked(person_id, int(standing.row.person_id), standing.today)
    return [*acted_asked(standing), *interests, superiors_asked(person_id, standing.today)]


def shown(tx: Transaction, people: Sequence[int], on: dt.date) -> tuple[Mapping[str, Any], ...]:
    """Return the delegations of some people that are in force or still to come, as everybody concerned may see them."""
    rows: Sequence[Row[Any]] = tx.all(*shown_asked(people, on)) if people else ()
    return tuple(
        {
            "holder": row.holder,
            "delegate": f"{row.name} ({row.number})",
            "role": row.role,
            "from": row.valid_from,
            "to": row.valid_to,
        }
        for row in rows
    )


def shown_asked(people: Sequence[int], on: dt.date) -> tuple[Executable, dict[str, Any]]:
    """Return what `shown` asks of the database."""
    return _OF, {"people": sorted(set(people)), "on": on}


def _holder(tx: Transaction, actor: Actor, now: dt.datetime, number: str | None) -> Row[Any]:
    if number is None:
        if actor.person_id is None or actor.typed_by is not None:
            raise Refused("Only a person names his substitute; HR says for whom.", "not-a-person")
        return tx.all(select(PERSON).where(PERSON.c.id == actor.person_id))[0]
    person = naming.person(tx, number)
    if person.id != actor.person_id:
        demand(tx, actor, now, (Role.HR,), "name a substitute for somebody else")
        demand_distance(tx, actor, now, person.id, "name a substitute")
    return person


def _demand_days(substitute: Row[Any], first: dt.date, last: dt.date, day: dt.date) -> None:
    if last < first:
        raise Refused(f"It ends on {last}, before it begins on {first}; correct the days.", "dates-reversed")
    if first < day:
        raise Refused(f"{first} lies in the past; a delegation begins today or later.", "past")
    if substitute.erased_at is not None or (substitute.left is not None and substitute.left < last):
        raise Refused(f"{substitute.number} has left, or leaves before {last}; name somebody else.", "left")


def _of_item(
    tx: Transaction, item: str, person_id: int, substitute: Row[Any], *, actor: Actor, now: dt.datetime
) -> str:
    work = open_work(tx, item, actor, now)
    demand_judging(work)
    if work.item.holder_id != person_id:
        raise Refused(f"{work.code} is with somebody else, who must delegate it himself.", "not-holder")
    refusal = unfit(tx, work.standing, substitute.id, work.role)
    if refusal is not None:
        raise Refused(f"{substitute.number} cannot stand in for {work.code}: {refusal[1]}.", refusal[0])
    return work.role


def _not_for(
    tx: Transaction, person_id: int, substitute: Row[Any], role: str | None, *, actor: Actor, now: dt.datetime
) -> tuple[tuple[str, str], ...]:
    held = [row for row in tx.all(_PARTS, {"person": person_id}) if role is None or row.role == role]
    roles = {int(row.appraisal_id): str(row.role) for row in held}
    refusals = []
    for standing in load(tx, sorted(roles), actor, now) if roles else ():
        refusal = unfit(tx, standing, substitute.id, roles[standing.id])
        if refusal is not None:
            refusals.append((standing.code, *refusal))
    if refusals and len(refusals) == len(roles):
        code, why, sentence = refusals[0]
        raise Refused(f"{substitute.number} cannot stand in for {code}: {sentence}; name somebody else.", why)
    return tuple((code, sentence) for code, _, sentence in refusals)


def recorder(tx: Transaction, actor: Actor, assessor: int | None, held: Row[Any], on: dt.date) -> Actor | None:
    """Return as whom somebody records about an assignment in place of its assessor on a day, or None if he may not."""
    if assessor is None or actor.person_id is None or actor.typed_by is not None:
        return None
    if Role.ASSESSOR not in principals(tx, actor.person_id, on).get(assessor, frozenset()):
        return None
    if tx.first(_ANY_PART, {"person": actor.person_id, "assignment": held.id}) is not None:
        return None
    return Actor(assessor, typed_by=actor.person_id, delegated=True)
