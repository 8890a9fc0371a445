"""What was on hold or under appeal when its cycle was proposed enters later, as a revision of the table.

It takes the same two: HR puts the appraisals that closed meanwhile forward, the approver signs them by their digest.
"""

import datetime as dt
import json
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, select

from models.columns import table_of
from models.history import Event
from services import naming, person_results
from services.actors import Actor
from services.audit import append_event
from services.errors import Conflict, Refused
from services.final_rows import write_late
from services.finalising import Proposal, demand_same, last_proposal, put_forward, stream
from services.grants import demand
from services.person_results import APPRAISAL, FINAL
from services.result_table import late_table, late_written
from services.unit_of_work import UnitOfWork, use_case
from workflow.vocabulary import LAST_STAGE, CycleState, Role

EVENT = table_of(Event)

_LATE = (
    select(APPRAISAL.c.id)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        APPRAISAL.c.stage == LAST_STAGE,
        ~exists(select(FINAL.c.id).where(FINAL.c.appraisal_id == APPRAISAL.c.id)),
    )
    .order_by(APPRAISAL.c.id)
)
_PEOPLE = select(APPRAISAL.c.person_id).where(APPRAISAL.c.id.in_(bindparam("appraisals", expanding=True))).distinct()
_LAST = (
    select(EVENT.c.kind, EVENT.c.payload)
    .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind.in_(("late-proposed", "late-entered")))
    .order_by(EVENT.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Entered:
    """What entered late: how many appraisals, and how many people have a result, or a new one, by it."""

    rows: int
    persons: int
    digest: str


@use_case("cycle.propose-late")
def propose_late(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str) -> Proposal:
    """Put forward the appraisals of a final cycle that closed after its proposal; by HR. A later one replaces it.

    Raises:
        NotFound: there is no such cycle.
        Refused: the cycle is not final, nothing is waiting to enter, or the actor is no HR officer.
    """
    with uow.write() as tx:
        row = naming.cycle(tx, cycle)
        demand(tx, actor, now, (Role.HR,), "propose a result table")
        if row.state != CycleState.FINAL:
            raise Refused(f"The cycle {cycle} is {row.state}; what closes late enters once it is final.", "not-final")
        waiting = [found.id for found in tx.all(_LATE, {"cycle": row.id})]
        if not waiting:
            raise Refused(f"Nothing of {cycle} has closed since its table was proposed.", "nothing-late")
        table = late_table(tx, row.id, waiting)
        facts = {"appraisals": waiting}
        return put_forward(tx, row, table, kind="late-proposed", actor=actor, now=now, facts=facts)


@use_case("cycle.enter-late")
def enter_late(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, digest: str | None = None) -> Entered:
    """Sign what was put forward: its final rows and the results of its people are written at once; by the approver.

    Raises:
        NotFound: there is no such cycle.
        Refused: nothing is put forward, or the actor is not the approver or put it forward himself.
        Conflict: the rows are not those that were put forward or seen.
    """
    with uow.write() as tx:
        row = naming.cycle(tx, cycle)
        demand(tx, actor, now, (Role.APPROVER,), "sign a result table")
        last = tx.first(_LAST, {"stream": stream(row.id)})
        if last is None or last.kind != "late-proposed":
            raise Refused(f"Nothing of {cycle} is put forward to enter late.", "not-proposed")
        pending = last_proposal(tx, row.id, "late-proposed")
        if actor.person_id is None or pending.own(actor):
            raise Refused("You proposed this result table; somebody else must sign it.", "not-own-proposal")
        appraisals = list(json.loads(last.payload)["appraisals"])
        table = late_table(tx, row.id, appraisals)
        demand_same(cycle, pending, table, digest)
        write_late(tx, row.id, appraisals, now)
        written = late_written(tx, row.id, appraisals)
        if written.digest != table.digest:
            raise Conflict(
                f"The rows written for {cycle} are not those that were signed; nothing entered. "
                "Run `appraise audit verify`.",
                "table-changed",
            )
        people = [found.person_id for found in tx.all(_PEOPLE, {"appraisals": appraisals})]
        results = person_results.revise(tx, row, people, now=now)
        payload = {
            "number": pending.number,
            "table": table.digest,
            "appraisals": appraisals,
            "rows": table.rows,
            "results": results,
        }
        append_event(tx, stream(row.id), "late-entered", actor=actor, at=now, payload=payload)
    return Entered(table.rows, len(results), table.digest)
