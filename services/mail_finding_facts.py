"""What a mail about a finding or a scheduled duty says: the facts, never an amount in a range or a judge's words."""

import datetime as dt
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.documents import Document, Incident
from models.findings import DutyRecord, Finding
from models.history import TextBody
from scoring.numbers import to_decimal
from scoring.rubric import Rule
from services.definitions import lifecycle_of
from services.errors import Refused
from services.ledgers import state
from services.mail_item_facts import APPRAISAL_ROW, ASSIGNMENT, AWAY, PERSON, POST
from services.mail_standins import has_left, was_replaced
from services.mail_words import Found, Look, NotNeeded
from services.rubric_in_force import rubric_in_force
from workflow.vocabulary import DayKind

FINDING = table_of(Finding)
DUTY_RECORD = table_of(DutyRecord)
DOCUMENT = table_of(Document)
INCIDENT = table_of(Incident)
TEXT_BODY = table_of(TextBody)
RECORDER = PERSON.alias("recorder")
REPLY_WORKING_DAYS = 5

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


def own_finding(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return the facts of a finding for the person it is about."""
    return _finding(look_, person, own=True)


def others_finding(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return the facts of a finding for somebody else who has to do with it."""
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
    if not look_.figures:
        return look_.phrase("withheld")
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
        row = look_.tx.first(APPRAISAL_ROW, {"appraisal": ledger.appraisal_id})
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


def duty(look_: Look, person: Row[Any]) -> Found | NotNeeded:
    """Return which duty of a month is not recorded, or why nobody need be told."""
    if has_left(person, look_.on):
        return NotNeeded("left")
    payload = look_.message.payload
    month = dt.date.fromisoformat(f"{payload['month']}-01")
    if (month.year, month.month) < (look_.on.year, look_.on.month):
        return NotNeeded("month-over")
    if look_.tx.first(_RECORDED, {name: payload[name] for name in ("assignment", "rule", "month")}) is not None:
        return NotNeeded("recorded")
    if look_.tx.first(AWAY, {"person": person.id, "on": look_.on}) is not None:
        return NotNeeded("away")
    rule, _ = _rule(look_, payload["assignment"], look_.on, payload["rule"])
    last = (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    end = dt.datetime.combine(last, dt.time(23, 59), look_.zone)
    values = {
        "month": payload["month"],
        "rule": payload["rule"],
        "clause": _clause(look_, rule),
        "left": look_.left(end),
        "link": look_.link("duties"),
    }
    return Found(values, section="duty", days=look_.working_days_left(end))
