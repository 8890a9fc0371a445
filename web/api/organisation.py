"""The organisation: its units and posts, who is where, and one person with his assignments."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query

from services import directory, places_page
from services.errors import Malformed
from web.api.shapes import After, Limit, Page, Shape, reads
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["organisation"])
Number = Annotated[str, Path(max_length=100, description="The employee number.", examples=["1007"])]


class Unit(Shape):
    """A unit; `parent` is the code of the one above it, `head` an employee number."""

    code: Annotated[str, Query(examples=["office"])]
    name: str
    parent: str | None
    head: str | None


class Post(Shape):
    """A post; its code is what rubrics name it by."""

    code: str
    name_en: str
    name_zh: str


class Organisation(Shape):
    """The organisation with its units and posts."""

    name: str
    kind: str
    zone: str
    language: str
    calendar: str
    units: list[Unit]
    posts: list[Post]


class Place(Shape):
    """Somebody in a post today; manager and in charge are employee numbers."""

    number: str
    name: str
    post: str
    unit: str
    manager: str | None
    in_charge: str | None
    kind: str


class Held(Shape):
    """A post somebody holds, held or will hold, from a day to a day."""

    post: str
    unit: str
    kind: str
    main: bool
    first: dt.date
    last: dt.date | None
    manager: str | None
    in_charge: str | None


class Person(Shape):
    """One person. The address is there for HR, the operator and the person alone."""

    number: str
    name: str
    language: str
    joined: dt.date | None
    left: dt.date | None
    assignments: list[Held]
    email: str | None = None


@router.get("/organisation", summary="The organisation, its units and posts", responses=reads())
def organisation(visit: Program) -> Organisation:
    """Return the organisation as everybody in it may see it."""
    found = directory.structure(visit.uow, actor=visit.actor, now=visit.now)
    own = found.organisation
    return Organisation(
        **{name: str(own[name]) for name in ("name", "kind", "zone", "language", "calendar")},
        units=[Unit(**{name: row[name] for name in Unit.model_fields}) for row in found.units],
        posts=[Post.model_validate(row) for row in found.posts],
    )


@router.get("/people", summary="Who is in which post today", responses=reads())
def people(
    visit: Program,
    unit: Annotated[str | None, Query(max_length=100, description="A unit, with those below it.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Place]:
    """Return who is where, by employee number and post."""
    found = places_page.places_page(
        visit.uow, actor=visit.actor, now=visit.now, unit=unit, after=_place(after), limit=limit
    )
    follows = f"{found.places[-1].number}@{found.places[-1].post}" if found.more else None
    return Page[Place](items=[Place.model_validate(row) for row in found.places], next=follows)


def _place(after: str | None) -> tuple[str, str]:
    if after is None:
        return "", ""
    number, mark, post = after.partition("@")
    if not mark:
        raise Malformed("`after` is not the `next` of a page; leave it out to begin at the first.", "bad-after")
    return number, post


@router.get("/people/{number}", summary="One person", responses=reads())
def person(visit: Program, number: Number) -> Person:
    """Return a person with every assignment, past and to come."""
    found = directory.entry(visit.uow, actor=visit.actor, now=visit.now, number=number)
    held = [
        Held(first=row["from"], last=row["to"], in_charge=row["in-charge"], **{name: row[name] for name in _SAME})
        for row in found["assignments"]
    ]
    plain = {name: found[name] for name in ("number", "name", "language", "joined", "left")}
    return Person(**plain, assignments=held, email=found.get("email"))


_SAME = ("post", "unit", "kind", "main", "manager")
