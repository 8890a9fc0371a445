"""Delegations: who stands in for whom on which days, given in advance and ended early."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from services import delegations as register
from services import substitutes
from web.api.keyed import IdempotencyKey
from web.api.shapes import After, Code, Limit, Page, Shape, Text, number_of, reads, writes
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["delegations"])
Role = Annotated[
    str | None, Field(description="assessor, reviewer or decider; null for all that he judges.", examples=["assessor"])
]


class Delegation(Shape):
    """Who stands in for whom, from the first day to the last."""

    id: Annotated[int, Field(examples=[3])]
    holder: Annotated[str, Field(examples=["1006"])]
    holder_name: str
    delegate: Annotated[str, Field(examples=["1005"])]
    delegate_name: str
    role: Role
    first: Annotated[dt.date, Field(examples=["2026-04-07"])]
    last: Annotated[dt.date | None, Field(examples=["2026-04-10"])]


class NewDelegation(Shape):
    """A substitute for some days. `item` demands that it holds for that work item, and narrows it to that role."""

    delegate: Annotated[Code, Field(description="The substitute's employee number.", examples=["1005"])]
    first: Annotated[dt.date, Field(description="The first day; today or later.", examples=["2026-04-07"])]
    last: Annotated[dt.date, Field(description="The last day.", examples=["2026-04-10"])]
    role: Annotated[Code | None, Field(examples=["assessor"])] = None
    item: Annotated[Code | None, Field(description="Such as W77.")] = None
    holder: Annotated[Code | None, Field(description="By HR: for whom, if not for yourself.")] = None
    reason: Annotated[Text | None, Field(description="HR alone reads it.")] = None


class NotFor(Shape):
    """An open appraisal for which a delegation does not hold, and why."""

    appraisal: Annotated[str, Field(examples=["2026Q1/1005@deputy-security"])]
    why: str


class Delegated(Shape):
    """A delegation as it was written; the same again with another last day changes that day."""

    holder: str
    delegate: str
    role: Role
    first: dt.date
    last: dt.date
    not_for: list[NotFor]


class End(Shape):
    """When and why a delegation ends early."""

    last: Annotated[
        dt.date | None,
        Field(description="The last day from now on; left out, it ends at once.", examples=["2026-04-08"]),
    ] = None
    reason: Annotated[Text | None, Field(examples=["He is back."])] = None


@router.get("/delegations", summary="Who stands in for whom", responses=reads())
def delegations(
    visit: Program,
    number: Annotated[str | None, Query(max_length=100, description="Those of one person.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Delegation]:
    """Return the delegations that are not over: yours, or everybody's for HR, the approver and auditors."""
    found = substitutes.list_delegations(
        visit.uow, actor=visit.actor, now=visit.now, number=number, after=number_of(after), limit=limit + 1
    )
    items = [Delegation.model_validate(one) for one in found[:limit]]
    return Page[Delegation](items=items, next=str(items[-1].id) if len(found) > limit else None)


@router.post("/delegations", summary="Name a substitute", status_code=201, responses=writes())
def delegate(visit: Program, body: NewDelegation, key: IdempotencyKey = None) -> Delegated:
    """Name a substitute for some days, for yourself or by HR for a holder; he is told once."""
    done = register.delegate(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        number=body.delegate,
        first=body.first,
        last=body.last,
        role=body.role,
        item=body.item,
        holder=body.holder,
        reason=body.reason,
    )
    return Delegated(
        holder=done.holder,
        delegate=done.delegate,
        role=done.role,
        first=done.first,
        last=done.last,
        not_for=[NotFor(appraisal=code, why=why) for code, why in done.not_for],
    )


@router.post("/delegations/{delegation}/end", summary="End a delegation", responses=writes())
def end(
    visit: Program, delegation: Annotated[int, Path(ge=1, le=2**62)], body: End, key: IdempotencyKey = None
) -> Delegation:
    """End a delegation at once or on an earlier day; by who gave it, or HR. What was done until then stands."""
    ended = substitutes.end(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        delegation=delegation,
        last=body.last,
        reason=body.reason,
    )
    return Delegation.model_validate(ended)
