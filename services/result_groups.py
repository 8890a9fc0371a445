"""Averages by unit and by post, and how the totals of a cycle are spread; no group of under five people is shown."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select, type_coerce

from models.columns import BIGINT, table_of
from models.people import Unit
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.distribution import Distribution, distribution
from services.errors import Refused
from services.grants import today
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, HELD, IN_FORCE, POST, SCORE, SCORE_IN_FORCE
from services.results import SEES_TABLE
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import LAST_STAGE, CycleState

UNIT = table_of(Unit)
LEAST = 5
"""People of whom a figure is shown at least; of fewer it would be somebody's own."""
_MILLION = 1_000_000

_UNITS = HELD.join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
_CLOSED = and_(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.stage == LAST_STAGE)


def _figures(source: Any, figures: Any, *names: Any) -> Any:
    stored = type_coerce(figures.total, BIGINT)
    return (
        select(
            *names,
            func.count(APPRAISAL.c.person_id.distinct()).label("people"),
            func.count().label("number"),
            func.sum(stored).label("sum"),
            func.min(stored).label("least"),
            func.max(stored).label("most"),
        )
        .select_from(source)
        .where(_CLOSED, figures.total.is_not(None))
        .group_by(*names)
        .order_by(names[0])
    )


_SCORED = _UNITS.join(SCORE, SCORE_IN_FORCE)
_SIGNED = _UNITS.join(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE))
_STATEMENTS = {
    signed: {
        "unit": _figures(source, figures, UNIT.c.code.label("code"), UNIT.c.name.label("name")),
        "post": _figures(source, figures, POST.c.code.label("code"), POST.c.name_en, POST.c.name_zh),
        "spread": _figures(source, figures, figures.total.label("total"), figures.grade.label("grade")),
    }
    for signed, source, figures in ((False, _SCORED, SCORE.c), (True, _SIGNED, FINAL.c))
}


@dataclass(frozen=True, slots=True)
class Group:
    """A unit or a post with its figures in points; None of all of them where too few people are in it."""

    code: str
    name: str
    people: int | None
    mean: Fraction | None
    least: Fraction | None
    most: Fraction | None


@dataclass(frozen=True, slots=True)
class Groups:
    """What the totals of a cycle look like as a whole. `final` tells that they are signed.

    `spread` is None where fewer than five people have a total.
    """

    final: bool
    people: int
    mean: Fraction | None
    units: tuple[Group, ...]
    posts: tuple[Group, ...]
    spread: Distribution | None


def result_groups(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str, language: str = "en") -> Groups:
    """Return averages and distribution of the closed appraisals of a cycle; at most 7 statements.

    Where one group is hidden, the next smallest is hidden with it while they are fewer than five people together: or
    else the figure of the hidden one could be worked out from the whole.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer sees no table of a cycle.
    """
    with uow.read() as tx:
        if granted_roles(tx, viewer.person_id, today(tx, now)).isdisjoint(SEES_TABLE):
            raise Refused("Only HR, the approver and auditors see the results of a whole cycle.", "not-hr")
        row = naming.cycle(tx, cycle)
        final = row.state == CycleState.FINAL
        units = _read(tx, row.id, "unit", final=final)
        posts = _read(tx, row.id, "post", final=final)
        spread = _read(tx, row.id, "spread", final=final)
    number = sum(one.number for one in units)
    people = sum(one.people for one in units)
    enough = people >= LEAST
    mean = Fraction(int(sum(one.sum for one in units)), number * _MILLION) if enough else None
    return Groups(
        final,
        people,
        None if mean is None else round(mean, 2),
        _shown(units, [one.name for one in units]),
        _shown(posts, [one.name_zh if language == "zh" else one.name_en for one in posts]),
        distribution((one.total, one.grade) for one in spread for _ in range(one.number)) if enough else None,
    )


def _read(tx: Transaction, cycle_id: int, what: str, *, final: bool) -> Sequence[Row[Any]]:
    return tx.all(_STATEMENTS[final][what], {"cycle": cycle_id})


def _shown(rows: Sequence[Row[Any]], names: Sequence[str]) -> tuple[Group, ...]:
    hidden = {row.code for row in rows if row.people < LEAST}
    for row in sorted((row for row in rows if row.code not in hidden), key=lambda row: (row.people, row.code)):
        if not hidden or sum(one.people for one in rows if one.code in hidden) >= LEAST:
            break
        hidden.add(row.code)
    return tuple(
        Group(row.code, name, None, None, None, None)
        if row.code in hidden
        else Group(
            row.code,
            name,
            row.people,
            round(Fraction(int(row.sum), row.number * _MILLION), 2),
            Fraction(row.least, _MILLION),
            Fraction(row.most, _MILLION),
        )
        for row, name in zip(rows, names, strict=True)
    )
