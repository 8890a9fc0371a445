"""Scheduled duties: recorded by whoever has them, excused and confirmed by his assessor (reading 4 and 5a)."""

import calendar
import datetime as dt
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from models.columns import table_of
from models.documents import Evidence
from models.findings import DutyRecord, DutySite
from scoring.numbers import to_decimal
from scoring.rubric import Rule
from services.actors import Actor
from services.audit import StoredText, append_event, digest, stamp
from services.errors import Malformed, NotFound, Refused
from services.finding_checks import demand_assessor, demand_person, held_between, held_by_id, held_on
from services.finding_writing import required_text, stream, tell_of_proxy
from services.grants import today
from services.ledger_rows import month_line
from services.ledger_sight import ledger_sight
from services.ledgers import closed, load_ledger, missed_months, state, touch
from services.rubric_in_force import InForce, rubric_in_force
from services.unit_of_work import Transaction, UnitOfWork, use_case

DUTY = table_of(DutyRecord)
EVIDENCE = table_of(Evidence)
SITE = table_of(DutySite)

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ONE = select(DUTY).where(DUTY.c.id == bindparam("id"))
_SITES = select(SITE.c.code, SITE.c.closed_months).order_by(SITE.c.code)
_STANDING = select(DUTY.c.id).where(
    DUTY.c.assignment_id == bindparam("assignment"),
    DUTY.c.rule == bindparam("rule"),
    DUTY.c.month == bindparam("month"),
    DUTY.c.kind == bindparam("kind"),
    DUTY.c.voided_at.is_(None),
)
_VOID = (
    update(DUTY)
    .where(DUTY.c.id == bindparam("record"), DUTY.c.voided_at.is_(None))
    .values(voided_by=bindparam("by"), voided_at=bindparam("at"), void_reason_id=bindparam("reason"))
)


@use_case("duty.record")
def record(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    rule: str,
    month: str,
    day: dt.date,
    evidence: str,
    coverage: Fraction | None = None,
    sites: tuple[str, ...] = (),
    file_sha256: str | None = None,
) -> int:
    """Record that a scheduled duty was done; by the person himself, with evidence. Returns the record's id.

    Args:
        uow: the database.
        actor: the person who has the duty.
        now: the moment; a late entry is possible until the assessor submits.
        number: the employee number, with @POST where there are several posts.
        rule: the rule that the duty belongs to, such as A1.1.
        month: the month it was done for, such as 2026-02.
        day: the day it was done, within that month.
        evidence: where it can be seen that it was done.
        coverage: the share that was inspected, above 0 and up to 1; absent where sites are named.
        sites: the sites that were inspected.
        file_sha256: the SHA-256 of a file of evidence.

    Raises:
        Malformed: the month, the coverage, a digest or the person's name has no such form, or evidence is missing.
        NotFound: there is no such person or site.
        Refused: it is not the actor's duty, the day does not fit, or the ledger is closed.
    """
    _check_month(month)
    _check_extent(coverage, sites)
    if file_sha256 is not None and _SHA256.fullmatch(file_sha256) is None:
        raise Malformed("The digest of the file is not a SHA-256: write 64 hexadecimal digits.", "bad-digest")
    with uow.write() as tx:
        date = today(tx, now)
        person_id = demand_person(tx, actor, date)
        if day > date:
            raise Refused(f"{day} lies in the future; record a duty once it is done.", "future")
        if f"{day:%Y-%m}" != month:
            raise Refused(f"{day} is not in {month}; a duty counts for the month in which it was done.", "other-month")
        held = held_on(tx, number, day)
        if held.person_id != person_id:
            raise Refused("Everybody records his own duties; the assessor excuses or confirms them.", "not-yours")
        _duty_rule(tx, held, day, rule)
        _check_sites(tx, sites, month)
        touch(tx, held.id, day)
        values = _values(held, (rule, month, "done"), actor, now) | {
            "day": day,
            "coverage": coverage,
            "sites": json.dumps(sorted(set(sites)), separators=(",", ":")),
        }
        text = required_text(tx, evidence)
        record_id = _write(tx, values, text, actor=actor, now=now)
        if file_sha256 is not None:
            proof = {"owner_kind": "duty", "owner_id": record_id, "text_id": None, "file_sha256": file_sha256}
            tx.insert(EVIDENCE, {**proof, "added_by": actor.actor_id, "added_at": now})
        return record_id


