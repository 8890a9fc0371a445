"""What a move does beyond changing the stage, by the names that definitions use. A new move needs no code here.

Some effects come before the history row, which names what they made; others behind it, because they refer to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import bindparam, update

from models.columns import table_of
from models.workitems import WorkItem
from services import due_dates
from services.announcements import announce_move
from services.audit import digest
from services.case_facts import Prepared
from services.definitions import rubric_of
from services.errors import Refused
from services.extension_events import held_items
from services.judging import store_score, store_statement
from services.moving import Step
from services.outbox import promise
from services.passing import next_holder, write_parts
from services.revisions import contest, write_contest, write_revisions
from services.unit_of_work import Transaction
from workflow.vocabulary import Effect, Role

WORK_ITEM = table_of(WorkItem)

_NOTICE = (
    update(WORK_ITEM)
    .where(WORK_ITEM.c.appraisal_id == bindparam("appraisal"), WORK_ITEM.c.closed_at.is_(None))
    .values(noticed_at=bindparam("at"), due_at=bindparam("due"), next_action_at=bindparam("again"))
)
SHEET_KINDS: Mapping[str, str] = {Role.ASSESSOR: "assessor", Role.REVIEWER: "reviewer", Role.DECIDER: "appeal"}


@dataclass(frozen=True, slots=True)
class Brought:
    """What one act has to hand when its effects are applied."""

    tx: Transaction
    step: Step
    prepared: Prepared
    ratings: Mapping[str, Fraction]


def _statement(act: Brought) -> None:
    standing = act.step.standing
    if act.ratings:
        post = rubric_of(act.tx, standing.row.rubric_id, standing.row.rubric_digest).post(standing.row.post)
        known = {item.id: item.points for item in post.items}
        for item, value in act.ratings.items():
            if item not in known:
                raise Refused(f"Your post has no item {item}; it has {', '.join(known)}.", "unknown-item")
            if not 0 <= value <= known[item]:
                raise Refused(f"A self score of {item} lies between 0 and {known[item]} points.", "self-score-range")
    if act.ratings:
        act.step.payload["ratings"] = digest(ratings_content(act.ratings))
    act.step.payload["sheet"] = store_statement(
        act.tx, standing, act.ratings, person_id=act.step.actor.person_id, at=act.step.now
    )


def ratings_content(ratings: Mapping[str, Fraction]) -> dict[str, str]:
    """Return what of the self scores their move vouches for, by item."""
    return {item: str(value) for item, value in ratings.items()}


def _score(act: Brought) -> None:
    judged = act.prepared.judged
    if judged is None:
        return
    act.step.score_id, content = store_score(
        act.tx,
        act.step.standing,
        judged,
        kind=SHEET_KINDS.get(act.step.role, "reviewer"),
        person_id=act.step.actor.person_id,
        at=act.step.now,
        turn=act.step.round,
    )
    act.step.payload["score"] = content
    act.step.total = judged.score.total
    act.step.scored = True


def _revise(act: Brought) -> None:
    act.step.payload["lines"] = {
        item.line: item.kind if item.amount is None else f"{item.kind} {item.amount}" for item in act.prepared.pending
    }


def _write_revisions(act: Brought) -> None:
    step = act.step
    write_revisions(act.tx, step, act.prepared.pending)
    if step.role == Role.DECIDER:
        promise(
            act.tx,
            kind="appeal-decided",
            person_id=int(step.standing.row.person_id),
            dedupe_key=f"appeal-decided/{step.standing.id}/{step.seq}",
            now=step.now,
            appraisal_id=step.standing.id,
        )


def _contest(act: Brought) -> None:
    act.step.payload["lines"] = sorted(act.step.lines)


def _write_contest(act: Brought) -> None:
    if act.prepared.judged is not None:
        write_contest(act.tx, contest(act.step, act.prepared.judged))


def _new_round(act: Brought) -> None:
    act.step.round += 1


def _notice(act: Brought) -> None:
    row = act.step.standing.row
    items = act.step.standing.items
    if all(item.noticed_at is not None for item in items) and not act.prepared.case.no_access:
        return
    due = due_dates.due_at(
        act.tx,
        calendar=row.calendar,
        zone=row.zone,
        lifecycle=act.step.standing.lifecycle,
        stage=act.step.standing.stage,
        start=act.step.now,
        marks=due_dates.Marks.of(row),
    )
    if not held_items(act.tx, row.cycle_id).isdisjoint(item.id for item in items):
        due = None
    act.tx.run(_NOTICE, {"appraisal": act.step.standing.id, "at": act.step.now, "due": due, "again": act.step.now})


def _no_access(act: Brought) -> None:
    act.tx.run(_NOTICE, {"appraisal": act.step.standing.id, "at": None, "due": None, "again": None})


def _hand_on(act: Brought) -> None:
    given = next_holder(act.tx, act.step.standing)
    act.step.handed = given
    act.step.payload["parts"] = {part: [old, new] for part, (old, new) in given.changed.items()}
    act.step.payload["by"] = str(given.step)


def _write_parts(act: Brought) -> None:
    if act.step.handed is not None:
        write_parts(act.tx, act.step.standing, act.step.handed, act.step.now)


_BEFORE: Mapping[str, Callable[[Brought], None]] = {
    Effect.NEW_ROUND: _new_round,
    Effect.STATEMENT: _statement,
    Effect.SCORE: _score,
    Effect.REVISE: _revise,
    Effect.CONTEST: _contest,
    Effect.HAND_ON: _hand_on,
}
_AFTER: Mapping[str, Callable[[Brought], None]] = {
    Effect.REVISE: _write_revisions,
    Effect.CONTEST: _write_contest,
    Effect.NOTICE: _notice,
    Effect.NO_ACCESS: _no_access,
    Effect.HAND_ON: _write_parts,
}


def before_move(act: Brought) -> None:
    """Apply the effects that the history row will name."""
    for effect in act.step.move.effects:
        if effect in _BEFORE:
            _BEFORE[effect](act)


def after_move(act: Brought) -> None:
    """Apply the effects that refer to the history row."""
    for effect in act.step.move.effects:
        if effect in _AFTER:
            _AFTER[effect](act)
    announce_move(act.tx, act.step)
