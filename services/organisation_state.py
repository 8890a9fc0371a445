"""The organisation as it stands in the database, in the form of its spreadsheet: rows by key, people by number."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, select

from models.columns import table_of
from models.findings import DutySite
from models.history import TextBody
from models.people import (
    Absence,
    Assignment,
    ClosureDay,
    ConflictOfInterest,
    Contact,
    Grant,
    Organisation,
    Person,
    Post,
    ReportingOverride,
    Unit,
)
from services.unit_of_work import Transaction

ORGANISATION = table_of(Organisation)
UNIT = table_of(Unit)
POST = table_of(Post)
PERSON = table_of(Person)
CONTACT = table_of(Contact)
ASSIGNMENT = table_of(Assignment)
OVERRIDE = table_of(ReportingOverride)
ABSENCE = table_of(Absence)
GRANT = table_of(Grant)
CONFLICT = table_of(ConflictOfInterest)
SITE = table_of(DutySite)
CLOSURE_DAY = table_of(ClosureDay)
TEXT_BODY = table_of(TextBody)

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as the spreadsheet would have it, its id and that of the text of its reason."""

    id: int
    values: Mapping[str, Any]
    reason_id: int | None = None


@dataclass(slots=True)
class State:
    """Every row of the organisation by sheet and key, with the ids behind numbers and codes."""

    rows: dict[str, dict[Key, Stored]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)
    contacts: dict[str, tuple[int, dt.date]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    def of(self, sheet: str) -> dict[Key, Stored]:
        """Return the rows of a sheet by key."""
        return self.rows.get(sheet, {})


def _with_reason(table: Any) -> Select[Any]:
    return (
        select(table, TEXT_BODY.c.body.label("reason"))
        .outerjoin(TEXT_BODY, TEXT_BODY.c.id == table.c.reason_id)
        .order_by(table.c.id)
    )


_ORGANISATION = select(ORGANISATION)
_UNITS = select(UNIT).order_by(UNIT.c.id)
_POSTS = select(POST).order_by(POST.c.id)
_PEOPLE = select(PERSON).order_by(PERSON.c.id)
_CONTACTS = select(CONTACT).where(CONTACT.c.valid_to.is_(None)).order_by(CONTACT.c.id)
_ASSIGNMENTS = select(ASSIGNMENT).order_by(ASSIGNMENT.c.id)
_OVERRIDES = _with_reason(OVERRIDE)
_ABSENCES = _with_reason(ABSENCE)
_GRANTS = select(GRANT).order_by(GRANT.c.id)
_CONFLICTS = _with_reason(CONFLICT)
_SITES = select(SITE).order_by(SITE.c.id)
_CLOSURE_DAYS = select(CLOSURE_DAY).order_by(CLOSURE_DAY.c.day)


def snapshot(tx: Transaction) -> State:
    """Read the whole organisation, in twelve statements whatever its size."""
    state = State()
    units, posts, people = tx.all(_UNITS), tx.all(_POSTS), tx.all(_PEOPLE)
    state.units = {row.code: row.id for row in units}
    state.posts = {row.code: row.id for row in posts}
    state.people = {row.number: row.id for row in people}
    state.erased = {row.number for row in people if row.erased_at is not None}
    number: dict[int | None, str] = {row.id: row.number for row in people}
    unit: dict[int | None, str] = {row.id: row.code for row in units}
    post: dict[int | None, str] = {row.id: row.code for row in posts}
    emails: dict[int, str] = {}
    for row in tx.all(_CONTACTS):
        emails[row.person_id] = row.email
        state.contacts[number[row.person_id]] = (row.id, row.valid_from)

    def put(sheet: str, rows: Iterable[Row[Any]], key: Callable[[Any], Key], values: Callable[[Any], Any]) -> None:
        state.rows[sheet] = {key(row): Stored(row.id, values(row), getattr(row, "reason_id", None)) for row in rows}

    put("organisation", tx.all(_ORGANISATION), lambda _: (), _organisation)
    put(
        "units",
        units,
        lambda row: (row.code,),
        lambda row: {
            "code": row.code,
            "name": row.name,
            "parent": unit.get(row.parent_id),
            "head": number.get(row.head_id),
        },
    )
    put("posts", posts, lambda row: (row.code,), _post)
    put(
        "people",
        people,
        lambda row: (row.number,),
        lambda row: {
            "number": row.number,
            "name": row.name,
            "language": row.language,
            "email": emails.get(row.id),
            "joined": row.joined,
            "left": row.left,
        },
    )
    assignments = tx.all(_ASSIGNMENTS)
    put(
        "assignments",
        assignments,
        lambda row: (number[row.person_id], post[row.post_id], row.kind, row.valid_from),
        lambda row: {
            "number": number[row.person_id],
            "post": post[row.post_id],
            "unit": unit[row.unit_id],
            "manager": number.get(row.manager_id),
            "in-charge": number.get(row.in_charge_id),
            "kind": row.kind,
            "main": row.main,
            "weight": row.weight,
            **_span(row),
        },
    )
    places = {row.id: (number[row.person_id], post[row.post_id]) for row in assignments}
    put(
        "overrides",
        tx.all(_OVERRIDES),
        lambda row: (*places[row.assignment_id], row.role, row.valid_from),
        lambda row: {
            "number": places[row.assignment_id][0],
            "post": places[row.assignment_id][1],
            "role": row.role,
            "holder": number[row.person_id],
            **_span(row),
            "reason": row.reason,
        },
    )
    put(
        "absences",
        tx.all(_ABSENCES),
        lambda row: (number[row.person_id], row.kind, row.valid_from),
        lambda row: {"number": number[row.person_id], "kind": row.kind, **_span(row), "reason": row.reason},
    )
    put(
        "grants",
        tx.all(_GRANTS),
        lambda row: (number[row.person_id], row.role, unit.get(row.unit_id), row.valid_from),
        lambda row: {
            "number": number[row.person_id],
            "role": row.role,
            "unit": unit.get(row.unit_id),
            **_span(row),
        },
    )
    put(
        "conflicts",
        tx.all(_CONFLICTS),
        lambda row: (number[row.person_id], number[row.other_id], row.valid_from),
        lambda row: {
            "number": number[row.person_id],
            "other": number[row.other_id],
            **_span(row),
            "reason": row.reason,
        },
    )
    put("sites", tx.all(_SITES), lambda row: (row.code,), _site)
    put(
        "closure-days",
        tx.all(_CLOSURE_DAYS),
        lambda row: (row.day,),
        lambda row: {"day": row.day, "kind": row.kind, "name": row.name},
    )
    return state


def _span(row: Row[Any]) -> dict[str, Any]:
    return {"from": row.valid_from, "to": row.valid_to}


def _organisation(row: Row[Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "zone": row.zone,
        "language": row.language,
        "calendar": row.calendar,
    }


def _post(row: Row[Any]) -> dict[str, Any]:
    return {
        "code": row.code,
        "name-en": row.name_en,
        "name-zh": row.name_zh,
        "aliases": tuple(json.loads(row.aliases)),
    }


def _site(row: Row[Any]) -> dict[str, Any]:
    return {"code": row.code, "name": row.name, "closed-months": tuple(json.loads(row.closed_months))}
