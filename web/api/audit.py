"""The audit: chains, who looked at what, and whether all of it verifies."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from services import audit_trail, verification, view_log
from web.api.appraisals import CycleCode, Who
from web.api.shapes import After, Limit, Page, Shape, number_of, reads
from web.api_table import PREFIX
from web.requests import Asked, Program

router = APIRouter(prefix=PREFIX, tags=["audit"])


class Entry(Shape):
    """A row of a chain; `payload` is null where you may know that something happened and no more."""

    seq: int
    what: Annotated[str, Field(examples=["scoring -> review: submit"])]
    actor: str | None
    on_behalf_of: str | None
    at: dt.datetime
    payload: dict[str, Any] | None
    key_id: str
    mac: str


class View(Shape):
    """That somebody looked at the judgement of another."""

    viewer: Annotated[str, Field(examples=["1004"])]
    kind: str
    what: Annotated[str, Field(examples=["2026Q1/1007@personnel-officer"])]
    at: dt.datetime


class Fault(Shape):
    """A row that is not as it was written."""

    code: str
    where: str
    text: Annotated[str, Field(description="What is wrong, in a sentence.")]


class Verified(Shape):
    """What a verification looked at and found."""

    events: int
    moves: int
    texts: int
    rows: int
    faults: list[Fault]
    count: Annotated[int, Field(description="All faults; `faults` has the first ones.")]
    missing_keys: list[str]


@router.get("/audit/streams/{stream}", summary="A chain of events", responses=reads())
def stream(
    visit: Program,
    stream: Annotated[str, Path(max_length=100, examples=["cycle:2026Q1"])],
    after: After = None,
    limit: Limit = 50,
) -> Page[Entry]:
    """Return a chain: `org`, `cycle:2026Q1`, `ledger:31`, `refusals` or `checkpoints`; for auditors and HR."""
    return _chain(visit, stream, after, limit)


@router.get("/appraisals/{cycle}/{number}/audit", summary="The chain of an appraisal", responses=reads())
def appraisal_chain(
    visit: Program, cycle: CycleCode, number: Who, after: After = None, limit: Limit = 50
) -> Page[Entry]:
    """Return the moves of an appraisal; what they carry only with the judgement."""
    return _chain(visit, f"{cycle}/{number}", after, limit)


@router.get("/audit/views", summary="Who looked at whose judgement", responses=reads())
def views(visit: Program, after: After = None, limit: Limit = 50) -> Page[View]:
    """Return who looked at the judgement of others, in the order they did; for auditors."""
    rows = view_log.views(visit.uow, actor=visit.actor, now=visit.now, after=number_of(after), limit=limit + 1)
    items = [View(**{name: getattr(row, name) for name in View.model_fields}) for row in rows[:limit]]
    return Page[View](items=items, next=str(rows[limit - 1].id) if len(rows) > limit else None)


@router.get("/audit/verification", summary="Verify everything now", responses=reads())
def verified(visit: Program) -> Verified:
    """Verify every chain and every row they vouch for; for auditors. It reads the whole database."""
    # In a transaction of its own: it is to see one moment, and the request has begun to read already.
    report = verification.verify(visit.site.wiring.uow)
    plain = {name: getattr(report, name) for name in ("events", "moves", "texts", "rows", "count")}
    faults = [Fault(code=fault.code, where=fault.where, text=visit.said(fault.text)) for fault in report.faults]
    return Verified(faults=faults, missing_keys=list(report.missing_keys), **plain)


def _chain(visit: Asked, name: str, after: str | None, limit: int) -> Page[Entry]:
    span = audit_trail.Span(number_of(after), limit + 1)
    rows = audit_trail.show(visit.uow, viewer=visit.actor, now=visit.now, name=name, span=span)
    follows = str(rows[limit - 1].seq) if len(rows) > limit else None
    return Page[Entry](items=[Entry.model_validate(row) for row in rows[:limit]], next=follows)
