"""Where an appraisal stands, and the rows that one step of it writes: history, stage, work items.

One step or a hundred: each statement is run once, as an executemany.
"""

import datetime as dt
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select, update

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from models.history import Event, Move
from models.people import Assignment, Organisation, Person, Post
from models.rubrics import Definition
from models.workitems import WorkItem
from services import audit, due_dates, naming
from services.access import Parts, parts_of
from services.actors import Actor
from services.definitions import lifecycle_of
from services.errors import Conflict, NotFound
from services.ledgers import OPEN_STAGES
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle
from workflow.lifecycle import Move as WorkflowMove
from workflow.vocabulary import LAST_STAGE, CountedFrom

APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
PERSON = table_of(Person)
POST = table_of(Post)
ASSIGNMENT = table_of(Assignment)
ORGANISATION = table_of(Organisation)
MOVE = table_of(Move)
EVENT = table_of(Event)
WORK_ITEM = table_of(WorkItem)
WORKFLOW = table_of(Definition).alias("workflow")
RUBRIC = table_of(Definition).alias("rubric")

_STANDING = (
    select(
        APPRAISAL,
        CYCLE.c.code.label("cycle_code"),
        CYCLE.c.state.label("cycle_state"),
        CYCLE.c.period_from,
        CYCLE.c.period_to,
        PERSON.c.number,
        PERSON.c.language,
        POST.c.code.label("post"),
        ORGANISATION.c.zone,
        ORGANISATION.c.calendar,
        WORKFLOW.c.digest.label("workflow_digest"),
        RUBRIC.c.digest.label("rubric_digest"),
        MOVE.c.action.label("last_action"),
        MOVE.c.actor_id.label("last_actor_id"),
        MOVE.c.on_behalf_of.label("last_on_behalf_of"),
        MOVE.c.at.label("last_at"),
        MOVE.c.mac.label("last_mac"),
    )
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(WORKFLOW, WORKFLOW.c.id == APPRAISAL.c.workflow_id)
    .join(RUBRIC, RUBRIC.c.id == APPRAISAL.c.rubric_id)
    .join(ORGANISATION, ORGANISATION.c.id.is_not(None))
    .outerjoin(MOVE, and_(MOVE.c.appraisal_id == APPRAISAL.c.id, MOVE.c.seq == APPRAISAL.c.version))
)
_BY_ID = _STANDING.where(APPRAISAL.c.id.in_(bindparam("ids", expanding=True))).order_by(APPRAISAL.c.id)
_ITEMS = select(WORK_ITEM).where(
    WORK_ITEM.c.appraisal_id.in_(bindparam("ids", expanding=True)), WORK_ITEM.c.closed_at.is_(None)
)
_LAST_ITEM = (
    select(WORK_ITEM.c.noticed_at, WORK_ITEM.c.due_at, WORK_ITEM.c.closed_at)
    .where(
        WORK_ITEM.c.appraisal_id == bindparam("appraisal"),
        WORK_ITEM.c.stage == bindparam("stage"),
        WORK_ITEM.c.closed_at.is_not(None),
    )
    .order_by(WORK_ITEM.c.id.desc())
    .limit(1)
)
_OPENING = (
    select(EVENT.c.mac)
    .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind == "opened")
    .order_by(EVENT.c.seq)
    .limit(1)
)
_ADVANCE = (
    update(APPRAISAL)
    .where(
        APPRAISAL.c.id == bindparam("at_id"),
        APPRAISAL.c.version == bindparam("at_version"),
        APPRAISAL.c.stage == bindparam("at_stage"),
        or_(
            APPRAISAL.c.ledger_version == bindparam("at_ledger"),
            bindparam("at_ledger") < 0,
        ),
    )
    .values(
        stage=bindparam("to_stage"),
        version=bindparam("to_version"),
        round=bindparam("to_round"),
        outcome=bindparam("to_outcome"),
        score_id=bindparam("to_score"),
        entered_at=bindparam("to_entered"),
    )
)
_CLOSE = (
    update(WORK_ITEM)
    .where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None))
    .values(closed_at=bindparam("at"), closed_by_seq=bindparam("seq"), next_action_at=None)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An appraisal as it is now, with its parts, its open work items, and what the acting person is to it."""

    row: Row[Any]
    lifecycle: Lifecycle
    parts: Parts
    roles: frozenset[str]
    items: tuple[Row[Any], ...]
    today: dt.date

    @property
    def id(self) -> int:
        """The appraisal's id."""
        return int(self.row.id)

    @property
    def code(self) -> str:
        """The name people type: CYCLE/EMPLOYEE@POST."""
        return f"{self.row.cycle_code}/{self.row.number}@{self.row.post}"

    @property
    def stage(self) -> str:
        """The stage it is in."""
        return str(self.row.stage)

    @property
    def version(self) -> int:
        """How many moves it has made."""
        return int(self.row.version)

    @property
    def ledger_version(self) -> int:
        """How many ledger writes it has seen since it was opened."""
        return int(self.row.ledger_version)


