"""A tiny office to test with: nine people, the shipped rubric and workflow, and the first quarter of 2026 opened."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.shelf import rubric_text, workflow_text
from models.columns import table_of
from models.findings import DutySite
from models.people import Assignment, Contact, Grant, Organisation, Person, Post, Unit
from services import cycles, definitions, launch, opening
from services.actors import SYSTEM, Actor
from services.appraisals import Moved, Words, act
from services.roster import Choices
from services.unit_of_work import UnitOfWork

ZONE = "Asia/Shanghai"
QUARTER = "2026Q1"
RUBRIC = "bank-office-completed"
BEFORE = dt.datetime(2025, 12, 20, 4, 0, tzinfo=dt.UTC)

PRESIDENT, VICE, SECRETARY = "1001", "1002", "1003"
DIRECTOR, SECURITY, PERSONNEL = "1004", "1005", "1006"
OFFICER, CLERK, ESCORT = "1007", "1008", "1009"

PEOPLE: Mapping[str, tuple[str, str | None]] = {
    PRESIDENT: ("president", None),
    VICE: ("vice-president", PRESIDENT),
    SECRETARY: ("secretary", PRESIDENT),
    DIRECTOR: ("director", VICE),
    SECURITY: ("deputy-security", DIRECTOR),
    PERSONNEL: ("deputy-personnel", DIRECTOR),
    OFFICER: ("personnel-officer", PERSONNEL),
    CLERK: ("clerical", PERSONNEL),
    ESCORT: ("escort", SECURITY),
}
"""Employee number to post and superior; the superior of the last three is also in charge of their post."""

GRANTS = {OFFICER: "hr", CLERK: "clerk", PRESIDENT: "approver"}


def noon(month: int, day: int, year: int = 2026) -> dt.datetime:
    """Noon of a day in Shanghai."""
    return dt.datetime(year, month, day, 4, 0, tzinfo=dt.UTC)


@dataclass(frozen=True)
class TinyOffice:
    """The ids of the office's people, posts and assignments, by employee number and code."""

    people: Mapping[str, int]
    posts: Mapping[str, int]
    assignments: Mapping[str, int]
    unit: int

    def actor(self, number: str) -> Actor:
        """A person who acts for himself."""
        return Actor(self.people[number])

    def proxy(self, number: str, typed_by: str, reason: str | None = "no desk") -> Actor:
        """A person for whom somebody else types."""
        return Actor(self.people[number], self.people[typed_by], reason)


def build_office(uow: UnitOfWork, *, rubric: str = RUBRIC) -> TinyOffice:
    """Write the office and publish a rubric and the quarterly workflow, all in force before 2026."""
    with uow.write() as tx:
        tx.insert(
            table_of(Organisation),
            {
                "name": "A bank",
                "kind": "practice",
                "zone": ZONE,
                "language": "en",
                "calendar": "CN",
                "settings": "{}",
                "created_at": BEFORE,
            },
        )
        unit = tx.insert(table_of(Unit), {"code": "office", "name": "Office", "parent_id": None, "head_id": None})
        posts = {
            code: tx.insert(table_of(Post), {"code": code, "name_en": code, "name_zh": code, "aliases": "[]"})
            for code in dict.fromkeys(post for post, _ in PEOPLE.values())
        }
        people = {number: tx.insert(table_of(Person), _person(number)) for number in PEOPLE}
        assignments = {
            number: tx.insert(
                table_of(Assignment),
                assignment(
                    people[number],
                    posts[post],
                    unit,
                    manager=people[superior] if superior else None,
                    in_charge=people[superior] if superior in {SECURITY, PERSONNEL} else None,
                ),
            )
            for number, (post, superior) in PEOPLE.items()
        }
        for number in PEOPLE:
            contact = {"person_id": people[number], "email": f"p{number}@example.org", "valid_to": None}
            tx.insert(table_of(Contact), {**contact, "valid_from": dt.date(2020, 1, 1)})
        for number, role in GRANTS.items():
            tx.insert(table_of(Grant), granted(people[number], role))
    definitions.publish_rubric(uow, actor=SYSTEM, now=BEFORE, text=rubric_text(rubric), where=rubric)
    definitions.publish_workflow(uow, actor=SYSTEM, now=BEFORE, text=workflow_text("quarterly"), where="quarterly")
    return TinyOffice(people, posts, assignments, unit)


def open_quarter(
    uow: UnitOfWork,
    office: TinyOffice,
    *,
    code: str = QUARTER,
    now: dt.datetime | None = None,
    choices: Choices | None = None,
) -> int:
    """Plan and open a cycle for everybody the rubric has a post for; return the cycle's id."""
    at = now or noon(1, 5)
    hr = office.actor(OFFICER)
    cycles.new(uow, actor=hr, now=at, code=code, rubrics=[RUBRIC])
    opened = launch.open_cycle(uow, actor=hr, now=at, cycle=code, choices=choices or Choices())
    for first, last in opened.ranges:
        opening.open_chunk(uow, now=at, cycle=opened.cycle_id, first=first, last=last, at=at.isoformat())
    return opened.cycle_id


def move(
    uow: UnitOfWork,
    office: TinyOffice,
    now: dt.datetime,
    *,
    number: str,
    by: str,
    action: str,
    words: Words | None = None,
) -> Moved:
    """Let somebody move the appraisal of a person in the first quarter."""
    return act(uow, actor=office.actor(by), now=now, appraisal=f"{QUARTER}/{number}", action=action, words=words)


def submit(uow: UnitOfWork, office: TinyOffice, now: dt.datetime, *, number: str, by: str) -> Moved:
    """Bring a person's appraisal from his own statement to the review; from then on its ledger is closed."""
    move(uow, office, now, number=number, by=number, action="state", words=Words(comment="My quarter."))
    return move(uow, office, now, number=number, by=by, action="submit")


def site(uow: UnitOfWork, code: str, *, closed_months: str = "[]") -> None:
    """Write a site that scheduled duties cover."""
    with uow.write() as tx:
        tx.insert(table_of(DutySite), {"code": code, "name": code, "closed_months": closed_months})


def assignment(
    person: int,
    post: int,
    unit: int,
    *,
    manager: int | None = None,
    in_charge: int | None = None,
    first: dt.date = dt.date(2020, 1, 1),
    last: dt.date | None = None,
    kind: str = "regular",
) -> dict[str, object]:
    """Return the row of an assignment."""
    return {
        "person_id": person,
        "post_id": post,
        "unit_id": unit,
        "manager_id": manager,
        "in_charge_id": in_charge,
        "kind": kind,
        "main": True,
        "weight": None,
        "valid_from": first,
        "valid_to": last,
        "ledger_lock": 0,
    }


def granted(person: int, role: str) -> dict[str, object]:
    """Return the row of a grant for the whole organisation."""
    return {"person_id": person, "role": role, "unit_id": None, "valid_from": dt.date(2020, 1, 1), "valid_to": None}


def _person(number: str) -> dict[str, object]:
    return {
        "number": number,
        "name": f"Person {number}",
        "language": "en",
        "joined": dt.date(2020, 1, 1),
        "left": None,
        "erased_at": None,
    }
