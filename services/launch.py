"""Launching a cycle: drawing up its roster as often as one likes, then freezing it and owing its opening to jobs."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from models.columns import table_of
from models.cycles import Cycle, CycleRubric, Roster
from models.history import TextBody
from models.people import Post
from services import naming, plan_scope, roster, working_calendar
from services.access import superiors_of
from services.actors import Actor
from services.audit import StoredText, append_event, store_texts
from services.cycles import advance, demand_hr
from services.errors import Refused
from services.outbox import owe_jobs
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.cycle import decide_cycle
from workflow.vocabulary import CycleState, RosterStatus

CYCLE = table_of(Cycle)
CYCLE_RUBRIC = table_of(CycleRubric)
ROSTER = table_of(Roster)
POST = table_of(Post)
TEXT_BODY = table_of(TextBody)
CHUNK = 2000
"""Roster rows a job opens at once, unless the settings say otherwise."""

_OVERRIDE = (
    update(CYCLE_RUBRIC)
    .where(
        CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"),
        CYCLE_RUBRIC.c.post_id == select(POST.c.id).where(POST.c.code == bindparam("post")).scalar_subquery(),
    )
    .values(override_reason_id=bindparam("reason"))
)
_EARLIER = (
    select(POST.c.code, TEXT_BODY.c.body)
    .select_from(CYCLE_RUBRIC)
    .join(POST, POST.c.id == CYCLE_RUBRIC.c.post_id)
    .join(TEXT_BODY, TEXT_BODY.c.id == CYCLE_RUBRIC.c.override_reason_id)
    .where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"))
)
_BOUNDS = select(func.min(ROSTER.c.id).label("low"), func.max(ROSTER.c.id).label("high")).where(
    ROSTER.c.cycle_id == bindparam("cycle")
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a dry run found: how many of each status, the problems, and the digest of the roster.

    `windows` are the stages whose days a long run of free days would lie in, if it opened now.
    """

    cycle: str
    counts: Mapping[str, int]
    problems: tuple[roster.Problem, ...]
    digest: str
    windows: tuple[working_calendar.Window, ...] = ()

    @property
    def errors(self) -> tuple[roster.Problem, ...]:
        """The problems that refuse the opening."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


@use_case("cycle.dry-run")
def dry_run(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, choices: roster.Choices | None = None
) -> Report:
    """Draw up the roster of a planned cycle and write it, with every problem and its mend; nothing opens.

    Raises:
        Malformed: a choice has no reason, or lets a post through whose rubric is complete.
        NotFound: there is no such cycle, or a person or post among the choices does not exist in it.
        Refused: the cycle is not planned any more, the actor is no HR officer, or leaves himself or a superior out.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "draw up a roster")
        row = naming.cycle_to_change(tx, cycle)
        if row.state != CycleState.PLANNED:
            raise Refused(f"The cycle {cycle} is {row.state}; its roster is frozen.", "roster-frozen")
        drawn, choices = draw_up(tx, row, choices or roster.Choices(), actor=actor, now=now)
        roster.write(tx, row.id, drawn, _reasons(tx, choices)[0])
        report = _report(cycle, drawn)
        return replace(report, windows=working_calendar.windows(tx, row, now))


def draw_up(
    tx: Transaction, cycle: Row[Any], wanted: roster.Choices, *, actor: Actor, now: dt.datetime
) -> tuple[roster.Drawn, roster.Choices]:
    """Draw up the roster without writing it; of a plan's cycle it has the plan's unit, without its exceptions.

    `cycle` is a row of `naming.cycle_to_change`.
    Nobody leaves himself or a superior out, as nobody excludes them later (domain.md, 5); whom the plan excepts was
    decided when it was added. Returns the choices with the exceptions among them.
    """
    day = local_day(now, naming.organisation(tx).zone)
    choices = plan_scope.with_plan(tx, cycle, wanted, _created(cycle))
    drawn = roster.draw(tx, cycle, day, choices)
    left_out = {
        row["person_id"]
        for row, number in zip(drawn.rows, drawn.numbers, strict=True)
        if row["status"] == RosterStatus.LEFT_OUT and number in wanted.leave_out
    }
    for one in (actor.person_id, actor.typed_by) if left_out else ():
        if one is not None and not left_out.isdisjoint(superiors_of(tx, one, day) | {one}):
            raise Refused(
                "Nobody may leave himself or one of his superiors out of a cycle; another HR officer must open it, or "
                "the approver closes that appraisal as not rated once it is open.",
                "own-or-superior",
            )
    return drawn, choices


