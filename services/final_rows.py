"""Writing the final rows of a signed table: set-based chunks that may run twice, then one step that makes it final.

Results are inserted and the cycle moves; no appraisal does. What was written must have the digest that was signed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, exists, func, insert, null, select

from models.appraisals import FinalItem, ScoreItem
from models.columns import BIGINT, UtcDateTime, table_of
from models.cycles import Cycle
from services import person_results
from services.actors import SYSTEM
from services.audit import append_event
from services.cycles import advance
from services.errors import Conflict, NotFound, Refused
from services.finalising import last_proposal, owe_completion, stream
from services.person_results import APPRAISAL, FINAL, SCORE, SCORE_IN_FORCE
from services.result_table import FIGURES, INPUT_DIGEST, written_table
from services.unit_of_work import Transaction, UnitOfWork
from workflow.cycle import decide_cycle
from workflow.vocabulary import LAST_STAGE, CycleState, Role

CYCLE = table_of(Cycle)
FINAL_ITEM = table_of(FinalItem)
SCORE_ITEM = table_of(ScoreItem)

LATE_REVISION = 2
"""What enters after the approval is a revision of the table: its first had no row of it."""

_CYCLE = select(CYCLE).where(CYCLE.c.id == bindparam("cycle"))
_LOCKED = _CYCLE.with_for_update(key_share=True)
_WRITTEN = select(func.count()).where(FINAL.c.cycle_id == bindparam("cycle"))
_FINAL_COLUMNS = (
    "cycle_id",
    "appraisal_id",
    "revision",
    "outcome",
    "total",
    "maximum",
    "grade",
    "score_id",
    "input_digest",
    "supersedes_id",
    "reason_id",
    "at",
)
_ALREADY = FINAL.alias("already")


def _figures() -> Select[Any]:
    return (
        select(
            APPRAISAL.c.cycle_id,
            APPRAISAL.c.id,
            bindparam("revision", type_=BIGINT),
            APPRAISAL.c.outcome,
            SCORE.c.total,
            SCORE.c.maximum,
            SCORE.c.grade,
            SCORE.c.id,
            INPUT_DIGEST,
            null(),
            null(),
            bindparam("at", type_=UtcDateTime()),
        )
        .select_from(APPRAISAL.outerjoin(SCORE, SCORE_IN_FORCE))
        .where(
            APPRAISAL.c.cycle_id == bindparam("cycle"),
            APPRAISAL.c.stage == LAST_STAGE,
            ~exists(select(_ALREADY.c.id).where(_ALREADY.c.appraisal_id == APPRAISAL.c.id)),
        )
        .order_by(APPRAISAL.c.unit_no, APPRAISAL.c.id)
    )


def _items() -> Select[Any]:
    return (
        select(FINAL.c.id, SCORE_ITEM.c.item, *(SCORE_ITEM.c[name] for name in FIGURES))
        .select_from(FINAL.join(SCORE_ITEM, SCORE_ITEM.c.score_id == FINAL.c.score_id))
        .where(
            FINAL.c.cycle_id == bindparam("cycle"),
            FINAL.c.revision == bindparam("revision"),
            ~exists(select(FINAL_ITEM.c.id).where(FINAL_ITEM.c.final_id == FINAL.c.id)),
        )
        .order_by(FINAL.c.id, SCORE_ITEM.c.id)
    )


_ITEM_COLUMNS = ("final_id", "item", *FIGURES)
_IN_RANGE = and_(
    APPRAISAL.c.id.between(bindparam("first"), bindparam("last")),
    APPRAISAL.c.id.not_in(bindparam("carried", expanding=True)),
)
_INSERT_RANGE = insert(FINAL).from_select(_FINAL_COLUMNS, _figures().where(_IN_RANGE), include_defaults=False)
_INSERT_RANGE_ITEMS = insert(FINAL_ITEM).from_select(
    _ITEM_COLUMNS,
    _items().where(FINAL.c.appraisal_id.between(bindparam("first"), bindparam("last"))),
    include_defaults=False,
)
_SOME: BindParameter[Any] = bindparam("appraisals", expanding=True)
_INSERT_SOME = insert(FINAL).from_select(
    _FINAL_COLUMNS, _figures().where(APPRAISAL.c.id.in_(_SOME)), include_defaults=False
)
_INSERT_SOME_ITEMS = insert(FINAL_ITEM).from_select(
    _ITEM_COLUMNS, _items().where(FINAL.c.appraisal_id.in_(_SOME)), include_defaults=False
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a chunk did: rows it wrote, and rows of the table that other chunks have still to write."""

    rows: int
    missing: int


