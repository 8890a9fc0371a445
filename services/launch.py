"""Launching a cycle: drawing up its roster as often as one likes, then freezing it and owing its opening to jobs."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import bindparam, func, select, update

from models.columns import table_of
from models.cycles import Cycle, CycleRubric, Roster
from models.people import Post
from services import naming, roster
from services.actors import Actor
from services.audit import append_event, store_text
from services.cycles import advance, demand_hr
from services.errors import Malformed, Refused
from services.outbox import owe_job
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.cycle import decide_cycle
from workflow.vocabulary import CycleState, RosterStatus

CYCLE = table_of(Cycle)
CYCLE_RUBRIC = table_of(CycleRubric)
ROSTER = table_of(Roster)
POST = table_of(Post)
CHUNK = 2000
"""Roster rows a job opens at once, unless the settings say otherwise."""

_POSTS = select(POST.c.id, POST.c.code)
_OPENED_AT = update(CYCLE).where(CYCLE.c.id == bindparam("cycle")).values(opened_at=bindparam("at"))
_OVERRIDE = (
    update(CYCLE_RUBRIC)
    .where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"), CYCLE_RUBRIC.c.post_id == bindparam("post"))
    .values(override_reason_id=bindparam("reason"))
)
_BOUNDS = select(func.min(ROSTER.c.id).label("low"), func.max(ROSTER.c.id).label("high")).where(
    ROSTER.c.cycle_id == bindparam("cycle")
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a dry run found: how many of each status, the problems, and the digest of the roster."""

    cycle: str
    counts: Mapping[str, int]
    problems: tuple[roster.Problem, ...]
    digest: str

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
        Refused: the cycle is not planned any more, or the actor is no HR officer.
    """
    with uow.write() as tx:
        demand_hr(tx, actor, now, "draw up a roster")
        row = naming.cycle(tx, cycle)
        if row.state != CycleState.PLANNED:
            raise Refused(f"The cycle {cycle} is {row.state}; its roster is frozen.", "roster-frozen")
        drawn = roster.draw(tx, row, local_day(now, naming.organisation(tx).zone), choices or roster.Choices())
        roster.write(tx, row.id, drawn, choices or roster.Choices())
    return _report(cycle, drawn)


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
        Refused: the cycle is open already, or the actor is no HR officer.
        Conflict: somebody opened it at the same moment.
    """
    choices = choices or roster.Choices()
    with uow.write() as tx:
        roles = demand_hr(tx, actor, now, "open a cycle")
        row = naming.cycle(tx, cycle)
        decide_cycle(row.state, "open", roles=roles, own_proposal=False)
        drawn = roster.draw(tx, row, local_day(now, naming.organisation(tx).zone), choices)
        report = _report(cycle, drawn)
        if report.errors:
            more = f" and {len(report.errors) - 1} more" if len(report.errors) > 1 else ""
            raise OpeningRefused(
                f"{cycle} cannot open: {report.errors[0].text}{more} "
                f"`appraise cycle open {cycle} --dry-run` lists every problem with its mend.",
                report,
            )
        roster.write(tx, row.id, drawn, choices)
        overrides = _override_reasons(tx, row.id, choices)
        ranges = _ranges(tx, row.id, chunk)
        advance(tx, row, CycleState.OPEN)
        tx.run(_OPENED_AT, {"cycle": row.id, "at": now})
        append_event(
            tx,
            f"cycle:{row.id}",
            "opened",
            actor=actor,
            at=now,
            payload={
                "roster": drawn.digest,
                "counts": {name: number for name, number in report.counts.items() if number},
                "overrides": overrides,
            },
        )
        for first, last in ranges:
            owe_job(
                tx,
                name="cycle.open-chunk",
                args={"cycle": row.id, "first": first, "last": last, "at": now.isoformat()},
                dedupe_key=f"open/{row.id}/{first}",
                now=now,
            )
    return Opened(row.id, report, ranges)


def _override_reasons(tx: Transaction, cycle_id: int, choices: roster.Choices) -> dict[str, str]:
    digests = {}
    posts = {row.code: row.id for row in tx.all(_POSTS)} if choices.override_incomplete else {}
    for post, reason in sorted(choices.override_incomplete.items()):
        stored = store_text(tx, reason)
        if stored is None:
            raise Malformed(f"--override-incomplete {post} needs a reason: {post}=REASON.", "reason-missing")
        tx.run(_OVERRIDE, {"cycle": cycle_id, "post": posts[post], "reason": stored.id})
        digests[post] = stored.digest
    return digests


def _ranges(tx: Transaction, cycle_id: int, chunk: int) -> tuple[tuple[int, int], ...]:
    bounds = tx.first(_BOUNDS, {"cycle": cycle_id})
    if bounds is None or bounds.low is None:
        return ()
    low, high = int(bounds.low), int(bounds.high)
    return tuple((first, min(first + chunk - 1, high)) for first in range(low, high + 1, chunk))
