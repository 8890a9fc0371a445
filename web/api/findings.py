"""Findings: read, recorded, voided, confirmed and replied to."""

import datetime as dt
import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from services import findings as ledger
from services.finding_pages import findings_page
from services.finding_views import show_finding
from services.repeated import asked_before
from web.api.finding_shapes import Finding, page_of_findings
from web.api.keyed import IdempotencyKey
from web.api.shapes import (
    After,
    Code,
    Figure,
    GivenFigure,
    IfMatch,
    Limit,
    Page,
    Shape,
    Text,
    demand_match,
    etag,
    figure,
    number_of,
    reads,
    writes,
)
from web.api_table import PREFIX
from web.requests import Asked, Program

router = APIRouter(prefix=PREFIX, tags=["findings"])
FindingCode = Annotated[str, Path(max_length=100, description="Such as F1042.", examples=["F1042"])]


class NewFinding(Shape):
    """A finding to record. `amount` is for rules with a range, `units` for rules per unit."""

    number: Annotated[Code, Field(description="The employee number, @POST for one of several.", examples=["1009"])]
    rule: Annotated[Code, Field(examples=["D1.1"])]
    happened: Annotated[dt.date, Field(examples=["2026-02-03"])]
    known: Annotated[dt.date | None, Field(description="The day it became known; else the same.")] = None
    amount: GivenFigure | None = None
    units: GivenFigure | None = None
    document: Annotated[Code | None, Field(examples=["D12"])] = None
    incident: Code | None = None
    reason: Text | None = None
    sub_reasons: Annotated[tuple[Code, ...], Field(max_length=50)] = ()


class Recorded(Shape):
    """A finding that was recorded."""

    code: Annotated[str, Field(examples=["F1042"])]
    number: str
    rule: str
    amount: Figure
    counted_on: dt.date


class Reason(Shape):
    """Why."""

    reason: Annotated[Text, Field(examples=["It was another day."])]


class Words(Shape):
    """Your side."""

    text: Annotated[Text, Field(examples=["I was at the branch that day."])]


@router.get("/findings", summary="Findings about somebody", responses=reads())
def findings(
    visit: Program,
    number: Annotated[str | None, Query(max_length=100, description="The person; without one, you.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Finding]:
    """Return the findings about a person that you may see, in the order they were recorded."""
    place = number_of(after)
    found = findings_page(visit.uow, actor=visit.actor, now=visit.now, number=number, after=place, limit=limit)
    return page_of_findings(found)


@router.get("/findings/{finding}", summary="One finding", responses=reads(tagged=True))
def one_finding(visit: Program, response: Response, finding: FindingCode) -> Finding:
    """Return a finding as far as you may see it."""
    shown = _shown(visit, finding)
    response.headers["etag"] = _tag(shown)
    return shown


@router.post("/findings", summary="Record a finding", status_code=201, responses=writes())
def record(visit: Program, response: Response, body: NewFinding, key: IdempotencyKey = None) -> Recorded:
    """Record a finding; by the assessor of the person, who is told at once."""
    recorded = ledger.add(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        number=body.number,
        rule=body.rule,
        happened=body.happened,
        known=body.known,
        amount=figure(body.amount),
        units=figure(body.units),
        document=body.document,
        incident=body.incident,
        reason=body.reason,
        sub_reasons=body.sub_reasons,
    )
    response.headers["location"] = f"{PREFIX}/findings/{recorded.code}"
    return Recorded.model_validate(recorded)


@router.post("/findings/{finding}/void", summary="Void a finding", responses=writes(412, tagged=200))
def void(
    visit: Program,
    response: Response,
    *,
    finding: FindingCode,
    body: Reason,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
) -> Finding:
    """Void a finding that was recorded in error; by the assessor, before the submission."""
    _demand_seen(visit, finding, if_match, key)
    ledger.void(visit.uow.asked(key), actor=visit.actor, now=visit.now, finding=finding, reason=body.reason)
    return _answered(visit, response, finding)


@router.post("/findings/{finding}/confirm", summary="Confirm a claim", responses=writes(412, tagged=200))
def confirm(
    visit: Program, response: Response, *, finding: FindingCode, if_match: IfMatch = None, key: IdempotencyKey = None
) -> Finding:
    """Confirm a claimed commendation, so that it counts; by the assessor."""
    _demand_seen(visit, finding, if_match, key)
    ledger.confirm(visit.uow.asked(key), actor=visit.actor, now=visit.now, finding=finding)
    return _answered(visit, response, finding)


@router.post("/findings/{finding}/replies", summary="Reply to a finding", responses=writes(412, tagged=200))
def reply(
    visit: Program,
    response: Response,
    *,
    finding: FindingCode,
    body: Words,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
) -> Finding:
    """Write your own side beside a finding about you, within the days the workflow gives."""
    _demand_seen(visit, finding, if_match, key)
    ledger.reply(visit.uow.asked(key), actor=visit.actor, now=visit.now, finding=finding, text=body.text)
    return _answered(visit, response, finding)


def _shown(visit: Asked, finding: str) -> Finding:
    return Finding.model_validate(show_finding(visit.uow, actor=visit.actor, now=visit.now, finding=finding))


def _answered(visit: Asked, response: Response, finding: str) -> Finding:
    shown = _shown(visit, finding)
    response.headers["etag"] = _tag(shown)
    return shown


def _tag(shown: Finding) -> str:
    """Return the ETag of a finding: of all that this viewer is shown of it, so that it tells nobody of the rest."""
    return etag(hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32])


def _demand_seen(visit: Asked, finding: str, if_match: str | None, key: str | None) -> None:
    """Let pass who looked at what is there.

    Between this and the act nothing can slip in that matters: a finding is voided and confirmed once, by the database,
    and replies only come on top. A request that is repeated under its key is not refused for its own effect.
    """
    if if_match is not None and not asked_before(visit.uow, actor=visit.actor, request=key):
        demand_match(if_match, _tag(_shown(visit, finding)))
