"""Opening from the frozen roster: a few set-based statements for each range of rows; no rule of roles is known here."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, insert, literal, null, select, union_all, update

from models.appraisals import Appraisal, Party
from models.columns import UtcDateTime, table_of
from models.cycles import Cycle, Roster
from models.outbox import Failure
from models.people import Organisation
from models.rubrics import Definition
from models.workitems import WorkItem
from services import due_dates
from services.actors import SYSTEM, Actor
from services.appraisals import act
from services.audit import append_event
from services.definitions import lifecycle_of
from services.errors import AppraiseError, Environment, NotFound, Refused
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import FIRST_STAGE, HOLDER_ROLES, CycleState, Role, RosterStatus

APPRAISAL = table_of(Appraisal)
PARTY = table_of(Party)
CYCLE = table_of(Cycle)
DEFINITION = table_of(Definition)
ROSTER = table_of(Roster)
WORK_ITEM = table_of(WorkItem)
ORGANISATION = table_of(Organisation)
FAILURE = table_of(Failure)

_CYCLE = (
    select(
        CYCLE,
        ORGANISATION.c.zone,
        ORGANISATION.c.calendar,
        DEFINITION.c.digest.label("workflow_digest"),
        select(func.coalesce(func.max(APPRAISAL.c.id), 0)).scalar_subquery().label("last_appraisal"),
    )
    .join(DEFINITION, DEFINITION.c.id == CYCLE.c.workflow_id)
    .join(ORGANISATION, ORGANISATION.c.id.is_not(None))
    .where(CYCLE.c.id == bindparam("cycle"))
)
_IN_RANGE = and_(
    ROSTER.c.cycle_id == bindparam("cycle"),
    ROSTER.c.id.between(bindparam("first"), bindparam("last")),
    ROSTER.c.status == RosterStatus.RATED.value,
)
_NEW = ~exists(
    select(APPRAISAL.c.id).where(
        APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id
    )
)
_AT = bindparam("at", type_=UtcDateTime())
_APPRAISALS = insert(APPRAISAL).from_select(
    [
        "cycle_id",
        "assignment_id",
        "person_id",
        "unit_no",
        "workflow_id",
        "rubric_id",
        "stage",
        "version",
        "round",
        "ledger_version",
        "entered_at",
    ],
    select(
        ROSTER.c.cycle_id,
        ROSTER.c.assignment_id,
        ROSTER.c.person_id,
        ROSTER.c.unit_no,
        CYCLE.c.workflow_id,
        ROSTER.c.rubric_id,
        literal(FIRST_STAGE),
        literal(0),
        literal(1),
        literal(0),
        _AT,
    )
    .join(CYCLE, CYCLE.c.id == ROSTER.c.cycle_id)
    .where(_IN_RANGE, _NEW)
    .order_by(ROSTER.c.unit_no, ROSTER.c.id),
    include_defaults=False,
)
_JOINED = ROSTER.join(
    APPRAISAL,
    and_(APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id),
)
# Parts and work items are written with their appraisal, in one transaction, so that only a new appraisal lacks them.
_JUST_OPENED = APPRAISAL.c.id > bindparam("last_appraisal")
_HOLDERS: Mapping[str, Any] = {
    Role.APPRAISEE: ROSTER.c.person_id,
    Role.ASSESSOR: ROSTER.c.assessor_id,
    Role.REVIEWER: ROSTER.c.reviewer_id,
    Role.DECIDER: ROSTER.c.decider_id,
}
_PARTIES = insert(PARTY).from_select(
    ["appraisal_id", "person_id", "role", "seat", "source", "from_at"],
    union_all(
        *(
            select(APPRAISAL.c.id, _HOLDERS[role], literal(role.value), literal(1), literal("roster"), _AT)
            .select_from(_JOINED)
            .where(_IN_RANGE, _HOLDERS[role].is_not(None), _JUST_OPENED)
            for role in HOLDER_ROLES
        )
    ),
    include_defaults=False,
)
_ITEMS = insert(WORK_ITEM).from_select(
    ["appraisal_id", "stage", "round", "role", "seat", "holder_id", "action", "opened_at", "due_at", "next_action_at"],
    select(
        APPRAISAL.c.id,
        literal(FIRST_STAGE),
        literal(1),
        literal(Role.APPRAISEE.value),
        literal(1),
        ROSTER.c.person_id,
        literal("open"),
        _AT,
        # Whose post has no own statement owes none, so nothing is awaited from him.
        case((ROSTER.c.statement, bindparam("due", type_=UtcDateTime())), else_=null()),
        _AT,
    )
    .select_from(_JOINED)
    .where(_IN_RANGE, _JUST_OPENED),
    include_defaults=False,
)
_SET_ASIDE = (
    update(ROSTER)
    .where(ROSTER.c.id == bindparam("row"), ROSTER.c.status == RosterStatus.RATED.value)
    .values(status=RosterStatus.SET_ASIDE.value)
)
_SILENT = (
    select(APPRAISAL.c.id)
    .select_from(_JOINED)
    .where(ROSTER.c.cycle_id == bindparam("cycle"), ~ROSTER.c.statement, APPRAISAL.c.stage == FIRST_STAGE)
    .order_by(APPRAISAL.c.id)
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What became of a range: how many appraisals are new, and how many rows were set aside."""

    opened: int
    aside: int


