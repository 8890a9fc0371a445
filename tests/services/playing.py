"""One office with an open quarter, and short ways to act in it, to be refused, and to look at what was written."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select, text

from models.columns import table_of
from models.history import Event
from services import documents, duties, findings
from services.actors import SYSTEM, Actor
from services.appraisals import Moved, Words, act
from services.errors import AppraiseError, Refused
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, OFFICER, QUARTER, TinyOffice, build_office, noon, open_quarter
from tests.services.closing import JUDGES

EVENT = table_of(Event)
FEBRUARY = dt.date(2026, 2, 3)
SUBMITTED, APPROVED, ANSWERED = noon(4, 2), noon(4, 3), noon(4, 7)
"""Three working days that follow each other: the fourth to the sixth of April are a holiday."""


@dataclass
class Play:
    """The tiny office in the first quarter of 2026, and who acts in it when."""

    uow: UnitOfWork
    office: TinyOffice

    @classmethod
    def opened(cls, uow: UnitOfWork, *, rubric: str | None = None) -> "Play":
        """Build the office and open its quarter."""
        office = build_office(uow) if rubric is None else build_office(uow, rubric=rubric)
        open_quarter(uow, office)
        return cls(uow, office)

    def who(self, by: str | Actor) -> Actor:
        """Return somebody by his number, or as given."""
        return self.office.actor(by) if isinstance(by, str) else by

    def act(
        self,
        by: str | Actor,
        action: str,
        *,
        of: str = CLERK,
        at: dt.datetime = SUBMITTED,
        reason: str | None = None,
        witness: str | None = None,
        lines: Mapping[str, str | None] | None = None,
        ratings: Mapping[str, Fraction] | None = None,
        seen: int | None = None,
        ledger_seen: int | None = None,
    ) -> Moved:
        """Let somebody move the appraisal of a person."""
        return act(
            self.uow,
            actor=self.who(by),
            now=at,
            appraisal=f"{QUARTER}/{of}",
            action=action,
            words=Words(comment=reason, witness=witness, lines=lines, ratings=ratings),
            version=seen,
            ledger_version=ledger_seen,
        )

    def refused(
        self,
        by: str | Actor,
        action: str,
        code: str,
        words: str,
        *,
        error: type[AppraiseError] = Refused,
        of: str = CLERK,
        **brought: Any,
    ) -> None:
        """Expect one refusal: its sentence has these words, its code is recorded, and the appraisal did not move."""
        before, recorded = self.appraisal(of), len(self.refusals())
        with pytest.raises(error) as raised:
            self.act(by, action, of=of, **brought)
        assert words in raised.value.sentence, raised.value.sentence
        assert raised.value.code == code, raised.value.code
        assert raised.value.sentence.endswith(".")
        assert self.appraisal(of) == before
        new = self.refusals()[recorded:]
        if error.exit_code in {3, 4}:
            assert [(kind, payload["code"]) for kind, payload in new] == [("appraisal.act", code)]
        else:
            assert new == []

    def refusals(self) -> list[tuple[str, dict[str, Any]]]:
        """Return kind and payload of every refusal that was recorded."""
        with self.uow.read() as tx:
            rows = tx.all(select(EVENT).where(EVENT.c.stream == "refusals").order_by(EVENT.c.seq))
        return [(row.kind, json.loads(row.payload)) for row in rows]

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Return what a plain statement reads."""
        with self.uow.read() as tx:
            return list(tx.all(text(statement), values))

    def appraisal(self, of: str = CLERK) -> Any:
        """Return the appraisal of a person as it is stored."""
        found = self.rows(
            "SELECT * FROM appraisal WHERE person_id = :person ORDER BY id", person=self.office.people[of]
        )
        return found[0] if found else None

    def moves(self, of: str = CLERK) -> list[Any]:
        """Return the history of a person's appraisal."""
        return self.rows("SELECT * FROM move WHERE appraisal_id = :id ORDER BY seq", id=self.appraisal(of).id)

    def item(self, of: str = CLERK) -> Any:
        """Return the one open work item of a person's appraisal."""
        found = self.rows("SELECT * FROM work_item WHERE appraisal_id = :id", id=self.appraisal(of).id)
        opened = [row for row in found if row.closed_at is None]
        assert len(opened) <= 1
        return opened[0] if opened else None

    def total(self, of: str = CLERK) -> Fraction:
        """Return the total of the score in force."""
        found = self.rows("SELECT total FROM score WHERE id = :id", id=self.appraisal(of).score_id)
        return Fraction(found[0].total, 1_000_000)

    def deduct(
        self,
        rule: str,
        amount: int | str | None = None,
        *,
        of: str = CLERK,
        at: dt.datetime | None = None,
        happened: dt.date = FEBRUARY,
        document: str | None = None,
        incident: str | None = None,
        by: str | None = None,
    ) -> str:
        """Let the assessor, or whoever took over from him, record a finding; return its name."""
        return findings.add(
            self.uow,
            actor=self.office.actor(by or JUDGES[of][0]),
            now=at or noon(4, 1),
            number=of,
            rule=rule,
            happened=happened,
            amount=None if amount is None else Fraction(amount),
            document=document,
            incident=incident,
            reason="found at the weekly check",
        ).code

    def document(self, number: str, kind: str) -> str:
        """Let HR register a document of the superior bank; return its name."""
        return documents.register(
            self.uow,
            actor=self.office.actor(OFFICER),
            now=noon(3, 2),
            kind=kind,
            number=number,
            day=FEBRUARY,
            issuer="the superior bank",
        )

    def inspect(self, of: str, month: int, *, day: int = 20, coverage: str = "1", sites: tuple[str, ...] = ()) -> None:
        """Let a person record his inspection of a month."""
        duties.record(
            self.uow,
            actor=self.office.actor(of),
            now=noon(4, 1),
            number=of,
            rule="A1.1",
            month=f"2026-{month:02}",
            day=dt.date(2026, month, day),
            coverage=None if sites else Fraction(coverage),
            sites=sites,
            evidence="the log of inspections",
        )

    def confirm(self, of: str, month: int) -> None:
        """Let the assessor confirm that a month was missed."""
        duties.confirm(
            self.uow,
            actor=self.office.actor(JUDGES[of][0]),
            now=noon(4, 1),
            number=of,
            rule="A1.1",
            month=f"2026-{month:02}",
        )

    def bring(self, stage: str, *, of: str = CLERK, lines: Mapping[str, str | None] | None = None) -> None:
        """Bring a person's appraisal from its beginning to a stage by the shortest way."""
        assessor, reviewer = JUDGES[of]
        way = {
            "draft": (),
            "scoring": ("start",),
            "review": ("start", "submit"),
            "signoff": ("start", "submit", "approve"),
            "appeal": ("start", "submit", "approve", "object"),
            "closed": ("start", "submit", "approve", "accept"),
        }[stage]
        holder = {"start": assessor, "submit": assessor, "approve": reviewer, "object": of, "accept": of}
        when = {"start": noon(4, 1), "submit": SUBMITTED, "approve": APPROVED, "object": ANSWERED, "accept": ANSWERED}
        for action in way:
            brought = {"reason": "I was elsewhere that day.", "lines": lines} if action == "object" else {}
            self.act(holder[action], action, of=of, at=when[action], **brought)


__all__ = ["ANSWERED", "APPROVED", "DIRECTOR", "FEBRUARY", "SUBMITTED", "SYSTEM", "Play"]
