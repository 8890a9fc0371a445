"""Appraisals, who has a part in them, their score sheets and their final results."""

import datetime as dt
from fractions import Fraction

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import SQLModel

from models import columns as c
from workflow.vocabulary import FIRST_STAGE, HOLDER_ROLES


class Appraisal(SQLModel, table=True):
    """One assignment in one cycle. Stage and version change only together with a history row (a trigger sees to it).

    `version` counts the moves; `score_id` is the score in force (no foreign key: scores refer to appraisals);
    `ledger_version` counts the ledger writes, so that a submit can name what it scored.
    """

    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id")
    assignment_id: int = c.ref("assignment.id", index=True)
    person_id: int = c.ref("person.id", index=True)
    unit_no: int = c.number()
    workflow_id: int = c.ref("definition.id")
    rubric_id: int = c.ref("definition.id")
    stage: str = c.text(default=FIRST_STAGE)
    version: int = c.number(default=0)
    round: int = c.number(default=1)
    ledger_version: int = c.number(default=0)
    outcome: str | None = c.text(null=True)
    score_id: int | None = c.number(null=True)
    entered_at: dt.datetime = c.moment()
    __table_args__ = (
        UniqueConstraint("cycle_id", "assignment_id"),
        Index("ix_appraisal_unit", "cycle_id", "unit_no", "id"),
    )


class Party(SQLModel, table=True):
    """Who has, or had, a part in an appraisal. This table *is* the access index."""

    id: int | None = c.key()
    appraisal_id: int = c.ref("appraisal.id", index=True)
    person_id: int = c.ref("person.id")
    role: str = c.text_enum(HOLDER_ROLES)
    seat: int = c.number(default=1)
    source: str = c.text()
    from_at: dt.datetime = c.moment()
    to_at: dt.datetime | None = c.moment(null=True)
    __table_args__ = (
        Index("ix_party_person", "person_id", "appraisal_id", "role"),
        Index(
            "ix_party_ended",
            "to_at",
            "appraisal_id",
            "role",
            "seat",
            "person_id",
            sqlite_where=text("to_at IS NOT NULL"),
            postgresql_where=text("to_at IS NOT NULL"),
        ),
    )


class Sheet(SQLModel, table=True):
    """One act of judging: own statement, assessor's, reviewer's, a ballot, an appeal's or a correction's."""

    id: int | None = c.key()
    appraisal_id: int = c.ref("appraisal.id", index=True)
    person_id: int | None = c.ref("person.id", null=True)
    seat: int = c.number(default=1)
    kind: str = c.text_enum(("self", "assessor", "reviewer", "ballot", "appeal", "correction"))
    round: int = c.number()
    at: dt.datetime = c.moment()


class Rating(SQLModel, table=True):
    """A figure somebody gave an item on a sheet; a self score is shown and not counted."""

    id: int | None = c.key()
    sheet_id: int = c.ref("sheet.id", index=True)
    item: str = c.text()
    value: Fraction = c.points()
    text_id: int | None = c.ref("text_body.id", null=True)


class Score(SQLModel, table=True):
    """What a ledger came to under a rubric, with every step; written once."""

    id: int | None = c.key()
    sheet_id: int = c.ref("sheet.id", index=True)
    rubric_id: int = c.ref("definition.id")
    arithmetic: int = c.number()
    ledger_digest: str = c.text()
    as_of: dt.date = c.day()
    total: Fraction = c.points()
    maximum: Fraction = c.points()
    grade: str | None = c.text(null=True)
    steps: str = c.text()


class ScoreItem(SQLModel, table=True):
    """One item of a score: `score` is points less counted, the reward stands beside it."""

    __tablename__ = "score_item"
    id: int | None = c.key()
    score_id: int = c.ref("score.id", index=True)
    item: str = c.text()
    points: Fraction = c.points()
    recorded: Fraction = c.points()
    counted: Fraction = c.points()
    reward: Fraction = c.points()
    score: Fraction = c.points()


class Final(SQLModel, table=True):
    """The signed result of an appraisal. A correction is a new revision that supersedes the last and says why."""

    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id")
    appraisal_id: int = c.ref("appraisal.id")
    revision: int = c.number(default=1)
    outcome: str = c.text()
    total: Fraction | None = c.points(null=True)
    maximum: Fraction | None = c.points(null=True)
    grade: str | None = c.text(null=True)
    score_id: int | None = c.ref("score.id", null=True)
    input_digest: str = c.text()
    supersedes_id: int | None = c.ref("final.id", null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)
    at: dt.datetime = c.moment()
    __table_args__ = (UniqueConstraint("appraisal_id", "revision"), Index("ix_final_cycle", "cycle_id", "id"))


class FinalItem(SQLModel, table=True):
    """One item of a final result."""

    __tablename__ = "final_item"
    id: int | None = c.key()
    final_id: int = c.ref("final.id", index=True)
    item: str = c.text()
    points: Fraction = c.points()
    recorded: Fraction = c.points()
    counted: Fraction = c.points()
    reward: Fraction = c.points()
    score: Fraction = c.points()


class PersonResult(SQLModel, table=True):
    """The person's result of a cycle, over all assignments, with the steps of the mean."""

    __tablename__ = "person_result"
    id: int | None = c.key()
    cycle_id: int = c.ref("cycle.id")
    person_id: int = c.ref("person.id")
    revision: int = c.number(default=1)
    total: Fraction | None = c.points(null=True)
    grade: str | None = c.text(null=True)
    steps: str = c.text()
    supersedes_id: int | None = c.ref("person_result.id", null=True)
    at: dt.datetime = c.moment()
    __table_args__ = (UniqueConstraint("cycle_id", "person_id", "revision"),)


class Consequence(SQLModel, table=True):
    """What follows from a final result (a coefficient, a warning), reversible by a row that names it."""

    id: int | None = c.key()
    final_id: int = c.ref("final.id", index=True)
    kind: str = c.text()
    value: Fraction | None = c.points(null=True)
    reverses_id: int | None = c.ref("consequence.id", null=True)
    at: dt.datetime = c.moment()
