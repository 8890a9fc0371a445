"""How a cycle stands, for one page: appraisals counted by stage and by unit, what is late where, what is on hold."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, func, select

from models.columns import UtcDateTime, table_of
from models.people import Unit
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.definitions import lifecycle_of
from services.enrolment import ROSTER
from services.errors import NotFound, Refused
from services.holds import held_by_stage
from services.standing import APPRAISAL, ASSIGNMENT, WORK_ITEM, local_day
from services.unit_of_work import UnitOfWork, use_case
from workflow.vocabulary import Outcome, Role

UNIT = table_of(Unit)
SEES_BOARD = frozenset({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM})
"""Who sees how a whole cycle stands."""

_LATE = and_(WORK_ITEM.c.closed_at.is_(None), WORK_ITEM.c.due_at < bindparam("now", type_=UtcDateTime()))
_COUNTS = (
    select(
        ASSIGNMENT.c.unit_id,
        APPRAISAL.c.stage,
        APPRAISAL.c.outcome,
        func.count(APPRAISAL.c.id.distinct()).label("number"),
        func.count(case((_LATE, APPRAISAL.c.id)).distinct()).label("late"),
    )
    .select_from(
        APPRAISAL.join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id).outerjoin(
            WORK_ITEM, and_(WORK_ITEM.c.appraisal_id == APPRAISAL.c.id, WORK_ITEM.c.closed_at.is_(None))
        )
    )
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"))
    .group_by(ASSIGNMENT.c.unit_id, APPRAISAL.c.stage, APPRAISAL.c.outcome)
)
_UNITS = select(UNIT.c.id, UNIT.c.code, UNIT.c.name, UNIT.c.parent_id).order_by(UNIT.c.code)
_ROSTER = (
    select(ROSTER.c.status, func.count().label("number"))
    .where(ROSTER.c.cycle_id == bindparam("cycle"))
    .group_by(ROSTER.c.status)
)


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many appraisals are in a stage, and how many of them are late or on hold."""

    id: str
    title: Mapping[str, str]
    number: int
    late: int
    held: int


@dataclass(frozen=True, slots=True)
class UnitCount:
    """A unit with all below it: appraisals by stage; `below` tells that there are units under it to look at."""

    code: str
    name: str
    stages: Mapping[str, int]
    late: int
    below: bool


@dataclass(frozen=True, slots=True)
class Board:
    """A cycle at a glance. `unit` is the code of the unit that is looked at, None for the whole organisation."""

    code: str
    state: str
    period_from: dt.date
    period_to: dt.date
    today: dt.date
    stages: tuple[StageCount, ...]
    units: tuple[UnitCount, ...]
    unit: str | None
    not_rated: int
    roster: Mapping[str, int]
    roles: frozenset[str]

    @property
    def appraisals(self) -> int:
        """How many appraisals there are, in all stages."""
        return sum(stage.number for stage in self.stages)

    @property
    def late(self) -> int:
        """How many of them are late."""
        return sum(stage.late for stage in self.stages)


@use_case("cycle.board")
def board(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, unit: str | None = None) -> Board:
    """Return how a cycle stands; for HR, the approver and auditors. Counts only, of nobody's judgement. 8 statements.

    Raises:
        NotFound: there is no such cycle or unit.
        Refused: the viewer runs nothing.
    """
    with uow.read() as tx:
        organisation = naming.organisation(tx)
        day = local_day(now, organisation.zone)
        roles = granted_roles(tx, actor.person_id, day)
        if roles.isdisjoint(SEES_BOARD):
            raise Refused("Only HR, the approver and auditors see how a whole cycle stands.", "not-hr")
        row = naming.cycle(tx, cycle)
        lifecycle = lifecycle_of(tx, row.workflow_id, row.workflow_digest)
        units = {found.id: found for found in tx.all(_UNITS)}
        inside = _inside(units, unit)
        counts = [found for found in tx.all(_COUNTS, {"cycle": row.id, "now": now}) if found.unit_id in inside]
        held = held_by_stage(tx, row.id) if unit is None else {}
        return Board(
            row.code,
            row.state,
            row.period_from,
            row.period_to,
            day,
            tuple(
                StageCount(
                    stage.id,
                    stage.title,
                    sum(found.number for found in counts if found.stage == stage.id),
                    sum(found.late for found in counts if found.stage == stage.id),
                    held.get(stage.id, 0),
                )
                for stage in lifecycle.stages
            ),
            tuple(_by_unit(units, inside, counts)),
            unit,
            sum(found.number for found in counts if found.outcome == Outcome.NOT_RATED),
            {found.status: found.number for found in tx.all(_ROSTER, {"cycle": row.id})},
            roles,
        )


def _inside(units: Mapping[int, Row[Any]], code: str | None) -> Mapping[int, int]:
    """Return, for each unit that is looked at, the unit under whose name it is counted: a child of `code`, or itself.

    Raises:
        NotFound: there is no unit of this code.
    """
    if code is None:
        tops = [found.id for found in units.values() if found.parent_id is None]
        # An office with one top shows what is below it; the top itself is only a frame.
        root = tops[0] if len(tops) == 1 else None
    else:
        root = next((found.id for found in units.values() if found.code == code), None)
        if root is None:
            raise NotFound(f"There is no unit {code}; the page of people and units lists them.", "unknown-unit")
    inside = {}
    for unit_id in units:
        way = _upward(units, unit_id)
        if root is None:
            inside[unit_id] = way[-1]
        elif root in way:
            place = way.index(root)
            inside[unit_id] = way[place - 1] if place else unit_id
    return inside


def _upward(units: Mapping[int, Row[Any]], unit_id: int) -> list[int]:
    way: list[int] = []
    at: int | None = unit_id
    while at is not None and at not in way:
        way.append(at)
        at = units[at].parent_id
    return way


def _by_unit(units: Mapping[int, Row[Any]], inside: Mapping[int, int], counts: list[Row[Any]]) -> list[UnitCount]:
    stages: dict[int, dict[str, int]] = {}
    late: dict[int, int] = {}
    for found in counts:
        shown = inside[found.unit_id]
        of_unit = stages.setdefault(shown, {})
        of_unit[found.stage] = of_unit.get(found.stage, 0) + found.number
        late[shown] = late.get(shown, 0) + found.late
    deeper = {shown for unit_id, shown in inside.items() if unit_id != shown}
    return [
        UnitCount(found.code, found.name, stages[found.id], late[found.id], found.id in deeper)
        for found in units.values()
        if found.id in stages
    ]
