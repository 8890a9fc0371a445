"""Cycles: which there are, how one stands, and its results."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from services import enrolment, result_rows
from services.errors import NotFound
from services.result_rows import Asking
from services.results import Result as ResultRow
from web.api.shapes import After, Figure, Limit, Names, Page, Shape, etag, reads
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["cycles"])
CycleCode = Annotated[str, Path(max_length=100, description="The code of the cycle.", examples=["2026Q1"])]


class Cycle(Shape):
    """A cycle and its period."""

    code: Annotated[str, Field(examples=["2026Q1"])]
    state: Annotated[str, Field(examples=["open"])]
    first: dt.date
    last: dt.date


class Late(Shape):
    """A work item whose days are over, and who holds it."""

    item: Annotated[str, Field(examples=["W77"])]
    stage: str
    due_at: dt.datetime
    number: str
    name: str


class LeftOut(Shape):
    """Somebody for whom the cycle was not opened; why is HR's alone where it is a protected absence."""

    number: str
    name: str
    post: str
    status: str
    reason_code: str | None
    reason: str | None


class Status(Shape):
    """How a cycle stands: appraisals by stage, assignments by status, who is late, who was left out."""

    code: str
    state: str
    first: dt.date
    last: dt.date
    roster: dict[str, int]
    stages: Annotated[dict[str, int], Field(examples=[{"scoring": 12, "closed": 40}])]
    not_rated: int
    overdue: list[Late]
    left_out: list[LeftOut]


class Result(Shape):
    """One row of the result table; figures are null while there are none or they are not yours to see."""

    number: Annotated[str, Field(examples=["1007"])]
    name: str
    post: str
    appraisal: Annotated[str, Field(description="Empty where none was opened.", examples=["2026Q1/1007@clerical"])]
    stage: str
    wording: Names
    outcome: str | None
    total: Figure | None
    maximum: Figure | None
    grade: str | None
    final: Annotated[bool, Field(description="Whether the figures are signed.")]
    person_total: Figure | None
    person_grade: str | None


@router.get("/cycles", summary="Every cycle", responses=reads())
def cycles(visit: Program) -> Page[Cycle]:
    """Return every cycle by its period; nothing of anybody's is in it."""
    return Page[Cycle](items=[_cycle(row) for row in enrolment.cycles(visit.uow)], next=None)


@router.get("/cycles/{cycle}", summary="One cycle", responses=reads())
def one_cycle(visit: Program, cycle: CycleCode) -> Cycle:
    """Return a cycle with its period and state."""
    for row in enrolment.cycles(visit.uow):
        if row["code"] == cycle:
            return _cycle(row)
    raise NotFound(f"There is no cycle {cycle}; ask for the list of cycles.", "unknown-cycle")


@router.get("/cycles/{cycle}/status", summary="How a cycle stands", responses=reads(tagged=True))
def status(visit: Program, response: Response, cycle: CycleCode) -> Status:
    """Return how a cycle stands; for HR, the approver and auditors. Its ETag goes into the `If-Match` of a proposal."""
    found = enrolment.status(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle)
    response.headers["etag"] = etag("moves", found.moves)
    return Status(
        code=found.code,
        state=found.state,
        first=found.period_from,
        last=found.period_to,
        roster=dict(found.roster),
        stages=dict(found.stages),
        not_rated=found.not_rated,
        overdue=[Late.model_validate(dict(row)) for row in found.overdue],
        left_out=[LeftOut(**{name: row[name] for name in LeftOut.model_fields}) for row in found.left_out],
    )


@router.get("/cycles/{cycle}/results", summary="The result table", responses=reads(409))
def results(
    visit: Program,
    cycle: CycleCode,
    final: Annotated[bool | None, Query(description="Only what is signed, or only what is not yet.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Result]:
    """Return the result table as far as you may see it, by employee number and post.

    A page can be shorter than `limit` and have a next one: what is not yours to see was left out of it.
    """
    asking = Asking(final=final, after=after or "", limit=limit)
    found = result_rows.results_page(visit.uow, viewer=visit.actor, now=visit.now, cycle=cycle, asking=asking)
    return Page[Result](items=[_result(row) for row in found.rows], next=found.after)


def _result(row: ResultRow) -> Result:
    plain = {name: getattr(row, name) for name in Result.model_fields if name != "appraisal"}
    return Result(appraisal=row.code, **plain)


def _cycle(row: Mapping[str, Any]) -> Cycle:
    return Cycle(code=row["code"], state=row["state"], first=row["from"], last=row["to"])
