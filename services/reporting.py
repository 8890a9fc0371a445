"""The reporting line as records have it, read for everybody at once, and the holders it resolves to.

Roles are resolved by `workflow.roles` alone; here the office is loaded in a constant number of statements, for one
person or for ten thousand.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, and_, bindparam, exists, literal, null, or_, select, union_all

from models.appraisals import Appraisal, Party
from models.columns import table_of
from models.cycles import Cycle
from models.people import (
    Absence,
    Assignment,
    ConflictOfInterest,
    Contact,
    Person,
    Post,
    ReportingOverride,
    Unit,
)
from models.rubrics import Definition
from services import deaths
from services.definitions import workflow_of
from services.errors import NotFound, Refused
from services.unit_of_work import Transaction
from workflow.form import RolesForm
from workflow.parts import Office, Reporting, Resolution
from workflow.roles import resolve
from workflow.vocabulary import CycleState, Role

ABSENCE = table_of(Absence)
APPRAISAL = table_of(Appraisal)
ASSIGNMENT = table_of(Assignment)
CONFLICT = table_of(ConflictOfInterest)
CONTACT = table_of(Contact)
CYCLE = table_of(Cycle)
DEFINITION = table_of(Definition)
OVERRIDE = table_of(ReportingOverride)
PARTY = table_of(Party)
PERSON = table_of(Person)
POST = table_of(Post)
UNIT = table_of(Unit)


def _in_force(table: Table) -> Any:
    return (table.c.valid_from <= bindparam("on")) & or_(
        table.c.valid_to.is_(None), table.c.valid_to >= bindparam("on")
    )


_ASSIGNMENTS = (
    select(
        ASSIGNMENT.c.id,
        ASSIGNMENT.c.person_id,
        ASSIGNMENT.c.unit_id,
        ASSIGNMENT.c.manager_id,
        ASSIGNMENT.c.in_charge_id,
        ASSIGNMENT.c.kind,
        ASSIGNMENT.c.main,
        ASSIGNMENT.c.weight,
        ASSIGNMENT.c.valid_from,
        ASSIGNMENT.c.valid_to,
        ASSIGNMENT.c.post_id,
        POST.c.code.label("post"),
        PERSON.c.number,
        PERSON.c.left,
        exists(
            select(CONTACT.c.id).where(CONTACT.c.person_id == ASSIGNMENT.c.person_id, CONTACT.c.valid_to.is_(None))
        ).label("has_email"),
        # Nobody dies without having left, so nothing is looked up for those who are here.
        and_(PERSON.c.left.is_not(None), deaths.of(PERSON.c.id)).label("died"),
    )
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(PERSON, PERSON.c.id == ASSIGNMENT.c.person_id)
    .where(
        ASSIGNMENT.c.valid_from <= bindparam("until"),
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("since")),
    )
    .order_by(ASSIGNMENT.c.id)
)
_UNITS = select(UNIT.c.id, UNIT.c.parent_id, UNIT.c.head_id, UNIT.c.code).order_by(UNIT.c.code)
_EXCEPTIONS = union_all(
    select(
        literal("override").label("what"), OVERRIDE.c.person_id, OVERRIDE.c.assignment_id.label("of"), OVERRIDE.c.role
    ).where(_in_force(OVERRIDE)),
    select(literal("conflict"), CONFLICT.c.person_id, CONFLICT.c.other_id, null()).where(_in_force(CONFLICT)),
    select(literal("away"), PERSON.c.id, PERSON.c.id, null()).where(
        or_(PERSON.c.left < bindparam("on"), PERSON.c.erased_at.is_not(None))
    ),
    select(literal("away"), ABSENCE.c.person_id, ABSENCE.c.person_id, null()).where(
        ABSENCE.c.kind == "protected", _in_force(ABSENCE)
    ),
)
"""What departs from the reporting line: overrides (`of` an assignment), conflicts (`of` a person), people away."""

_FROZEN = (
    select(APPRAISAL.c.assignment_id, PARTY.c.person_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .outerjoin(
        PARTY,
        (PARTY.c.appraisal_id == APPRAISAL.c.id)
        & (PARTY.c.role == Role.ASSESSOR.value)
        & PARTY.c.to_at.is_(None)
        & (PARTY.c.seat == 1),
    )
    .where(
        APPRAISAL.c.assignment_id.in_(bindparam("assignments", expanding=True)),
        CYCLE.c.state != CycleState.CANCELLED.value,
        CYCLE.c.period_from <= bindparam("counted_on"),
        CYCLE.c.period_to >= bindparam("counted_on"),
    )
    # Of nested periods the shortest is last and wins.
    .order_by(CYCLE.c.period_from, CYCLE.c.period_to.desc())
)
_PLANNED = (
    select(CYCLE.c.workflow_id)
    .where(
        CYCLE.c.state != CycleState.CANCELLED.value,
        CYCLE.c.period_from <= bindparam("counted_on"),
        CYCLE.c.period_to >= bindparam("counted_on"),
    )
    .order_by(CYCLE.c.period_from.desc(), CYCLE.c.period_to)
    .limit(1)
)
_LATEST = (
    select(DEFINITION.c.id)
    .where(DEFINITION.c.kind == "workflow")
    .order_by(DEFINITION.c.published_at.desc(), DEFINITION.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class OfficeData:
    """The organisation on a day: what `workflow.roles` resolves with, and each assignment's place in it.

    `assignments` holds the rows in force on `on` or, where asked for, in a period around it; acting ones among them.
    `units` are all units by id, in the order of their codes.
    """

    on: dt.date
    office: Office
    assignments: Mapping[int, Row[Any]]
    reporting: Mapping[int, Reporting]
    units: Mapping[int, Row[Any]]


def load_office(
    tx: Transaction, on: dt.date, *, since: dt.date | None = None, until: dt.date | None = None
) -> OfficeData:
    """Read the organisation as it stands on a day, in three statements whatever its size.

    Who holds a post is always as of `on`; `since` adds the assignments that ended on or after that day, and `until`
    those that begin by that one, so that the people who leave, move or join in a period have their reporting line too.
    """
    rows = tx.all(_ASSIGNMENTS, {"since": min(since or on, on), "until": max(until or on, on)})
    now = [row for row in rows if row.valid_from <= on and (row.valid_to is None or row.valid_to >= on)]
    units = {row.id: row for row in tx.all(_UNITS)}
    exceptions: dict[str, list[Row[Any]]] = {"override": [], "conflict": [], "away": []}
    for row in tx.all(_EXCEPTIONS, {"on": on}):
        exceptions[row.what].append(row)
    overrides: dict[int, dict[str, int]] = {}
    for row in exceptions["override"]:
        overrides.setdefault(row.of, {})[row.role] = row.person_id
    office = Office(
        holders=_by_post(row for row in now if row.kind == "regular"),
        acting=_by_post(row for row in now if row.kind == "acting"),
        unavailable=frozenset(row.person_id for row in exceptions["away"]),
        conflicts=frozenset((row.person_id, row.of) for row in exceptions["conflict"]),
    )
    managers = {
        row.person_id: row.manager_id
        for row in sorted(now, key=lambda row: (row.main, -row.id))
        if row.kind == "regular" and row.manager_id is not None
    }
    heads = {unit_id: _heads(units, unit_id) for unit_id in {row.unit_id for row in rows}}
    return OfficeData(
        on=on,
        office=office,
        assignments={row.id: row for row in rows},
        reporting={
            row.id: Reporting(
                person=row.person_id,
                post=row.post,
                in_charge=row.in_charge_id,
                manager=row.manager_id,
                manager_of_manager=managers.get(row.manager_id),
                unit_heads=heads[row.unit_id],
                overrides=overrides.get(row.id, {}),
            )
            for row in rows
        },
        units=units,
    )


def resolve_assignment(office: OfficeData, roles: RolesForm, assignment_id: int) -> Resolution:
    """Return who scores, reviews and decides appeals of one assignment, with the problems found.

    Raises:
        NotFound: the assignment was not in force on the office's day, nor since the day it was asked for.
    """
    reporting = office.reporting.get(assignment_id)
    if reporting is None:
        raise NotFound(
            f"This assignment was not in force on {office.on}; `appraise org show` shows its days.",
            "unknown-assignment",
        )
    return resolve(roles, reporting, office.office)


def assessor_of(tx: Transaction, assignment_id: int, on: dt.date, *, today: dt.date | None = None) -> int | None:
    """Return who scores an assignment in the period that contains `on`, or None where nobody is left; see below."""
    return assessors_of(tx, [assignment_id], on, today=today)[assignment_id]


def assessors_of(
    tx: Transaction, assignments: Sequence[int], counted_on: dt.date, *, today: dt.date | None = None
) -> dict[int, int | None]:
    """Return who scores each assignment in the period that contains `counted_on`.

    Where an appraisal is open this is its present holder, frozen in the roster and changed only by a recorded act.
    Before that it is whom the reporting line of `today` (default: the same day) resolves to, by the workflow of the
    planned cycle or else the one published last.

    Raises:
        Refused: no cycle covers the day and no workflow is published, so nobody knows who scores.
    """
    frozen = {
        row.assignment_id: row.person_id
        for row in tx.all(_FROZEN, {"assignments": list(assignments), "counted_on": counted_on})
    }
    rest = [assignment for assignment in assignments if assignment not in frozen]
    if rest:
        roles = roles_for(tx, counted_on)
        office = load_office(tx, today or counted_on, since=min(counted_on, today or counted_on))
        for assignment in rest:
            known = assignment in office.reporting
            holder = resolve_assignment(office, roles, assignment).assessor if known else None
            frozen[assignment] = None if holder is None else holder.person
    return frozen


def roles_for(tx: Transaction, on: dt.date) -> RolesForm:
    """Return how roles resolve on a day: by the workflow of the cycle that covers it, else the one published last.

    Raises:
        Refused: there is neither.
    """
    return workflow_of(tx, workflow_id_for(tx, on)).roles


def workflow_id_for(tx: Transaction, on: dt.date) -> int:
    """Return the published workflow that governs a day: that of the cycle that covers it, else the one published last.

    Raises:
        Refused: there is neither.
    """
    found: int | None = tx.scalar(_PLANNED, {"counted_on": on})
    if found is None:
        found = tx.scalar(_LATEST)
    if found is None:
        raise Refused(
            "No workflow is published, so nobody knows who scores whom; publish one with `appraise workflow publish`.",
            "no-workflow",
        )
    return found


def _by_post(rows: Any) -> dict[str, tuple[int, ...]]:
    people: dict[str, list[int]] = {}
    for row in rows:
        people.setdefault(row.post, []).append(row.person_id)
    return {post: tuple(sorted(set(found))) for post, found in people.items()}


def _heads(units: Mapping[int, Row[Any]], unit_id: int | None) -> tuple[int | None, ...]:
    heads: list[int | None] = []
    seen: set[int] = set()
    while unit_id is not None and unit_id in units and unit_id not in seen:
        seen.add(unit_id)
        heads.append(units[unit_id].head_id)
        unit_id = units[unit_id].parent_id
    return tuple(heads)
