"""How a cycle stands, for one page: appraisals counted by stage and by unit, what is late where, what is on hold."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Text, and_, bindparam, case, cast, exists, func, literal, null, or_, select, union_all

from models.columns import BIGINT, UtcDateTime, table_of
from models.people import Unit
from services.actors import Actor
from services.cycle_frame import frame, lifecycle
from services.enrolment import ROSTER
from services.errors import NotFound, Refused
from services.holds import held_counted
from services.standing import APPRAISAL, ASSIGNMENT, WORK_ITEM
from services.unit_of_work import UnitOfWork, use_case
from workflow.vocabulary import Outcome, Role

UNIT = table_of(Unit)
SEES_BOARD = frozenset({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM})
"""Who sees how a whole cycle stands."""

UNITS = 50
"""Units of one page."""

_LATE = and_(WORK_ITEM.c.closed_at.is_(None), WORK_ITEM.c.due_at < bindparam("now", type_=UtcDateTime()))
_STAGE = APPRAISAL.c.stage
_TOP = UNIT.alias("top")
# An office with one top shows what is below it; the top itself is only a frame.
_ONE_TOP = select(func.min(_TOP.c.id)).where(_TOP.c.parent_id.is_(None)).having(func.count() == 1).scalar_subquery()
_NAMED = select(_TOP.c.id).where(_TOP.c.code == bindparam("unit", type_=Text)).scalar_subquery()


def _tree(root: Any) -> Any:
    """Return each unit that is looked at with the unit under whose name it is counted: a child of `root`, or itself."""
    tree = (
        select(UNIT.c.id.label("unit_id"), UNIT.c.id.label("shown_id"))
        .where(or_(UNIT.c.parent_id.is_not_distinct_from(root), UNIT.c.id == root))
        .cte("tree", recursive=True)
    )
    below = UNIT.alias("below")
    # `union`, since a circle of units must come to an end.
    return tree.union(
        select(below.c.id, tree.c.shown_id)
        .join(tree, tree.c.unit_id == below.c.parent_id)
        .where(tree.c.unit_id.is_distinct_from(root))
    )


def _statement(root: Any) -> Any:
    """Return the statement that counts: rows of a kind, with a code, a name, a stage or status, and three numbers."""
    tree = _tree(root)
    counted = (
        select(
            tree.c.shown_id,
            _STAGE.label("stage"),
            func.count(APPRAISAL.c.id.distinct()).label("number"),
            func.count(case((_LATE, APPRAISAL.c.id)).distinct()).label("late"),
            func.count(case((APPRAISAL.c.outcome == Outcome.NOT_RATED.value, APPRAISAL.c.id)).distinct()).label("out"),
        )
        .select_from(
            APPRAISAL.join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
            .join(tree, tree.c.unit_id == ASSIGNMENT.c.unit_id)
            .outerjoin(WORK_ITEM, and_(WORK_ITEM.c.appraisal_id == APPRAISAL.c.id, WORK_ITEM.c.closed_at.is_(None)))
        )
        .where(APPRAISAL.c.cycle_id == bindparam("cycle"))
        .group_by(tree.c.shown_id, _STAGE)
        .cte("counted")
    )
    page = (
        select(UNIT.c.id, UNIT.c.code, UNIT.c.name)
        .where(UNIT.c.id.in_(select(counted.c.shown_id)), UNIT.c.code > bindparam("behind", type_=Text))
        .order_by(UNIT.c.code)
        .limit(UNITS + 1)
        .subquery("page")
    )
    deeper = exists().where(tree.c.shown_id == page.c.id, tree.c.unit_id != page.c.id)
    none, zero = cast(null(), Text), literal(0, BIGINT)

    def total(name: str) -> Any:
        return cast(func.sum(counted.c[name]), BIGINT)

    return union_all(
        select(
            literal("stage", Text).label("kind"),
            none.label("code"),
            none.label("name"),
            counted.c.stage.label("what"),
            total("number").label("number"),
            total("late").label("late"),
            total("out").label("other"),
        ).group_by(counted.c.stage),
        select(
            literal("unit", Text),
            page.c.code,
            page.c.name,
            counted.c.stage,
            counted.c.number,
            counted.c.late,
            case((deeper, 1), else_=0),
        ).join(page, page.c.id == counted.c.shown_id),
        select(literal("roster", Text), none, none, ROSTER.c.status, func.count(), zero, zero)
        .where(ROSTER.c.cycle_id == bindparam("cycle"))
        .group_by(ROSTER.c.status),
        select(literal("root", Text), none, none, none, zero, zero, zero).where(root.is_not(None)),
        held_counted(),
    )


_WHOLE, _OF_UNIT = _statement(_ONE_TOP), _statement(_NAMED)


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
    """A cycle at a glance. `unit` is the code of the unit that is looked at, None for the whole organisation.

    `units` are those with appraisals by their codes; behind the code `after` there are more, None where there are none.
    """

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
    after: str | None

    @property
    def appraisals(self) -> int:
        """How many appraisals there are, in all stages."""
        return sum(stage.number for stage in self.stages)

    @property
    def late(self) -> int:
        """How many of them are late."""
        return sum(stage.late for stage in self.stages)


@use_case("cycle.board")
def board(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, unit: str | None = None, behind: str = ""
) -> Board:
    """Return how a cycle stands; for HR, the approver and auditors. Counts only, of nobody's judgement. 2 statements.

    `behind` is the code of a unit behind which the list of units begins. The database counts every appraisal of the
    cycle and hands back as many rows as are shown.

    Raises:
        NotFound: there is no such cycle or unit.
        Refused: the viewer runs nothing.
    """
    with uow.read() as tx:
        at = frame(tx, viewer=actor, now=now, cycle=cycle)
        if at.granted.isdisjoint(SEES_BOARD):
            raise Refused("Only HR, the approver and auditors see how a whole cycle stands.", "not-hr")
        row = at.cycle
        asked = {"cycle": row.id, "stream": f"cycle:{row.id}", "now": now, "behind": behind}
        found: dict[str, list[Row[Any]]] = {"stage": [], "unit": [], "roster": [], "root": [], "held": []}
        for one in tx.all(*(_WHOLE, asked) if unit is None else (_OF_UNIT, asked | {"unit": unit})):
            found[one.kind].append(one)
        if unit is not None and not found["root"]:
            raise NotFound(f"There is no unit {unit}; the page of people and units lists them.", "unknown-unit")
        stages = {one.what: one for one in found["stage"]}
        held = {} if unit is not None else {one.what: one.number for one in found["held"]}
        units = _by_unit(found["unit"])
        return Board(
            row.code,
            row.state,
            row.period_from,
            row.period_to,
            at.day,
            tuple(
                StageCount(
                    stage.id,
                    stage.title,
                    stages[stage.id].number if stage.id in stages else 0,
                    stages[stage.id].late if stage.id in stages else 0,
                    held.get(stage.id, 0),
                )
                for stage in lifecycle(tx, at).stages
            ),
            units[:UNITS],
            unit,
            sum(one.other for one in found["stage"]),
            {one.what: one.number for one in found["roster"]},
            at.granted,
            units[UNITS - 1].code if len(units) > UNITS else None,
        )


def _by_unit(rows: list[Row[Any]]) -> tuple[UnitCount, ...]:
    found: dict[str, list[Row[Any]]] = {}
    for row in sorted(rows, key=lambda row: row.code):
        found.setdefault(row.code, []).append(row)
    return tuple(
        UnitCount(
            code,
            of_one[0].name,
            {one.what: one.number for one in of_one},
            sum(one.late for one in of_one),
            bool(of_one[0].other),
        )
        for code, of_one in found.items()
    )
