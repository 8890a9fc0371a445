"""The facts that the guards of a move look at, read from the records: only those that this move asks for."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Row, bindparam, select

from models import prepared
from models.columns import table_of
from models.history import Move as MoveRow
from services import calendars
from services.access import own_or_superior, superiors_asked
from services.actors import Actor
from services.judging import Judged, Pending, items_made_worse, judge
from services.proven_notice import window, window_asked
from services.revisions import contested_lines, plan
from services.standing import Standing, local_day
from services.unit_of_work import Statement, Transaction
from workflow.case import Case
from workflow.lifecycle import Move
from workflow.vocabulary import LAST_STAGE, CycleState, Effect, Role

MOVE = table_of(MoveRow)

_HISTORY = prepared.Prepared(
    select(MOVE.c.seq, MOVE.c.action, MOVE.c.from_stage, MOVE.c.to_stage, MOVE.c.role)
    .where(MOVE.c.appraisal_id == bindparam("appraisal"))
    .order_by(MOVE.c.seq)
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The case to decide, with what was computed for it on the way: the score it would have and the lines decided."""

    case: Case
    judged: Judged | None
    pending: tuple[Pending, ...]


class Facts:
    """Reads what a guard asks for, each thing at most once."""

    def __init__(
        self,
        tx: Transaction,
        standing: Standing,
        *,
        move: Move | None,
        lines: Mapping[str, str | None],
        actor: Actor,
        now: dt.datetime,
    ) -> None:
        self.tx = tx
        self.standing = standing
        self.move = move
        self.lines = lines
        self.actor = actor
        self.now = now

    @cached_property
    def history(self) -> Sequence[Row[Any]]:
        """Every move of the appraisal, oldest first."""
        return self.tx.all(_HISTORY, {"appraisal": self.standing.id})

    @cached_property
    def before(self) -> Judged:
        """The score of the ledger as it stands."""
        return judge(self.tx, self.standing)

    @cached_property
    def pending(self) -> tuple[Pending, ...]:
        """The decisions about lines that this act brings."""
        if self.move is None or Effect.REVISE not in self.move.effects or not self.lines:
            return ()
        return plan(self.standing, self.move, self.lines, self.before)

    @cached_property
    def judged(self) -> Judged:
        """The score of the ledger with this act's decisions."""
        return judge(self.tx, self.standing, self.pending) if self.pending else self.before

    def worse(self) -> dict[str, Any]:
        """Items that would be worse than when the person objected, whatever happened since."""
        before = self.standing.row.contested_score_id
        if before is None:
            return {"worse": ()}
        return {"worse": items_made_worse(self.tx, before, self.judged.score)}

    def unconfirmed(self) -> dict[str, Any]:
        """Missed months that the assessor has neither confirmed nor excused."""
        return {"unconfirmed": self.before.unconfirmed}

    def contested(self) -> dict[str, Any]:
        """Lines under appeal, and those that this act decides."""
        return {
            "contested": contested_lines(self.tx, self.standing.id),
            "decided": frozenset(item.line for item in self.pending),
        }

    def statement(self) -> dict[str, Any]:
        """Whether the own statement was sent (and not taken back), and whether its days are still running."""
        sent = False
        for row in self.history:
            move = self.standing.lifecycle.move(row.from_stage, row.action)
            if move is not None and Effect.STATEMENT in move.effects:
                sent = True
            elif row.to_stage == self.standing.lifecycle.first.id:
                sent = False
        awaited = not sent and any(
            item.due_at is not None and item.due_at > self.now
            for item in self.standing.items
            if item.stage == self.standing.lifecycle.first.id
        )
        return {"statement_sent": sent, "statement_awaited": awaited}

    def returns(self) -> dict[str, Any]:
        """How often a reviewer returned it, less the returns taken back."""
        returns, last_returned = 0, False
        for row in self.history:
            move = self.standing.lifecycle.move(row.from_stage, row.action)
            if move is None:
                continue
            if last_returned and "own-last-act" in move.guards:
                returns -= 1
            last_returned = Effect.NEW_ROUND in move.effects and row.role == Role.REVIEWER
            returns += last_returned
        return {"returns": returns}

    def last_act(self) -> dict[str, Any]:
        """Whether the actor made the last move, whether the next holder has looked, and whether it is young enough."""
        row = self.standing.row
        person = row.last_on_behalf_of if row.last_on_behalf_of is not None else row.last_actor_id
        within = False
        if row.last_at is not None:
            limit = self.standing.lifecycle.limits.take_back_working_days
            last = calendars.add_working_days(
                row.calendar, local_day(row.last_at, row.zone), limit, calendars.closures(self.tx)
            )
            within = self.standing.today <= last
        return {
            "last_actor": person is not None and person == self.actor.person_id,
            "seen": any(item.seen_at is not None for item in self.standing.items),
            "within_take_back": within,
        }

    def answer(self) -> dict[str, Any]:
        """What the person has answered since this judgement was released, and whether his days are over."""
        read = refused = no_access = False
        for row in self.history:
            if row.to_stage == self.standing.stage and row.from_stage != self.standing.stage:
                read = refused = no_access = False
            move = self.standing.lifecycle.move(row.from_stage, row.action)
            effects = move.effects if move is not None else ()
            if Effect.NO_ACCESS in effects:
                no_access = True
            elif Effect.NOTICE in effects:
                read = read or row.role == Role.APPRAISEE
                refused = row.action == "refuse"
                no_access = False
        items = self.standing.items
        noticed = any(item.noticed_at is not None for item in items)
        over = bool(items) and all(item.due_at is not None and item.due_at < self.now for item in items)
        return {"read": read, "refused": refused, "no_access": no_access, "noticed": noticed, "window_over": over}

    def silence(self) -> dict[str, Any]:
        """What vouched rows say of notice and days before a silence is an answer; of two deadlines the later counts."""
        found = self.answer()
        vouched = window(self.tx, self.standing)
        over = vouched.due_at is not None and vouched.due_at < self.now
        return found | {
            "noticed": found["noticed"] and vouched.noticed_at is not None,
            "window_over": found["window_over"] and over,
        }

    def own_superior(self) -> dict[str, Any]:
        """Whether whoever runs the cycle would here act on himself or on a superior."""
        row = self.standing.row
        return {"own_superior": own_or_superior(self.tx, self.actor.person_id, int(row.person_id), self.standing.today)}


