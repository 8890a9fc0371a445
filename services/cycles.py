"""Cycles: new, drawn up, opened from the frozen roster, joined later, cancelled. Opening is set-based and resumable."""

import calendar
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, func, select, update

from models.columns import UtcDateTime, table_of
from models.cycles import Cycle, CycleRubric, Roster
from models.history import Event
from models.people import Post
from models.rubrics import Definition
from models.workitems import WorkItem
from services import definitions, naming, opening
from services.access import granted_roles
from services.actors import Actor
from services.audit import append_event, store_text
from services.errors import Conflict, Malformed, NotFound, Refused
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.cycle import decide_cycle
from workflow.vocabulary import CycleState

CYCLE = table_of(Cycle)
CYCLE_RUBRIC = table_of(CycleRubric)
ROSTER = table_of(Roster)
POST = table_of(Post)
DEFINITION = table_of(Definition)
WORK_ITEM = table_of(WorkItem)
EVENT = table_of(Event)

_CODE = re.compile(r"[^/@\s]+")
_SAME_CODE = select(CYCLE.c.id).where(CYCLE.c.code == bindparam("code"))
_BY_CODE = select(CYCLE.c.id, CYCLE.c.state).where(CYCLE.c.code == bindparam("code"))
_POSTS = select(POST.c.id, POST.c.code)
_CREATED = select(EVENT.c.payload).where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind == "created")
_ADVANCE = (
    update(CYCLE)
    .where(
        CYCLE.c.id == bindparam("cycle"),
        CYCLE.c.version == bindparam("seen"),
        CYCLE.c.state == bindparam("was"),
    )
    .values(
        state=bindparam("becomes"),
        version=CYCLE.c.version + 1,
        opened_at=func.coalesce(bindparam("opened_at", type_=UtcDateTime()), CYCLE.c.opened_at),
    )
)
_CLOSE_ITEMS = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.appraisal_id.in_(
            select(opening.APPRAISAL.c.id).where(opening.APPRAISAL.c.cycle_id == bindparam("cycle"))
        ),
    )
    .values(closed_at=bindparam("at"), next_action_at=None)
)


@dataclass(frozen=True, slots=True)
class Created:
    """A cycle that was created: its code, period, and the rubric version of each post."""

    id: int
    code: str
    period_from: dt.date
    period_to: dt.date
    rubrics: Mapping[str, str]


@use_case("cycle.new")
def new(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    code: str,
    rubrics: Sequence[str],
    workflow: str = "quarterly",
    period: tuple[dt.date, dt.date] | None = None,
    override_reason: str | None = None,
    year: str | None = None,
) -> Created:
    """Plan a cycle: its period, its workflow, and for each post the rubric in force on the period's first day.

    `code` such as 2026Q1, 2026-03, 2026H1 or 2026 says the period; another code needs `period`. `rubrics` are names of
    published rubrics; of two that have the same post the later named counts. A version can be named: `bank-office@2`.
    `year` is the code of the open year that the cycle is a period of.

    Raises:
        Malformed: the code says no period and none is given, or it has a space, / or @ in it; a reason to override
            is given and every rubric was in force.
        NotFound: a rubric or the workflow is not published, or there is no such year.
        Refused: no version was in force on the first day (reading 12) and no reason to override is given; the year is
            none, or is closed.
        Conflict: there is such a cycle already.
    """
    if _CODE.fullmatch(code) is None:
        raise Malformed(f"{code!r} cannot name a cycle: no spaces, no / and no @; write one like 2026Q1.", "bad-code")
    first, last = period or period_of(code)
    if last < first:
        raise Malformed(f"The period of {code} ends on {last}, before it begins on {first}.", "period-reversed")
    with uow.write() as tx:
        demand_hr(tx, actor, now, "create a cycle")
        return create(
            tx,
            actor=actor,
            now=now,
            code=code,
            period=(first, last),
            rubrics=rubrics,
            workflow=workflow,
            override_reason=override_reason,
            parent=None if year is None else _demand_year(tx, year),
        )


