"""What a message is about, read when it is sent: whether anybody still needs it, who gets it, and the words it names.

Need and permission are looked at now and not when the message was promised (G7). No reader here can see an amount in a
range, a score, or the words of a judge.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from models.appraisals import Appraisal, Party
from models.columns import table_of
from models.cycles import Cycle
from models.documents import Document, Incident
from models.findings import DutyRecord, Finding
from models.history import TextBody
from models.people import Assignment, Contact, Person, Post
from models.workitems import WorkItem
from scoring.numbers import to_decimal
from scoring.rubric import Rule
from services import deaths, naming
from services.definitions import lifecycle_of
from services.errors import Refused
from services.ledgers import state
from services.mail_standins import delegation, has_left, lost_part, was_replaced
from services.mail_words import Look
from services.messages import Need, kind_of
from services.opening_facts import opening_facts
from services.outbox_messages import ClaimedMessage
from services.rubric_in_force import rubric_in_force
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import CycleState, DayKind, Role

PERSON = table_of(Person)
CONTACT = table_of(Contact)
WORK_ITEM = table_of(WorkItem)
APPRAISAL = table_of(Appraisal)
PARTY = table_of(Party)
CYCLE = table_of(Cycle)
ASSIGNMENT = table_of(Assignment)
POST = table_of(Post)
FINDING = table_of(Finding)
DUTY_RECORD = table_of(DutyRecord)
DOCUMENT = table_of(Document)
INCIDENT = table_of(Incident)
TEXT_BODY = table_of(TextBody)
RECORDER = PERSON.alias("recorder")
REPLY_WORKING_DAYS = 5

_RECIPIENT = select(PERSON).where(PERSON.c.id == bindparam("person"))
_ADDRESS = (
    select(CONTACT.c.email)
    .where(
        CONTACT.c.person_id == bindparam("person"),
        CONTACT.c.valid_from <= bindparam("on"),
        or_(CONTACT.c.valid_to.is_(None), CONTACT.c.valid_to >= bindparam("on")),
    )
    .order_by(CONTACT.c.id.desc())
    .limit(1)
)
_APPRAISAL = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.workflow_id,
        CYCLE.c.code.label("cycle"),
        CYCLE.c.state.label("cycle_state"),
        PERSON.c.number,
        PERSON.c.name.label("person"),
        POST.c.code.label("post_code"),
        POST.c.name_en,
        POST.c.name_zh,
    )
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(APPRAISAL.c.id == bindparam("appraisal"))
)
_ITEM = select(WORK_ITEM).where(WORK_ITEM.c.id == bindparam("item"))
_PART = select(PARTY.c.id).where(
    PARTY.c.appraisal_id == bindparam("appraisal"), PARTY.c.person_id == bindparam("person"), PARTY.c.to_at.is_(None)
)
_HELD = (
    select(ASSIGNMENT.c.id, ASSIGNMENT.c.person_id, ASSIGNMENT.c.post_id, POST.c.code.label("post_code"))
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(ASSIGNMENT.c.id == bindparam("assignment"))
)
_RECORDED = select(DUTY_RECORD.c.id).where(
    DUTY_RECORD.c.assignment_id == bindparam("assignment"),
    DUTY_RECORD.c.rule == bindparam("rule"),
    DUTY_RECORD.c.month == bindparam("month"),
    DUTY_RECORD.c.voided_at.is_(None),
)
_FINDING = (
    select(
        FINDING,
        PERSON.c.name.label("person"),
        ASSIGNMENT.c.person_id,
        ASSIGNMENT.c.post_id,
        POST.c.code.label("post_code"),
        RECORDER.c.name.label("recorder"),
        DOCUMENT.c.number.label("document"),
        TEXT_BODY.c.body.label("happening"),
    )
    .join(ASSIGNMENT, ASSIGNMENT.c.id == FINDING.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(PERSON, PERSON.c.id == ASSIGNMENT.c.person_id)
    .join(RECORDER, RECORDER.c.id == FINDING.c.recorded_by)
    .outerjoin(DOCUMENT, DOCUMENT.c.id == FINDING.c.document_id)
    .outerjoin(INCIDENT, INCIDENT.c.id == FINDING.c.incident_id)
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == INCIDENT.c.text_id)
    .where(FINDING.c.id == bindparam("finding"))
)


@dataclass(frozen=True, slots=True)
class Needed:
    """A message somebody still needs: in which language, to which address (None: on HR's list), with which words."""

    language: str
    address: str | None
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """A message that nobody needs any more, and why, as a short code."""

    code: str


def look(tx: Transaction, message: ClaimedMessage, *, now: dt.datetime, base_url: str) -> Needed | NotNeeded:
    """Return whether the message is still needed at `now`, with everything its text may name.

    `base_url` is what every link begins with, without a slash at its end.
    """
    organisation = naming.organisation(tx)
    zone = zoneinfo.ZoneInfo(organisation.zone)
    on = now.astimezone(zone).date()
    person = tx.first(_RECIPIENT, {"person": message.person_id})
    if person is None or person.erased_at is not None:
        return NotNeeded("erased")
    if person.left is not None and deaths.recorded(tx, person.id):
        return NotNeeded("died")
    look_ = Look(tx, message, person.language, zone, base_url, on)
    found = _READERS[kind_of(message.kind).need](look_, person)
    if isinstance(found, NotNeeded):
        return found
    values = {"recipient": person.name, "organisation": organisation.name, **found}
    return Needed(person.language, tx.scalar(_ADDRESS, {"person": message.person_id, "on": on}), values)


def _of_appraisal(look_: Look, row: Row[Any]) -> dict[str, str]:
    code = f"{row.cycle}/{row.number}@{row.post_code}"
    return {
        "cycle": row.cycle,
        "code": code,
        "person": row.person,
        "post": row.name_zh if look_.language == "zh" else row.name_en,
        "link": look_.link("appraisals", code),
    }


def _item(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    item = look_.tx.first(_ITEM, {"item": look_.message.work_item_id})
    if item is None or item.closed_at is not None:
        return NotNeeded("done")
    if item.holder_id != person.id or lost_part(look_.tx, item):
        return NotNeeded("passed-on")
    # A leaver answers about himself (domain.md, 5b) and judges nobody any more.
    if item.role != Role.APPRAISEE and has_left(person, look_.on):
        return NotNeeded("left")
    row = look_.tx.first(_APPRAISAL, {"appraisal": item.appraisal_id})
    if row is None or row.cycle_state == CycleState.CANCELLED:
        return NotNeeded("cycle-cancelled")
    lifecycle = lifecycle_of(look_.tx, row.workflow_id)
    stage = lifecycle.stage(item.stage)
    return {
        **_of_appraisal(look_, row),
        "stage": stage.title[look_.language],
        "turn": lifecycle.wording(item.stage, look_.language, holder=person.name),
        "due": look_.moment(item.due_at),
        "due_day": look_.moment(item.due_at, "day"),
        "actions": _actions(look_, lifecycle, item),
        "days": look_.days(stage.day_kind, stage.days) if stage.days is not None else look_.phrase("none"),
    }


def _actions(look_: Look, lifecycle: Lifecycle, item: Row[Any]) -> str:
    taken_back = {move.action for move in lifecycle.moves if "own-last-act" in move.guards}
    labels = [
        move.label[look_.language]
        for move in lifecycle.actions(item.stage)
        if item.role in move.who and move.action not in taken_back
    ]
    return look_.phrase("list").join(dict.fromkeys(labels))


def _party(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    which = {"appraisal": look_.message.appraisal_id}
    row = look_.tx.first(_APPRAISAL, which)
    if row is None or row.cycle_state == CycleState.CANCELLED:
        return NotNeeded("cycle-cancelled")
    if look_.tx.first(_PART, {**which, "person": person.id}) is None:
        return NotNeeded("no-part")
    return _of_appraisal(look_, row)


def _own_finding(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    return _finding(look_, person, own=True)


def _others_finding(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    return _finding(look_, person, own=False)


def _finding(look_: Look, person: Row[Any], *, own: bool) -> dict[str, str] | NotNeeded:
    row = look_.tx.first(_FINDING, {"finding": look_.message.finding_id})
    if row is None or row.voided_at is not None:
        return NotNeeded("voided")
    if (row.person_id == person.id) is not own:
        return NotNeeded("not-theirs")
    if not own and has_left(person, look_.on):
        return NotNeeded("left")
    if not own and was_replaced(look_.tx, person.id, row):
        return NotNeeded("passed-on")
    rule, days = _rule(look_, row.assignment_id, row.counted_on, row.rule)
    return {
        "finding": f"F{row.id}",
        "person": row.person,
        "day": look_.day(row.happened),
        "known": look_.day(row.known),
        "rule": row.rule,
        "clause": _clause(look_, rule),
        "happening": row.happening or look_.phrase("none"),
        "document": row.document or look_.phrase("none"),
        "recorder": row.recorder,
        "amount": _amount(look_, rule),
        "days": look_.days(DayKind.WORKING, days),
        "link": look_.link("findings", f"F{row.id}"),
    }


def _amount(look_: Look, rule: Rule | None) -> str:
    if rule is None or rule.kind != "fixed" or rule.amount is None:
        return look_.phrase("judged")
    return look_.phrase("award" if rule.award else "deduct").format(to_decimal(rule.amount))


def _rule(look_: Look, assignment_id: int, on: dt.date, rule_id: str) -> tuple[Rule | None, int]:
    """Return the rule as its rubric has it, and how many working days there are to reply to a fact."""
    held = look_.tx.first(_HELD, {"assignment": assignment_id})
    if held is None:
        return None, REPLY_WORKING_DAYS
    ledger = state(look_.tx, assignment_id, on)
    days = REPLY_WORKING_DAYS
    if ledger.appraisal_id is not None:
        row = look_.tx.first(_APPRAISAL, {"appraisal": ledger.appraisal_id})
        disclosure = lifecycle_of(look_.tx, row.workflow_id).disclosure if row is not None else None
        days = disclosure.reply_working_days if disclosure is not None else days
    try:
        rubric = rubric_in_force(look_.tx, ledger, post_id=held.post_id, post=held.post_code).rubric
    except Refused:  # the rubric was withdrawn meanwhile; the notice still names the rule
        return None, days
    rules = rubric.post(held.post_code).rules
    return next((rule for rule in rules if rule.id == rule_id), None), days


def _clause(look_: Look, rule: Rule | None) -> str:
    if rule is None:
        return look_.phrase("none")
    return rule.trigger.zh if look_.language == "zh" else rule.trigger.en


def _person(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    if has_left(person, look_.on):
        return NotNeeded("left")
    if look_.message.appraisal_id is not None:
        row = look_.tx.first(_APPRAISAL, {"appraisal": look_.message.appraisal_id})
        return NotNeeded("cycle-cancelled") if row is None else _of_appraisal(look_, row)
    payload = look_.message.payload
    return {"cycle": str(payload.get("cycle", "")), "link": look_.link("work")}


def _delegation(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    if has_left(person, look_.on):
        return NotNeeded("left")
    return delegation(look_) or NotNeeded("over")


def _duty(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    if has_left(person, look_.on):
        return NotNeeded("left")
    payload = look_.message.payload
    month = dt.date.fromisoformat(f"{payload['month']}-01")
    if (month.year, month.month) < (look_.on.year, look_.on.month):
        return NotNeeded("month-over")
    if look_.tx.first(_RECORDED, {name: payload[name] for name in ("assignment", "rule", "month")}) is not None:
        return NotNeeded("recorded")
    rule, _ = _rule(look_, payload["assignment"], look_.on, payload["rule"])
    return {
        "month": payload["month"],
        "rule": payload["rule"],
        "clause": _clause(look_, rule),
        "link": look_.link("duties"),
    }


def _opening(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    found = opening_facts(look_, person)
    return NotNeeded(found) if isinstance(found, str) else found


_READERS: Mapping[Need, Callable[[Look, Row[Any]], dict[str, str] | NotNeeded]] = {
    Need.ITEM_OPEN: _item,
    Need.PARTY: _party,
    Need.OWN_FINDING: _own_finding,
    Need.OTHERS_FINDING: _others_finding,
    Need.DUTY: _duty,
    Need.DELEGATION: _delegation,
    Need.PERSON: _person,
    Need.OPENING: _opening,
}