_READERS: Mapping[str, Callable[[Facts], dict[str, Any]]] = {
    "not-worse": Facts.worse,
    "duties-confirmed": Facts.unconfirmed,
    "only-contested": Facts.contested,
    "all-contested-decided": Facts.contested,
    "statement-not-sent": Facts.statement,
    "statement-not-awaited": Facts.statement,
    "returns-left": Facts.returns,
    "own-last-act": Facts.last_act,
    "unseen": Facts.last_act,
    "within-take-back": Facts.last_act,
    "not-read": Facts.answer,
    "refused": Facts.answer,
    "not-refused": Facts.answer,
    "noticed": Facts.silence,
    "has-access": Facts.answer,
    "window-open": Facts.answer,
    "window-over": Facts.silence,
    "days-over": Facts.answer,
    "not-own-or-superior": Facts.own_superior,
}
"""Which reader answers which guard; guards not named here look only at the act itself and at the state of the cycle."""


def case_of(standing: Standing, actor: Actor, facts: Mapping[str, Any]) -> Case:
    """Return the case as far as the standing tells it, and with the facts read beside it."""
    row = standing.row
    person = row.last_on_behalf_of if row.last_on_behalf_of is not None else row.last_actor_id
    known = {
        "stage": standing.stage,
        "cycle_state": row.cycle_state,
        "roles": standing.roles,
        "round": row.round,
        "last_action": row.last_action,
        "last_actor": person is not None and person == actor.person_id,
        # Only what was under appeal or on hold can be unfinished once its cycle is proposed (domain.md, section 5).
        "carried": row.cycle_state != CycleState.OPEN and standing.stage != LAST_STAGE,
    }
    return Case(**{**known, **facts})


def gather(
    tx: Transaction,
    standing: Standing,
    move: Move | None,
    *,
    comment: str | None,
    witness: str | None,
    lines: Mapping[str, str | None],
    actor: Actor,
    now: dt.datetime,
) -> Prepared:
    """Return the case of an act. `move` is None where the actor could not make it anyway: then nothing is read."""
    known: dict[str, Any] = {
        "reason": bool(comment and comment.strip()),
        "witness": bool(witness and witness.strip()),
        "lines": frozenset(lines),
    }
    if move is None:
        return Prepared(case_of(standing, actor, known), None, ())
    facts = Facts(tx, standing, move=move, lines=lines, actor=actor, now=now)
    for read in dict.fromkeys(_READERS[name] for name in move.guards if name in _READERS):
        known |= read(facts)
    needs_score = Effect.SCORE in move.effects or Effect.CONTEST in move.effects
    return Prepared(case_of(standing, actor, known), facts.judged if needs_score else None, facts.pending)


@dataclass(frozen=True, slots=True)
class Option:
    """A move that is a person's to make here, and what stands in its way now, if anything does."""

    move: Move
    blocked: str | None


def options(tx: Transaction, standing: Standing, actor: Actor, now: dt.datetime) -> tuple[Option, ...]:
    """Return what a person may do now, for buttons and lists; what an act itself must bring is not asked yet.

    A move that waits for something the person can mend is listed with the sentence that says so; others are left out.
    """
    found = []
    facts = Facts(tx, standing, move=None, lines={}, actor=actor, now=now)
    for move in standing.lifecycle.actions(standing.stage):
        if standing.roles.isdisjoint(move.who):
            continue
        known: dict[str, Any] = {}
        for read in dict.fromkeys(_READERS[name] for name in move.guards if name in _READERS and name not in _OF_ACT):
            known |= read(facts)
        refusal = standing.lifecycle.refusal(move, case_of(standing, actor, known))
        if refusal is None or refusal.code in _MENDABLE:
            found.append(Option(move, None if refusal is None else str(refusal)))
    return tuple(found)


def options_asked(standing: Standing, actor: Actor) -> list[tuple[Statement, dict[str, Any]]]:
    """Return what `options` asks of the database before it knows anything: as the guards of the possible moves say."""
    possible = [move for move in standing.lifecycle.actions(standing.stage) if not standing.roles.isdisjoint(move.who)]
    readers = {_READERS[name] for move in possible for name in move.guards if name in _READERS and name not in _OF_ACT}
    asked: list[tuple[Statement, dict[str, Any]]] = []
    if not readers.isdisjoint({Facts.statement, Facts.returns, Facts.answer, Facts.silence}):
        asked.append((_HISTORY, {"appraisal": standing.id}))
    if Facts.last_act in readers:
        asked.append((calendars.CLOSURES, {}))
    if Facts.silence in readers:
        asked += window_asked(standing)
    if Facts.own_superior in readers and actor.person_id is not None:
        asked.append(superiors_asked(actor.person_id, standing.today))
    return asked


_OF_ACT = frozenset({"not-worse", "only-contested", "all-contested-decided"})
_MENDABLE = frozenset({"duties-confirmed"})