def _demand_year(tx: Transaction, code: str) -> int:
    found = open_year(tx, code)
    if found is None:
        raise NotFound(f"There is no year {code}; a plan with --year makes one.", "unknown-cycle")
    return found


def open_year(tx: Transaction, code: str) -> int | None:
    """Return the id of a year to which a period can be added; None where there is no cycle of that code yet.

    Raises:
        Refused: the code is that of a cycle of another kind, or the year is closed already.
    """
    row = tx.first(_BY_CODE, {"code": code})
    if row is None:
        return None
    if row.state != CycleState.OPEN or "year" not in created_with(tx, row.id):
        raise Refused(
            f"The cycle {code} is no open year, so no period can be added to it; write the code of another.",
            "no-open-year",
        )
    return int(row.id)


def create(
    tx: Transaction,
    *,
    actor: Actor,
    now: dt.datetime,
    code: str,
    period: tuple[dt.date, dt.date],
    rubrics: Sequence[str],
    workflow: str,
    override_reason: str | None = None,
    parent: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Created:
    """Plan a cycle in the caller's transaction, as `new` does; nothing is written where it is refused.

    `parent` is the id of the cycle of its year; `facts` are what its event says besides. Raises as `new`.
    """
    first, last = period
    if tx.first(_SAME_CODE, {"code": code}) is not None:
        raise Conflict(f"There is a cycle {code} already; `appraise cycle status {code}` shows it.", "cycle-exists")
    workflow_row = definitions.named(tx, "workflow", workflow)
    in_force = [judging(tx, name, first, override=bool((override_reason or "").strip())) for name in rubrics]
    cycle_id = tx.insert(
        CYCLE,
        {
            "code": code,
            "period_from": first,
            "period_to": last,
            "parent_id": parent,
            "workflow_id": workflow_row.id,
            "state": CycleState.PLANNED.value,
            "version": 0,
            "created_at": now,
            "opened_at": None,
        },
    )
    posts = {row.code: row.id for row in tx.all(_POSTS)}
    reason = store_text(tx, override_reason)
    chosen: dict[str, tuple[int, str]] = {}
    late: set[int] = set()
    for row, judges in in_force:
        if not judges:
            late.add(row.id)
        rubric = definitions.rubric_of(tx, row.id, row.digest)
        chosen |= {post.id: (row.id, f"{row.name}@{row.version}") for post in rubric.posts if post.id in posts}
    judged_late = [post for post, found in sorted(chosen.items()) if found[0] in late]
    if reason is not None and not judged_late:
        raise Malformed(
            f"Every rubric of {code} was in force on {first}, so there is nothing to override; leave it out.",
            "nothing-to-override",
        )
    tx.insert_many(
        CYCLE_RUBRIC,
        [
            {
                "cycle_id": cycle_id,
                "post_id": posts[post],
                "definition_id": found[0],
                "override_reason_id": reason.id if reason is not None and post in judged_late else None,
            }
            for post, found in sorted(chosen.items())
        ],
    )
    append_event(
        tx,
        f"cycle:{cycle_id}",
        "created",
        actor=actor,
        at=now,
        payload={
            "code": code,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "workflow": workflow_row.id,
            "rubrics": {post: found[0] for post, found in sorted(chosen.items())},
            "override": reason.digest if reason is not None else None,
            "late": judged_late,
            **(facts or {}),
        },
    )
    return Created(cycle_id, code, first, last, {post: found[1] for post, found in sorted(chosen.items())})


def created_with(tx: Transaction, cycle_id: int) -> Mapping[str, Any]:
    """Return what the event says that created a cycle; empty where there is none."""
    statement, values = created_asked(cycle_id)
    payload = tx.scalar(statement, values)
    found: Mapping[str, Any] = {} if payload is None else json.loads(payload)
    return found


def created_asked(cycle_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `created_with` asks of the database."""
    return _CREATED, {"stream": f"cycle:{cycle_id}"}


def period_of(code: str) -> tuple[dt.date, dt.date]:
    """Return the first and last day that a code such as 2026Q1, 2026-03 (or 2026M03), 2026H1 or 2026 names.

    Raises:
        Malformed: the code names no period.
    """
    match = re.fullmatch(r"([0-9]{4})(?:Q([1-4])|H([12])|[M-](0[1-9]|1[0-2]))?", code)
    if match is None:
        raise Malformed(
            f"{code!r} names no period; write a code like 2026Q1, 2026-03, 2026H1 or 2026, or give --from and --to.",
            "bad-period",
        )
    year, quarter, half, month = match.groups()
    if int(year) < dt.MINYEAR:
        raise Malformed(f"There is no year {year}; write a code like 2026Q1.", "bad-period")
    length, number = 12, 1
    if quarter:
        length, number = 3, int(quarter)
    elif half:
        length, number = 6, int(half)
    elif month:
        length, number = 1, int(month)
    last_month = length * number
    first = dt.date(int(year), last_month - length + 1, 1)
    return first, dt.date(int(year), last_month, calendar.monthrange(int(year), last_month)[1])


def judging(tx: Transaction, name: str, first: dt.date, *, override: bool) -> tuple[Row[Any], bool]:
    """Return the version that judges a period which begins on `first`, and whether it was in force on that day.

    Raises:
        NotFound: no such rubric is published.
        Refused: none was in force, and it is not overridden.
    """
    latest = definitions.named(tx, "rubric", name)
    row = definitions.in_force(tx, "rubric", latest.name, first)
    if "@" in name:
        row = latest if row is not None and latest.version <= row.version else None
    if row is None and override:
        return latest, False
    if row is None:
        raise Refused(
            f"rubric-after-period-start: {name} was not in force on {first}: no rule judges the past. "
            "Use a version adopted, announced and published by then, or override it with a reason.",
            "rubric-after-period-start",
        )
    return row, True


def demand_hr(tx: Transaction, actor: Actor, now: dt.datetime, doing: str) -> frozenset[str]:
    """Return the actor's granted roles if he is an HR officer today, or the system; `doing` completes the sentence.

    Raises:
        Refused: he is not.
    """
    roles = granted_roles(tx, actor.person_id, local_day(now, naming.organisation(tx).zone))
    if roles.isdisjoint({"hr", "system"}):
        raise Refused(f"Only an HR officer may {doing}.", "not-hr")
    return roles


def advance(tx: Transaction, row: Row[Any], becomes: CycleState, *, opened_at: dt.datetime | None = None) -> None:
    """Change the state of a cycle as it was read; `opened_at` only when it opens.

    Raises:
        Conflict: somebody changed it since.
    """
    seen = {"cycle": row.id, "seen": row.version, "was": row.state}
    if tx.run(_ADVANCE, {**seen, "becomes": becomes.value, "opened_at": opened_at}) != 1:
        raise Conflict(f"Somebody was faster: the cycle {row.code} has changed. Look again.", "faster")


@use_case("cycle.cancel")
def cancel(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, reason: str) -> None:
    """Cancel a cycle that is not being finalised: its work items close and nobody is reminded; nothing is deleted.

    Raises:
        Refused: it is too late for that, the reason is missing, or the actor is no HR officer.
    """
    with uow.write() as tx:
        roles = demand_hr(tx, actor, now, "cancel a cycle")
        row = naming.cycle(tx, cycle)
        decide_cycle(row.state, "cancel", roles=roles, own_proposal=False, reason=bool(reason.strip()))
        stored = store_text(tx, reason)
        advance(tx, row, CycleState.CANCELLED)
        tx.run(_CLOSE_ITEMS, {"cycle": row.id, "at": now})
        append_event(
            tx,
            f"cycle:{row.id}",
            "cancelled",
            actor=actor,
            at=now,
            payload={"reason": None if stored is None else [stored.id, stored.digest]},
        )
