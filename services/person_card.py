"""One person with his posts, and for who keeps them and for himself his days away, powers and address."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.people import Absence, Contact, Grant
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.grants import today
from services.people_search import ASSIGNMENT, PERSON, POST, UNIT
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import Role

ABSENCE = table_of(Absence)
CONTACT = table_of(Contact)
GRANT = table_of(Grant)
MANAGER, CHARGE = PERSON.alias("manager"), PERSON.alias("charge")
KEEPERS = frozenset({Role.HR, Role.OPERATOR, Role.SYSTEM})

_POSTS = (
    select(
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
        UNIT.c.code.label("unit"),
        UNIT.c.name.label("unit_name"),
        ASSIGNMENT.c.kind,
        ASSIGNMENT.c.main,
        ASSIGNMENT.c.valid_from,
        ASSIGNMENT.c.valid_to,
        MANAGER.c.name.label("manager"),
        MANAGER.c.number.label("manager_number"),
        CHARGE.c.name.label("charge"),
        CHARGE.c.number.label("charge_number"),
    )
    .select_from(
        ASSIGNMENT.join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
        .outerjoin(MANAGER, MANAGER.c.id == ASSIGNMENT.c.manager_id)
        .outerjoin(CHARGE, CHARGE.c.id == ASSIGNMENT.c.in_charge_id)
    )
    .where(ASSIGNMENT.c.person_id == bindparam("person"))
    .order_by(ASSIGNMENT.c.valid_from.desc(), ASSIGNMENT.c.id)
)
_ABSENCES = (
    select(ABSENCE.c.kind, ABSENCE.c.valid_from, ABSENCE.c.valid_to)
    .where(ABSENCE.c.person_id == bindparam("person"))
    .order_by(ABSENCE.c.valid_from.desc())
)
_GRANTS = (
    select(GRANT.c.role, GRANT.c.valid_from, GRANT.c.valid_to)
    .where(GRANT.c.person_id == bindparam("person"))
    .order_by(GRANT.c.valid_from.desc())
)
_ADDRESS = select(CONTACT.c.email).where(CONTACT.c.person_id == bindparam("person"), CONTACT.c.valid_to.is_(None))


@dataclass(frozen=True, slots=True)
class Card:
    """A person. `kept` tells that absences, grants and the address are shown; the reasons of absences never are."""

    number: str
    name: str
    joined: dt.date | None
    left: dt.date | None
    posts: tuple[Row[Any], ...]
    kept: bool
    absences: tuple[Row[Any], ...] = ()
    grants: tuple[Row[Any], ...] = ()
    email: str | None = None


def card(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str) -> Card:
    """Return one person; to HR, the operator and himself also what is kept of him. At most 7 statements.

    Raises:
        NotFound: nobody has this number.
    """
    with uow.read() as tx:
        person = naming.person(tx, number)
        of = {"person": person.id}
        posts = tuple(tx.all(_POSTS, of))
        kept = actor.person_id == person.id or not granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint(
            KEEPERS
        )
        if not kept:
            return Card(person.number, person.name, person.joined, person.left, posts, kept=False)
        return Card(
            person.number,
            person.name,
            person.joined,
            person.left,
            posts,
            kept=True,
            absences=tuple(tx.all(_ABSENCES, of)),
            grants=tuple(tx.all(_GRANTS, of)),
            email=tx.scalar(_ADDRESS, of),
        )