@dataclass(slots=True)
class Step:
    """One decided move and what belongs to it, gathered before anything is written."""

    standing: Standing
    move: WorkflowMove
    actor: Actor
    now: dt.datetime
    role: str
    comment: audit.StoredText | None
    lines: Mapping[str, str | None]
    payload: dict[str, Any] = field(default_factory=dict)
    score_id: int | None = None
    total: Fraction | None = None
    round: int = 0
    scored: bool = False
    revisions: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """Start from what stands."""
        self.round = int(self.standing.row.round)
        self.score_id = self.standing.row.score_id

    @property
    def seq(self) -> int:
        """The version this step makes."""
        return self.standing.version + 1


def load(tx: Transaction, appraisals: Sequence[str | int], actor: Actor, now: dt.datetime) -> list[Standing]:
    """Return where each appraisal stands, in the order asked, in three statements for those given by id.

    Raises:
        NotFound: one of them does not exist.
        Malformed: a code is not of the form CYCLE/EMPLOYEE.
    """
    ids = [item if isinstance(item, int) else naming.appraisal_id(tx, item) for item in appraisals]
    rows = {row.id: row for row in tx.all(_BY_ID, {"ids": ids})}
    missing = [given for given, found in zip(appraisals, ids, strict=True) if found not in rows]
    if missing:
        raise NotFound(f"There is no appraisal {missing[0]}.", "unknown-appraisal")
    today = local_day(now, next(iter(rows.values())).zone) if rows else now.date()
    parts = parts_of(tx, ids, actor.person_id, today)
    items: dict[int, list[Row[Any]]] = {}
    for item in tx.all(_ITEMS, {"ids": ids}):
        items.setdefault(item.appraisal_id, []).append(item)
    return [
        Standing(
            rows[found],
            lifecycle_of(tx, rows[found].workflow_id, rows[found].workflow_digest),
            parts[found],
            parts[found].roles_of(actor.person_id),
            tuple(items.get(found, ())),
            today,
        )
        for found in dict.fromkeys(ids)
    ]


def local_day(now: dt.datetime, zone: str) -> dt.date:
    """Return the calendar day of a moment in a zone."""
    return now.astimezone(zoneinfo.ZoneInfo(zone)).date()


def write_steps(tx: Transaction, steps: Sequence[Step]) -> None:
    """Write history, stage and work items of the steps, each statement once.

    The history row goes first: the database lets a stage change only to what a history row says.

    Raises:
        Conflict: an appraisal moved, or its ledger changed, since it was read.
    """
    if not steps:
        return
    genesis: dict[int, str] = {}
    moves = []
    for step in steps:
        prev = step.standing.row.last_mac
        if prev is None:
            cycle_id = step.standing.row.cycle_id
            if cycle_id not in genesis:
                genesis[cycle_id] = tx.scalar(_OPENING, {"stream": f"cycle:{cycle_id}"}) or audit.GENESIS
            prev = genesis[cycle_id]
        moves.append(_move_row(tx, step, prev))
    tx.insert_many(MOVE, moves)
    if tx.run(_ADVANCE, [_advance(step) for step in steps]) != len(steps):
        raise Conflict("Somebody was faster: it has changed since you looked. Look again and decide anew.", "faster")
    _pass_on(tx, steps)


