"""A desk with a few people and open work items, for tests of what is owed, planned and mailed."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select

from catalog.shelf import rubric_text, workflow_text
from models.appraisals import Appraisal, Party
from models.columns import table_of
from models.cycles import Cycle
from models.outbox import Failure, Job, Message
from models.people import Assignment, Contact, Organisation, Person, Post, Unit
from models.rubrics import Definition
from models.workitems import WorkItem
from services import definitions
from services.actors import SYSTEM
from services.outbox import owe_job
from services.reminders import RUN_OUT, run_key
from services.unit_of_work import UnitOfWork

BEFORE = dt.datetime(2025, 12, 20, 4, 0, tzinfo=dt.UTC)
MESSAGE, JOB, FAILURE, ITEM = table_of(Message), table_of(Job), table_of(Failure), table_of(WorkItem)
PEOPLE = ("Wang Fang", "Li Na", "Zhao Min")


def shanghai(month: int, day: int, hour: int = 12, minute: int = 0) -> dt.datetime:
    """A moment of 2026 by the clock on the wall of the office, in UTC."""
    return dt.datetime(2026, month, day, hour, minute, tzinfo=dt.UTC) - dt.timedelta(hours=8)


@dataclass(frozen=True)
class Desk:
    """People by number from 0, each with an assignment; person 2 has no e-mail address and reads Chinese."""

    uow: UnitOfWork
    people: tuple[int, ...]
    assignments: tuple[int, ...]
    cycle: int
    appraisals: tuple[int, ...]

    def item(
        self,
        holder: int = 1,
        *,
        stage: str = "scoring",
        role: str = "assessor",
        action: str = "state",
        opened: dt.datetime,
        due: dt.datetime | None,
        appraisal: int = 0,
    ) -> int:
        """Open a work item of person `holder` about the appraisal of person `appraisal`."""
        row = {
            "appraisal_id": self.appraisals[appraisal],
            "stage": stage,
            "round": 1,
            "role": role,
            "seat": 1,
            "holder_id": self.people[holder],
            "action": action,
            "opened_at": opened,
            "due_at": due,
            "next_action_at": opened,
        }
        with self.uow.write() as tx:
            return tx.insert(ITEM, row)

    def change_item(self, item: int, **values: object) -> None:
        """Change columns of a work item."""
        with self.uow.write() as tx:
            tx.run(ITEM.update().where(ITEM.c.id == item).values(**values))

    def run_out(self, *items: int) -> None:
        """Let the clock have acted on work items whose days are over: nobody could take them, so they stay owed."""
        with self.uow.write() as tx:
            for row in tx.all(select(ITEM).where(ITEM.c.id.in_(items))):
                owe_job(tx, name=RUN_OUT, args={"item": row.id}, dedupe_key=run_key(row), now=row.due_at)
            tx.run(JOB.update().where(JOB.c.name == RUN_OUT).values(state="done", due_at=None))

    def item_row(self, item: int) -> dict[str, object]:
        """A work item as it is now."""
        with self.uow.read() as tx:
            row = tx.first(select(ITEM).where(ITEM.c.id == item))
            assert row is not None
            return dict(row._mapping)

    def messages(self) -> list[tuple[str, str, str | None]]:
        """Kind, state and error of every message but the digests, oldest first."""
        return [row for row in self._messages() if row[0] != "digest"]

    def digests(self) -> list[tuple[str, str | None]]:
        """State and error of every digest, oldest first."""
        return [(state, error) for kind, state, error in self._messages() if kind == "digest"]

    def _messages(self) -> list[tuple[str, str, str | None]]:
        with self.uow.read() as tx:
            return [
                (row.kind, row.state, row.error)
                for row in tx.all(select(MESSAGE.c.kind, MESSAGE.c.state, MESSAGE.c.error).order_by(MESSAGE.c.id))
            ]

    def failures(self) -> list[tuple[str, str, bool]]:
        """Source, code and whether it is resolved, of every failure."""
        with self.uow.read() as tx:
            return [(row.source, row.code, row.resolved_at is not None) for row in tx.all(select(FAILURE))]

    def jobs(self) -> list[tuple[str, str, int]]:
        """Name, state and attempts of every owed job."""
        with self.uow.read() as tx:
            return [(row.name, row.state, row.attempt) for row in tx.all(select(JOB).order_by(JOB.c.id))]


def set_desk(uow: UnitOfWork) -> Desk:
    """Write the people, publish rubric and workflow, and open a cycle with an appraisal of everybody."""
    with uow.write() as tx:
        tx.insert(
            table_of(Organisation),
            {
                "name": "A bank",
                "kind": "practice",
                "zone": "Asia/Shanghai",
                "language": "en",
                "calendar": "CN",
                "settings": "{}",
                "created_at": BEFORE,
            },
        )
        unit = tx.insert(table_of(Unit), {"code": "office", "name": "Office"})
        post = tx.insert(
            table_of(Post), {"code": "deputy-security", "name_en": "Deputy", "name_zh": "副主任", "aliases": "[]"}
        )
        people = tuple(
            tx.insert(table_of(Person), {"number": str(1001 + place), "name": name, "language": language})
            for place, (name, language) in enumerate(zip(PEOPLE, ("en", "en", "zh"), strict=True))
        )
        assignments = tuple(
            tx.insert(
                table_of(Assignment),
                {
                    "person_id": person,
                    "post_id": post,
                    "unit_id": unit,
                    "kind": "regular",
                    "main": True,
                    "valid_from": dt.date(2024, 1, 1),
                    "ledger_lock": 0,
                },
            )
            for person in people
        )
        for place, person in enumerate(people[:2]):
            tx.insert(
                table_of(Contact),
                {"person_id": person, "email": f"p{place}@example.org", "valid_from": dt.date(2024, 1, 1)},
            )
    definitions.publish_rubric(
        uow, actor=SYSTEM, now=BEFORE, text=rubric_text("bank-office-completed"), where="bank-office-completed"
    )
    definitions.publish_workflow(uow, actor=SYSTEM, now=BEFORE, text=workflow_text("quarterly"), where="quarterly")
    with uow.write() as tx:
        definition = table_of(Definition)
        ids = {row.kind: row.id for row in tx.all(select(definition.c.kind, definition.c.id))}
        cycle = tx.insert(
            table_of(Cycle),
            {
                "code": "2026Q1",
                "period_from": dt.date(2026, 1, 1),
                "period_to": dt.date(2026, 3, 31),
                "workflow_id": ids["workflow"],
                "state": "planned",
                "version": 0,
                "created_at": BEFORE,
            },
        )
        tx.run(table_of(Cycle).update().values(state="open", version=1))
        appraisals = tuple(
            tx.insert(
                table_of(Appraisal),
                {
                    "cycle_id": cycle,
                    "assignment_id": assignment,
                    "person_id": person,
                    "unit_no": 0,
                    "workflow_id": ids["workflow"],
                    "rubric_id": ids["rubric"],
                    "stage": "draft",
                    "version": 0,
                    "round": 1,
                    "ledger_version": 0,
                    "entered_at": BEFORE,
                },
            )
            for person, assignment in zip(people, assignments, strict=True)
        )
        for place, appraisal in enumerate(appraisals):
            for role, holder in (("appraisee", people[place]), ("assessor", people[(place + 1) % 3])):
                tx.insert(
                    table_of(Party),
                    {
                        "appraisal_id": appraisal,
                        "person_id": holder,
                        "role": role,
                        "seat": 1,
                        "source": "roster",
                        "from_at": BEFORE,
                    },
                )
    return Desk(uow, people, assignments, cycle, appraisals)
