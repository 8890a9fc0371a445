"""An office before its quarter opens, and short ways to change what its roster is drawn from."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text, update

from models.columns import table_of
from models.cycles import Roster, RosterProblem
from models.people import Absence, Assignment, ConflictOfInterest, Contact, Person, Post, ReportingOverride
from services import cycles, launch, opening
from services.opening import Chunk
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.services.builders import OFFICER, QUARTER, RUBRIC, TinyOffice, assignment, build_office, noon

START = dt.date(2020, 1, 1)
OPENING = noon(4, 1)


@dataclass
class Plan:
    """The tiny office with a planned quarter."""

    uow: UnitOfWork
    office: TinyOffice

    @classmethod
    def made(cls, uow: UnitOfWork, *, rubric: str = RUBRIC, code: str = QUARTER) -> "Plan":
        """Build the office and plan its quarter with a rubric."""
        office = build_office(uow, rubric=rubric)
        cycles.new(uow, actor=office.actor(OFFICER), now=noon(1, 5), code=code, rubrics=[rubric])
        return cls(uow, office)

    def dry_run(self, choices: Choices | None = None, *, by: str = OFFICER) -> launch.Report:
        """Let HR draw up the roster."""
        return launch.dry_run(self.uow, actor=self.office.actor(by), now=OPENING, cycle=QUARTER, choices=choices)

    def open(self, choices: Choices | None = None, *, by: str = OFFICER, chunk: int = 2000) -> launch.Opened:
        """Let HR open the cycle; its chunks are owed to the jobs."""
        return launch.open_cycle(
            self.uow, actor=self.office.actor(by), now=OPENING, cycle=QUARTER, choices=choices, chunk=chunk
        )

    def run(self, opened: launch.Opened) -> list[Chunk]:
        """Run the jobs that an opening owes."""
        return [
            opening.open_chunk(
                self.uow, now=OPENING, cycle=opened.cycle_id, first=first, last=last, at=OPENING.isoformat()
            )
            for first, last in opened.ranges
        ]

    def problems(self, number: str | None = None) -> dict[str, str]:
        """Return code and severity of what a dry run finds, about one person or about all."""
        found = self.dry_run().problems
        return {problem.code: str(problem.severity) for problem in found if number in {None, problem.number}}

    def roster(self) -> dict[str, Any]:
        """Return the roster rows by employee number and post."""
        numbers = {person: number for number, person in self.office.people.items()}
        codes = {row.id: row.code for row in self.rows("SELECT id, code FROM post")}
        with self.uow.read() as tx:
            rows = tx.all(select(table_of(Roster)))
        return {f"{numbers.get(row.person_id, row.person_id)}@{codes[row.post_id]}": row for row in rows}

    def written(self) -> list[Any]:
        """Return the problems as they are stored."""
        with self.uow.read() as tx:
            return list(tx.all(select(table_of(RosterProblem)).order_by(table_of(RosterProblem).c.id)))

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Return what a plain statement reads."""
        with self.uow.read() as tx:
            return list(tx.all(text(statement), values))

    def change(self, number: str, **values: Any) -> None:
        """Change the assignment of a person."""
        table = table_of(Assignment)
        with self.uow.write() as tx:
            tx.run(update(table).where(table.c.id == self.office.assignments[number]).values(**values))

    def assign(self, number: str, post: str, **values: Any) -> int:
        """Give a person one more assignment; return its id."""
        row = assignment(self.office.people[number], self.office.posts[post], self.office.unit, **values)
        with self.uow.write() as tx:
            return tx.insert(table_of(Assignment), row)

    def hire(self, number: str, post: str, **values: Any) -> int:
        """Bring somebody new into a post; return the assignment's id. `post` may be new, too."""
        with self.uow.write() as tx:
            person = tx.insert(
                table_of(Person),
                {
                    "number": number,
                    "name": f"Person {number}",
                    "language": "en",
                    "joined": START,
                    "left": None,
                    "erased_at": None,
                },
            )
            posts = dict(self.office.posts)
            if post not in posts:
                posts[post] = tx.insert(
                    table_of(Post), {"code": post, "name_en": post, "name_zh": post, "aliases": "[]"}
                )
            held = tx.insert(table_of(Assignment), assignment(person, posts[post], self.office.unit, **values))
        people: Mapping[str, int] = {**self.office.people, number: person}
        assignments: Mapping[str, int] = {**self.office.assignments, number: held}
        self.office = TinyOffice(people, posts, assignments, self.office.unit)
        return held

    def override(self, number: str, role: str, person: str) -> None:
        """Name a holder of a role for a person's assignment."""
        with self.uow.write() as tx:
            tx.insert(
                table_of(ReportingOverride),
                {
                    "assignment_id": self.office.assignments[number],
                    "role": role,
                    "person_id": self.office.people[person],
                    "valid_from": START,
                    "valid_to": None,
                    "reason_id": None,
                },
            )

    def absence(self, number: str, first: dt.date, last: dt.date | None, kind: str = "protected") -> None:
        """Record that a person is away."""
        with self.uow.write() as tx:
            row = {"person_id": self.office.people[number], "kind": kind, "valid_from": first, "valid_to": last}
            tx.insert(table_of(Absence), {**row, "reason_id": None})

    def conflict(self, one: str, other: str) -> None:
        """Record a conflict of interest."""
        people = self.office.people
        with self.uow.write() as tx:
            row = {"person_id": people[one], "other_id": people[other], "valid_from": START, "valid_to": None}
            tx.insert(table_of(ConflictOfInterest), {**row, "reason_id": None})

    def without_email(self, number: str) -> None:
        """End the e-mail address of a person."""
        table = table_of(Contact)
        with self.uow.write() as tx:
            ended = update(table).where(table.c.person_id == self.office.people[number])
            tx.run(ended.values(valid_to=dt.date(2025, 12, 31)))