def _move_row(tx: Transaction, step: Step, prev: str) -> dict[str, Any]:
    standing = step.standing
    row = {
        "appraisal_id": standing.id,
        "seq": step.seq,
        "workflow_id": standing.row.workflow_id,
        "action": step.move.action,
        "from_stage": standing.stage,
        "to_stage": step.move.to_stage,
        "round": step.round,
        "role": step.role,
        "actor_id": step.actor.actor_id,
        "on_behalf_of": step.actor.on_behalf_of,
        "at": step.now,
        "comment_id": step.comment.id if step.comment else None,
        "score_id": step.score_id,
        "payload": audit.canonical(step.payload).decode(),
        "key_id": tx.keys.current,
        "prev": prev,
    }
    row["mac"] = tx.keys.mac(prev, audit.move_fields(row, step.comment.digest if step.comment else None))
    return row


def _advance(step: Step) -> dict[str, Any]:
    standing, move = step.standing, step.move
    moved = standing.stage != move.to_stage
    depends_on_ledger = step.scored or standing.stage not in OPEN_STAGES
    return {
        "at_id": standing.id,
        "at_version": standing.version,
        "at_stage": standing.stage,
        "at_ledger": standing.ledger_version if depends_on_ledger else -1,
        "to_stage": move.to_stage,
        "to_version": step.seq,
        "to_round": step.round,
        "to_outcome": move.outcome if move.to_stage == LAST_STAGE else None,
        "to_score": step.score_id,
        "to_entered": step.now if moved else standing.row.entered_at,
    }


def _pass_on(tx: Transaction, steps: Sequence[Step]) -> None:
    moved = [step for step in steps if step.standing.stage != step.move.to_stage]
    closing = [{"item": item.id, "at": step.now, "seq": step.seq} for step in moved for item in step.standing.items]
    if closing and tx.run(_CLOSE, closing) != len(closing):
        raise Conflict("Somebody was faster: the work item is already closed. Look again.", "faster")
    opening = [row for step in moved for row in _open_items(tx, step)]
    tx.insert_many(WORK_ITEM, opening)
    if opening:
        tx.ring()


def _window_kept(tx: Transaction, step: Step) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the window that goes on when somebody comes back to answer, as after a withdrawn objection.

    Who objected knew the result, so the days count from then at the latest; a judgement released anew starts afresh.
    """
    standing = step.standing
    if not standing.lifecycle.judgement_open(standing.stage):
        return None, None
    last = tx.first(_LAST_ITEM, {"appraisal": standing.id, "stage": step.move.to_stage})
    if last is None:
        return None, None
    if last.noticed_at is not None:
        return last.noticed_at, last.due_at
    due = due_dates.due_at(
        tx,
        calendar=standing.row.calendar,
        zone=standing.row.zone,
        lifecycle=standing.lifecycle,
        stage=step.move.to_stage,
        start=last.closed_at,
    )
    return last.closed_at, due


def _open_items(tx: Transaction, step: Step) -> list[dict[str, Any]]:
    standing = step.standing
    stage = standing.lifecycle.stage(step.move.to_stage)
    if stage.holder is None:
        return []
    holders = standing.parts.holders.get(stage.holder, ())
    noticed_at = due_at = None
    if stage.counted_from == CountedFrom.PROVEN_NOTICE:
        noticed_at, due_at = _window_kept(tx, step)
    else:
        due_at = due_dates.due_at(
            tx,
            calendar=standing.row.calendar,
            zone=standing.row.zone,
            lifecycle=standing.lifecycle,
            stage=stage.id,
            start=step.now,
        )
    return [
        {
            "appraisal_id": standing.id,
            "stage": step.move.to_stage,
            "round": step.round,
            "role": str(stage.holder),
            "seat": seat,
            "holder_id": holder,
            "action": step.move.action,
            "opened_at": step.now,
            "seen_at": None,
            "noticed_at": noticed_at,
            "due_at": due_at,
            "next_action_at": step.now,
            "closed_at": None,
            "closed_by_seq": None,
        }
        for seat, holder in enumerate(holders[: stage.quorum], start=1)
    ]
