"""Single acts about people: powers, absences, acting, overrides, interests, addresses, leaving.

Each act is one row of the organisation and goes the way of an imported one, so that the same checks hold and the same
events are written. The same act again changes nothing; with another last day it changes that.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from services import naming
from services.actors import Actor
from services.errors import Malformed, NotFound, Refused
from services.grants import demand, demand_distance, today
from services.organisation_cells import CellFault, Named, value_of
from services.organisation_checks import check_whole
from services.organisation_columns import SHEETS
from services.organisation_merge import Change, merge
from services.organisation_rows import Reading, Record
from services.organisation_state import snapshot
from services.organisation_write import write_changes
from services.spreadsheets import Value
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role, Severity

_KEEPERS = (Role.HR, Role.OPERATOR)
_SHEETS = {sheet.id: sheet for sheet in SHEETS}


@use_case("org.grant")
def grant(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    role: str,
    first: dt.date,
    last: dt.date | None = None,
    unit: str | None = None,
) -> bool:
    """Give somebody a power from `first` to `last`, for a unit or the whole organisation; whether it changed anything.

    Raises:
        Malformed: there is no such role.
        Refused: the actor may not, or it is his own; there is no such person or unit.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "give powers")
        _not_oneself(tx, actor, number)
        values: dict[str, Value] = {"number": number, "role": role, "unit": unit, "from": first, "to": last}
        return lay_row(tx, "grants", values, actor=actor, now=now)


@use_case("org.revoke")
def revoke(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, role: str, last: dt.date) -> int:
    """Let every grant of a role end on `last`, which is its last day; the number of grants that were ended.

    Raises:
        NotFound: the person has no such grant that lasts longer.
        Refused: the actor may not, or it is his own.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "take powers")
        _not_oneself(tx, actor, number)
        state = snapshot(tx)
        changes = [
            Change("changed", "grants", key, stored, {**stored.values, "to": max(last, stored.values["from"])})
            for key, stored in state.of("grants").items()
            if key[:2] == (number, role) and (stored.values["to"] or dt.date.max) > last
        ]
        if not changes:
            raise NotFound(f"{number} has no grant {role} that lasts longer than {last}.", "no-such-grant")
        write_changes(tx, changes, state, actor=actor, now=now, today=today(tx, now))
        return len(changes)


@use_case("org.absence")
def record_absence(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    kind: str,
    first: dt.date,
    last: dt.date | None = None,
    reason: str | None = None,
) -> bool:
    """Record days away: `leave`, or `protected` (not rated, never late; domain.md, 5b); whether it changed anything.

    Raises:
        Malformed: there is no such kind.
        Refused: the actor may not, or it is his own protected absence; the days are in the wrong order.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "record absences")
        if kind == "protected":
            _not_oneself(tx, actor, number)
        values: dict[str, Value] = {"number": number, "kind": kind, "from": first, "to": last, "reason": reason}
        return lay_row(tx, "absences", values, actor=actor, now=now)


@use_case("org.assign")
def assign(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    post: str,
    unit: str,
    first: dt.date,
    last: dt.date | None = None,
    kind: str = "regular",
    manager: str | None = None,
    in_charge: str | None = None,
    main: bool | None = None,
) -> bool:
    """Put somebody in a post from `first` to `last`; `acting` gives its powers only (5b); whether it changed anything.

    Of an assignment that exists, a manager, a person in charge and a main post that are not given stay as they are.

    Raises:
        Malformed: there is no such kind.
        Refused: the actor may not, or it is himself; a person, post or unit is unknown; days overlap; a circle.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "assign people to posts")
        _not_oneself(tx, actor, number)
        values: dict[str, Value] = {
            "number": number,
            "post": post,
            "unit": unit,
            "kind": kind,
            "from": first,
            "to": last,
        }
        above = {"manager": manager, "in-charge": in_charge, "main": main}
        values |= {name: value for name, value in above.items() if value is not None}
        return lay_row(tx, "assignments", values, actor=actor, now=now)


@use_case("org.override")
def override(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    post: str,
    role: str,
    holder: str,
    first: dt.date,
    reason: str,
    last: dt.date | None = None,
) -> bool:
    """Name who scores, reviews or decides appeals of an assignment, against the line; whether it changed anything.

    Raises:
        Malformed: there is no such role, or no reason.
        Refused: the actor may not, or it is his own or a superior's assignment; the person is not in that post then.
    """
    if not reason.strip():
        raise Malformed("Naming somebody against the reporting line needs a reason.", "no-reason")
    with uow.write() as tx:
        _may(tx, actor, now, "name assessors")
        demand_distance(tx, actor, now, naming.person(tx, number).id, "name an assessor")
        values: dict[str, Value] = {
            "number": number,
            "post": post,
            "role": role,
            "holder": holder,
            "from": first,
            "to": last,
            "reason": reason,
        }
        return lay_row(tx, "overrides", values, actor=actor, now=now)


@use_case("org.conflict")
def declare_conflict(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    other: str,
    first: dt.date,
    last: dt.date | None = None,
    reason: str | None = None,
) -> bool:
    """Record that `number` may not judge `other`, a relative for example (W2); whether it changed anything.

    Raises:
        Refused: the actor may not, or is one of the two or below one of them, since it changes who judges him; nobody
            has an interest in himself.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "record interests")
        for one in (number, other):
            demand_distance(tx, actor, now, naming.person(tx, one).id, "record an interest")
        values: dict[str, Value] = {"number": number, "other": other, "from": first, "to": last, "reason": reason}
        return lay_row(tx, "conflicts", values, actor=actor, now=now)


