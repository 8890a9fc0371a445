"""What an assessor has to score, and which of it can be submitted in one go because nothing is recorded."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from models.columns import table_of
from models.findings import Finding
from services.actors import Actor
from services.definitions import rubric_of
from services.grants import today
from services.stand_ins import StandsFor, stand_ins, waits_for
from services.standing import APPRAISAL, ASSIGNMENT, CYCLE, PERSON, POST, RUBRIC, WORK_ITEM
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState, Role

FINDING = table_of(Finding)

WINDOW = 100
"""Sheets of one list; what opened later stands on the next."""
_RECORDED = (
    select(func.count())
    .where(
        FINDING.c.assignment_id == APPRAISAL.c.assignment_id,
        FINDING.c.counted_on.between(CYCLE.c.period_from, CYCLE.c.period_to),
        FINDING.c.voided_at.is_(None),
    )
    .correlate(APPRAISAL, CYCLE)
    .scalar_subquery()
)
_WAITING = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.version,
        APPRAISAL.c.ledger_version,
        APPRAISAL.c.round,
        CYCLE.c.code.label("cycle"),
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        RUBRIC.c.id.label("rubric_id"),
        RUBRIC.c.digest.label("rubric_digest"),
        _RECORDED.label("findings"),
        WORK_ITEM.c.id.label("item"),
        WORK_ITEM.c.due_at,
        WORK_ITEM.c.holder_id,
    )
    .select_from(WORK_ITEM)
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(RUBRIC, RUBRIC.c.id == APPRAISAL.c.rubric_id)
    .where(
        waits_for(),
        WORK_ITEM.c.role == Role.ASSESSOR.value,
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.id > bindparam("after"),
        CYCLE.c.state != CycleState.CANCELLED.value,
    )
    .order_by(WORK_ITEM.c.id)
    .limit(WINDOW + 1)
)


@dataclass(frozen=True, slots=True)
class ToScore:
    """One sheet to fill in. `findings` counts what is recorded and not void, claims included.

    `duties` says that the post has scheduled duties, so that somebody has to look whether a month was missed.
    """

    appraisal_id: int
    appraisal: str
    version: int
    ledger_version: int
    person: str
    round: int
    due_at: dt.datetime | None
    findings: int
    duties: bool
    stands_for: StandsFor | None
    """For whom the viewer scores it, where it is not his own."""

    @property
    def clear(self) -> bool:
        """Whether it can be submitted with others in one go: nothing is recorded and there is nothing to look at."""
        return not self.findings and not self.duties and self.round == 1

    @property
    def seen(self) -> str:
        """What the assessor was looking at: the id and both versions."""
        return f"{self.appraisal_id}:{self.version}:{self.ledger_version}"


@dataclass(frozen=True, slots=True)
class Sheets:
    """The sheets by deadline; `after` begins the next list, None where there is none."""

    sheets: tuple[ToScore, ...]
    after: int | None


def to_score(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, after: int = 0) -> Sheets:
    """Return what an assessor has to score now, in four statements at most; `after` is that of the list before.

    What he may score for others by delegation stands among it.
    """
    with uow.read() as tx:
        standing_in = stand_ins(tx, actor, Role.ASSESSOR, today(tx, now))
        rows = tx.all(_WAITING, {**standing_in.values, "after": after})
        sheets = [_sheet(tx, row, standing_in.of(row, actor.person_id)) for row in rows[:WINDOW]]
    return Sheets(tuple(sheets), rows[WINDOW - 1].item if len(rows) > WINDOW else None)


def _sheet(tx: Transaction, row: Row[Any], stands_for: StandsFor | None) -> ToScore:
    post = rubric_of(tx, row.rubric_id, row.rubric_digest).post(row.post)
    return ToScore(
        row.id,
        f"{row.cycle}/{row.number}@{row.post}",
        row.version,
        row.ledger_version,
        f"{row.name} ({row.number})",
        row.round,
        row.due_at,
        row.findings,
        bool(post.duties),
        stands_for,
    )
