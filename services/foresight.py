"""What a tick would do, for whom and why, without doing it: reminders that are due and deadlines that are over."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.outbox import Job, Message
from models.people import Person
from services import missed, reminders
from services.audit import stamp
from services.definitions import lifecycle_of
from services.errors import Refused
from services.outbox import Promise
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState

JOB = table_of(Job)
MESSAGE = table_of(Message)
PERSON = table_of(Person)

_PROMISED = select(MESSAGE.c.dedupe_key).where(MESSAGE.c.dedupe_key.in_(bindparam("keys", expanding=True)))
_RUNS = select(JOB.c.dedupe_key, JOB.c.due_at).where(JOB.c.dedupe_key.in_(bindparam("keys", expanding=True)))
_PEOPLE = select(PERSON.c.id, PERSON.c.number, PERSON.c.name).where(PERSON.c.id.in_(bindparam("ids", expanding=True)))
_PAGE = 400


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One thing that would be done: `what` is a kind of message or an act, `why` a sentence, `due_at` what it is about.

    `number` and `name` are of whom it is for: who would be told, whose part would be passed on, whose turn would end;
    `to` is the employee number of who would take a part.
    """

    item: str
    what: str
    number: str
    name: str
    why: str
    due_at: dt.datetime | None
    to: str | None = None


def foresee(uow: UnitOfWork, *, now: dt.datetime) -> tuple[Foreseen, ...]:
    """Return what would be done up to `now`, in the order of the work items; nothing is written."""
    found: list[tuple[Row[Any], str, str, int | None]] = []
    with uow.read() as tx:
        rows = tx.all(reminders.WAITING, {"now": now})
        for start in range(0, len(rows), _PAGE):
            found += _of_page(tx, rows[start : start + _PAGE], now)
        ids = {row.holder_id for row, *_ in found} | {to for *_, to in found if to is not None}
        people: Mapping[int, Row[Any]] = {row.id: row for row in tx.all(_PEOPLE, {"ids": sorted(ids)})}
    return tuple(
        Foreseen(
            f"W{row.id}",
            what,
            people[row.holder_id].number,
            people[row.holder_id].name,
            why,
            row.due_at,
            None if to is None else people[to].number,
        )
        for row, what, why, to in found
    )


def _of_page(tx: Transaction, page: Any, now: dt.datetime) -> list[tuple[Row[Any], str, str, int | None]]:
    office = reminders.office_of(tx, page)
    protected = reminders.protected(tx, page, office.local_day(now))
    send: list[tuple[Row[Any], Promise]] = []
    over: dict[str, Row[Any]] = {}
    for row in page:
        if row.cycle_state == CycleState.CANCELLED:
            continue
        lifecycle = lifecycle_of(tx, row.workflow_id, row.workflow_digest)
        absent = row.holder_id in protected
        promises, _, _ = reminders.of_item(row, lifecycle, office, now, absent=absent)
        send += [(row, promise) for promise in promises]
        if reminders.runs_out(row, lifecycle, now, absent=absent):
            over[reminders.run_key(row)] = row
    promised = {row.dedupe_key for row in tx.all(_PROMISED, {"keys": [one.dedupe_key for _, one in send]})}
    done = {row.dedupe_key for row in tx.all(_RUNS, {"keys": list(over)}) if row.due_at is None}
    found = [
        (row, promise.kind, _SAID.get(promise.kind, "it is his turn"), None)
        for row, promise in send
        if promise.dedupe_key not in promised
    ]
    return found + [one for key, row in over.items() if key not in done for one in _run_out(tx, row, now)]


_SAID = {
    "due-soon": "the deadline is near",
    "due-today": "the deadline is today",
    "overdue": "the deadline is over",
    "released": "a result is released to him",
    "returned": "it was returned to him",
    "objection-made": "an objection waits for him",
    "passed-upward": "it was passed on to him",
}


def _run_out(tx: Transaction, row: Row[Any], now: dt.datetime) -> list[tuple[Row[Any], str, str, int | None]]:
    try:
        found = missed.look(tx, row.id, now)
    except Refused as error:
        return [(row, "holds", error.sentence, None)]
    if found is None:
        return []
    if found.until is not None:
        return [(row, "more-time", f"days away do not count: until {stamp(found.until)}", None)]
    if found.action is None:
        return [(row, "holds", f"it stays owed ({found.why or found.policy})", None)]
    return [(row, found.action, f"the days of “{found.stage}” are over ({found.policy})", found.to)]
