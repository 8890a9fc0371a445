"""Who is in which post today, page by page in the order of employee numbers; as everybody in the organisation may see.

The rows of a page and the units below the one that is asked for are found by the database.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select

from models.columns import BIGINT
from services.actors import Actor
from services.directory import Place
from services.errors import NotFound
from services.grants import today
from services.people_search import ASSIGNMENT, HELD, PERSON, POST, UNIT
from services.unit_of_work import UnitOfWork

_MANAGER = PERSON.alias("manager")
_IN_CHARGE = PERSON.alias("in_charge_person")
_UNIT = select(UNIT.c.id).where(UNIT.c.code == bindparam("unit"))
_PLACES = (
    select(
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        UNIT.c.code.label("unit"),
        _MANAGER.c.number.label("manager"),
        _IN_CHARGE.c.number.label("in_charge"),
        ASSIGNMENT.c.kind,
    )
    .select_from(
        PERSON.join(ASSIGNMENT, ASSIGNMENT.c.person_id == PERSON.c.id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
        .outerjoin(_MANAGER, _MANAGER.c.id == ASSIGNMENT.c.manager_id)
        .outerjoin(_IN_CHARGE, _IN_CHARGE.c.id == ASSIGNMENT.c.in_charge_id)
    )
    .where(
        HELD,
        PERSON.c.number >= bindparam("number"),
        or_(PERSON.c.number > bindparam("number"), POST.c.code > bindparam("post")),
    )
    .order_by(PERSON.c.number, POST.c.code, ASSIGNMENT.c.id)
    .limit(bindparam("limit", type_=BIGINT))
)


def _below() -> Any:
    """Return the ids of a unit and of all below it; `union`, since a circle of units must come to an end."""
    tree = select(UNIT.c.id).where(UNIT.c.code == bindparam("unit")).cte("tree", recursive=True)
    under = UNIT.alias("under")
    return tree.union(select(under.c.id).join(tree, tree.c.id == under.c.parent_id))


_IN_UNIT = _PLACES.where(ASSIGNMENT.c.unit_id.in_(select(_below().c.id)))


@dataclass(frozen=True, slots=True)
class Places:
    """A page of places by number and post; `more` tells that others follow."""

    places: tuple[Place, ...]
    more: bool


def places_page(
    uow: UnitOfWork,
    *,
    actor: Actor,  # noqa: ARG001 - every person of the organisation may read who is who
    now: dt.datetime,
    unit: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int = 50,
) -> Places:
    """Return who is where today, behind a number and post; of a unit with those below it. At most 3 statements.

    Raises:
        NotFound: there is no organisation, or no such unit.
    """
    with uow.read() as tx:
        asked: dict[str, Any] = {"on": today(tx, now), "number": after[0], "post": after[1], "limit": limit + 1}
        if unit is None:
            rows = tx.all(_PLACES, asked)
        else:
            if tx.first(_UNIT, {"unit": unit}) is None:
                raise NotFound(f"There is no unit {unit}; `appraise org show` lists them.", "unknown-unit")
            rows = tx.all(_IN_UNIT, asked | {"unit": unit})
    return Places(tuple(Place(**row._asdict()) for row in rows[:limit]), len(rows) > limit)