@use_case("duty.excuse")
def excuse(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, rule: str, month: str, reason: str) -> int:
    """Excuse a month of a scheduled duty, with a reason; by the assessor, never for himself. Returns the record's id.

    Raises:
        Malformed: the month or the person's name has no such form, or there is no reason.
        NotFound: there is no such person.
        Refused: the actor is not the assessor, it is excused already, or the ledger is closed.
    """
    return _decide(uow, actor, now, number=number, rule=rule, month=month, kind="excused", reason=reason)


@use_case("duty.confirm")
def confirm(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, rule: str, month: str, reason: str | None = None
) -> int:
    """Confirm that a month was missed, so that the scores can be submitted; by the assessor. Returns the record's id.

    Raises:
        Malformed: the month or the person's name has no such form.
        NotFound: there is no such person.
        Refused: the actor is not the assessor, the month is not missed or confirmed already, or the ledger is closed.
    """
    return _decide(uow, actor, now, number=number, rule=rule, month=month, kind="confirmed", reason=reason)


@use_case("duty.void")
def void(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, record: int, reason: str) -> None:
    """Void an entry about a duty that was made in error; by the assessor, before submission.

    Raises:
        Malformed: there is no reason.
        NotFound: there is no such entry.
        Refused: it is void already, its ledger is closed, or the actor is not the assessor.
    """
    with uow.write() as tx:
        row, date = tx.first(_ONE, {"id": record}), today(tx, now)
        if row is None:
            raise _unknown(record)
        held = held_by_id(tx, row.assignment_id)
        on = _counted_day(held, row.month)
        at = state(tx, held.id, on)
        if not ledger_sight(tx, at, held.person_id, actor=actor, now=now, today=date).facts:
            raise _unknown(record)
        demand_assessor(tx, actor, held, on, date, doing="void a duty entry")
        touch(tx, held.id, on)
        text = required_text(tx, reason)
        values = {"record": row.id, "by": actor.person_id, "at": now, "reason": text.id}
        if tx.run(_VOID, values) != 1:
            raise Refused(f"The duty entry {record} is void already.", "void")
        changed = {
            **row._asdict(),
            "voided_by": actor.person_id,
            "voided_at": now,
            "void_reason_id": text.id,
        }
        _event(tx, "duty.voided", changed, text, actor=actor, now=now)


def duty_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a duty record's row its latest event vouches for."""
    names = ("assignment_id", "rule", "month", "kind", "sites", "text_id", "recorded_by", "on_behalf_of")
    return {
        **{name: row[name] for name in (*names, "voided_by", "void_reason_id")},
        "day": None if row["day"] is None else row["day"].isoformat(),
        "coverage": None if row["coverage"] is None else str(row["coverage"]),
        "recorded_at": stamp(row["recorded_at"]),
        "voided_at": None if row["voided_at"] is None else stamp(row["voided_at"]),
    }


CONTENT = {"duty": (DUTY, duty_content)}
"""For each id that a payload may hold: its table and the content its digest was made of; the latest event holds."""


def _decide(
    uow: UnitOfWork,
    actor: Actor,
    now: dt.datetime,
    *,
    number: str,
    rule: str,
    month: str,
    kind: str,
    reason: str | None,
) -> int:
    first, last = _check_month(month)
    if kind == "excused" and not (reason and reason.strip()):
        raise Malformed("Excusing a month needs a reason.", "reason")
    with uow.write() as tx:
        date = today(tx, now)
        held = held_between(tx, number, first, last)
        on = _counted_day(held, month)
        doing = "excuse a month" if kind == "excused" else "confirm a missed month"
        actor = demand_assessor(tx, actor, held, on, date, doing=doing)
        force = _duty_rule(tx, held, on, rule)
        if tx.first(_STANDING, {"assignment": held.id, "rule": rule, "month": month, "kind": kind}) is not None:
            raise Refused(f"{month_line(rule, month)} of {held.number} is {kind} already.", "twice")
        at = touch(tx, held.id, on)
        if kind == "confirmed":
            ledger = load_ledger(
                tx,
                assignment_id=held.id,
                period_from=force.period_from,
                period_to=force.period_to,
                calendar=force.rubric.settings.calendar,
                appraisal_id=at.appraisal_id,
            )
            if (rule, month) not in missed_months(force.rubric, ledger, min(date, force.period_to)):
                raise Refused(
                    f"{month_line(rule, month)} of {held.number} is not missed: it is done, excused, not expected, or "
                    "not over.",
                    "not-missed",
                )
        text = required_text(tx, reason) if reason and reason.strip() else None
        return _write(tx, _values(held, (rule, month, kind), actor, now), text, actor=actor, now=now)


