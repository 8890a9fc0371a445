"""Scheduled duties: month by month, recorded by whoever has them, excused and confirmed by his assessor."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from services import duties as register
from services import duty_calendar
from web.api.appraisals import CycleCode, Who
from web.api.keyed import IdempotencyKey
from web.api.shapes import Code, Figure, GivenFigure, Page, Shape, Text, figure, reads, writes
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["duties"])
Month = Annotated[
    str, Field(max_length=10, description="The month, such as 2026-02.", examples=["2026-02"], min_length=1)
]
Number = Annotated[Code, Field(description="The employee number, @POST for one of several.", examples=["1005"])]
Rule = Annotated[Code, Field(description="The rule that the duty belongs to.", examples=["A1.1"])]


class DutyMonth(Shape):
    """A duty in one month in which it is expected."""

    rule: Annotated[str, Field(examples=["A1.1"])]
    month: Annotated[str, Field(examples=["2026-02"])]
    state: Annotated[str, Field(description="met, missed, excused or pending.", examples=["met"])]
    coverage: Annotated[Figure, Field(description="The share that was inspected, from 0 to 1.", examples=["0.5"])]
    sites: Annotated[
        dict[str, str], Field(description="Each site: done, open or closed.", examples=[{"north": "done"}])
    ]
    confirmed: Annotated[bool, Field(description="Whether the assessor confirmed that it was missed.")]


class Done(Shape):
    """A duty that was done: the share inspected, or the sites, and where it can be seen."""

    number: Number
    rule: Rule
    month: Month
    day: Annotated[dt.date, Field(description="The day it was done, in that month.", examples=["2026-02-20"])]
    evidence: Annotated[Text, Field(examples=["The log, page 12."])]
    coverage: Annotated[GivenFigure | None, Field(description="Above 0 and up to 1.", examples=["1"])] = None
    sites: Annotated[tuple[Code, ...], Field(max_length=200, examples=[["north", "south"]])] = ()
    file_sha256: Annotated[
        str | None, Field(max_length=64, description="The SHA-256 of a file of evidence, in hexadecimal.")
    ] = None


class Excuse(Shape):
    """Why a month is not expected."""

    number: Number
    rule: Rule
    month: Month
    reason: Annotated[Text, Field(examples=["The vault was closed for works."])]


class Missed(Shape):
    """That a month was missed; your words beside it, if you have any."""

    number: Number
    rule: Rule
    month: Month
    comment: Text | None = None


class InError(Shape):
    """What was entered in error."""

    reason: Annotated[Text, Field(examples=["It was the wrong month."])]


class Entry(Shape):
    """An entry about a duty; its number is what a later correction names."""

    entry: Annotated[int, Field(examples=[3])]


@router.get("/appraisals/{cycle}/{number}/duties", summary="The duties of an appraisal", responses=reads())
def duties(visit: Program, cycle: CycleCode, number: Who) -> Page[DutyMonth]:
    """Return the duties that count in an appraisal, month by month and site by site."""
    _, found = duty_calendar.of_appraisal(visit.uow, actor=visit.actor, now=visit.now, appraisal=f"{cycle}/{number}")
    return Page[DutyMonth](items=[DutyMonth.model_validate(month) for month in found], next=None)


@router.post("/duties", summary="Record a duty that was done", status_code=201, responses=writes())
def record(visit: Program, body: Done, key: IdempotencyKey = None) -> Entry:
    """Record a duty of your own, with evidence; until your assessor submits."""
    entry = register.record(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        number=body.number,
        rule=body.rule,
        month=body.month,
        day=body.day,
        evidence=body.evidence,
        coverage=figure(body.coverage),
        sites=body.sites,
        file_sha256=body.file_sha256,
    )
    return Entry(entry=entry)


@router.post("/duties/excuses", summary="Excuse a month of a duty", status_code=201, responses=writes())
def excuse(visit: Program, body: Excuse, key: IdempotencyKey = None) -> Entry:
    """Excuse a month, with a reason; by the assessor, never for himself."""
    entry = register.excuse(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        number=body.number,
        rule=body.rule,
        month=body.month,
        reason=body.reason,
    )
    return Entry(entry=entry)


@router.post("/duties/confirmations", summary="Confirm that a duty was missed", status_code=201, responses=writes())
def confirm(visit: Program, body: Missed, key: IdempotencyKey = None) -> Entry:
    """Confirm that a month was missed, so that the score can be submitted; by the assessor."""
    entry = register.confirm(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        number=body.number,
        rule=body.rule,
        month=body.month,
        reason=body.comment,
    )
    return Entry(entry=entry)


@router.post("/duties/{entry}/void", summary="Void an entry about a duty", responses=writes())
def void(
    visit: Program, entry: Annotated[int, Path(ge=1, le=2**62)], body: InError, key: IdempotencyKey = None
) -> Entry:
    """Void an entry that was made in error, before the submission; by the assessor."""
    register.void(visit.uow.asked(key), actor=visit.actor, now=visit.now, record=entry, reason=body.reason)
    return Entry(entry=entry)