@dataclass(frozen=True, slots=True)
class Completed:
    """A cycle that became final. `new` is False where it had been final before: nothing was changed."""

    rows: int
    persons: int
    digest: str
    new: bool


def finalise_chunk(uow: UnitOfWork, *, now: dt.datetime, cycle_id: int, first: int, last: int) -> Written:
    """Write the final rows of the appraisals with ids from `first` to `last`, both inclusive; a second run adds none.

    Whoever writes the last row of the table owes its completion. At most eight statements.

    Raises:
        NotFound: there is no such cycle.
        Refused: its table is not signed.
    """
    with uow.write() as tx:
        if _signed(tx, cycle_id) == CycleState.FINAL:
            return Written(0, 0)
        pending = last_proposal(tx, cycle_id, "proposed")
        span = {"cycle": cycle_id, "first": first, "last": last, "revision": 1}
        rows = tx.run(_INSERT_RANGE, {**span, "carried": list(pending.carried), "at": now})
        if rows:
            tx.run(_INSERT_RANGE_ITEMS, span)
        # From here to the commit one chunk at a time: of the last two, the second sees the first.
        tx.first(_LOCKED, {"cycle": cycle_id})
        missing = pending.rows - int(tx.scalar(_WRITTEN, {"cycle": cycle_id}) or 0)
        if missing == 0:
            owe_completion(tx, cycle_id, now)
    return Written(rows, missing)


def _signed(tx: Transaction, cycle_id: int) -> str:
    row = tx.first(_CYCLE, {"cycle": cycle_id})
    if row is None:
        raise NotFound(f"There is no cycle with the id {cycle_id}.", "unknown-cycle")
    if row.state not in {CycleState.FINALISING, CycleState.FINAL}:
        raise Refused(f"The cycle {row.code} is {row.state}; its table is not signed.", "not-signed")
    return str(row.state)


def complete(uow: UnitOfWork, *, now: dt.datetime, cycle_id: int) -> Completed:
    """Make a signed cycle final: write each person's result and compare all that was written with what was signed.

    A second run changes nothing.

    Raises:
        NotFound: there is no such cycle.
        Refused: the table is not signed, or rows of it are still to be written.
        Conflict: what was written is not what was signed; nothing becomes final.
    """
    with uow.write() as tx:
        row = tx.first(_LOCKED, {"cycle": cycle_id})
        if row is None or row.state != CycleState.FINALISING:
            _signed(tx, cycle_id)
            pending = last_proposal(tx, cycle_id, "proposed")
            return Completed(pending.rows, 0, pending.digest, new=False)
        decide_cycle(row.state, "complete", roles=frozenset({Role.SYSTEM}), own_proposal=False)
        pending = last_proposal(tx, cycle_id, "proposed")
        table, people = written_table(tx, cycle_id)
        if table.rows < pending.rows:
            raise Refused(
                f"{pending.rows - table.rows} of {pending.rows} rows of {row.code} are still to be written; "
                "the jobs that owe them are at work or have failed.",
                "not-all-written",
            )
        for batch in person_results.batches(people):
            for person in batch:
                table.add(person)
            person_results.write(tx, row, batch, revisions={}, now=now)
        person_results.notify(tx, row, now=now)
        if table.digest != pending.digest:
            raise Conflict(
                f"The rows written for {row.code} are not the table that was signed; nothing became final. "
                "Run `appraise audit verify`.",
                "table-changed",
            )
        advance(tx, row, CycleState.FINAL)
        figures = {"rows": table.rows, "rated": table.rated, "persons": table.persons}
        payload = {"number": pending.number, "table": table.digest, **figures}
        append_event(tx, stream(cycle_id), "final", actor=SYSTEM, at=now, payload=payload)
    return Completed(table.rows, table.persons, table.digest, new=True)


def write_late(tx: Transaction, cycle_id: int, appraisals: Sequence[int], now: dt.datetime) -> int:
    """Write the first final rows of appraisals that closed after the proposal; how many. Two statements."""
    some = {"cycle": cycle_id, "appraisals": list(appraisals), "revision": LATE_REVISION}
    rows = tx.run(_INSERT_SOME, {**some, "at": now})
    tx.run(_INSERT_SOME_ITEMS, some)
    return rows
