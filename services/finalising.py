"""Finalising takes two: HR proposes the result table, the approver signs it by its digest (domain.md, section 5).

A refused proposal leaves nothing but its record. Approving owes the writing of the final rows to the jobs of
`services.final_rows`; no appraisal moves.
"""

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, exists, func, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Proposal as ProposalRow
from models.cycles import Roster
from models.history import Event
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.announcements import ask_for_signature
from services.audit import append_event, store_text
from services.cycles import advance
from services.definitions import lifecycle_of
from services.errors import Conflict, Refused
from services.grants import today
from services.holds import held_by_stage
from services.outbox import owe_job, owe_jobs
from services.result_table import Summary, proposed_table
from services.unit_of_work import Transaction, UnitOfWork, use_case
from services.year_results import demand_complete, load_year
from workflow.cycle import decide_cycle
from workflow.errors import NotAllowed
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import LAST_STAGE, CycleState, Role, RosterStatus

APPRAISAL = table_of(Appraisal)
EVENT = table_of(Event)
PROPOSAL = table_of(ProposalRow)
ROSTER = table_of(Roster)

CHUNK = 2000
"""Appraisals whose final rows one job writes, unless the settings say otherwise."""

_STAGES = (
    select(APPRAISAL.c.stage, func.count().label("number"))
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.stage != LAST_STAGE)
    .group_by(APPRAISAL.c.stage)
)
_UNOPENED = select(func.count()).where(
    ROSTER.c.cycle_id == bindparam("cycle"),
    ROSTER.c.status.in_((RosterStatus.RATED.value, RosterStatus.SET_ASIDE.value)),
    ~exists(
        select(APPRAISAL.c.id).where(
            and_(APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id)
        )
    ),
)
_NOT_CLOSED = (
    select(APPRAISAL.c.id)
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.stage != LAST_STAGE)
    .order_by(APPRAISAL.c.id)
)
_CLOSED = (
    select(APPRAISAL.c.id)
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.stage == LAST_STAGE)
    .order_by(APPRAISAL.c.id)
)
_HIGHEST = select(func.max(PROPOSAL.c.number)).where(PROPOSAL.c.cycle_id == bindparam("cycle"))
_LATEST = (
    select(PROPOSAL, EVENT.c.payload, EVENT.c.actor_id, EVENT.c.on_behalf_of)
    .join(EVENT, EVENT.c.stream == bindparam("stream"))
    .where(PROPOSAL.c.cycle_id == bindparam("cycle"), EVENT.c.kind == bindparam("kind"))
    .order_by(PROPOSAL.c.number.desc(), EVENT.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A result table that lies before the approver: what it amounts to and the digest he signs.

    `carried` appraisals are under appeal or on hold and enter later, as a revision of the table.
    """

    cycle: str
    number: int
    digest: str
    rows: int
    rated: int
    persons: int
    carried: int


@dataclass(frozen=True, slots=True)
class Approved:
    """A signed table: the ranges of appraisal ids whose final rows the jobs write."""

    cycle_id: int
    digest: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """The last proposal of a cycle as it is stored, with who made it and what it left to later."""

    number: int
    digest: str
    rows: int
    proposers: frozenset[int]
    carried: tuple[int, ...]

    def own(self, actor: Actor) -> bool:
        """Tell whether the actor, or whoever types for him, had a hand in the proposal."""
        return not self.proposers.isdisjoint({actor.person_id, actor.typed_by})


def stream(cycle_id: int) -> str:
    """Return the name of the audit stream of a cycle."""
    return f"cycle:{cycle_id}"


def moves_of(cycle: Any) -> Select[Any]:
    """Return the statement that counts the moves that the appraisals of a cycle have made; `cycle` is its id."""
    return select(func.coalesce(func.sum(APPRAISAL.c.version), 0)).where(APPRAISAL.c.cycle_id == cycle)


@use_case("cycle.propose")
def propose(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, moves_seen: int | None = None) -> Proposal:
    """Put the result table of an open cycle before the approver (domain.md, section 5); by HR.

    `moves_seen`, where given, is how many moves its appraisals had made when the actor looked at them.

    Raises:
        NotFound: there is no such cycle.
        Refused: the actor is no HR officer, the cycle is not open, or appraisals are neither closed, on hold nor under
            appeal; the sentence says how many and where.
        Conflict: somebody changed the cycle at the same moment, or an appraisal moved since the actor looked, such as
            by a late answer or appeal.
    """
    with uow.write() as tx:
        row = naming.cycle(tx, cycle)
        roles = granted_roles(tx, actor.person_id, today(tx, now))
        lifecycle = lifecycle_of(tx, row.workflow_id)
        _decide_proposal(tx, row, lifecycle, roles)
        carried = tuple(found.id for found in tx.all(_NOT_CLOSED, {"cycle": row.id}))
        table = proposed_table(tx, row.id, frozenset(carried))
        if not table.rows and (year := load_year(tx, row.id)) is not None:
            demand_complete(tx, row, year, today(tx, now))
        _demand_seen(tx, row, moves_seen)
        advance(tx, row, CycleState.PROPOSED)
        return put_forward(tx, row, table, kind="proposed", actor=actor, now=now, facts={"carried": list(carried)})


def _demand_seen(tx: Transaction, row: Row[Any], moves_seen: int | None) -> None:
    """Let pass only who looked at what is there now; asked last, so that nothing moved while the table was made."""
    if moves_seen is None:
        return
    moves = int(tx.scalar(moves_of(row.id)))
    if moves != moves_seen:
        raise Conflict(
            f"The appraisals of {row.code} have moved since you looked (they made {moves} moves, you saw {moves_seen});"
            f" look again with `appraise cycle status {row.code}` and propose what you then see.",
            "stale",
        )


def _decide_proposal(tx: Transaction, row: Row[Any], lifecycle: Lifecycle, roles: frozenset[str]) -> None:
    stages = {found.stage: found.number for found in tx.all(_STAGES, {"cycle": row.id})}
    carried = {stage.id for stage in lifecycle.stages if stage.holder == Role.DECIDER}
    held = held_by_stage(tx, row.id)
    left = {stage: number - held.get(stage, 0) for stage, number in stages.items() if stage not in carried}
    unfinished = {stage: number for stage, number in left.items() if number}
    unopened = tx.scalar(_UNOPENED, {"cycle": row.id})
    try:
        decide_cycle(row.state, "propose", roles=roles, own_proposal=False, unfinished=sum(unfinished.values()))
    except NotAllowed as error:
        if error.code != "all-finished":
            raise
        where = ", ".join(
            f"{unfinished[stage.id]} in “{stage.title['en']}”" for stage in lifecycle.stages if stage.id in unfinished
        )
        raise Refused(f"{error} Still to do: {where}.", error.code) from error
    if unopened:
        noun = "assignment" if unopened == 1 else "assignments"
        raise Refused(
            f"{unopened} {noun} of the roster of {row.code} could not be opened and would be missing; "
            f"`appraise cycle status {row.code}` shows them: open or withdraw them first.",
            "not-opened",
        )


def put_forward(
    tx: Transaction,
    row: Row[Any],
    table: Summary,
    *,
    kind: str,
    actor: Actor,
    now: dt.datetime,
    facts: Mapping[str, Sequence[int]],
) -> Proposal:
    """Write a proposal and its event; `facts` are lists of appraisal ids that the event carries besides."""
    if actor.person_id is None:
        raise Refused("Only a person puts a result table forward.", "not-yours")
    number = (tx.scalar(_HIGHEST, {"cycle": row.id}) or 0) + 1
    tx.insert(
        PROPOSAL,
        {
            "cycle_id": row.id,
            "number": number,
            "digest": table.digest,
            "rows": table.rows,
            "proposed_by": actor.person_id,
            "proposed_at": now,
        },
    )
    figures = {"rows": table.rows, "rated": table.rated, "persons": table.persons}
    append_event(
        tx,
        stream(row.id),
        kind,
        actor=actor,
        at=now,
        payload={"number": number, "table": table.digest, **figures, **facts},
    )
    ask_for_signature(tx, row.id, number, proposed_by=actor, now=now)
    return Proposal(row.code, number, table.digest, **figures, carried=len(facts.get("carried", ())))


@use_case("cycle.refuse")
def refuse(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, reason: str) -> None:
    """Refuse the proposed table with a reason; the cycle is open again and no result was written. By the approver.

    Raises:
        NotFound: there is no such cycle.
        Refused: nothing is proposed, the reason is missing, or the actor is not the approver.
    """
    with uow.write() as tx:
        row = naming.cycle(tx, cycle)
        roles = granted_roles(tx, actor.person_id, today(tx, now))
        decide_cycle(row.state, "refuse", roles=roles, own_proposal=False, reason=bool(reason.strip()))
        pending = last_proposal(tx, row.id, "proposed")
        stored = store_text(tx, reason)
        payload = {"number": pending.number, "reason": None if stored is None else [stored.id, stored.digest]}
        advance(tx, row, CycleState.OPEN)
        append_event(tx, stream(row.id), "refused", actor=actor, at=now, payload=payload)


@use_case("cycle.approve")
def approve(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, digest: str | None = None, chunk: int = CHUNK
) -> Approved:
    """Sign the proposed table: what lies there must be what was proposed, then its final rows are owed to the jobs.

    The actor is the approver and did not propose the table. `digest`, where given, is that of the table before him;
    `chunk` is how many appraisals a job writes at once, at least 1.

    Raises:
        NotFound: there is no such cycle.
        Refused: nothing is proposed, the actor is not the approver, or proposed it himself.
        Conflict: the table has another digest than was proposed or given, or somebody was faster.
    """
    with uow.write() as tx:
        row = naming.cycle(tx, cycle)
        roles = granted_roles(tx, actor.person_id, today(tx, now))
        pending = None if row.state != CycleState.PROPOSED else last_proposal(tx, row.id, "proposed")
        decide_cycle(row.state, "approve", roles=roles, own_proposal=pending is not None and pending.own(actor))
        pending = pending or last_proposal(tx, row.id, "proposed")
        table = proposed_table(tx, row.id, frozenset(pending.carried))
        demand_same(cycle, pending, table, digest)
        advance(tx, row, CycleState.FINALISING)
        payload = {"number": pending.number, "table": table.digest}
        append_event(tx, stream(row.id), "approved", actor=actor, at=now, payload=payload)
        ranges = _ranges(tx, row.id, frozenset(pending.carried), chunk)
        runs = {
            f"finalise/{row.id}/{first}": {"cycle_id": row.id, "first": first, "last": last} for first, last in ranges
        }
        owe_jobs(tx, name="cycle.finalise-chunk", runs=runs, now=now)
        if not ranges:
            owe_completion(tx, row.id, now)
    return Approved(row.id, table.digest, ranges)


def demand_same(cycle: str, pending: Pending, table: Summary, digest: str | None) -> None:
    """Let pass only the table that was proposed and that the approver has seen.

    Raises:
        Conflict: it is another.
    """
    if digest is not None and digest != pending.digest:
        raise Conflict(
            f"The table before you is not the one proposed for {cycle} (number {pending.number}, check "
            f"number {pending.digest[:12]}); look again and sign that one.",
            "other-table",
        )
    if table.digest != pending.digest:
        raise Conflict(
            f"The results of {cycle} are no longer those that were proposed; refuse the proposal, run "
            "`appraise audit verify` and have it proposed anew.",
            "table-changed",
        )


def owe_completion(tx: Transaction, cycle_id: int, now: dt.datetime) -> None:
    """Owe the last step, once however often it is said."""
    owe_job(tx, name="cycle.complete", args={"cycle_id": cycle_id}, dedupe_key=f"complete/{cycle_id}", now=now)


def last_proposal(tx: Transaction, cycle_id: int, kind: str) -> Pending:
    """Return the last proposal of a cycle; `kind` is that of its event.

    Raises:
        Refused: there is none.
    """
    row = tx.first(_LATEST, {"cycle": cycle_id, "stream": stream(cycle_id), "kind": kind})
    if row is None:
        raise Refused("No result table has been proposed.", "not-proposed")
    people = {row.proposed_by, row.actor_id, row.on_behalf_of} - {None}
    facts = json.loads(row.payload)
    left = facts.get("carried", facts.get("appraisals", ()))
    return Pending(row.number, row.digest, row.rows, frozenset(people), tuple(left))


def _ranges(tx: Transaction, cycle_id: int, carried: Collection[int], chunk: int) -> tuple[tuple[int, int], ...]:
    """Return the first and the last id of each chunk of the table's appraisals; the ids are never all in memory."""
    ids = (row.id for row in tx.stream(_CLOSED, {"cycle": cycle_id}) if row.id not in carried)
    found = []
    while part := list(islice(ids, chunk)):
        found.append((part[0], part[-1]))
    return tuple(found)
