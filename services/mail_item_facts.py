"""What a mail about somebody's turn or part says: whether it still is his, until when, and what he can do."""

import datetime as dt
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from models.appraisals import Appraisal, Party
from models.columns import table_of
from models.cycles import Cycle
from models.people import Absence, Assignment, Person, Post
from models.workitems import WorkItem
from services.definitions import lifecycle_of
from services.mail_standins import delegation, has_left, lost_part
from services.mail_words import SECTIONS, Deadline, Found, Look, NotNeeded
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import CycleState, Role

PERSON = table_of(Person)
WORK_ITEM = table_of(WorkItem)
APPRAISAL = table_of(Appraisal)
PARTY = table_of(Party)
CYCLE = table_of(Cycle)
ASSIGNMENT = table_of(Assignment)
POST = table_of(Post)
ABSENCE = table_of(Absence)

APPRAISAL_ROW = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.workflow_id,
        APPRAISAL.c.person_id,
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
AWAY = (
    select(ABSENCE.c.id)
    .where(
        ABSENCE.c.person_id == bindparam("person"),
        ABSENCE.c.kind == "protected",
        ABSENCE.c.valid_from <= bindparam("on"),
        or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
    )
    .limit(1)
)
_ITEM = select(WORK_ITEM).where(WORK_ITEM.c.id == bindparam("item"))
_PART = select(PARTY.c.id).where(
    PARTY.c.appraisal_id == bindparam("appraisal"), PARTY.c.person_id == bindparam("person"), PARTY.c.to_at.is_(None)
)


def of_appraisal(look_: Look, row: Row[Any]) -> dict[str, str]:
    """Return what a mail may say of an appraisal, with its link."""
    code = f"{row.cycle}/{row.number}@{row.post_code}"
    return {
        "cycle": row.cycle,
        "code": code,
        "person": row.person,
        "post": row.name_zh if look_.language == "zh" else row.name_en,
        "link": look_.link("appraisals", code),
    }


def item(look_: Look, person: Row[Any]) -> Found | NotNeeded:
    """Return what the holder of an open work item is told, or why he holds it no more."""
    item = look_.tx.first(_ITEM, {"item": look_.message.work_item_id})
    if item is None or item.closed_at is not None:
        return NotNeeded("done")
    if item.holder_id != person.id or lost_part(look_.tx, item):
        return NotNeeded("passed-on")
    # A leaver answers about himself (domain.md, 5b) and judges nobody any more.
    if item.role != Role.APPRAISEE and has_left(person, look_.on):
        return NotNeeded("left")
    row = look_.tx.first(APPRAISAL_ROW, {"appraisal": item.appraisal_id})
    if row is None or row.cycle_state == CycleState.CANCELLED:
        return NotNeeded("cycle-cancelled")
    lifecycle = lifecycle_of(look_.tx, row.workflow_id)
    stage = lifecycle.stage(item.stage)
    values = {
        **of_appraisal(look_, row),
        "stage": stage.title[look_.language],
        "turn": lifecycle.wording(item.stage, look_.language, holder=person.name),
        "due": look_.moment(item.due_at),
        "due_day": look_.moment(item.due_at, "day"),
        "left": look_.left(item.due_at),
        "actions": _actions(look_, lifecycle, item),
        "days": look_.days(stage.day_kind, stage.days) if stage.days is not None else look_.phrase("none"),
    }
    if item.due_at is None:
        return Found(values, section="turn")
    title = f"{stage.title[look_.language]}: {values['person']}, {values['cycle']}"
    section = _section(look_, item.due_at, lifecycle.nudge_working_days)
    days = look_.working_days_left(item.due_at)
    return Found(values, section=section, days=days, deadline=Deadline(item.id, item.due_at, title))


def _section(look_: Look, due_at: dt.datetime, nudge_working_days: int) -> str:
    if due_at < look_.now:
        return "overdue"
    if due_at.astimezone(look_.zone).date() == look_.on:
        return "due-today"
    return "due-soon" if look_.working_days_left(due_at) <= nudge_working_days else "turn"


def item_due(look_: Look, person: Row[Any]) -> Found | NotNeeded:
    """Return what a reminder of a deadline says, or why it holds no more."""
    found = item(look_, person)
    if isinstance(found, NotNeeded):
        return found
    # Who was reminded of a deadline that moved meanwhile is told at the new one, and not of the old one.
    kind = look_.message.kind
    if found.deadline is None or SECTIONS.index(found.section) > SECTIONS.index(kind):
        return NotNeeded("due-moved")
    if look_.tx.first(AWAY, {"person": person.id, "on": look_.on}) is not None:
        return NotNeeded("away")
    return found


def _actions(look_: Look, lifecycle: Lifecycle, item: Row[Any]) -> str:
    taken_back = {move.action for move in lifecycle.moves if "own-last-act" in move.guards}
    labels = [
        move.label[look_.language]
        for move in lifecycle.actions(item.stage)
        if item.role in move.who and move.action not in taken_back
    ]
    return look_.phrase("list").join(dict.fromkeys(labels))


def party(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return what somebody with a part in an appraisal is told."""
    which = {"appraisal": look_.message.appraisal_id}
    row = look_.tx.first(APPRAISAL_ROW, which)
    if row is None or row.cycle_state == CycleState.CANCELLED:
        return NotNeeded("cycle-cancelled")
    if look_.tx.first(_PART, {**which, "person": person.id}) is None:
        return NotNeeded("no-part")
    return of_appraisal(look_, row)


def former(look_: Look, person: Row[Any]) -> Found | NotNeeded:
    """Return what somebody is told whose work item went to another."""
    item = look_.tx.first(_ITEM, {"item": look_.message.work_item_id})
    if item is None or (item.holder_id == person.id and item.closed_at is None):
        return NotNeeded("still-holds")
    if has_left(person, look_.on):
        return NotNeeded("left")
    row = look_.tx.first(APPRAISAL_ROW, {"appraisal": item.appraisal_id})
    if row is None or row.cycle_state == CycleState.CANCELLED:
        return NotNeeded("cycle-cancelled")
    stage = lifecycle_of(look_.tx, row.workflow_id).stage(item.stage)
    values = {**of_appraisal(look_, row), "stage": stage.title[look_.language]}
    if item.due_at is None:
        return Found(values)
    title = f"{values['stage']}: {values['person']}, {values['cycle']}"
    return Found(values, deadline=Deadline(item.id, item.due_at, title, over=True))


def person(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return what somebody is told who is still here."""
    if has_left(person, look_.on):
        return NotNeeded("left")
    if look_.message.appraisal_id is not None:
        row = look_.tx.first(APPRAISAL_ROW, {"appraisal": look_.message.appraisal_id})
        return NotNeeded("cycle-cancelled") if row is None else of_appraisal(look_, row)
    payload = look_.message.payload
    return {"cycle": str(payload.get("cycle", "")), "link": look_.link("work")}


def delegated(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return what a substitute is told of the days he stands in, or why it is over."""
    if has_left(person, look_.on):
        return NotNeeded("left")
    return delegation(look_) or NotNeeded("over")
