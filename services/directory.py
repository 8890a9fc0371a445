"""Who is who: the organisation as its people may see it. Addresses, absences and powers are for HR and for oneself."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.errors import NotFound
from services.grants import today
from services.organisation_state import State, snapshot
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import Role

_KEEPERS = frozenset({Role.HR, Role.OPERATOR, Role.SYSTEM})
_OPEN_TO_ALL = ("number", "name", "language", "joined", "left")
_OPEN_OF_ASSIGNMENT = ("post", "unit", "manager", "in-charge", "kind", "main", "from", "to")
_DATED = ("absences", "grants", "overrides")


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


def entry(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str) -> Mapping[str, Any]:
    """Return one person with every assignment, past and to come; more of it to HR, the operator and that person.

    Reasons, of absences above all, are not among it.

    Raises:
        NotFound: nobody has this number.
    """
    with uow.read() as tx:
        person = naming.person(tx, number)
        state = snapshot(tx)
        keeps = not granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint(_KEEPERS)
    stored = state.of("people")[number,].values
    found: dict[str, Any] = {name: stored[name] for name in _OPEN_TO_ALL}
    rows = [row.values for row in state.of("assignments").values() if row.values["number"] == number]
    found["assignments"] = [{name: row[name] for name in _OPEN_OF_ASSIGNMENT} for row in rows]
    if keeps or actor.person_id == person.id:
        found["email"] = stored["email"]
        for sheet in _DATED:
            rows = [row.values for row in state.of(sheet).values() if row.values["number"] == number]
            found[sheet] = [{name: row[name] for name in row if name not in {"number", "reason"}} for row in rows]
    return found


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
