"""Many people in the tiny office: clerks under the deputy for personnel, whom the director reviews."""

import datetime as dt

from models.columns import table_of
from models.people import Assignment, Contact, Grant, Person
from services.appraisals import act_many
from tests.faults.constants import FIRST
from tests.services.builders import OFFICER, PERSONNEL, QUARTER, TinyOffice, assignment, granted, noon
from tests.services.playing import SUBMITTED, Play

START = dt.date(2020, 1, 1)


def hire(play: Play, count: int) -> tuple[str, ...]:
    """Hire clerks with an e-mail address; return their numbers."""
    office = play.office
    numbers = tuple(str(number) for number in range(FIRST, FIRST + count))
    with play.uow.write() as tx:
        people = tx.insert_all(
            table_of(Person),
            [
                {
                    "number": number,
                    "name": f"Person {number}",
                    "language": "en",
                    "joined": START,
                    "left": None,
                    "erased_at": None,
                }
                for number in numbers
            ],
        )
        superior, post = office.people[PERSONNEL], office.posts["clerical"]
        held = tx.insert_all(
            table_of(Assignment),
            [assignment(person, post, office.unit, manager=superior, in_charge=superior) for person in people],
        )
        tx.insert_many(
            table_of(Contact),
            [
                {"person_id": person, "email": f"p{number}@example.org", "valid_from": START, "valid_to": None}
                for number, person in zip(numbers, people, strict=True)
            ],
        )
    play.office = TinyOffice(
        {**office.people, **dict(zip(numbers, people, strict=True))},
        office.posts,
        {**office.assignments, **dict(zip(numbers, held, strict=True))},
        office.unit,
    )
    return numbers


def submit(play: Play, numbers: tuple[str, ...]) -> None:
    """Bring the appraisals of these people to the review, two versions on."""
    codes = [f"{QUARTER}/{number}" for number in numbers]
    for action, at in (("start", noon(4, 1)), ("submit", SUBMITTED)):
        act_many(play.uow, actor=play.who(PERSONNEL), now=at, appraisals=codes, action=action)


def let_type(play: Play) -> None:
    """Let the personnel officer type for others."""
    with play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(play.office.people[OFFICER], "proxy"))
