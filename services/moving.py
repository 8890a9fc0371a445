"""The rows that a step of an appraisal writes: history, stage, work items.

One step or a hundred: each statement is run once, as an executemany, and all of them go together.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from models.columns import table_of
from models.history import Event
from models.prepared import Prepared
from scoring.canonical import canonical
from services import audit, due_dates
from services.actors import Actor
from services.errors import Conflict
from services.ledgers import OPEN_STAGES
from services.passing import Handed
from services.standing import APPRAISAL, MOVE, WORK_ITEM, Standing
from services.unit_of_work import Transaction, insertion
from workflow.lifecycle import Move as WorkflowMove
from workflow.vocabulary import LAST_STAGE, CountedFrom

EVENT = table_of(Event)
_TAKEN_BACK = "own-last-act"
"""The guard by which a definition says that a move undoes the last one."""

_LAST_ITEM = Prepared(
    select(WORK_ITEM.c.noticed_at, WORK_ITEM.c.due_at, WORK_ITEM.c.closed_at)
    .where(
        WORK_ITEM.c.appraisal_id == bindparam("appraisal"),
        WORK_ITEM.c.stage == bindparam("stage"),
        WORK_ITEM.c.closed_at.is_not(None),
    )
    .order_by(WORK_ITEM.c.id.desc())
    .limit(1)
)
_OPENING = Prepared(
    select(EVENT.c.mac)
    .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind == "opened")
    .order_by(EVENT.c.seq)
    .limit(1)
)
_ADVANCE = Prepared(
    update(APPRAISAL)
    .where(
        APPRAISAL.c.id == bindparam("at_id"),
        APPRAISAL.c.version == bindparam("at_version"),
        APPRAISAL.c.stage == bindparam("at_stage"),
        or_(
            APPRAISAL.c.ledger_version == bindparam("at_ledger"),
            bindparam("at_ledger", type_=APPRAISAL.c.ledger_version.type) < 0,
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
_CLOSE = Prepared(
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.id == bindparam("item"),
        # It may have been passed on to somebody else since it was read.
        WORK_ITEM.c.holder_id == bindparam("holder"),
        WORK_ITEM.c.closed_at.is_(None),
    )
    .values(closed_at=bindparam("at"), closed_by_seq=bindparam("seq"), next_action_at=None)
)


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
    handed: Handed | None = None

    def __post_init__(self) -> None:
        """Start from what stands."""
        self.round = int(self.standing.row.round)
        self.score_id = self.standing.row.score_id

    @property
    def seq(self) -> int:
        """The version this step makes."""
        return self.standing.version + 1

    @property
    def passes(self) -> bool:
        """Whether the turn goes to somebody: the stage changes, or its holder does."""
        return self.standing.stage != self.move.to_stage or self.handed is not None

    def holders(self, role: str) -> Sequence[int]:
        """Return who has a part once the step is done."""
        if self.handed is not None and role in self.handed.holders:
            return (self.handed.holders[role],)
        return self.standing.parts.holders.get(role, ())


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
                opened = tx.first(_OPENING, {"stream": f"cycle:{cycle_id}"})
                genesis[cycle_id] = audit.GENESIS if opened is None else opened.mac
            prev = genesis[cycle_id]
        moves.append(_move_row(tx, step, prev))
    passing = [step for step in steps if step.passes]
    closing = [
        {"item": item.id, "holder": item.holder_id, "at": step.now, "seq": step.seq}
        for step in passing
        for item in step.standing.items
    ]
    opening = [row for step in passing for row in _open_items(tx, step)]
    _, advanced, closed, _ = tx.run_all(
        (insertion(MOVE), moves),
        (_ADVANCE, [_advance(step) for step in steps]),
        (_CLOSE, closing),
        (insertion(WORK_ITEM), opening),
    )
    if advanced != len(steps):
        raise Conflict("Somebody was faster: it has changed since you looked. Look again and decide anew.", "faster")
    if closed != len(closing):
        raise Conflict("Somebody was faster: the work item was closed or passed on. Look again.", "faster")
    if opening:
        tx.ring()


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
        "payload": canonical(step.payload).decode(),
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
        marks=due_dates.Marks.of(standing.row),
    )
    return last.closed_at, due


def _days_kept(tx: Transaction, step: Step) -> dt.datetime | None:
    """Return until when the stage was due that somebody takes his act back to: taking back gives nobody new days."""
    last = tx.first(_LAST_ITEM, {"appraisal": step.standing.id, "stage": step.move.to_stage})
    return None if last is None else last.due_at


def _open_items(tx: Transaction, step: Step) -> list[dict[str, Any]]:
    standing = step.standing
    stage = standing.lifecycle.stage(step.move.to_stage)
    if stage.holder is None:
        return []
    holders = step.holders(stage.holder)
    noticed_at = due_at = None
    if stage.counted_from == CountedFrom.PROVEN_NOTICE:
        noticed_at, due_at = _window_kept(tx, step)
    elif _TAKEN_BACK in step.move.guards:
        due_at = _days_kept(tx, step)
    else:
        due_at = due_dates.due_at(
            tx,
            calendar=standing.row.calendar,
            zone=standing.row.zone,
            lifecycle=standing.lifecycle,
            stage=stage.id,
            start=step.now,
            marks=due_dates.Marks.of(standing.row),
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