def _unknown(record: int) -> NotFound:
    return NotFound(f"There is no duty entry {record}, or it is not yours to see.", "unknown-duty")


def _check_month(month: str) -> tuple[dt.date, dt.date]:
    if _MONTH.fullmatch(month) is None:
        raise Malformed(f"{month!r} is not a month; write it like 2026-02.", "bad-month")
    year, number = int(month[:4]), int(month[5:])
    if year < 1:
        raise Malformed(f"{month!r} is not a month; write it like 2026-02.", "bad-month")
    return dt.date(year, number, 1), dt.date(year, number, calendar.monthrange(year, number)[1])


def _counted_day(held: Row[Any], month: str) -> dt.date:
    """Return the last day of a month on which the assignment was held; by it the month belongs to a period."""
    last = _check_month(month)[1]
    return last if held.valid_to is None else min(last, held.valid_to)


def _check_extent(coverage: Fraction | None, sites: tuple[str, ...]) -> None:
    if (coverage is None) == (not sites):
        raise Malformed("Say either which share was inspected or which sites, not both and not neither.", "extent")
    if coverage is not None and not 0 < coverage <= 1:
        raise Malformed(
            f"A coverage lies above 0 and goes up to 1; {to_decimal(coverage)} does not (all of it is 1).", "coverage"
        )


def _check_sites(tx: Transaction, sites: tuple[str, ...], month: str) -> None:
    if not sites:
        return
    known = {row.code: json.loads(row.closed_months) for row in tx.all(_SITES)}
    for site in sites:
        if site not in known:
            raise NotFound(f"There is no site {site}; there are {', '.join(known) or 'none'}.", "unknown-site")
        if month in known[site]:
            raise Refused(f"The site {site} was closed in {month}; it is not expected there.", "closed-site")


def _duty_rule(tx: Transaction, held: Row[Any], on: dt.date, rule_id: str) -> InForce:
    at = state(tx, held.id, on)
    if not at.open:
        raise closed(on)
    force = rubric_in_force(tx, at, post_id=held.post_id, post=held.post)
    duties: tuple[Rule, ...] = force.rubric.post(held.post).duties
    if rule_id not in {rule.id for rule in duties}:
        has = ", ".join(rule.id for rule in duties) or "none"
        raise Refused(f"{rule_id} is no scheduled duty of {held.post}; it has {has}.", "unknown-duty")
    return force


def _values(held: Row[Any], what: tuple[str, str, str], actor: Actor, now: dt.datetime) -> dict[str, Any]:
    rule, month, kind = what
    return {
        "assignment_id": held.id,
        "rule": rule,
        "month": month,
        "kind": kind,
        "day": None,
        "coverage": None,
        "sites": "[]",
        "text_id": None,
        "recorded_by": actor.actor_id,
        "on_behalf_of": actor.on_behalf_of,
        "recorded_at": now,
        "voided_by": None,
        "voided_at": None,
        "void_reason_id": None,
    }


def _write(tx: Transaction, values: dict[str, Any], text: StoredText | None, *, actor: Actor, now: dt.datetime) -> int:
    full = values | {"text_id": text.id if text else None}
    record_id = tx.insert(DUTY, full)
    _event(tx, f"duty.{values['kind']}", full | {"id": record_id}, text, actor=actor, now=now)
    tell_of_proxy(tx, actor, f"duty/{record_id}", now)
    return record_id


def _event(
    tx: Transaction, kind: str, row: Mapping[str, Any], text: StoredText | None, *, actor: Actor, now: dt.datetime
) -> None:
    payload = {"duty": row["id"], "digest": digest(duty_content(row))}
    if text is not None:
        payload["text"] = text.digest
    append_event(tx, stream(row["assignment_id"]), kind, actor=actor, at=now, payload=payload)