def _created(cycle: Row[Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {} if cycle.created is None else json.loads(cycle.created)
    return found


def _report(cycle: str, drawn: roster.Drawn) -> Report:
    return Report(cycle, {status.value: drawn.count(status) for status in RosterStatus}, drawn.problems, drawn.digest)


@dataclass(frozen=True, slots=True)
class Opened:
    """An opening that has begun: the ranges of roster rows that jobs will open."""

    cycle_id: int
    report: Report
    ranges: tuple[tuple[int, int], ...] = field(default=())


class OpeningRefused(Refused):
    """Problems refuse the opening; `report` has all of them."""

    def __init__(self, sentence: str, report: Report) -> None:
        super().__init__(sentence, report.errors[0].code)
        self.report = report


@use_case("cycle.open")
def open_cycle(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    cycle: str,
    choices: roster.Choices | None = None,
    chunk: int = CHUNK,
) -> Opened:
    """Freeze the roster and owe its opening to the jobs, in chunks of `chunk` roster rows.

    Raises:
        OpeningRefused: problems with severity error remain that no choice answers.
        Malformed: a choice has no reason, or lets a post through whose rubric is complete.
        NotFound: there is no such cycle, or a person or post among the choices does not exist in it.
        Refused: the cycle is open already, the actor is no HR officer, or leaves himself or a superior out.
        Conflict: somebody opened it at the same moment.
    """
    with uow.write() as tx:
        return open_in(tx, actor=actor, now=now, cycle=cycle, choices=choices, chunk=chunk)


def open_in(
    tx: Transaction,
    *,
    actor: Actor,
    now: dt.datetime,
    cycle: str,
    choices: roster.Choices | None = None,
    chunk: int = CHUNK,
) -> Opened:
    """Freeze the roster in the caller's transaction, as `open_cycle` does; of two at once the second finds it open."""
    roles = demand_hr(tx, actor, now, "open a cycle")
    row = naming.cycle_to_change(tx, cycle)
    if row.state == CycleState.OPEN:
        raise Refused(f"The cycle {cycle} is open already; `appraise cycle status {cycle}` shows it.", "open")
    decide_cycle(row.state, "open", roles=roles, own_proposal=False)
    if actor.person_id is None and "plan" not in _created(row):
        raise Refused(f"The clock opens the cycles of a plan only, and {cycle} was planned by hand.", "not-yours")
    drawn, choices = draw_up(tx, row, choices or roster.Choices(), actor=actor, now=now)
    report = _report(cycle, drawn)
    if report.errors:
        others = len(report.errors) - 1
        more = f" There {'is' if others == 1 else 'are'} {others} more." if others else ""
        raise OpeningRefused(
            f"{cycle} cannot open: {report.errors[0].text}{more} "
            f"`appraise cycle open {cycle} --dry-run` lists every problem with its mend.",
            report,
        )
    left_out, overrides = _reasons(tx, _with_earlier(tx, row.id, choices))
    roster.write(tx, row.id, drawn, left_out)
    if overrides:
        tx.run(_OVERRIDE, [{"cycle": row.id, "post": on, "reason": text.id} for on, text in overrides.items()])
    ranges = _ranges(tx, row.id, chunk)
    advance(tx, row, CycleState.OPEN, opened_at=now)
    append_event(
        tx,
        f"cycle:{row.id}",
        "opened",
        actor=actor,
        at=now,
        payload={
            "roster": drawn.digest,
            "counts": {name: number for name, number in report.counts.items() if number},
            "overrides": {post: text.digest for post, text in overrides.items()},
            "left-out": {number: text.digest for number, text in left_out.items()},
        },
    )
    runs = {
        f"open/{row.id}/{first}": {"cycle": row.id, "first": first, "last": last, "at": now.isoformat()}
        for first, last in ranges
    }
    owe_jobs(tx, name="cycle.open-chunk", runs=runs, now=now)
    return Opened(row.id, report, ranges)


def _with_earlier(tx: Transaction, cycle_id: int, choices: roster.Choices) -> roster.Choices:
    """Put before the reason of each post let through the one for which its rubric came late: the form shows both."""
    if not choices.override_incomplete:
        return choices
    earlier = {row.code: row.body for row in tx.all(_EARLIER, {"cycle": cycle_id})}
    both = {
        post: f"{earlier[post]} {reason}" if post in earlier else reason
        for post, reason in choices.override_incomplete.items()
    }
    return replace(choices, override_incomplete=both)


def _reasons(tx: Transaction, choices: roster.Choices) -> tuple[dict[str, StoredText], dict[str, StoredText]]:
    """Keep the reasons of the choices: of the people left out by number, of the posts let through by code."""
    left_out, overrides = sorted(choices.leave_out.items()), sorted(choices.override_incomplete.items())
    texts = iter(store_texts(tx, [reason for _, reason in (*left_out, *overrides)]))
    return {number: next(texts) for number, _ in left_out}, {post: next(texts) for post, _ in overrides}


def _ranges(tx: Transaction, cycle_id: int, chunk: int) -> tuple[tuple[int, int], ...]:
    bounds = tx.first(_BOUNDS, {"cycle": cycle_id})
    if bounds is None or bounds.low is None:
        return ()
    low, high = int(bounds.low), int(bounds.high)
    return tuple((first, min(first + chunk - 1, high)) for first in range(low, high + 1, chunk))
