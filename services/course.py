"""The course of one appraisal for who may see it: the line of its stages, and what each possible act leads to."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row

from services import delegations
from services.actors import Actor
from services.desk import names_of
from services.form import HISTORY
from services.naming import unseen
from services.sight import Sight, sight
from services.standing import Standing, load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Demand

_TAKE_BACK = "own-last-act"
"""The guard of a move that takes the last act back."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the line: `done` with who ended it and when, `now` with its holder and deadline, or `ahead`."""

    id: str
    title: Mapping[str, str]
    state: Literal["done", "now", "ahead"]
    who: str | None
    at: dt.datetime | None
    due_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an act leads to: the stage after it, who has the next turn, and for how many working days it can be undone.

    `back_days` is None where it cannot be taken back. `reason` and `lines` say what the act must bring (`Demand`).
    """

    action: str
    label: Mapping[str, str]
    stage: Mapping[str, str]
    ends: bool
    next_role: str | None
    next_names: tuple[str, ...]
    back_days: int | None
    needs_reason: bool
    takes_lines: bool
    needs_lines: bool
    stays: bool = False
    """Whether it leaves the appraisal in its stage."""


@dataclass(frozen=True, slots=True)
class Course:
    """The line of stages and, by action, what each of the viewer's possible acts leads to."""

    steps: tuple[Step, ...]
    acts: Mapping[str, Consequence]


@use_case("appraisal.course")
def course(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str) -> Course:
    """Return the course of an appraisal as far as the viewer may see it.

    Raises:
        NotFound: there is none, or not even its facts are his to see.
    """
    with uow.read() as tx:
        standing, actor = delegations.stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
        seen = sight(tx, standing, actor, standing.today)
        if not seen.facts:
            raise unseen(standing.asked)
        return course_of(tx, standing, seen)


def course_of(tx: Transaction, standing: Standing, seen: Sight) -> Course:
    """Return the course of an appraisal for who sees its facts."""
    moves = [
        row
        for row in tx.all(HISTORY, {"appraisal": standing.id})
        if row.from_stage != row.to_stage and (seen.until is None or row.at <= seen.until)
    ]
    named = names_of(tx, [standing.id])
    names = {
        role: tuple(named[person] for person in people if person in named)
        for role, people in standing.parts.holders.items()
    }
    return Course(_steps(standing, moves, names), _acts(standing, names))


def _steps(standing: Standing, moves: Sequence[Row[Any]], names: Mapping[str, tuple[str, ...]]) -> tuple[Step, ...]:
    order = [stage.id for stage in standing.lifecycle.stages]
    here = order.index(standing.stage)
    left = {row.from_stage: row for row in moves}
    steps = []
    for place, stage in enumerate(standing.lifecycle.stages):
        holders = ", ".join(names.get(stage.holder or "", ())) or None
        last = left.get(stage.id)
        if stage.id == standing.stage and not stage.end:
            due = next((item.due_at for item in standing.items if item.stage == stage.id), None)
            steps.append(Step(stage.id, stage.title, "now", holders, None, due))
        elif stage.id == standing.stage:
            steps.append(Step(stage.id, stage.title, "done", None, moves[-1].at if moves else None, None))
        elif place < here and last is not None:
            by = f"{last.name} ({last.number})" if last.number else None
            steps.append(Step(stage.id, stage.title, "done", by, last.at, None))
        elif place > here:
            steps.append(Step(stage.id, stage.title, "ahead", holders, None, None))
    return tuple(steps)


def _acts(standing: Standing, names: Mapping[str, tuple[str, ...]]) -> dict[str, Consequence]:
    lifecycle = standing.lifecycle
    found = {}
    for move in lifecycle.actions(standing.stage):
        after = lifecycle.stage(move.to_stage)
        back = any(
            _TAKE_BACK in undo.guards and not set(undo.who).isdisjoint(move.who)
            for undo in lifecycle.actions(move.to_stage)
        )
        undone = back and move.to_stage != move.from_stage and _TAKE_BACK not in move.guards
        found[move.action] = Consequence(
            move.action,
            move.label,
            after.title,
            after.end,
            after.holder,
            names.get(after.holder or "", ()),
            lifecycle.limits.take_back_working_days if undone else None,
            move.reason == Demand.REQUIRED,
            move.lines != Demand.NONE,
            move.lines == Demand.REQUIRED,
            move.to_stage == move.from_stage,
        )
    return found
