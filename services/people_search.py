"""Finding people by number, name or pinyin, and walking down the tree of units, page by page."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select

from models.columns import table_of
from models.people import Assignment, Person, Post, Unit
from services.actors import Actor
from services.errors import NotFound
from services.grants import today
from services.name_search import LOOKED, Place, Sought, further
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
    select(PERSON.c.id, PERSON.c.number, PERSON.c.name, PERSON.c.left, PERSON.c.initials)
    .where(PERSON.c.number > bindparam("after"), PERSON.c.erased_at.is_(None))
    .order_by(PERSON.c.number)
    .limit(PAGE + 1)
)
_LOOKED = _FOUND.limit(LOOKED + 1)
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


def find(
    uow: UnitOfWork,
    *,
    actor: Actor,  # noqa: ARG001 - every person of the organisation may read who is who
    now: dt.datetime,
    words: str = "",
    unit: str | None = None,
    after: str = "",
) -> People:
    """Return whose number, name or pinyin has `words`, or who is in a unit today, 50 at a time; at most 7 statements.

    Raises:
        NotFound: there is no such unit.
    """
    with uow.read() as tx:
        on = today(tx, now)
        here = None if unit is None else _one(tx, unit)
        if words:
            shown, following = _sought(tx, Sought(words), Place.of(after))
        else:
            where = {} if here is None else {"unit": here.id, "on": on}
            rows = tx.all(_FOUND if here is None else _IN_UNIT, {"after": after, **where})
            shown = list(rows[:PAGE])
            following = shown[-1].number if len(rows) > PAGE else None
        places: dict[int, list[Row[Any]]] = {}
        for place in tx.all(_PLACES, {"people": [row.id for row in shown], "on": on}):
            places.setdefault(place.person_id, []).append(place)
        units = () if words else tx.all(_CHILDREN, {"parent": None if here is None else here.id})
        above = None if here is None or here.parent_id is None else tx.first(_PARENT, {"unit": here.parent_id})
        return People(
            tuple(Found(row.number, row.name, row.left, tuple(places.get(row.id, ()))) for row in shown),
            following,
            tuple(units),
            here,
            above,
        )


def _sought(tx: Transaction, sought: Sought, place: Place) -> tuple[list[Row[Any]], str | None]:
    """Return the people of a page by number, and where the next one begins; first those that begin with the words."""
    found = [] if place.further else tx.all(_FOUND.where(sought.begins), {"after": place.last})
    if len(found) > PAGE:
        return list(found[:PAGE]), found[PAGE - 1].number
    looked = tx.all(_LOOKED.where(sought.begins_not), {"after": place.last if place.further else ""})
    hits, room = sought.hits(looked[:LOOKED]), PAGE - len(found)
    following = None
    if len(hits) > room:
        following = further(hits[room - 1].number if room else "")
    elif len(looked) > LOOKED:
        following = further(looked[LOOKED - 1].number)
    return sorted([*found, *hits[:room]], key=lambda row: str(row.number)), following


def _one(tx: Transaction, code: str) -> Row[Any]:
    row = tx.first(_UNIT, {"code": code})
    if row is None:
        raise NotFound(f"There is no unit {code}; the page of people and units lists them.", "unknown-unit")
    return row
