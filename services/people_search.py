"""Finding people by number, name or the initials of their pinyin, and walking down the tree of units, page by page."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, or_, select

from models.columns import table_of
from models.people import Assignment, Person, Post, Unit
from services.actors import Actor
from services.errors import NotFound
from services.grants import today
from services.unit_of_work import Transaction, UnitOfWork

ASSIGNMENT = table_of(Assignment)
PERSON = table_of(Person)
POST = table_of(Post)
UNIT = table_of(Unit)
HEAD = PERSON.alias("head")
PAGE = 50

_ON = bindparam("on", type_=ASSIGNMENT.c.valid_from.type)
HELD = and_(ASSIGNMENT.c.valid_from <= _ON, or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= _ON))
"""An assignment that is in force `on` a day."""
_FOUND = (
    select(PERSON.c.id, PERSON.c.number, PERSON.c.name, PERSON.c.left)
    .where(PERSON.c.number > bindparam("after"), PERSON.c.erased_at.is_(None))
    .order_by(PERSON.c.number)
    .limit(PAGE + 1)
)
_IN_UNIT = _FOUND.where(
    PERSON.c.id.in_(select(ASSIGNMENT.c.person_id).where(ASSIGNMENT.c.unit_id == bindparam("unit"), HELD))
)
_PLACES = (
    select(
        ASSIGNMENT.c.person_id,
        ASSIGNMENT.c.kind,
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
        UNIT.c.code.label("unit"),
        UNIT.c.name.label("unit_name"),
    )
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
    .where(ASSIGNMENT.c.person_id.in_(bindparam("people", expanding=True)), HELD)
    .order_by(ASSIGNMENT.c.main.desc(), ASSIGNMENT.c.id)
)
_UNIT = select(UNIT).where(UNIT.c.code == bindparam("code"))
_CHILDREN = (
    select(UNIT.c.code, UNIT.c.name, HEAD.c.name.label("head"), HEAD.c.number.label("head_number"))
    .outerjoin(HEAD, HEAD.c.id == UNIT.c.head_id)
    .where(UNIT.c.parent_id.is_not_distinct_from(bindparam("parent")))
    .order_by(UNIT.c.code)
    .limit(500)
)
_PARENT = select(UNIT.c.code, UNIT.c.name).where(UNIT.c.id == bindparam("unit"))


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody, with where he is today: each place is a row with post, names of the post, unit and kind."""

    number: str
    name: str
    left: dt.date | None
    places: tuple[Row[Any], ...]


@dataclass(frozen=True, slots=True)
class People:
    """A page of people by number, and the units below the one that is looked at."""

    people: tuple[Found, ...]
    after: str | None
    units: tuple[Row[Any], ...]
    unit: Row[Any] | None
    above: Row[Any] | None


def matching(words: str) -> Any:
    """Return the condition that a person's number, name or initials begin with what somebody typed."""
    typed = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(
        PERSON.c.number.like(f"{typed}%", escape="\\"),
        PERSON.c.name.like(f"{typed}%", escape="\\"),
        PERSON.c.initials.like(f"{typed.lower()}%", escape="\\"),
        func.lower(PERSON.c.name).like(f"% {typed.lower()}%", escape="\\"),
    )


def find(
    uow: UnitOfWork,
    *,
    actor: Actor,  # noqa: ARG001 - every person of the organisation may read who is who
    now: dt.datetime,
    words: str = "",
    unit: str | None = None,
    after: str = "",
) -> People:
    """Return who begins with `words`, or who is in a unit today, 50 at a time; at most 6 statements.

    Raises:
        NotFound: there is no such unit.
    """
    with uow.read() as tx:
        on = today(tx, now)
        here = None if unit is None else _one(tx, unit)
        if words:
            rows = tx.all(_FOUND.where(matching(words)), {"after": after})
        elif here is not None:
            rows = tx.all(_IN_UNIT, {"after": after, "unit": here.id, "on": on})
        else:
            rows = tx.all(_FOUND, {"after": after})
        shown = rows[:PAGE]
        places: dict[int, list[Row[Any]]] = {}
        for place in tx.all(_PLACES, {"people": [row.id for row in shown], "on": on}):
            places.setdefault(place.person_id, []).append(place)
        units = () if words else tx.all(_CHILDREN, {"parent": None if here is None else here.id})
        above = None if here is None or here.parent_id is None else tx.first(_PARENT, {"unit": here.parent_id})
        return People(
            tuple(Found(row.number, row.name, row.left, tuple(places.get(row.id, ()))) for row in shown),
            shown[-1].number if len(rows) > PAGE else None,
            tuple(units),
            here,
            above,
        )


def _one(tx: Transaction, code: str) -> Row[Any]:
    row = tx.first(_UNIT, {"code": code})
    if row is None:
        raise NotFound(f"There is no unit {code}; the page of people and units lists them.", "unknown-unit")
    return row
