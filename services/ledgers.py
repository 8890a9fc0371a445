"""The ledger of an assignment: reading it for scoring, and the rule that a ledger write and a submit cannot pass."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, bindparam, select, true, update

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from models.documents import Incident
from models.findings import DutyRecord as DutyRow
from models.findings import DutySite, FindingRevision
from models.findings import Finding as FindingRow
from models.history import Move
from models.people import Assignment, Post
from models.prepared import Prepared
from scoring.duties import duty_months, last_scored_day
from scoring.ledger import Ledger
from scoring.plan import plan_for
from scoring.rubric import Rubric
from services.calendars import Closures, closures, working_days
from services.errors import NotFound, Refused
from services.ledger_rows import assemble, month_line
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState

APPRAISAL = table_of(Appraisal)
ASSIGNMENT = table_of(Assignment)
CYCLE = table_of(Cycle)
DUTY = table_of(DutyRow)
FINDING = table_of(FindingRow)
INCIDENT = table_of(Incident)
MOVE = table_of(Move)
POST = table_of(Post)
REVISION = table_of(FindingRevision)
SITE = table_of(DutySite)

OPEN_STAGES = ("draft", "scoring")
"""Where the ledger takes entries: from the assessor's submission on it is closed (domain.md, reading 13)."""

_HELD = Prepared(
    select(
        ASSIGNMENT.c.valid_from,
        ASSIGNMENT.c.valid_to,
        POST.c.code.label("post"),
        SITE.c.code.label("site"),
        SITE.c.closed_months,
    )
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .outerjoin(SITE, true())
    .where(ASSIGNMENT.c.id == bindparam("assignment"))
    .order_by(SITE.c.code)
)
_FINDINGS = Prepared(
    select(FINDING, INCIDENT.c.code.label("incident"))
    .outerjoin(INCIDENT, INCIDENT.c.id == FINDING.c.incident_id)
    .where(
        FINDING.c.assignment_id == bindparam("assignment"),
        FINDING.c.counted_on.between(bindparam("first"), bindparam("last")),
    )
    .order_by(FINDING.c.id)
)
_DUTIES = Prepared(
    select(DUTY)
    .where(DUTY.c.assignment_id == bindparam("assignment"), DUTY.c.month.between(bindparam("first"), bindparam("last")))
    .order_by(DUTY.c.id)
)
_REVISIONS = Prepared(
    select(REVISION, MOVE.c.role)
    .join(MOVE, (MOVE.c.appraisal_id == REVISION.c.appraisal_id) & (MOVE.c.seq == REVISION.c.move_seq))
    .where(REVISION.c.appraisal_id == bindparam("appraisal"))
    .order_by(REVISION.c.id)
)
_STATE = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.cycle_id,
        APPRAISAL.c.stage,
        APPRAISAL.c.ledger_version,
        APPRAISAL.c.rubric_id,
        APPRAISAL.c.workflow_id,
        APPRAISAL.c.outcome,
        CYCLE.c.period_from,
        CYCLE.c.period_to,
    )
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        APPRAISAL.c.assignment_id == bindparam("assignment"),
        CYCLE.c.state != CycleState.CANCELLED.value,
        CYCLE.c.period_from <= bindparam("on"),
        CYCLE.c.period_to >= bindparam("on"),
    )
    # A quarter inside a year: the shorter period holds the ledger, the longer one only rolls up.
    .order_by(CYCLE.c.period_from.desc(), CYCLE.c.period_to)
    .limit(1)
)
_RAISE = (
    update(APPRAISAL)
    .where(APPRAISAL.c.id == bindparam("appraisal"), APPRAISAL.c.stage.in_(OPEN_STAGES))
    .values(ledger_version=APPRAISAL.c.ledger_version + 1)
)
# Inserting an appraisal share-locks its assignment, and only FOR UPDATE excludes that: an opening waits for the entry.
_HOLD = select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.id == bindparam("assignment")).with_for_update()
_LOCK = (
    update(ASSIGNMENT)
    .where(ASSIGNMENT.c.id == bindparam("assignment"))
    .values(ledger_lock=ASSIGNMENT.c.ledger_lock + 1)
)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Whether the ledger of an assignment takes entries on a day, and the appraisal that reads it, if there is one."""

    assignment_id: int
    on: dt.date
    appraisal_id: int | None = None
    cycle_id: int | None = None
    rubric_id: int | None = None
    workflow_id: int | None = None
    stage: str | None = None
    outcome: str | None = None
    version: int = 0
    period_from: dt.date | None = None
    period_to: dt.date | None = None

    @property
    def open(self) -> bool:
        """Whether entries are taken: no appraisal yet, or one that has not been submitted."""
        return self.stage is None or self.stage in OPEN_STAGES


@dataclass(frozen=True, slots=True)
class Loaded:
    """A ledger with what scoring does not need: which missed months the assessor has confirmed, as (rule, month)."""

    ledger: Ledger
    confirmed: frozenset[tuple[str, str]]


def load_ledger(
    tx: Transaction,
    *,
    assignment_id: int,
    period_from: dt.date,
    period_to: dt.date,
    calendar: str,
    appraisal_id: int | None = None,
    closed_days: Closures | None = None,
) -> Ledger:
    """Return the ledger of an assignment in a period, as `load` reads it."""
    return load(
        tx,
        assignment_id=assignment_id,
        period_from=period_from,
        period_to=period_to,
        calendar=calendar,
        appraisal_id=appraisal_id,
        closed_days=closed_days,
    ).ledger


def load(
    tx: Transaction,
    *,
    assignment_id: int,
    period_from: dt.date,
    period_to: dt.date,
    calendar: str,
    appraisal_id: int | None = None,
    closed_days: Closures | None = None,
) -> Loaded:
    """Read the ledger of an assignment in a period, both days inclusive, in at most four statements.

    Findings are those counted in the period; voided ones come along so that they can be explained, claims only once
    they are confirmed. With `appraisal_id` its revisions apply, in the order of their moves (reading 13).

    Args:
        tx: the open transaction.
        assignment_id: whose ledger.
        period_from: the first day of the period.
        period_to: the last day of the period.
        calendar: the code of the working calendar, such as CN.
        appraisal_id: the appraisal whose revisions apply; none for a ledger nobody has judged yet.
        closed_days: the organisation's closure days; read with one statement more where the caller has not read them.

    Raises:
        NotFound: there is no such assignment.
    """
    asked = asks(assignment_id, period_from, period_to, appraisal_id)
    held, findings, duties, *decided = tx.all_of(*asked)
    if not held:
        raise NotFound("There is no such assignment; `appraise org show` lists them.", "unknown-assignment")
    revisions = [row for rows in decided for row in rows]
    days = working_days(calendar, period_from, period_to, closures(tx) if closed_days is None else closed_days)
    ledger = assemble(
        held[0],
        findings,
        duties,
        revisions,
        period=(period_from, period_to),
        days=days,
        sites={row.site: frozenset(json.loads(row.closed_months)) for row in held if row.site is not None},
    )
    confirmed = frozenset((row.rule, row.month) for row in duties if row.kind == "confirmed" and row.voided_at is None)
    return Loaded(ledger, confirmed)


def asks(
    assignment_id: int, period_from: dt.date, period_to: dt.date, appraisal_id: int | None
) -> list[tuple[Prepared, dict[str, Any]]]:
    """Return what `load` asks of the database, beside the closure days."""
    period = {"assignment": assignment_id, "first": period_from, "last": period_to}
    months = period | {"first": f"{period_from:%Y-%m}", "last": f"{period_to:%Y-%m}"}
    of_all: list[tuple[Prepared, dict[str, Any]]] = [
        (_HELD, {"assignment": assignment_id}),
        (_FINDINGS, period),
        (_DUTIES, months),
    ]
    return of_all if appraisal_id is None else [*of_all, (_REVISIONS, {"appraisal": appraisal_id})]


def state(tx: Transaction, assignment_id: int, on: dt.date) -> LedgerState:
    """Return whether the ledger of an assignment takes an entry that counts on a day; nothing is locked."""
    row = tx.first(*state_asked(assignment_id, on))
    if row is None:
        return LedgerState(assignment_id, on)
    return LedgerState(
        assignment_id=assignment_id,
        on=on,
        appraisal_id=row.id,
        cycle_id=row.cycle_id,
        rubric_id=row.rubric_id,
        workflow_id=row.workflow_id,
        stage=row.stage,
        outcome=row.outcome,
        version=row.ledger_version,
        period_from=row.period_from,
        period_to=row.period_to,
    )


def state_asked(assignment_id: int, on: dt.date) -> tuple[Executable, dict[str, Any]]:
    """Return what `state` asks of the database."""
    return _STATE, {"assignment": assignment_id, "on": on}


def touch(tx: Transaction, assignment_id: int, counted_on: dt.date) -> LedgerState:
    """Raise the version of the ledger that an entry of this day belongs to, before the entry is written.

    A submit names the version it scored, so of an entry and a submit at the same moment one conflicts. Where no
    appraisal reads the ledger yet the assignment is locked instead, against an opening at the same moment.

    Raises:
        Refused: the appraisal was submitted; its ledger is closed.
    """
    found = state(tx, assignment_id, counted_on)
    if found.appraisal_id is None:
        tx.scalar(_HOLD, {"assignment": assignment_id})
        tx.run(_LOCK, {"assignment": assignment_id})
        found = state(tx, assignment_id, counted_on)
        if found.appraisal_id is None:
            return found
    if tx.run(_RAISE, {"appraisal": found.appraisal_id}) != 1:
        raise closed(counted_on)
    return found


def closed(on: dt.date) -> Refused:
    """Return the refusal of an entry on a closed ledger, to be raised."""
    return Refused(
        f"The ledger of {on} is closed: the appraisal has been submitted; it must be returned before anything enters.",
        "ledger-closed",
    )


def open_months(rubric: Rubric, loaded: Loaded, as_of: dt.date) -> tuple[str, ...]:
    """Return the lines of the missed duty months that the assessor has neither confirmed nor excused (reading 4).

    `as_of` is a day, taken at its end: a month not over by then is pending, never missed.
    """
    return tuple(
        month_line(rule, month)
        for rule, month in missed_months(rubric, loaded.ledger, as_of)
        if (rule, month) not in loaded.confirmed
    )


def missed_months(rubric: Rubric, ledger: Ledger, as_of: dt.date) -> tuple[tuple[str, str], ...]:
    """Return the missed months of scheduled duties at the end of a day, as (rule, month); excused ones are not missed.

    Raises:
        UnknownName: the rubric does not have the post of the ledger.
    """
    months = duty_months(plan_for(rubric, ledger.post or ""), ledger, last_scored_day(rubric.settings, ledger, as_of))
    return tuple((month.plan.rule.id, month.month) for month in months if month.state == "missed")
