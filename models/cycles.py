"""Cycles: which period, which rubrics, who is in the roster, what stands in the way."""

import datetime as dt

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from models import columns as c
from workflow.vocabulary import CycleState, RosterStatus, Severity


class Cycle(SQLModel, table=True):
    """A period in which people are appraised, `period_from` to `period_to` inclusive."""

    id: int | None = c.key()
    code: str = c.text(unique=True)
    period_from: dt.date = c.day()
    period_to: dt.date = c.day()
    parent_id: int | None = c.ref("cycle.id", null=True)
    workflow_id: int = c.ref("definition.id")
    state: str = c.text_enum(CycleState, default=CycleState.PLANNED)
    version: int = c.number(default=0)
    created_at: dt.datetime = c.moment()
    opened_at: dt.datetime | None = c.moment(null=True)


class CycleRubric(SQLModel, table=True):
    """Which rubric a post has in a cycle, and whether an incomplete one was let through, with whose reason."""

    __tablename__ = "cycle_rubric"
    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id")
    post_id: int = c.ref("post.id")
    definition_id: int = c.ref("definition.id")
    override_reason_id: int | None = c.ref("text_body.id", null=True)
    __table_args__ = (UniqueConstraint("cycle_id", "post_id"),)


class Roster(SQLModel, table=True):
    """What opening will do with one assignment: rubric, holders and working days, frozen when the cycle opens."""

    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id")
    assignment_id: int = c.ref("assignment.id")
    person_id: int = c.ref("person.id")
    post_id: int = c.ref("post.id")
    unit_id: int = c.ref("unit.id")
    unit_no: int = c.number()
    rubric_id: int | None = c.ref("definition.id", null=True)
    status: str = c.text_enum(RosterStatus)
    reason_code: str | None = c.text(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)
    assessor_id: int | None = c.ref("person.id", null=True)
    reviewer_id: int | None = c.ref("person.id", null=True)
    decider_id: int | None = c.ref("person.id", null=True)
    sources: str = c.text(default="{}")
    working_days: int = c.number(default=0)
    statement: bool = c.flag(default=True)
    digest: str = c.text()
    __table_args__ = (
        UniqueConstraint("cycle_id", "assignment_id"),
        Index("ix_roster_cycle", "cycle_id", "id"),
    )


class RosterProblem(SQLModel, table=True):
    """Something that stands in the way of one assignment, with the proposed mend; `details` holds ids and codes."""

    __tablename__ = "roster_problem"
    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id", index=True)
    assignment_id: int | None = c.ref("assignment.id", null=True)
    post_id: int | None = c.ref("post.id", null=True)
    severity: str = c.text_enum(Severity)
    code: str = c.text()
    mend: str = c.text()
    details: str = c.text(default="{}")


class Deadline(SQLModel, table=True):
    """When a stage is due, for a cycle or one appraisal; an extension is a new row that names the old one."""

    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id", index=True)
    appraisal_id: int | None = c.ref("appraisal.id", null=True)
    stage: str = c.text()
    basis: str = c.text()
    due_at: dt.datetime = c.moment()
    extended_by: int | None = c.ref("deadline.id", null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)


class Proposal(SQLModel, table=True):
    """A result table that was put forward for signature: its digest and what became of it is in the cycle's events."""

    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id")
    number: int = c.number()
    digest: str = c.text()
    rows: int = c.number()
    proposed_by: int = c.ref("person.id")
    proposed_at: dt.datetime = c.moment()
    __table_args__ = (UniqueConstraint("cycle_id", "number"),)
