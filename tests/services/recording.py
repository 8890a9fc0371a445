"""Short ways to record in the tiny office: findings, documents, and what was written about them."""

import datetime as dt
import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from models.columns import table_of
from models.outbox import Message
from services import documents, findings
from services.actors import Actor
from services.audit import EVENT
from services.finding_shapes import FindingView
from services.finding_views import show_finding
from services.finding_writing import FINDING, Recorded
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, VICE, TinyOffice, noon

MESSAGE = table_of(Message)
TODAY = noon(2, 16)
HAPPENED = dt.date(2026, 2, 3)


@dataclass(frozen=True)
class Book:
    """The tiny office and its database, with short ways to write into ledgers on a day in February."""

    uow: UnitOfWork
    office: TinyOffice

    def add(self, *, by: str | Actor = VICE, now: dt.datetime = TODAY, **changes: Any) -> Recorded:
        """Record D1.1 at 4 points about the director, by the vice-president, unless told otherwise."""
        values: dict[str, Any] = {
            "number": DIRECTOR,
            "rule": "D1.1",
            "happened": HAPPENED,
            "amount": Fraction(4),
            "reason": "The branch waited two weeks.",
        }
        return findings.add(self.uow, actor=self.who(by), now=now, **(values | changes))

    def who(self, by: str | Actor) -> Actor:
        """Somebody by his number, or as given."""
        return self.office.actor(by) if isinstance(by, str) else by

    def document(self, kind: str = "circular", number: str = "2026-14", day: dt.date = HAPPENED) -> str:
        """Register a document of the superior bank."""
        return documents.register(
            self.uow,
            actor=self.office.actor(CLERK),
            now=max(TODAY, dt.datetime.combine(day, dt.time(12), dt.UTC)),
            kind=kind,
            number=number,
            day=day,
            issuer="the superior bank",
        )

    def row(self, code: str) -> Any:
        """A finding as it is stored."""
        with self.uow.read() as tx:
            return tx.first(select(FINDING).where(FINDING.c.id == int(code[1:])))

    def count(self) -> int:
        """How many findings are stored."""
        with self.uow.read() as tx:
            return len(tx.all(select(FINDING.c.id)))

    def seen(self, code: str, *, by: str, now: dt.datetime = TODAY) -> FindingView:
        """A finding as somebody sees it."""
        return show_finding(self.uow, actor=self.office.actor(by), now=now, finding=code)

    def events(self, stream: str) -> list[tuple[str, dict[str, Any]]]:
        """Kind and payload of every event of a stream."""
        with self.uow.read() as tx:
            rows = tx.all(select(EVENT).where(EVENT.c.stream == stream).order_by(EVENT.c.seq))
        return [(row.kind, json.loads(row.payload)) for row in rows]

    def messages(self, kind: str) -> list[tuple[int, str]]:
        """Whom messages of a kind are promised to, with their dedupe keys."""
        with self.uow.read() as tx:
            rows = tx.all(select(MESSAGE).where(MESSAGE.c.kind == kind).order_by(MESSAGE.c.id))
        return [(row.person_id, row.dedupe_key) for row in rows]
