"""An office in the last hour of a day: a quarter of its appraisals in each stage, and everybody is logged in."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select

from benchmarks import judged, offices
from benchmarks.office import unit_of_work
from services import passwords, sessions
from services.accounts import ACCOUNT
from services.actors import Actor
from services.appraisals import act_many
from services.naming import PERSON
from services.opening import APPRAISAL, ROSTER
from services.practice_clock import set_clock
from services.unit_of_work import UnitOfWork

STARTED = offices.OPENED + dt.timedelta(hours=1)
SUBMITTED, APPROVED = judged.SUBMITTED, judged.SUBMITTED + dt.timedelta(hours=2)
LAST_HOUR = dt.datetime(2026, 4, 3, 9, tzinfo=dt.UTC)
"""An hour before six in the evening there."""
PASSWORD = "three plain words"  # noqa: S105 - of people who exist in a benchmark only
OBJECTS = 5
"""Every how many-th of those who answer objects."""
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Task:
    """One act that somebody owes: on which page its form stands, and to which appraisal it goes."""

    appraisal: int
    page: str
    action: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in: the secret of the session, the pages of his own, and what he owes."""

    id: int
    number: str
    secret: str
    own: tuple[str, ...]
    tasks: tuple[Task, ...]


def prepare(url: str, size: int) -> Sequence[Person]:
    """Build the office with `size` people who are appraised, and return everybody who is logged in."""
    with unit_of_work(url) as uow:
        opened = offices.freeze(uow, offices.build(uow, size), _CHUNK)
        offices.open_all(uow, opened)
        judged.record(uow, list(offices.seats(size)))
        rows = _rows(uow)
        tasks = _bring(uow, rows)
        set_clock(uow, now=LAST_HOUR, at=LAST_HOUR)
        return _log_in(uow, rows, tasks)


def _rows(uow: UnitOfWork) -> Sequence[Row[tuple[int, int, int, int]]]:
    read = (
        select(APPRAISAL.c.id, ROSTER.c.person_id, ROSTER.c.assessor_id, ROSTER.c.reviewer_id)
        .join(
            ROSTER, (ROSTER.c.cycle_id == APPRAISAL.c.cycle_id) & (ROSTER.c.assignment_id == APPRAISAL.c.assignment_id)
        )
        .order_by(APPRAISAL.c.id)
    )
    with uow.read() as tx:
        return tx.all(read)


def _bring(uow: UnitOfWork, rows: Sequence[Row[tuple[int, int, int, int]]]) -> dict[int, list[Task]]:
    """Bring a quarter of the appraisals to each stage; return what is owed then, by who owes it."""
    owed: dict[int, list[Task]] = {}
    scored = (("start", STARTED, "assessor_id"), ("submit", SUBMITTED, "assessor_id"))
    steps = (*scored, ("approve", APPROVED, "reviewer_id"))
    for step, (action, at, judge) in enumerate(steps, 1):
        by: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            if place % 4 >= step:
                by.setdefault(getattr(row, judge), []).append(row.id)
        for person, appraisals in by.items():
            act_many(uow, actor=Actor(person), now=at, appraisals=appraisals, action=action)
    for place, row in enumerate(rows):
        code = f"{offices.CODE}/{1_000_000 + row.person_id}"
        # Who has no finding has no line to object to; see `judged.record`.
        answer = "object" if place // 4 % OBJECTS == 0 and row.person_id % 4 else "accept"
        who, page, action = (
            (row.person_id, f"/appraisals/{code}", "state"),
            (row.assessor_id, f"/scoring/{code}", "submit"),
            (row.reviewer_id, f"/review/{code}", "approve"),
            (row.person_id, f"/appraisals/{code}", answer),
        )[place % 4]
        owed.setdefault(who, []).append(Task(row.id, page, action))
    return owed


def _log_in(
    uow: UnitOfWork, rows: Sequence[Row[tuple[int, int, int, int]]], tasks: dict[int, list[Task]]
) -> Sequence[Person]:
    """Give everybody an account and a session, as a login makes it; the password is hashed once for all."""
    appraised = {row.person_id for row in rows}
    everybody = sorted(appraised | set(tasks))
    kept = passwords.hashed(PASSWORD, number="", name="")
    with uow.write() as tx:
        numbers = {row.id: row.number for row in tx.all(select(PERSON.c.id, PERSON.c.number))}
        accounts = tx.insert_all(
            ACCOUNT,
            [
                {"person_id": person, "password_hash": kept, "created_at": LAST_HOUR, "disabled_at": None}
                for person in everybody
            ],
        )
        secrets = {
            person: sessions.open_session(tx, account, person, before=None, now=LAST_HOUR).secret
            for person, account in zip(everybody, accounts, strict=True)
        }
    return [
        Person(
            person,
            numbers[person],
            secrets[person],
            (f"/appraisals/{offices.CODE}/{numbers[person]}",) if person in appraised else (),
            tuple(tasks.get(person, ())),
        )
        for person in everybody
    ]
