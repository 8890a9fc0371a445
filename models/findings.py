"""The ledger: findings, replies, revisions, duty records and measures.

Nothing is deleted; rows are voided or replaced.
"""

import datetime as dt
from fractions import Fraction

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import SQLModel

from models import columns as c


class Finding(SQLModel, table=True):
    """A rule that applied to somebody on a day. People type `F1042`.

    `counted_on` is the day by which the finding falls into a period: the day it happened while that ledger was open,
    otherwise the day it became known (domain.md, reading 13). A claim counts from its confirmation.
    """

    id: int | None = c.key()
    assignment_id: int = c.ref("assignment.id")
    rule: str = c.text()
    happened: dt.date = c.day()
    known: dt.date = c.day()
    counted_on: dt.date = c.day()
    amount: Fraction | None = c.points(null=True)
    units: Fraction | None = c.points(null=True)
    document_id: int | None = c.ref("document.id", null=True)
    incident_id: int | None = c.ref("incident.id", null=True)
    sub_reasons: str = c.text(default="[]")
    reason_id: int | None = c.ref("text_body.id", null=True)
    claimed: bool = c.flag()
    confirmed_by: int | None = c.ref("person.id", null=True)
    confirmed_at: dt.datetime | None = c.moment(null=True)
    recorded_by: int = c.ref("person.id")
    on_behalf_of: int | None = c.ref("person.id", null=True)
    recorded_at: dt.datetime = c.moment()
    voided_by: int | None = c.ref("person.id", null=True)
    voided_at: dt.datetime | None = c.moment(null=True)
    void_reason_id: int | None = c.ref("text_body.id", null=True)
    replaces_id: int | None = c.ref("finding.id", null=True)
    __table_args__ = (Index("ix_finding_assignment", "assignment_id", "counted_on"),)


class Reply(SQLModel, table=True):
    """The person's own side of a finding; it stands beside it before and after submission."""

    id: int | None = c.key()
    finding_id: int = c.ref("finding.id", index=True)
    person_id: int = c.ref("person.id")
    text_id: int = c.ref("text_body.id")
    at: dt.datetime = c.moment()


class FindingRevision(SQLModel, table=True):
    """A decision about a line, written only by the move that made it; the finding stays as it was.

    A line is a finding, or the month of a derived deduction (`rule`, `month`). `kind` change and lower carry an amount.
    """

    __tablename__ = "finding_revision"
    id: int | None = c.key()
    appraisal_id: int = c.ref("appraisal.id")
    move_seq: int = c.number()
    finding_id: int | None = c.ref("finding.id", null=True)
    rule: str = c.text()
    month: str | None = c.text(null=True)
    kind: str = c.text_enum(("change", "strike", "keep", "lower"))
    amount: Fraction | None = c.points(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)
    by_id: int = c.ref("person.id")
    at: dt.datetime = c.moment()
    __table_args__ = (
        ForeignKeyConstraint(["appraisal_id", "move_seq"], ["move.appraisal_id", "move.seq"]),
        Index("ix_finding_revision_appraisal", "appraisal_id", "id"),
    )


class ContestedLine(SQLModel, table=True):
    """A line the person objected to, with the move that said so."""

    __tablename__ = "contested_line"
    id: int | None = c.key()
    appraisal_id: int = c.ref("appraisal.id", index=True)
    move_seq: int = c.number()
    finding_id: int | None = c.ref("finding.id", null=True)
    rule: str = c.text()
    month: str | None = c.text(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)
    __table_args__ = (ForeignKeyConstraint(["appraisal_id", "move_seq"], ["move.appraisal_id", "move.seq"]),)


class DutyRecord(SQLModel, table=True):
    """One entry about a scheduled duty in a month: done (coverage or sites), excused, or its shortfall confirmed.

    `coverage` is a share from 0 to 1; `sites` a JSON list of the sites inspected.
    """

    __tablename__ = "duty_record"
    id: int | None = c.key()
    assignment_id: int = c.ref("assignment.id")
    rule: str = c.text()
    month: str = c.text()
    kind: str = c.text_enum(("done", "excused", "confirmed"))
    day: dt.date | None = c.day(null=True)
    coverage: Fraction | None = c.points(null=True)
    sites: str = c.text(default="[]")
    text_id: int | None = c.ref("text_body.id", null=True)
    recorded_by: int = c.ref("person.id")
    on_behalf_of: int | None = c.ref("person.id", null=True)
    recorded_at: dt.datetime = c.moment()
    voided_by: int | None = c.ref("person.id", null=True)
    voided_at: dt.datetime | None = c.moment(null=True)
    void_reason_id: int | None = c.ref("text_body.id", null=True)
    __table_args__ = (Index("ix_duty_record_assignment", "assignment_id", "month"),)


class DutySite(SQLModel, table=True):
    """A site that a scheduled duty covers; a month in `closed_months` (JSON list) leaves the denominator."""

    __tablename__ = "duty_site"
    id: int | None = c.key()
    code: str = c.text(unique=True)
    name: str = c.text()
    closed_months: str = c.text(default="[]")


class Measure(SQLModel, table=True):
    """A measured figure of an assignment on a day, for rules that read figures."""

    id: int | None = c.key()
    assignment_id: int = c.ref("assignment.id", index=True)
    name: str = c.text()
    value: Fraction = c.points()
    day: dt.date = c.day()
    recorded_by: int = c.ref("person.id")
    recorded_at: dt.datetime = c.moment()