@use_case("org.address")
def set_address(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, email: str | None) -> bool:
    """Change somebody's e-mail address from today, None for no longer any; whether it changed anything.

    Raises:
        Malformed: it is no address, or has a line break in it.
        Refused: the actor may not.
        NotFound: nobody has the number.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "change addresses")
        name = naming.person(tx, number).name
        return lay_row(tx, "people", {"number": number, "name": name, "email": email}, actor=actor, now=now)


@use_case("org.leave")
def leave(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, last: dt.date) -> bool:
    """Record that `last` was or will be somebody's last day; posts and powers end with it, the address stays.

    A leaver is appraised for the part served and has days to answer (domain.md, 5b). Whether it changed anything.

    Raises:
        Refused: the actor may not, or it is himself; the day lies before the first one.
        NotFound: nobody has the number.
    """
    with uow.write() as tx:
        _may(tx, actor, now, "record who leaves")
        _not_oneself(tx, actor, number)
        person = naming.person(tx, number)
        if person.joined is not None and last < person.joined:
            raise Refused(f"{number} joined only on {person.joined}; correct the day.", "dates-reversed")
        return end_employment(tx, number, last, actor=actor, now=now)


def end_employment(tx: Transaction, number: str, last: dt.date, *, actor: Actor, now: dt.datetime) -> bool:
    """Let employment, posts and powers of a person end on `last`; whether it changed anything."""
    state = snapshot(tx)
    stored = state.of("people")[number,]
    changes = [Change("changed", "people", (number,), stored, {**stored.values, "left": last})]
    changes += [
        Change("changed", sheet, key, row, {**row.values, "to": max(last, row.values["from"])})
        for sheet in ("assignments", "grants")
        for key, row in state.of(sheet).items()
        if key[0] == number and (row.values["to"] or dt.date.max) > last
    ]
    real = [change for change in changes if change.fields]
    if real:
        write_changes(tx, real, state, actor=actor, now=now, today=today(tx, now))
    return bool(real)


def end_assignment(
    tx: Transaction, number: str, post: str, last: dt.date, *, actor: Actor, now: dt.datetime
) -> dt.date | None:
    """Let a person's regular assignment in a post end on `last`; return its first day, None where he held none then."""
    state = snapshot(tx)
    for key, row in state.of("assignments").items():
        held = key[:3] == (number, post, "regular") and row.values["from"] <= last
        if held and (row.values["to"] or dt.date.max) > last:
            changes = [Change("changed", "assignments", key, row, {**row.values, "to": last})]
            write_changes(tx, changes, state, actor=actor, now=now, today=today(tx, now))
            first: dt.date = row.values["from"]
            return first
    return None


def _may(tx: Transaction, actor: Actor, now: dt.datetime, doing: str) -> None:
    demand(tx, actor, now, _KEEPERS, doing)


def _not_oneself(tx: Transaction, actor: Actor, *numbers: str) -> None:
    for number in numbers:
        if naming.person(tx, number).id in {actor.person_id, actor.typed_by}:
            raise Refused("Nobody may decide this for himself; another officer or the operator must do it.", "own")


def lay_row(tx: Transaction, sheet: str, cells: Mapping[str, Value], *, actor: Actor, now: dt.datetime) -> bool:
    """Lay one row over the organisation as an import would, and write what it changes."""
    values = {name: _value(sheet, name, cell) for name, cell in cells.items()}
    key = tuple(_plain(values[name]) for name in _SHEETS[sheet].key)
    record = Record(sheet, key, values, sheet)
    reading = Reading(records={sheet: [record]}, given={sheet: frozenset(values)})
    state, day = snapshot(tx), today(tx, now)
    merged = merge(reading, state, day)
    _raise(reading)
    check_whole(reading, state, merged)
    _raise(reading)
    changes = [change for change in merged.changes if change.kind != "absent"]
    write_changes(tx, changes, state, actor=actor, now=now, today=day)
    return bool(changes)


def _value(sheet: str, name: str, cell: Value) -> Any:
    try:
        return value_of(_SHEETS[sheet].column(name), cell)
    except CellFault as fault:
        raise Malformed(f"{name}: {fault}", fault.code) from fault


def _plain(value: Any) -> Any:
    return value.number if isinstance(value, Named) else value


def _raise(reading: Reading) -> None:
    for problem in reading.problems:
        if problem.severity is Severity.ERROR:
            raise Refused(f"{problem.text[:1].upper()}{problem.text[1:]}", problem.code)
