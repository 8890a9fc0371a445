"""Showing a chain to those who may read it: the moves of an appraisal, or the events of a stream.

Who runs a cycle reads nothing of what an event says about himself or his superiors (domain.md, section 5).
"""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.cycles import Cycle
from models.findings import Finding
from models.people import Person
from services.access import APPRAISAL, ASSIGNMENT, granted_roles, superiors_of
from services.actors import Actor
from services.audit import EVENT, MOVE
from services.errors import Malformed, NotFound, Refused
from services.grants import today
from services.ledger_rows import finding_line
from services.sight import sight
from services.standing import load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

CYCLE = table_of(Cycle)
FINDING = table_of(Finding)
PERSON = table_of(Person)
_BEHALF = PERSON.alias("behalf")

_STREAM = re.compile(r"org|refusals|checkpoints|(?:cycle|ledger|notice):[1-9][0-9]{0,17}")
_READERS = frozenset({Role.AUDITOR, Role.APPROVER, Role.HR, Role.SYSTEM})
_FULL = frozenset({Role.AUDITOR, Role.APPROVER, Role.SYSTEM})


def _with_people(table: Any) -> Any:
    return (
        select(table, PERSON.c.number.label("actor"), _BEHALF.c.number.label("behalf"))
        .outerjoin(PERSON, PERSON.c.id == table.c.actor_id)
        .outerjoin(_BEHALF, _BEHALF.c.id == table.c.on_behalf_of)
        .order_by(table.c.seq)
    )