def open_chunk(
    uow: UnitOfWork, *, now: dt.datetime, cycle: int, first: int, last: int, at: str, actor: Actor = SYSTEM
) -> Chunk:
    """Open the roster rows from id `first` to `last`, both inclusive, as of `at` (ISO); a second run adds nothing.

    A row that fails is found by halving its range, set aside with a failure that an operator sees, and the others open.

    Raises:
        NotFound: there is no such cycle.
        Refused: the cycle is not open.
    """
    opened_at = dt.datetime.fromisoformat(at)
    try:
        with uow.write() as tx:
            return Chunk(open_range(tx, cycle, first, last, opened_at), 0)
    except AppraiseError as error:
        if isinstance(error, Environment) or error.code in {"not-open", "unknown-cycle", "busy"}:
            raise
        if first == last:
            return _set_aside(uow, cycle, first, error, now=now, actor=actor)
    middle = (first + last) // 2
    lower = open_chunk(uow, now=now, cycle=cycle, first=first, last=middle, at=at, actor=actor)
    upper = open_chunk(uow, now=now, cycle=cycle, first=middle + 1, last=last, at=at, actor=actor)
    return Chunk(lower.opened + upper.opened, lower.aside + upper.aside)


def open_range(tx: Transaction, cycle: int, first: int, last: int, at: dt.datetime) -> int:
    """Open roster rows by id, both ends inclusive, in the transaction given; how many appraisals are new.

    Raises:
        NotFound: there is no such cycle.
        Refused: the cycle is not open.
    """
    row = tx.first(_CYCLE, {"cycle": cycle})
    if row is None:
        raise NotFound(f"There is no cycle with the id {cycle}.", "unknown-cycle")
    if row.state != CycleState.OPEN:
        raise Refused(f"The cycle {row.code} is {row.state}; nothing opens in it.", "not-open")
    lifecycle = lifecycle_of(tx, row.workflow_id, row.workflow_digest)
    due = due_dates.due_at(
        tx,
        calendar=row.calendar,
        zone=row.zone,
        lifecycle=lifecycle,
        stage=FIRST_STAGE,
        start=at,
        marks=due_dates.Marks(row.opened_at, row.period_to),
    )
    span = {"cycle": cycle, "first": first, "last": last, "at": at}
    opened = tx.run(_APPRAISALS, span)
    new = {**span, "last_appraisal": row.last_appraisal}
    tx.run(_PARTIES, new)
    tx.run(_ITEMS, {**new, "due": due})
    tx.ring()
    return opened


def _set_aside(uow: UnitOfWork, cycle: int, row: int, error: AppraiseError, *, now: dt.datetime, actor: Actor) -> Chunk:
    with uow.write() as tx:
        if tx.run(_SET_ASIDE, {"row": row}) == 0:
            return Chunk(0, 0)
        tx.insert(
            FAILURE,
            {
                "source": "opening",
                "source_id": row,
                "code": error.code,
                "details": json.dumps({"cycle": cycle, "text": error.sentence}, ensure_ascii=False),
                "at": now,
                "resolved_at": None,
            },
        )
        append_event(
            tx, f"cycle:{cycle}", "set-aside", actor=actor, at=now, payload={"roster": row, "code": error.code}
        )
    return Chunk(0, 1)


def skip_statements(uow: UnitOfWork, *, now: dt.datetime, cycle: int) -> int:
    """Move on the appraisals whose post has no own statement (domain.md, section 5); how many moved."""
    with uow.read() as tx:
        waiting = [row.id for row in tx.all(_SILENT, {"cycle": cycle})]
    moved = 0
    for appraisal in waiting:
        try:
            act(uow, actor=SYSTEM, now=now, appraisal=appraisal, action="skip")
        except AppraiseError as error:
            if error.code not in {"stage", "faster"}:
                raise
            continue
        moved += 1
    return moved
