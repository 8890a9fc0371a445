"""Averages by unit and by post, and how the totals of a cycle are spread; no group of under five people is shown.

The database counts, in one statement, and hands back as many rows as are shown, however many appraisals there are.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import (
    BindParameter,
    Row,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)

from models.columns import BIGINT, MILLIONTH, table_of
from models.people import Unit
from services.actors import Actor
from services.cycle_frame import Frame
from services.distribution import WIDTH, Counted, Distribution, spread
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, HELD, IN_FORCE, POST, SCORE, SCORE_IN_FORCE
from services.result_page import table_frame
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import LAST_STAGE, CycleState

UNIT = table_of(Unit)
LEAST = 5
"""People of whom a figure is shown at least; of fewer it would be somebody's own."""
PAGE = 50
"""Units, and posts, of one page."""

_UNITS = HELD.join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
_CLOSED = and_(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.stage == LAST_STAGE)
_STEP = WIDTH * MILLIONTH
_NO_TEXT, _NO_NUMBER = cast(null(), Text), cast(null(), BIGINT)
_COLUMNS = ("what", "code", "name_en", "name_zh", "people", "number", "sum", "least", "most", "place")


def _stored(figures: Any) -> Any:
    return type_coerce(figures.total, BIGINT)


def _grouped(source: Any, figures: Any, code: Any, name_en: Any, name_zh: Any) -> Any:
    """Return the figures of each group, and whether it is hidden.

    Where one is hidden, the next smallest is hidden with it while they are fewer than five people together: or else the
    figure of the hidden one could be worked out from the whole. One is enough, since it has five people itself.
    """
    stored, people = _stored(figures), func.count(APPRAISAL.c.person_id.distinct())
    groups = (
        select(
            code.label("code"),
            name_en.label("name_en"),
            name_zh.label("name_zh"),
            people.label("people"),
            func.count().label("number"),
            cast(func.sum(stored), BIGINT).label("sum"),
            func.min(stored).label("least"),
            func.max(stored).label("most"),
        )
        .select_from(source)
        .where(_CLOSED, figures.total.is_not(None))
        .group_by(code, name_en, name_zh)
        .subquery()
    )
    few = groups.c.people < LEAST
    return select(
        groups,
        few.label("few"),
        func.sum(case((few, groups.c.people), else_=0)).over().label("hidden_people"),
        func.row_number().over(partition_by=few, order_by=(groups.c.people, groups.c.code)).label("rank"),
    ).cte()


def _listed(what: str, groups: Any, behind: BindParameter[Any]) -> Any:
    """Return a page of groups by their codes; of a hidden one the name alone."""
    hidden = or_(groups.c.few, and_(groups.c.hidden_people.between(1, LEAST - 1), groups.c.rank == 1))

    def shown(name: str) -> Any:
        return case((hidden, None), else_=groups.c[name])

    page = (
        select(
            literal(what, Text),
            groups.c.code,
            groups.c.name_en,
            groups.c.name_zh,
            *(shown(name) for name in ("people", "number", "sum", "least", "most")),
            _NO_NUMBER,
        )
        .where(groups.c.code > behind)
        .order_by(groups.c.code)
        .limit(PAGE + 1)
    )
    return select(page.subquery())


def _statement(source: Any, figures: Any) -> Any:
    units = _grouped(source, figures, UNIT.c.code, UNIT.c.name, UNIT.c.name)
    posts = _grouped(source, figures, POST.c.code, POST.c.name_en, POST.c.name_zh)
    stored = _stored(figures)
    # A total below nought belongs to the step below it.
    place = (stored - (stored % _STEP + _STEP) % _STEP) // _STEP
    steps = (
        select(
            figures.grade.label("grade"),
            place.label("place"),
            func.count().label("number"),
            func.max(stored).label("most"),
        )
        .select_from(source)
        .where(_CLOSED, figures.total.is_not(None))
        .group_by(figures.grade, place)
        .subquery()
    )
    every = [cast(func.coalesce(func.sum(units.c[name]), 0), BIGINT) for name in ("people", "number", "sum")]
    first = select(
        literal("all", Text), _NO_TEXT, _NO_TEXT, _NO_TEXT, *every, _NO_NUMBER, _NO_NUMBER, _NO_NUMBER
    ).select_from(units)
    named = first.with_only_columns(
        *(column.label(name) for column, name in zip(first.selected_columns, _COLUMNS, strict=True))
    )
    return union_all(
        named,
        _listed("unit", units, bindparam("units", type_=Text)),
        _listed("post", posts, bindparam("posts", type_=Text)),
        select(
            literal("step", Text),
            steps.c.grade,
            _NO_TEXT,
            _NO_TEXT,
            _NO_NUMBER,
            steps.c.number,
            _NO_NUMBER,
            _NO_NUMBER,
            steps.c.most,
            steps.c.place,
        ),
    )


_SCORED = _statement(_UNITS.join(SCORE, SCORE_IN_FORCE), SCORE.c)
_SIGNED = _statement(_UNITS.join(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE)), FINAL.c)


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

    `spread` is None where fewer than five people have a total. Behind the codes `more_units` and `more_posts` there are
    more of them, None where there are not.
    """

    final: bool
    people: int
    mean: Fraction | None
    units: tuple[Group, ...]
    posts: tuple[Group, ...]
    spread: Distribution | None
    more_units: str | None = None
    more_posts: str | None = None


def result_groups(
    uow: UnitOfWork,
    *,
    viewer: Actor,
    now: dt.datetime,
    cycle: str,
    language: str = "en",
    units: str = "",
    posts: str = "",
) -> Groups:
    """Return averages and distribution of the closed appraisals of a cycle, with 50 units and posts; two statements.

    `units` and `posts` are codes behind which the units and posts begin.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer sees no table of a cycle.
    """
    with uow.read() as tx:
        at = table_frame(tx, viewer=viewer, now=now, cycle=cycle)
        return read_groups(tx, at, language=language, units=units, posts=posts)


def read_groups(tx: Transaction, at: Frame, *, language: str, units: str = "", posts: str = "") -> Groups:
    """Return what `result_groups` returns, in the caller's transaction; one statement."""
    final = at.cycle.state == CycleState.FINAL
    found: dict[str, list[Row[Any]]] = {"all": [], "unit": [], "post": [], "step": []}
    for row in tx.all(_SIGNED if final else _SCORED, {"cycle": at.cycle.id, "units": units, "posts": posts}):
        found[row.what].append(row)
    (whole,) = found["all"]
    enough = whole.people >= LEAST
    steps = [Counted(row.place, row.code, row.number, Fraction(row.most, MILLIONTH)) for row in found["step"]]
    return Groups(
        final,
        int(whole.people),
        round(Fraction(int(whole.sum), int(whole.number) * MILLIONTH), 2) if enough else None,
        _shown(found["unit"], language),
        _shown(found["post"], language),
        spread(steps) if enough else None,
        _more(found["unit"]),
        _more(found["post"]),
    )


def _shown(rows: Sequence[Row[Any]], language: str) -> tuple[Group, ...]:
    return tuple(
        Group(row.code, row.name_zh if language == "zh" else row.name_en, None, None, None, None)
        if row.people is None
        else Group(
            row.code,
            row.name_zh if language == "zh" else row.name_en,
            row.people,
            round(Fraction(int(row.sum), row.number * MILLIONTH), 2),
            Fraction(row.least, MILLIONTH),
            Fraction(row.most, MILLIONTH),
        )
        for row in rows[:PAGE]
    )


def _more(rows: Sequence[Row[Any]]) -> str | None:
    return str(rows[PAGE - 1].code) if len(rows) > PAGE else None
