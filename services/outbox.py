"""What is owed is written in the transaction that came to owe it: messages to people and jobs by name (G1, G5).

A promise is a row with a dedupe key made from the business identity of the obligation, so that making it twice changes
nothing. `now` is business time and is only kept; when a row may be tried is by the database's clock.
"""

import datetime as dt
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Insert, Select, Table, bindparam, func, literal, select, true
from sqlalchemy.dialects import postgresql, sqlite

from models.columns import UtcDateTime, table_of
from models.outbox import Job, Message
from models.prepared import Prepared
from services import mail_habits
from services.database_clock import database_now, wall_time
from services.messages import Way, kind_of
from services.unit_of_work import Transaction

JOB = table_of(Job)
MESSAGE = table_of(Message)


_WHEN = func.coalesce(bindparam("not_before", type_=UtcDateTime()), database_now(), type_=UtcDateTime())


def _once(table: Table, constants: Mapping[str, Any], given: Sequence[str], due: Any = _WHEN) -> Mapping[str, Prepared]:
    values = {**constants, "due_at": due, "attempt": 0, "fence": 0}
    values.update({name: bindparam(name, type_=table.c[name].type) for name in given})
    return {
        dialect: Prepared(module.insert(table).values(values).on_conflict_do_nothing(index_elements=["dedupe_key"]))
        for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
    }


