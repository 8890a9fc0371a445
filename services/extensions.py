"""Giving more time while a cycle runs: to one person, to a unit, to everybody in a stage (W11); history kept."""

import datetime as dt
import zoneinfo
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.people import Unit
from services import naming
from services.access import superiors_of
from services.actors import Actor
from services.audit import StoredText, append_event, stamp, store_text
from services.cycles import demand_hr
from services.deadline_rows import keep_history, move_deadlines
from services.definitions import lifecycle_of
from services.errors import Malformed, NotFound, Refused
from services.extension_events import EXTENDED
from services.grants import today
from services.standing import APPRAISAL, ASSIGNMENT, PERSON, POST, WORK_ITEM
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.deadlines import at_time
from workflow.vocabulary import CycleState

UNIT = table_of(Unit)
EXTENSION = "extension"

OPEN_ITEMS = (
    select(
        WORK_ITEM.c.id,
        WORK_ITEM.c.appraisal_id,
        WORK_ITEM.c.stage,
        WORK_ITEM.c.holder_id,
        WORK_ITEM.c.opened_at,
        WORK_ITEM.c.noticed_at,
        WORK_ITEM.c.due_at,
        APPRAISAL.c.cycle_id,
        APPRAISAL.c.person_id,
        ASSIGNMENT.c.unit_id,
        PERSON.c.number,
        POST.c.code.label("post"),
    )
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(WORK_ITEM.c.closed_at.is_(None))
    .order_by(WORK_ITEM.c.id)
)
_OF_CYCLE = OPEN_ITEMS.where(APPRAISAL.c.cycle_id == bindparam("cycle"))
_UNITS = select(UNIT.c.id, UNIT.c.parent_id, UNIT.c.code)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Whose deadlines are meant: the appraisals of these people, in these units and below, in these stages.

    What is empty does not narrow; nothing at all means nobody.
    """

    people: Sequence[str] = ()
    units: Sequence[str] = ()
    stages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Extended:
    """Whose deadlines were moved, with the old one, and whose were not, with the reason as a code."""

    until: dt.date
    moved: tuple[Mapping[str, Any], ...]
    left: tuple[Mapping[str, Any], ...]


@use_case("cycle.extend")
def extend(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, cohort: Cohort, until: dt.date, reason: str
) -> Extended:
    """Give the open work of a cohort time until the end of a day; reminders of the old deadline are cancelled.

    Nobody gets less time by it, and nobody extends what is about himself or one of his superiors (domain.md, 5).

    Raises:
        NotFound: there is no such cycle, person or unit.
        Malformed: the day is over, the reason is missing, no cohort is named, or a stage does not exist.
        Refused: the actor is no HR officer, the cycle is not open, or nobody is in the cohort; of one person, that he
            is the actor or a superior of his.
        Conflict: somebody acted at the same moment.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "extend a deadline")
        row = naming.cycle(tx, cycle)
        if row.state in {CycleState.PLANNED, CycleState.CANCELLED}:
            raise Refused(f"The cycle {cycle} is {row.state}; nothing in it has a deadline.", "not-open")
        text = demand_reason(tx, reason)
        found, whens = _cohort(tx, row, cohort), _moments(tx, row, cohort, until)
        if min(whens.values()) <= now:
            raise Malformed(f"{until.isoformat()} is over; name a day to come.", "past")
        near = near_to(tx, actor, now)
        moved: list[tuple[Row[Any], str | None]] = []
        left: list[tuple[Row[Any], str | None]] = []
        for item in found:
            why = _left(item, whens[item.stage], near)
            (left if why else moved).append((item, why))
        if not moved:
            raise _nobody(cycle, left)
        for moment in sorted(set(whens.values())):
            these = [item for item, _ in moved if whens[item.stage] == moment]
            if these:
                _extend(tx, these, moment, text, actor=actor, now=now)
        tx.ring()
    return Extended(
        until,
        tuple(
            {"item": f"W{item.id}", "appraisal": code_of(cycle, item), "stage": item.stage, "was": item.due_at}
            for item, _ in moved
        ),
        tuple({"item": f"W{item.id}", "appraisal": code_of(cycle, item), "why": why} for item, why in left),
    )


def code_of(cycle: str, item: Row[Any]) -> str:
    """Return the name of the appraisal that a row of `OPEN_ITEMS` is about."""
    return f"{cycle}/{item.number}@{item.post}"


