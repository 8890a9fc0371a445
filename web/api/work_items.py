"""Work items: what you owe, and giving one to somebody else."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from services import desk, holds
from services import work_items as parts
from web.api.appraisals import Action, actions_of
from web.api.keyed import IdempotencyKey
from web.api.shapes import Code, Names, Page, Shape, Text, reads, writes
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["work items"])
ItemCode = Annotated[str, Path(max_length=100, description="Such as W77.", examples=["W77"])]


class WorkItem(Shape):
    """What waits for you: whose appraisal, until when, and what you can do."""

    item: Annotated[str, Field(examples=["W77"])]
    appraisal: Annotated[str, Field(examples=["2026Q1/1007@personnel-officer"])]
    person: str
    stage: str
    wording: Names
    round: int
    due_at: dt.datetime | None
    working_days_left: Annotated[int | None, Field(description="Negative once it is late.")]
    actions: list[Action]
    on_behalf_of: Annotated[str | None, Field(description="For whom you may do it by delegation.")]


class NewHolder(Shape):
    """Who does it from now on, and why."""

    number: Annotated[Code, Field(description="The employee number.", examples=["1004"])]
    reason: Annotated[Text, Field(examples=["He is away until May."])]


class Why(Shape):
    """Why; it is kept with it."""

    reason: Annotated[Text, Field(examples=["In dispute before a court."])]


class Held(Shape):
    """A work item that was put on hold or released, and its deadline from now on."""

    item: Annotated[str, Field(examples=["W77"])]
    appraisal: str
    stage: str
    due_at: dt.datetime | None


class Interest(Shape):
    """What the interest is; HR alone reads it."""

    reason: Annotated[Text, Field(examples=["She is my niece."])]


class Stuck(Shape):
    """A part for which nobody is left; HR must name somebody."""

    appraisal: str
    role: str


class Recused(Shape):
    """How many parts passed to others, and for which nobody is left."""

    passed: int
    stuck: list[Stuck]


class Given(Shape):
    """A part that changed hands."""

    appraisal: str
    role: str
    item: str | None
    due_at: dt.datetime | None


@router.get("/work-items", summary="What you owe", responses=reads())
def work_items(visit: Program) -> Page[WorkItem]:
    """Return what you owe, the most urgent first, and behind it what you may do for others by delegation."""
    rows = desk.work(visit.uow, actor=visit.actor, now=visit.now)
    items = [
        WorkItem.model_validate(row).model_copy(update={"actions": actions_of(visit, row.actions)}) for row in rows
    ]
    return Page[WorkItem](items=items, next=None)


@router.post("/work-items/{item}/reassignments", summary="Give a work item to somebody else", responses=writes())
def reassign(visit: Program, item: ItemCode, body: NewHolder, key: IdempotencyKey = None) -> Page[Given]:
    """Give a work item, and the part it lies in, to somebody else; by HR or the approver."""
    done = parts.reassign(
        visit.uow.asked(key), actor=visit.actor, now=visit.now, item=item, number=body.number, reason=body.reason
    )
    return Page[Given](
        items=[Given(**{name: getattr(one, name) for name in Given.model_fields}) for one in done], next=None
    )


@router.post("/work-items/{item}/holds", summary="Put a work item on hold", responses=writes())
def hold(visit: Program, item: ItemCode, body: Why, key: IdempotencyKey = None) -> Held:
    """Stop the clock on one work item: no deadline, no reminder, until it is released; by HR."""
    done = holds.hold(visit.uow.asked(key), actor=visit.actor, now=visit.now, item=item, reason=body.reason)
    return Held.model_validate(done)


@router.post("/work-items/{item}/releases", summary="Release a work item", responses=writes())
def release(visit: Program, item: ItemCode, body: Why, key: IdempotencyKey = None) -> Held:
    """Let the clock run again; the working days that were left are left now. By HR."""
    done = holds.release(visit.uow.asked(key), actor=visit.actor, now=visit.now, item=item, reason=body.reason)
    return Held.model_validate(done)


@router.post("/work-items/{item}/recusals", summary="Declare an interest", responses=writes())
def recuse(visit: Program, item: ItemCode, body: Interest, key: IdempotencyKey = None) -> Recused:
    """Declare an interest in the person appraised and be replaced everywhere; by the holder of the work item."""
    done = parts.recuse(visit.uow.asked(key), actor=visit.actor, now=visit.now, item=item, reason=body.reason)
    return Recused(passed=len(done.handovers), stuck=[Stuck.model_validate(one) for one in done.stuck])
