"""An office of any size on the day before its quarter opens: units, posts, people, reporting lines, rubric, workflow.

Divisions of 101 people: a director, and five offices of a deputy and nineteen people. Above them stand a president, a
vice-president and a secretary, who are not appraised. Every row is vouched for, as an import would have left it.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.bulk_rows import chained, write
from benchmarks.office import KEYS
from catalog.shelf import rubric_text, workflow_text
from services import cycles, definitions, launch, opening
from services.actors import SYSTEM, Actor
from services.audit import EVENT, GENESIS, Link, digest
from services.organisation_state import ASSIGNMENT, CONTACT, GRANT, ORGANISATION, PERSON, POST, UNIT
from services.organisation_write import row_content
from services.unit_of_work import UnitOfWork

CODE, RUBRIC, WORKFLOW = "2026Q1", "bank-office-completed", "quarterly"
BEFORE = dt.datetime(2025, 12, 20, 4, tzinfo=dt.UTC)
PLANNED = dt.datetime(2026, 1, 5, 4, tzinfo=dt.UTC)
OPENED = dt.datetime(2026, 4, 1, 10, tzinfo=dt.UTC)
SINCE = dt.date(2020, 1, 1)
PRESIDENT, VICE, SECRETARY = 1, 2, 3
TOP = ("president", "vice-president", "secretary")
HEADS = ("deputy-personnel", "deputy-security")
STAFF = ("personnel-officer", "clerical", "logistics", "escort", "cash-driver")
DIVISION, OFFICE = 101, 20
POSTS = (*TOP, "director", *HEADS, *STAFF)
_ONE_DIRECTOR, _MANY = 'director = { post = "director" }', 'director = { relation = "unit-head", level = 1 }'


@dataclass(frozen=True, slots=True)
class Seat:
    """Where somebody stands: the ids of the person, his unit and whoever is in charge of his post, and the post."""

    person: int
    post: str
    unit: int
    in_charge: int | None = None


def seats(people: int) -> Iterator[Seat]:
    """Yield the three at the top and then `people` who are appraised; persons and units are numbered from 1."""
    yield from (Seat(number, post, 1) for number, post in enumerate(TOP, 1))
    division = office = unit = 1
    director = head = VICE
    for place in range(people):
        person, within = place + len(TOP) + 1, place % DIVISION
        if within == 0:
            unit += 1
            division = unit
            director = person
            yield Seat(person, "director", division, VICE)
        elif (within - 1) % OFFICE == 0:
            unit += 1
            office, head = unit, person
            yield Seat(person, HEADS[(within - 1) // OFFICE % 2], office, director)
        else:
            yield Seat(person, STAFF[((within - 1) % OFFICE - 1) % len(STAFF)], office, head)


def build(uow: UnitOfWork, people: int) -> int:
    """Write the office, publish rubric and workflow, plan the quarter, and return the id of the HR officer."""
    everybody = list(seats(people))
    officer = next(seat.person for seat in everybody if seat.post == STAFF[0])
    organisation = {"name": "A bank", "kind": "practice", "zone": "Asia/Shanghai", "language": "en", "calendar": "CN"}
    written: dict[str, list[dict[str, Any]]] = {
        "organisation": [{**organisation, "settings": "{}", "created_at": BEFORE}],
        "post": [{"code": code, "name_en": code, "name_zh": code, "aliases": "[]"} for code in POSTS],
        "person": [_person(seat) for seat in everybody],
        "unit": list(_units(everybody)),
        "assignment": [_assignment(seat) for seat in everybody],
        "grant": [_grant(officer, "hr"), _grant(PRESIDENT, "approver")],
    }
    tables = {"organisation": ORGANISATION, "post": POST, "person": PERSON, "unit": UNIT, "assignment": ASSIGNMENT}
    for name, table in {**tables, "grant": GRANT}.items():
        write(uow, table, written[name])
    write(uow, CONTACT, (_contact(seat) for seat in everybody))
    entries = (
        (f"{name}.new", {name: number, "digest": digest(row_content(row))})
        for name, rows in written.items()
        for number, row in enumerate(rows, 1)
    )
    write(uow, EVENT, chained(KEYS, "org", Link(0, GENESIS), entries, actor=None, at=BEFORE))
    rules = workflow_text(WORKFLOW).replace(_ONE_DIRECTOR, _MANY)
    definitions.publish_rubric(uow, actor=SYSTEM, now=BEFORE, text=rubric_text(RUBRIC), where=RUBRIC)
    definitions.publish_workflow(uow, actor=SYSTEM, now=BEFORE, text=rules, where=WORKFLOW)
    cycles.new(uow, actor=Actor(officer), now=PLANNED, code=CODE, rubrics=[RUBRIC])
    return officer


def freeze(uow: UnitOfWork, officer: int, chunk: int) -> launch.Opened:
    """Let HR open the quarter: the roster is frozen and its chunks are owed to the jobs."""
    return launch.open_cycle(uow, actor=Actor(officer), now=OPENED, cycle=CODE, chunk=chunk)


def open_all(uow: UnitOfWork, opened: launch.Opened) -> None:
    """Run the jobs that an opening owes."""
    for first, last in opened.ranges:
        opening.open_chunk(uow, now=OPENED, cycle=opened.cycle_id, first=first, last=last, at=OPENED.isoformat())


def _units(everybody: list[Seat]) -> Iterator[dict[str, Any]]:
    yield {"code": "bank", "name": "Bank", "parent_id": None, "head_id": PRESIDENT}
    division = 1
    for seat in everybody:
        if seat.post == "director":
            division = seat.unit
            yield {"code": f"D{seat.unit}", "name": f"Division {seat.unit}", "parent_id": 1, "head_id": seat.person}
        elif seat.post in HEADS:
            yield {"code": f"U{seat.unit}", "name": f"Unit {seat.unit}", "parent_id": division, "head_id": seat.person}


def _person(seat: Seat) -> dict[str, Any]:
    named = {"number": str(1_000_000 + seat.person), "name": f"Person {seat.person}", "language": "en"}
    return {**named, "joined": SINCE, "left": None, "erased_at": None}


def _contact(seat: Seat) -> dict[str, Any]:
    return {"person_id": seat.person, "email": f"p{seat.person}@bank.example", "valid_from": SINCE, "valid_to": None}


def _assignment(seat: Seat) -> dict[str, Any]:
    return {
        "person_id": seat.person,
        "post_id": POSTS.index(seat.post) + 1,
        "unit_id": seat.unit,
        "manager_id": seat.in_charge,
        "in_charge_id": seat.in_charge,
        "kind": "regular",
        "main": True,
        "weight": None,
        "valid_from": SINCE,
        "valid_to": None,
        "ledger_lock": 0,
    }


def _grant(person: int, role: str) -> dict[str, Any]:
    return {"person_id": person, "role": role, "unit_id": None, "valid_from": SINCE, "valid_to": None}
