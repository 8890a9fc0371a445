"""An office of any size with its open quarter: the tests' tiny office, and clerks who all have the same two judges."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.columns import table_of
from models.database import open_database
from models.people import Assignment, Person
from services.actors import Actor
from services.audit import AuditKeys
from services.unit_of_work import UnitOfWork
from tests.services.builders import DIRECTOR, PERSONNEL, TinyOffice, assignment, build_office, noon, open_quarter

KEYS = AuditKeys("k1", {"k1": b"a key that only the benchmarks use"})
STARTED, SUBMITTED, APPROVED = noon(4, 1), noon(4, 2), noon(4, 3)
"""Three working days that follow each other, after the quarter's end."""
FIRST_NUMBER = 100_000


@dataclass(frozen=True, slots=True)
class Clerks:
    """The clerks' appraisals by id, and their two judges."""

    appraisals: Sequence[int]
    assessor: Actor
    reviewer: Actor


def key_file(folder: Path) -> Path:
    """Write the key into a folder, as a process of the product reads it, and return the file."""
    file = folder / "audit.key"
    file.touch(0o600)
    file.write_text("".join(f"{name} {key.hex()}\n" for name, key in KEYS.secrets.items()), encoding="ascii")
    return file


@contextmanager
def unit_of_work(url: str) -> Iterator[UnitOfWork]:
    """Yield a unit of work on a database; nobody is connected to it afterwards."""
    engine = open_database(url)
    try:
        yield UnitOfWork(engine, KEYS)
    finally:
        engine.dispose()


def open_with_clerks(uow: UnitOfWork, count: int) -> Clerks:
    """Build the office, hire `count` clerks, open the quarter, and return the clerks' appraisals."""
    office = build_office(uow)
    people = _hire(uow, office, count)
    open_quarter(uow, office)
    with uow.read() as tx:
        rows = tx.connection.exec_driver_sql("SELECT person_id, id FROM appraisal ORDER BY id").all()
    hired = set(people)
    return Clerks(
        [appraisal for person, appraisal in rows if person in hired], office.actor(PERSONNEL), office.actor(DIRECTOR)
    )


def _hire(uow: UnitOfWork, office: TinyOffice, count: int) -> Sequence[int]:
    superior = office.people[PERSONNEL]
    with uow.write() as tx:
        people = tx.insert_all(table_of(Person), [_person(FIRST_NUMBER + number) for number in range(count)])
        tx.insert_many(
            table_of(Assignment),
            [
                assignment(person, office.posts["clerical"], office.unit, manager=superior, in_charge=superior)
                for person in people
            ],
        )
    return people


def _person(number: int) -> dict[str, object]:
    return {
        "number": str(number),
        "name": f"Person {number}",
        "language": "en",
        "joined": dt.date(2020, 1, 1),
        "left": None,
        "erased_at": None,
    }