def demand_reason(tx: Transaction, reason: str) -> StoredText:
    """Keep a reason that must be there.

    Raises:
        Malformed: it is empty.
    """
    text = store_text(tx, reason)
    if text is None:
        raise Malformed("Say why; the reason is kept with it.", "reason")
    return text


def near_to(tx: Transaction, actor: Actor, now: dt.datetime) -> frozenset[int]:
    """Return the actor, whoever types for him, and everybody above them: about these he decides nothing."""
    found: frozenset[int] = frozenset()
    for one in (actor.person_id, actor.typed_by):
        if one is not None:
            found |= superiors_of(tx, one, today(tx, now)) | {one}
    return found


def _moments(tx: Transaction, cycle: Row[Any], cohort: Cohort, until: dt.date) -> dict[str, dt.datetime]:
    lifecycle = lifecycle_of(tx, cycle.workflow_id, cycle.workflow_digest)
    zone = zoneinfo.ZoneInfo(naming.organisation(tx).zone)
    moments = {}
    for stage in lifecycle.stages:
        if not stage.end:
            own = stage.deadline.term.at if stage.deadline is not None else None
            moments[stage.id] = at_time(until, own or lifecycle.due_at, zone)
    for name in cohort.stages:
        if name not in moments:
            raise Malformed(f"There is no stage {name!r} with a deadline; there are {', '.join(moments)}.", "stage")
    return moments


def _cohort(tx: Transaction, cycle: Row[Any], cohort: Cohort) -> list[Row[Any]]:
    if not (cohort.people or cohort.units or cohort.stages):
        raise Malformed("Say whose deadline is meant: a person, a unit or a stage.", "cohort")
    people: set[tuple[int, str]] = set()
    for name in cohort.people:
        number, _, post = name.partition("@")
        people.add((naming.person(tx, number).id, post))
    units = _below(tx, cohort.units)
    return [
        row
        for row in tx.all(_OF_CYCLE, {"cycle": cycle.id})
        if (not people or not people.isdisjoint({(row.person_id, ""), (row.person_id, row.post)}))
        and (not cohort.units or row.unit_id in units)
        and (not cohort.stages or row.stage in cohort.stages)
    ]


def _below(tx: Transaction, codes: Sequence[str]) -> frozenset[int]:
    rows = tx.all(_UNITS) if codes else ()
    ids = {row.code: row.id for row in rows}
    for code in codes:
        if code not in ids:
            raise NotFound(f"There is no unit {code}; `appraise org show` lists the units.", "unknown-unit")
    found = {ids[code] for code in codes}
    more = found
    while more:
        more = {row.id for row in rows if row.parent_id in found} - found
        found |= more
    return frozenset(found)


def _left(item: Row[Any], until: dt.datetime, near: Collection[int]) -> str | None:
    if item.person_id in near:
        return "own-or-superior"
    if item.due_at is None:
        return "no-deadline"
    return "later-already" if item.due_at >= until else None


def _nobody(cycle: str, left: Sequence[tuple[Row[Any], str | None]]) -> Refused:
    whys = {why for _, why in left}
    if whys == {"own-or-superior"}:
        return Refused(
            "Nobody may extend a deadline of his own appraisal or of a superior's; another officer must do it.",
            "own-or-superior",
        )
    said = {
        "later-already": "those who are meant have more time already",
        "no-deadline": "no deadline is running for them",
        "own-or-superior": "of yourself and your superiors you extend nothing",
    }
    because = "; ".join(said[why] for why in sorted(whys, key=str) if why is not None)
    return Refused(
        f"Nobody's deadline in {cycle} would move: {because or 'nobody in it is meant'}; "
        f"`appraise cycle status {cycle}` shows who is where.",
        "nobody",
    )


def _extend(
    tx: Transaction, items: Sequence[Row[Any]], until: dt.datetime, text: StoredText, *, actor: Actor, now: dt.datetime
) -> None:
    move_deadlines(tx, items, until, now, why="extended")
    rows = keep_history(tx, items, until, EXTENSION, text)
    append_event(
        tx,
        f"cycle:{items[0].cycle_id}",
        EXTENDED,
        actor=actor,
        at=now,
        payload={
            "until": stamp(until),
            "items": [item.id for item in items],
            "appraisals": [item.appraisal_id for item in items],
            "deadlines": list(rows),
            "reason": [text.id, text.digest],
        },
    )