_EVENTS = _with_people(EVENT).where(EVENT.c.stream == bindparam("stream"))
_MOVES = _with_people(MOVE).where(MOVE.c.appraisal_id == bindparam("appraisal"))
_CYCLE = select(CYCLE.c.id).where(CYCLE.c.code == bindparam("code"))
_HOLDER_OF = select(ASSIGNMENT.c.person_id).where(ASSIGNMENT.c.id == bindparam("id"))
_PEOPLE: Any = bindparam("people", expanding=True)
_NUMBERS = select(PERSON.c.number).where(PERSON.c.id.in_(_PEOPLE))
_APPRAISALS = select(APPRAISAL.c.id).where(APPRAISAL.c.person_id.in_(_PEOPLE))
_FINDINGS = (
    select(FINDING.c.id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == FINDING.c.assignment_id)
    .where(ASSIGNMENT.c.person_id.in_(_PEOPLE))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a chain. `payload` is None where the viewer may know that something happened and no more."""

    seq: int
    what: str
    actor: str | None
    on_behalf_of: str | None
    at: dt.datetime
    payload: Mapping[str, Any] | None
    key_id: str
    mac: str


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a chain: what follows behind the number `after`, at most `limit` entries; or its newest ones."""

    after: int = 0
    limit: int | None = None
    newest: bool = False


_WHOLE = Span()


@use_case("audit.show")
def show(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, name: str, span: Span = _WHOLE) -> tuple[Entry, ...]:
    """Return the chain of an appraisal (`2026Q1/1007`) or of a stream, or a part of it, always the oldest first.

    A stream is `org`, `cycle:2026Q1`, `ledger:31`, `refusals` or `checkpoints`. An appraisal's moves are shown to
    whoever may see the appraisal, what they carry only with the judgement; streams to auditors, the approver and HR.

    Raises:
        Malformed: the name has no such form.
        NotFound: there is no such chain, or it is not the viewer's to see.
        Refused: the viewer may not read streams.
    """
    with uow.read() as tx:
        if "/" in name:
            return _moves(tx, viewer, now, name, span)
        return _events(tx, viewer, now, _stream(tx, name), span)


def _part(tx: Transaction, statement: Any, table: Any, values: Mapping[str, Any], span: Span) -> Sequence[Row[Any]]:
    part = statement.where(table.c.seq > span.after)
    if span.newest:
        part = part.order_by(None).order_by(table.c.seq.desc())
    if span.limit is not None:
        part = part.limit(span.limit)
    rows = tx.all(part, values)
    return rows[::-1] if span.newest else rows


def _stream(tx: Transaction, name: str) -> str:
    kind, _, code = name.partition(":")
    if kind == "cycle" and (found := tx.scalar(_CYCLE, {"code": code})) is not None:
        return f"cycle:{found}"
    if _STREAM.fullmatch(name) is None:
        raise Malformed(
            f"{name!r} names no chain; write an appraisal such as 2026Q1/1007, or org, cycle:2026Q1, ledger:31, "
            "refusals or checkpoints.",
            "bad-code",
        )
    return name


def _moves(tx: Transaction, viewer: Actor, now: dt.datetime, name: str, span: Span) -> tuple[Entry, ...]:
    standing = load(tx, [name], viewer, now)[0]
    seen = sight(tx, standing, viewer, standing.today)
    if not seen.facts:
        raise NotFound(f"There is no appraisal {name}, or it is not yours to see.", "not-yours")
    rows = _part(tx, _MOVES, MOVE, {"appraisal": standing.id}, span)
    return tuple(_entry(row, f"{row.from_stage} -> {row.to_stage}: {row.action}", shown=seen.judgement) for row in rows)


def _events(tx: Transaction, viewer: Actor, now: dt.datetime, stream: str, span: Span) -> tuple[Entry, ...]:
    on = today(tx, now)
    granted = granted_roles(tx, viewer.person_id, on)
    if granted.isdisjoint(_READERS):
        raise Refused("Only auditors, the approver and HR read the audit streams.", "not-granted")
    hidden: frozenset[int] = frozenset()
    # Whoever types for an auditor or the approver reads no more of himself and his superiors than an HR officer does.
    looking = viewer.person_id if granted.isdisjoint(_FULL) else viewer.typed_by
    if looking is not None:
        hidden = superiors_of(tx, looking, on) | {looking}
    kind, _, number = stream.partition(":")
    if kind == "ledger" and hidden and tx.scalar(_HOLDER_OF, {"id": int(number)}) in hidden:
        raise NotFound(f"There is no stream {stream}, or it is not yours to see.", "not-yours")
    rows = _part(tx, _EVENTS, EVENT, {"stream": stream}, span)
    if not rows and not span.after:
        raise NotFound(f"There is no stream {stream}, or it is not yours to see.", "unknown-stream")
    names = _names_of(tx, hidden)
    return tuple(_entry(row, row.kind, shown=names.isdisjoint(_named(json.loads(row.payload)))) for row in rows)


def _names_of(tx: Transaction, people: frozenset[int]) -> frozenset[int | str]:
    """Return the numbers, appraisals (by id) and findings by which events and refusals name these people."""
    if not people:
        return frozenset()
    who = {"people": sorted(people)}
    findings = (finding_line(row.id) for row in tx.all(_FINDINGS, who))
    return frozenset(
        (*(row.number for row in tx.all(_NUMBERS, who)), *(row.id for row in tx.all(_APPRAISALS, who)), *findings)
    )


def _named(payload: Mapping[str, Any]) -> frozenset[int | str]:
    """Return what an event names of people: an appraisal by id, or what somebody typed and was refused."""
    appraisal = payload.get("appraisal")
    if isinstance(appraisal, int):
        return frozenset({appraisal})
    if isinstance(many := payload.get("appraisals"), list):
        return frozenset(many)
    typed = (str(appraisal or "").partition("/")[2], str(payload.get("number", "")))
    return frozenset((*(name.partition("@")[0] for name in typed), str(payload.get("finding", "")).upper()))


def _entry(row: Row[Any], what: str, *, shown: bool) -> Entry:
    return Entry(
        seq=row.seq,
        what=what,
        actor=row.actor,
        on_behalf_of=row.behalf,
        at=row.at,
        payload=json.loads(row.payload) if shown else None,
        key_id=row.key_id,
        mac=row.mac,
    )
