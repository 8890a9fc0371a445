"""Who joins an open cycle later, and how a cycle stands: opened, by stage, overdue."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, func, or_, select, update

from models.appraisals import Appraisal
from models.columns import UtcDateTime, table_of
from models.cycles import Cycle, Roster
from models.history import Event, TextBody
from models.people import Absence, Assignment, Person, Post
from models.workitems import WorkItem
from services import naming, opening, roster
from services.access import granted_roles
from services.actors import Actor
from services.audit import append_event
from services.cycles import demand_hr
from services.errors import Refused
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState, Role, RosterStatus

ABSENCE = table_of(Absence)
APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
ROSTER = table_of(Roster)
WORK_ITEM = table_of(WorkItem)
PERSON = table_of(Person)
POST = table_of(Post)
ASSIGNMENT = table_of(Assignment)
EVENT = table_of(Event)
TEXT_BODY = table_of(TextBody)

_PLACES = (
    select(
        ASSIGNMENT.c.id.label("assignment_id"),
        POST.c.code.label("post"),
        ROSTER.c.id,
        ROSTER.c.status,
        ROSTER.c.digest,
    )
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .outerjoin(ROSTER, and_(ROSTER.c.assignment_id == ASSIGNMENT.c.id, ROSTER.c.cycle_id == bindparam("cycle")))
    .where(ASSIGNMENT.c.person_id == bindparam("person"))
    .order_by(ASSIGNMENT.c.id)
)
_OPENED = (
    select(EVENT.c.payload)
    .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind == "opened")
    .order_by(EVENT.c.seq.desc())
    .limit(1)
)
_TAKEN_UP = (
    "status",
    "reason_code",
    "reason_id",
    "rubric_id",
    "assessor_id",
    "reviewer_id",
    "decider_id",
    "sources",
    "working_days",
    "statement",
    "digest",
)
_TAKE_UP = (
    update(ROSTER).where(ROSTER.c.id == bindparam("row")).values({name: bindparam(f"new_{name}") for name in _TAKEN_UP})
)
_CYCLES = select(CYCLE).order_by(CYCLE.c.period_from, CYCLE.c.id)
_STAGES = (
    select(
        APPRAISAL.c.stage,
        APPRAISAL.c.outcome,
        func.count().label("number"),
        func.sum(APPRAISAL.c.version).label("moves"),
    )
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"))
    .group_by(APPRAISAL.c.stage, APPRAISAL.c.outcome)
)
_ROSTER = (
    select(ROSTER.c.status, func.count().label("number"))
    .where(ROSTER.c.cycle_id == bindparam("cycle"))
    .group_by(ROSTER.c.status)
)
_OVERDUE = (
    select(
        WORK_ITEM.c.id,
        WORK_ITEM.c.stage,
        WORK_ITEM.c.due_at,
        PERSON.c.number,
        PERSON.c.name,
    )
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(PERSON, PERSON.c.id == WORK_ITEM.c.holder_id)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.due_at < bindparam("now", type_=UtcDateTime()),
        # Whoever is away under protection is never late (domain.md, 5b).
        ~exists(
            select(ABSENCE.c.id).where(
                ABSENCE.c.person_id == WORK_ITEM.c.holder_id,
                ABSENCE.c.kind == "protected",
                ABSENCE.c.valid_from <= bindparam("on"),
                or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
            )
        ),
    )
    .order_by(WORK_ITEM.c.due_at, WORK_ITEM.c.id)
)
_LEFT_OUT = (
    select(
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        ROSTER.c.status,
        ROSTER.c.reason_code,
        TEXT_BODY.c.body.label("reason"),
    )
    .join(PERSON, PERSON.c.id == ROSTER.c.person_id)
    .join(POST, POST.c.id == ROSTER.c.post_id)
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == ROSTER.c.reason_id)
    .where(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.status != RosterStatus.RATED.value)
    .order_by(PERSON.c.number, POST.c.code)
)


@use_case("cycle.enrol")
def enrol(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, number: str) -> tuple[str, ...]:
    """Take somebody into an open cycle: joined late, was left out, or stood in the way of the opening.

    `number` is the employee number, with @POST where somebody has several assignments. Returns the appraisals opened.

    Raises:
        NotFound: there is no such cycle or person.
        Refused: the cycle is not open, he is in it already, or his problems are not solved.
    """
    wanted, _, post = number.partition("@")
    with uow.write() as tx:
        demand_hr(tx, actor, now, "enrol somebody")
        person = naming.person(tx, wanted)
        row = naming.cycle(tx, cycle)
        if row.state != CycleState.OPEN:
            raise Refused(f"The cycle {cycle} is {row.state}; people join an open cycle only.", "not-open")
        return join(tx, row, person, post, actor=actor, now=now)


def join(
    tx: Transaction, row: Row[Any], person: Row[Any], post: str, *, actor: Actor, now: dt.datetime
) -> tuple[str, ...]:
    """Open what a person has in an open cycle and is not in it yet, of one post or, where it is empty, of all.

    Raises:
        Refused: he is in it already, or his problems are not solved.
    """
    choices = roster.Choices(override_incomplete=let_through(tx, row.id))
    drawn = roster.draw(tx, row, local_day(now, naming.organisation(tx).zone), choices)
    places = {
        place.assignment_id: place
        for place in tx.all(_PLACES, {"cycle": row.id, "person": person.id})
        if (not post or place.post == post) and place.status != RosterStatus.RATED
    }
    joining = {found["assignment_id"]: found for found in drawn.rows if found["assignment_id"] in places}
    for assignment, found in joining.items():
        if found["status"] == RosterStatus.BLOCKED:
            at = places[assignment].post
            raise _blocked(f"{person.number}@{at}", row.code, assignment, at, drawn)
    fresh = {
        assignment: _take_up(tx, row.id, found, places[assignment], actor=actor, now=now)
        for assignment, found in joining.items()
        if found["status"] == RosterStatus.RATED
    }
    name = f"{person.number}@{post}" if post else person.number
    if not fresh:
        raise Refused(f"{name} is in {row.code} already, or has no assignment there that is rated.", "already-enrolled")
    for roster_id in fresh.values():
        opening.open_range(tx, row.id, roster_id, roster_id, now)
    return tuple(f"{row.code}/{person.number}@{places[assignment].post}" for assignment in fresh)


def let_through(tx: Transaction, cycle_id: int) -> dict[str, str]:
    """Return the posts whose incomplete rubric was let through when the cycle opened: it holds for who joins later."""
    opened = tx.scalar(_OPENED, {"stream": f"cycle:{cycle_id}"})
    return {} if opened is None else dict(json.loads(opened)["overrides"])


def _blocked(number: str, cycle: str, assignment: int, post: str, drawn: roster.Drawn) -> Refused:
    problem = next(
        problem
        for problem in drawn.errors
        if problem.assignment_id == assignment or (problem.assignment_id is None and problem.post == post)
    )
    return Refused(f"{number} cannot join {cycle}: {problem.text} {problem.mend}", problem.code)


def _take_up(
    tx: Transaction, cycle_id: int, row: Mapping[str, Any], place: Row[Any], *, actor: Actor, now: dt.datetime
) -> int:
    if place.id is None:
        roster_id = tx.insert(ROSTER, row)
    else:
        roster_id = int(place.id)
        tx.run(_TAKE_UP, {"row": roster_id, **{f"new_{name}": row[name] for name in _TAKEN_UP}})
    append_event(
        tx,
        f"cycle:{cycle_id}",
        "enrolled",
        actor=actor,
        at=now,
        payload={
            "roster": roster_id,
            "assignment": row["assignment_id"],
            "row": row["digest"],
            "was": place.digest,
        },
    )
    return roster_id


@dataclass(frozen=True, slots=True)
class Status:
    """How a cycle stands. `stages` counts appraisals, `roster` assignments, `overdue` names who is late with what.

    `moves` is how many moves its appraisals have made: what was looked at has changed where it is another number.
    """

    code: str
    state: str
    period_from: dt.date
    period_to: dt.date
    roster: Mapping[str, int]
    stages: Mapping[str, int]
    not_rated: int
    overdue: tuple[Mapping[str, Any], ...]
    left_out: tuple[Mapping[str, Any], ...]
    moves: int


@use_case("cycle.status")
def status(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str) -> Status:
    """Return how a cycle stands; for HR, the approver and auditors.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer runs nothing.
    """
    with uow.read() as tx:
        roles = _demand_overview(tx, actor, now)
        row, day = naming.cycle(tx, cycle), local_day(now, naming.organisation(tx).zone)
        stages: dict[str, int] = {}
        not_rated = moves = 0
        for counted in tx.all(_STAGES, {"cycle": row.id}):
            stages[counted.stage] = stages.get(counted.stage, 0) + counted.number
            not_rated += counted.number if counted.outcome == "not-rated" else 0
            moves += int(counted.moves)
        return Status(
            row.code,
            row.state,
            row.period_from,
            row.period_to,
            {counted.status: counted.number for counted in tx.all(_ROSTER, {"cycle": row.id})},
            stages,
            not_rated,
            tuple(
                {
                    "item": f"W{late.id}",
                    "stage": late.stage,
                    "due_at": late.due_at,
                    "number": late.number,
                    "name": late.name,
                }
                for late in tx.all(_OVERDUE, {"cycle": row.id, "now": now, "on": day})
            ),
            tuple(_left_out(left, roles) for left in tx.all(_LEFT_OUT, {"cycle": row.id})),
            moves,
        )


def _left_out(row: Row[Any], roles: frozenset[str]) -> Mapping[str, Any]:
    """Return who has no appraisal and why; the reason of a protected absence is HR's alone (domain.md, 5b)."""
    found = row._asdict()
    if row.reason_code == "protected-absence" and Role.HR not in roles:
        found |= {"reason_code": None, "reason": None}
    return found


def cycles(uow: UnitOfWork) -> tuple[Mapping[str, Any], ...]:
    """Return every cycle with its period and state; nothing of anybody's is in it."""
    with uow.read() as tx:
        return tuple(
            {"code": row.code, "state": row.state, "from": row.period_from, "to": row.period_to}
            for row in tx.all(_CYCLES)
        )


def _demand_overview(tx: Transaction, actor: Actor, now: dt.datetime) -> frozenset[str]:
    roles = granted_roles(tx, actor.person_id, local_day(now, naming.organisation(tx).zone))
    if roles.isdisjoint({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM}):
        raise Refused("Only HR, the approver and auditors see how a whole cycle stands.", "not-hr")
    return roles