_MESSAGE_GIVEN = (
    "dedupe_key",
    "kind",
    "person_id",
    "work_item_id",
    "appraisal_id",
    "finding_id",
    "payload",
    "policy",
    "created_at",
)
_PROMISE = _once(MESSAGE, {"state": "queued"}, _MESSAGE_GIVEN)
_PROMISE_LINE = _once(MESSAGE, {"state": "queued"}, _MESSAGE_GIVEN, due=None)
_SUPERSEDED = {
    dialect: module.insert(MESSAGE)
    .values(
        state="cancelled",
        error="superseded",
        attempt=0,
        fence=0,
        **{name: bindparam(name, type_=MESSAGE.c[name].type) for name in _MESSAGE_GIVEN},
    )
    .on_conflict_do_nothing(index_elements=["dedupe_key"])
    .execution_options(preserve_rowcount=True)
    for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_OWE = _once(JOB, {"state": "due"}, ("dedupe_key", "name", "args", "created_at"))
_OPEN_JOBS = select(JOB.c.name, func.count().label("owed")).where(
    JOB.c.due_at.is_not(None), JOB.c.due_at <= bindparam("wall")
)
_DUE_JOBS = _OPEN_JOBS.group_by(JOB.c.name).order_by(JOB.c.name)
_DUE_MESSAGES = (
    select(func.count())
    .select_from(MESSAGE)
    .where(MESSAGE.c.due_at.is_not(None), MESSAGE.c.due_at <= bindparam("wall"))
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One message to one person, about at most one work item, appraisal or finding.

    `payload` holds ids, codes and days, never names, amounts or scores.
    """

    kind: str
    person_id: int
    dedupe_key: str
    work_item_id: int | None = None
    appraisal_id: int | None = None
    finding_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


def promise(
    tx: Transaction,
    *,
    kind: str,
    person_id: int,
    dedupe_key: str,
    now: dt.datetime,
    work_item_id: int | None = None,
    appraisal_id: int | None = None,
    finding_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Promise one message; a promise with the same `dedupe_key` was made already and stays as it is.

    Raises:
        Malformed: the kind is not in `services.messages.KINDS`.
    """
    one = Promise(kind, person_id, dedupe_key, work_item_id, appraisal_id, finding_id, payload or {})
    promise_many(tx, [one], now=now)


def promise_many(tx: Transaction, promises: Sequence[Promise], *, now: dt.datetime) -> int:
    """Promise messages, as `promise` does; return how many had not been promised before.

    What goes by digest waits without a moment of its own until `services.digests` promises the mail that holds it.
    """
    if not promises:
        return 0
    rows = [(kind_of(one.kind).way, row) for one, row in zip(promises, _rows(tx, promises, now), strict=True)]
    lines = [row for way, row in rows if way == Way.DIGEST]
    mails = [{**row, "not_before": None} for way, row in rows if way == Way.AT_ONCE]
    noted, made = tx.run_all((_PROMISE_LINE[tx.dialect], lines), (_PROMISE[tx.dialect], mails))
    if made:
        tx.ring()
    return noted + made


def promise_selected(
    tx: Transaction,
    source: Select[Any],
    values: Mapping[str, Any],
    *,
    kind: str,
    payload: Mapping[str, Any],
    now: dt.datetime,
) -> int:
    """Promise a mail to each person that a select of `person_id` and `dedupe_key` yields; of a kind that goes at once.

    `values` are those of the select. One statement, however many they are; returns how many had not been promised.
    """
    given = {
        "kind": kind,
        "payload": _json(payload),
        "policy": mail_habits.of(tx).policy_of(kind_of(kind)),
        "created_at": now,
    }
    made = tx.run(_selected(source)[tx.dialect], {**values, **given})
    if made:
        tx.ring()
    return made


_SAME_FOR_ALL = ("kind", "payload", "policy", "created_at")


@functools.cache
def _selected(source: Select[Any]) -> Mapping[str, Insert]:
    owed = source.subquery()
    columns: dict[str, Any] = {"dedupe_key": owed.c.dedupe_key, "person_id": owed.c.person_id}
    columns |= {name: bindparam(name, type_=MESSAGE.c[name].type) for name in _SAME_FOR_ALL}
    columns |= {"state": literal("queued"), "due_at": database_now(), "attempt": literal(0), "fence": literal(0)}
    # SQLite takes ON CONFLICT behind a select only where the select has a WHERE.
    rows = select(*columns.values()).where(true())
    return {
        dialect: module.insert(MESSAGE)
        .from_select(list(columns), rows, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
    }


def note_superseded(tx: Transaction, promises: Sequence[Promise], *, now: dt.datetime) -> int:
    """Keep a cancelled row of each message whose time passed while nobody planned: never silent (G4)."""
    if not promises:
        return 0
    return tx.run(_SUPERSEDED[tx.dialect], _rows(tx, promises, now))


def _rows(tx: Transaction, promises: Sequence[Promise], now: dt.datetime) -> list[dict[str, Any]]:
    habits = mail_habits.of(tx)
    policies = {kind: habits.policy_of(kind_of(kind)) for kind in {one.kind for one in promises}}
    return [
        {
            "dedupe_key": one.dedupe_key,
            "kind": one.kind,
            "person_id": one.person_id,
            "work_item_id": one.work_item_id,
            "appraisal_id": one.appraisal_id,
            "finding_id": one.finding_id,
            "payload": _json(one.payload) if one.payload else "{}",
            "policy": policies[one.kind],
            "created_at": now,
        }
        for one in promises
    ]


def owe_job(
    tx: Transaction,
    *,
    name: str,
    args: Mapping[str, Any],
    dedupe_key: str,
    now: dt.datetime,
    due_at: dt.datetime | None = None,
) -> None:
    """Owe one run of the job `name` (a row of `tasks.jobs`) with JSON `args`; the same `dedupe_key` twice is once.

    `due_at` is by the database's clock; empty is at once.
    """
    owe_jobs(tx, name=name, runs={dedupe_key: args}, now=now, due_at=due_at)


def owe_jobs(
    tx: Transaction,
    *,
    name: str,
    runs: Mapping[str, Mapping[str, Any]],
    now: dt.datetime,
    due_at: dt.datetime | None = None,
) -> None:
    """Owe many runs of a job in one statement; `runs` gives the arguments of each by its dedupe key. As `owe_job`."""
    rows = [
        {"dedupe_key": key, "name": name, "args": _json(args), "created_at": now, "not_before": due_at}
        for key, args in runs.items()
    ]
    if rows:
        tx.run_all((_OWE[tx.dialect], rows))
        tx.ring()


def due_jobs(tx: Transaction, wall: dt.datetime | None = None) -> Mapping[str, int]:
    """Return how many runs of each job may be tried now, or were claimed under a lease that is over."""
    return {row.name: row.owed for row in tx.all(_DUE_JOBS, {"wall": wall_time(tx, wall)})}


def due_messages(tx: Transaction, wall: dt.datetime | None = None) -> int:
    """Return how many messages may be tried now, or were claimed under a lease that is over."""
    return int(tx.scalar(_DUE_MESSAGES, {"wall": wall_time(tx, wall)}))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
