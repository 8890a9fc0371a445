"""The office of a simulated year in one zone: its chiefs, a deputy for every twenty people, clerks, and a plan."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass

from catalog.shelf import rubric_text, workflow_text
from models.columns import table_of
from models.people import Assignment, Contact, Grant, Organisation, Post, Unit
from models.people import Person as PersonRow
from services import definitions, plans
from services.actors import SYSTEM, Actor
from services.plans import Wanted
from services.unit_of_work import UnitOfWork
from tests.faults.reference_days import DAY, Days
from tests.faults.reference_obligations import Reference
from tests.faults.reference_parts import Chiefs
from tests.faults.reference_rows import Person
from tests.services.builders import RUBRIC, assignment, granted
from tests.services.closing import vouch

YEAR = 2026
PERIODS = {
    "2025Q4": (dt.date(2025, 10, 1), dt.date(2025, 12, 31)),
    "2026Q1": (dt.date(2026, 1, 1), dt.date(2026, 3, 31)),
    "2026Q2": (dt.date(2026, 4, 1), dt.date(2026, 6, 30)),
    "2026Q3": (dt.date(2026, 7, 1), dt.date(2026, 9, 30)),
}
"""The periods whose cycles open in the year."""
OPENS_ON = 12
"""The working day after its end on which a cycle opens: so that a change of the clocks lies in open windows."""
HOUSE = ("president", "vice-president", "secretary", "director", "personnel-officer")
CLERICAL, DEPUTY = "clerical", "deputy-personnel"
LONG_AGO = dt.date(2020, 1, 1)
ADOPTED = {"adopted = 2025-12-01": "adopted = 2025-06-02", "announced = 2025-12-15": "announced = 2025-06-16"}


@dataclass(frozen=True)
class Office:
    """The office as it stands before the year: who is who, by id, and the reference that tells what it owes."""

    uow: UnitOfWork
    days: Days
    people: dict[int, Person]
    chiefs: Chiefs
    hr: int
    reference: Reference

    @property
    def deputies(self) -> list[Person]:
        """The deputies."""
        return [one for one in self.people.values() if one.post == DEPUTY]

    @property
    def staff(self) -> list[Person]:
        """The clerks."""
        return [one for one in self.people.values() if one.post == CLERICAL]


def build(uow: UnitOfWork, zone: str, count: int, *, begins: dt.date, calendar: str = "CN") -> Office:
    """Write an office of `count` people, at least 12, the evening before the play begins.

    Every fortieth clerk has no e-mail address, from the fifth on. Cycles that should have opened by then are not there.
    """
    days = Days(calendar, zoneinfo.ZoneInfo(zone))
    periods = {code: span for code, span in PERIODS.items() if days.after(span[1], OPENS_ON) > begins}
    started = days.at(dt.date(YEAR - 1, 9, 1), dt.time(12))
    people, chiefs = _people(uow, zone, calendar, count, started)
    texts = rubric_text(RUBRIC)
    for was, becomes in ADOPTED.items():
        texts = texts.replace(was, becomes)
    definitions.publish_rubric(uow, actor=SYSTEM, now=started, text=texts, where=RUBRIC)
    definitions.publish_workflow(uow, actor=SYSTEM, now=started, text=workflow_text("quarterly"), where="quarterly")
    hr = next(one.id for one in people.values() if one.post == "personnel-officer")
    wanted = Wanted(every="quarter", working_day=OPENS_ON, rubrics=[RUBRIC], unit="office", first=min(periods))
    plans.add(uow, actor=Actor(hr), now=days.at(begins - DAY, dt.time(20)), code="office", wanted=wanted)
    vouch(uow)
    reference = Reference(days, people, chiefs, hr)
    reference.periods, reference.opens_on_working_day = periods, OPENS_ON
    return Office(uow, days, people, chiefs, hr, reference)


def _people(
    uow: UnitOfWork, zone: str, calendar: str, count: int, created: dt.datetime
) -> tuple[dict[int, Person], Chiefs]:
    posts_of = [*HOUSE]
    posts_of += [DEPUTY] * max(2, (count - len(HOUSE)) // 20)
    posts_of += [CLERICAL] * (count - len(posts_of))
    numbers = [str(1001 + place) for place in range(len(posts_of))]
    clerks = [number for number, post in zip(numbers, posts_of, strict=True) if post == CLERICAL]
    unreachable = set(clerks[4::40])
    with uow.write() as tx:
        office = {"name": "A bank", "kind": "practice", "zone": zone, "language": "en", "calendar": calendar}
        tx.insert(table_of(Organisation), {**office, "settings": "{}", "created_at": created})
        unit = tx.insert(table_of(Unit), {"code": "office", "name": "Office", "parent_id": None, "head_id": None})
        posts = {
            code: tx.insert(table_of(Post), {"code": code, "name_en": code, "name_zh": code, "aliases": "[]"})
            for code in dict.fromkeys(posts_of)
        }
        language = {"language": "en", "joined": LONG_AGO, "left": None, "erased_at": None}
        ids = tx.insert_all(
            table_of(PersonRow), [{"number": one, "name": f"Person {one}", **language} for one in numbers]
        )
        at = {post: ids[place] for place, post in enumerate(posts_of) if post in HOUSE}
        deputies = [ids[place] for place, post in enumerate(posts_of) if post == DEPUTY]
        people: dict[int, Person] = {}
        rows = []
        for place, (person, number, post) in enumerate(zip(ids, numbers, posts_of, strict=True)):
            # HR's own deputy is the first of them: of him and above him HR decides nothing.
            boss = {"personnel-officer": deputies[0], CLERICAL: deputies[place % len(deputies)]}.get(post)
            above = {DEPUTY: at["director"], "director": at["vice-president"], "president": None}
            manager = above.get(post, boss or at["president"])
            rows.append(assignment(person, posts[post], unit, manager=manager, in_charge=boss))
            people[person] = Person(person, number, post, boss, number not in unreachable)
        tx.insert_all(table_of(Assignment), rows)
        contacts = [
            {"person_id": one.id, "email": f"p{one.number}@example.org", "valid_from": LONG_AGO, "valid_to": None}
            for one in people.values()
            if one.has_address
        ]
        tx.insert_many(table_of(Contact), contacts)
        for person, role in ((at["personnel-officer"], "hr"), (at["president"], "approver")):
            tx.insert(table_of(Grant), granted(person, role))
    chiefs = Chiefs(at["president"], at["vice-president"], at["secretary"], at["director"])
    return people, chiefs
