"""The tiny office with a plan, and short ways to let its clock pass and to see what became of it."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from models.columns import table_of
from models.outbox import Job, Message
from services import opening, plan_clock, plans
from services.plans import Wanted
from services.unit_of_work import UnitOfWork
from tests.services.builders import OFFICER, RUBRIC, build_office
from tests.services.planning import Plan

ADDED = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)
"""Noon in Shanghai on the first working day of the quarter."""

NOTICE, OPENS = dt.date(2026, 3, 20), dt.date(2026, 4, 3)
"""The third working day after the first quarter of 2026 in China, and the tenth working day before it."""

JOB, MESSAGE = table_of(Job), table_of(Message)


def wanted(**values: Any) -> Wanted:
    """What the tests plan unless they say otherwise: each quarter on its third working day, everybody in the office."""
    return Wanted(**{"every": "quarter", "working_day": 3, "rubrics": [RUBRIC], "unit": "office", **values})


def at(day: dt.date, hour: int = 9) -> dt.datetime:
    """A moment of a day in Shanghai."""
    return dt.datetime.combine(day, dt.time(hour), dt.timezone(dt.timedelta(hours=8))).astimezone(dt.UTC)


@dataclass
class Planned(Plan):
    """The tiny office whose quarters open by a plan called `office`."""

    @classmethod
    def standing(cls, uow: UnitOfWork, **values: Any) -> "Planned":
        """Build the office and add the plan."""
        made = cls(uow, build_office(uow))
        made.add(**values)
        return made

    def add(self, code: str = "office", *, now: dt.datetime = ADDED, by: str = OFFICER, **values: Any) -> plans.Shown:
        """Let HR add a plan."""
        return plans.add(self.uow, actor=self.office.actor(by), now=now, code=code, wanted=wanted(**values))

    def tick(self, day: dt.date, hour: int = 9) -> plan_clock.Worked:
        """Let the clock look at the plans."""
        return plan_clock.run(self.uow, now=at(day, hour))

    def pass_days(self, first: dt.date, last: dt.date) -> dict[dt.date, plan_clock.Worked]:
        """Let the clock look once on every day, both inclusive; what it did on those on which it did something."""
        days = (first + dt.timedelta(days=count) for count in range((last - first).days + 1))
        worked = {day: self.tick(day) for day in days}
        return {day: one for day, one in worked.items() if one != plan_clock.Worked()}

    def told(self) -> list[tuple[int, str]]:
        """To whom and about which cycle each list of problems was promised, in order."""
        with self.uow.read() as tx:
            rows = tx.all(select(MESSAGE).where(MESSAGE.c.kind == plan_clock.KIND).order_by(MESSAGE.c.id))
        return [(row.person_id, json.loads(row.payload)["cycle"]) for row in rows]

    def states(self) -> dict[str, str]:
        """Return the state of every cycle by its code."""
        return {row.code: row.state for row in self.rows("SELECT code, state FROM cycle ORDER BY code")}

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of all events of a kind."""
        return [json.loads(row.payload) for row in self.rows("SELECT payload FROM event WHERE kind = :kind", kind=kind)]

    def work_off(self) -> int:
        """Run the opening chunks that are owed of open cycles; how many appraisals are new."""
        running = {row.id for row in self.rows("SELECT id FROM cycle WHERE state = 'open'")}
        with self.uow.read() as tx:
            owed = [json.loads(row.args) for row in tx.all(select(JOB).where(JOB.c.name == "cycle.open-chunk"))]
        return sum(
            opening.open_chunk(self.uow, now=at(OPENS), **args).opened for args in owed if args["cycle"] in running
        )
