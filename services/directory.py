"""Who is who: the organisation as its people may see it. Addresses, absences and powers are for HR and for oneself."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, bindparam, select

from models.columns import BIGINT
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.errors import NotFound
from services.grants import today
from services.organisation_state import (
    ABSENCE,
    ASSIGNMENT,
    CONTACT,
    GRANT,
    OVERRIDE,
    PERSON,
    POST,
    UNIT,
    State,
    snapshot,
)
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import Role

_KEEPERS = frozenset({Role.HR, Role.OPERATOR, Role.SYSTEM})
_OPEN_TO_ALL = ("number", "name", "language", "joined", "left")
_ABOVE = UNIT.alias("above")
_HEAD, _HOLDER, _MANAGER, _IN_CHARGE = (PERSON.alias(name) for name in ("head", "holder", "manager", "in_charge"))
_UNITS = (
    select(UNIT.c.code, UNIT.c.name, _ABOVE.c.code.label("parent"), _HEAD.c.number.label("head"))
    .outerjoin(_ABOVE, _ABOVE.c.id == UNIT.c.parent_id)
    .outerjoin(_HEAD, _HEAD.c.id == UNIT.c.head_id)
    .order_by(UNIT.c.id)
)
_POSTS = select(POST.c.code, POST.c.name_en, POST.c.name_zh).order_by(POST.c.id)
_PERSON = bindparam("person", type_=BIGINT)


def _days(table: Table) -> Sequence[ColumnElement[Any]]:
    return table.c.valid_from.label("from"), table.c.valid_to.label("to")


_ASSIGNMENTS = (
    select(
        POST.c.code.label("post"),
        UNIT.c.code.label("unit"),
        _MANAGER.c.number.label("manager"),
        _IN_CHARGE.c.number.label("in_charge"),
        ASSIGNMENT.c.kind,
        ASSIGNMENT.c.main,
        *_days(ASSIGNMENT),
    )
    .select_from(
        ASSIGNMENT.join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
        .outerjoin(_MANAGER, _MANAGER.c.id == ASSIGNMENT.c.manager_id)
        .outerjoin(_IN_CHARGE, _IN_CHARGE.c.id == ASSIGNMENT.c.in_charge_id)
    )
    .where(ASSIGNMENT.c.person_id == _PERSON)
    .order_by(ASSIGNMENT.c.id)
)
_EMAIL = select(CONTACT.c.email).where(CONTACT.c.person_id == _PERSON, CONTACT.c.valid_to.is_(None))
_DATED = {
    "absences": select(ABSENCE.c.kind, *_days(ABSENCE)).where(ABSENCE.c.person_id == _PERSON).order_by(ABSENCE.c.id),
    "grants": select(GRANT.c.role, UNIT.c.code.label("unit"), *_days(GRANT))
    .outerjoin(UNIT, UNIT.c.id == GRANT.c.unit_id)
    .where(GRANT.c.person_id == _PERSON)
    .order_by(GRANT.c.id),
    "overrides": select(POST.c.code.label("post"), OVERRIDE.c.role, _HOLDER.c.number.label("holder"), *_days(OVERRIDE))
    .select_from(
        ASSIGNMENT.join(OVERRIDE, OVERRIDE.c.assignment_id == ASSIGNMENT.c.id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(_HOLDER, _HOLDER.c.id == OVERRIDE.c.person_id)
    )
    .where(ASSIGNMENT.c.person_id == _PERSON)
    .order_by(OVERRIDE.c.id),
}
"""What is said of somebody's days to who keeps them, and to himself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody in a post on a day; manager and in charge are employee numbers."""

    number: str
    name: str
    post: str
    unit: str
    manager: str | None
    in_charge: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Structure:
    """The organisation with its units, whose `parent` is a code and `head` a number, and its posts."""

    organisation: Mapping[str, Any]
    units: tuple[Mapping[str, Any], ...]
    posts: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """The organisation, its units, its posts, and who is in which post on a day."""

    day: dt.date
    organisation: Mapping[str, Any]
    units: tuple[Mapping[str, Any], ...]
    posts: tuple[Mapping[str, Any], ...]
    places: tuple[Place, ...]


def directory(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, unit: str | None = None) -> Directory:  # noqa: ARG001
    """Return who is where today: everybody, or those of a unit and of the units below it.

    Every person of the organisation may read it, so `actor` only has to be somebody.

    Raises:
        NotFound: there is no organisation, or no such unit.
    """
    with uow.read() as tx:
        day = today(tx, now)
        state = snapshot(tx)
    units = tuple(row.values for row in state.of("units").values())
    if unit is not None:
        if unit not in state.units:
            raise NotFound(f"There is no unit {unit}; `appraise org show` lists them.", "unknown-unit")
        below = _below(unit, units)
        units = tuple(row for row in units if row["code"] in below)
    shown = {row["code"] for row in units}
    (organisation,) = (row.values for row in state.of("organisation").values())
    places = tuple(_place(state, row) for row in _held(state, day) if row["unit"] in shown)
    posts = tuple(row.values for row in state.of("posts").values())
    return Directory(day, organisation, units, posts, places)


def structure(uow: UnitOfWork, *, actor: Actor, now: dt.datetime) -> Structure:  # noqa: ARG001 - see `directory`
    """Return the organisation with its units and posts, without anybody's place in it; three statements.

    Raises:
        NotFound: there is no organisation.
    """
    with uow.read() as tx:
        return Structure(
            naming.organisation(tx)._asdict(),
            tuple(row._asdict() for row in tx.all(_UNITS)),
            tuple(row._asdict() for row in tx.all(_POSTS)),
        )


def entry(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str) -> Mapping[str, Any]:
    """Return one person with every assignment, past and to come; more of it to HR, the operator and that person.

    Reasons, of absences above all, are not among it. At most seven statements.

    Raises:
        NotFound: nobody has this number.
    """
    with uow.read() as tx:
        person = naming.person(tx, number)
        of = {"person": person.id}
        found: dict[str, Any] = {name: getattr(person, name) for name in _OPEN_TO_ALL}
        found["assignments"] = [_dashed(row) for row in tx.all(_ASSIGNMENTS, of)]
        keeps = actor.person_id == person.id
        if keeps or not granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint(_KEEPERS):
            found["email"] = tx.scalar(_EMAIL, of)
            for name, statement in _DATED.items():
                found[name] = [_dashed(row) for row in tx.all(statement, of)]
    return found


def _dashed(row: Row[Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in row._asdict().items()}


def _held(state: State, day: dt.date) -> list[Mapping[str, Any]]:
    rows = [row.values for row in state.of("assignments").values()]
    return [row for row in rows if row["from"] <= day and (row["to"] is None or day <= row["to"])]


def _place(state: State, row: Mapping[str, Any]) -> Place:
    name = state.of("people")[row["number"],].values["name"]
    return Place(row["number"], name, row["post"], row["unit"], row["manager"], row["in-charge"], row["kind"])


def _below(unit: str, units: Sequence[Mapping[str, Any]]) -> set[str]:
    found = {unit}
    while more := {row["code"] for row in units if row["parent"] in found} - found:
        found |= more
    return found
