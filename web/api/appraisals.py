"""Appraisals: which you may see, one laid open as far as you may, why its score is what it is."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from services import appraisal_list, desk, finding_places
from services.course import course
from services.desk import Shown
from services.sight import Relation
from web.api.finding_shapes import Finding
from web.api.shapes import After, Limit, Names, Page, Shape, etag, number_of, reads
from web.api_table import PREFIX
from web.requests import Asked, Program
from web.words import Language

router = APIRouter(prefix=PREFIX, tags=["appraisals"])
CycleCode = Annotated[str, Path(max_length=100, examples=["2026Q1"])]
Who = Annotated[
    str, Path(max_length=100, description="The employee number, with @POST for one of several.", examples=["1007"])
]


class Listed(Shape):
    """An appraisal in a list; nothing of any judgement is in it."""

    code: Annotated[str, Field(examples=["2026Q1/1007@personnel-officer"])]
    cycle: str
    number: str
    name: str
    post: str
    stage: Annotated[str, Field(examples=["scoring"])]
    outcome: str | None
    version: int
    due_at: dt.datetime | None
    relation: Annotated[Relation, Field(description="What you are to it.")]


class Step(Shape):
    """A stage of the line: done, now or ahead."""

    id: str
    title: Names
    state: str
    who: str | None
    at: dt.datetime | None
    due_at: dt.datetime | None


class Passed(Shape):
    """A move that was made; the words of others are there once the judgement is yours to see."""

    seq: int
    action: str
    done: Names
    by: str
    at: dt.datetime
    round: int
    comment: str | None
    typed_by: str | None
    proxy_reason: str | None
    witness: str | None


class Action(Shape):
    """What you could do now; `blocked` says in a sentence what stands in the way, null for nothing."""

    action: Annotated[str, Field(examples=["submit"])]
    label: Names
    reason: Annotated[str, Field(description="Whether words are none, optional or required.")]
    lines: Annotated[str, Field(description="Whether lines are none, optional or required.")]
    blocked: str | None


class Appraisal(Shape):
    """One appraisal as far as you may see it; what is not yours to see is null or empty."""

    code: Annotated[str, Field(examples=["2026Q1/1007@personnel-officer"])]
    person: str
    stage: str
    wording: Names
    version: int
    ledger_version: int
    round: int
    outcome: str | None
    due_at: dt.datetime | None
    holders: Annotated[dict[str, str], Field(description="Who has which part.")]
    total: Annotated[str | None, Field(examples=["96"])]
    grade: str | None
    items: list[dict[str, Any]]
    self_scores: dict[str, str]
    steps: list[Step]
    history: list[Passed]
    actions: list[Action]


class Explanation(Shape):
    """A score with every figure it is made of, and its steps in plain sentences."""

    score: dict[str, Any]
    sentences: list[str]


@router.get("/appraisals", summary="The appraisals you may see", responses=reads())
def appraisals(
    visit: Program,
    *,
    cycle: Annotated[str | None, Query(max_length=100, examples=["2026Q1"])] = None,
    stage: Annotated[str | None, Query(max_length=100, examples=["review"])] = None,
    number: Annotated[str | None, Query(max_length=100, description="Those of one person.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Listed]:
    """Return your own, those in which you have or had a part, and by grant all, in the order they were opened."""
    found = appraisal_list.appraisals_page(
        visit.uow,
        actor=visit.actor,
        now=visit.now,
        cycle=cycle,
        stage=stage,
        number=number,
        after=number_of(after),
        limit=limit,
    )
    items = [Listed(**{name: getattr(row, name) for name in Listed.model_fields}) for row in found.rows]
    return Page[Listed](items=items, next=None if found.next is None else str(found.next))


@router.get("/appraisals/{cycle}/{number}", summary="One appraisal", responses=reads(409, tagged=True))
def appraisal(visit: Program, response: Response, cycle: CycleCode, number: Who) -> Appraisal:
    """Return an appraisal. Its ETag goes into the `If-Match` of a move: then you judge what you saw, or nothing."""
    code = f"{cycle}/{number}"
    way = course(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    shown = desk.show(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    response.headers["etag"] = etag(shown.version, shown.ledger_version)
    return _appraisal(visit, shown, [Step.model_validate(step) for step in way.steps])


@router.get("/appraisals/{cycle}/{number}/explanation", summary="Why the score is what it is", responses=reads(409))
def explanation(visit: Program, cycle: CycleCode, number: Who, language: Language = "en") -> Explanation:
    """Return the score and its steps in sentences, once the judgement is yours to see."""
    score, sentences = desk.explain(
        visit.uow, actor=visit.actor, now=visit.now, appraisal=f"{cycle}/{number}", language=language
    )
    return Explanation(score=dict(score), sentences=list(sentences))


@router.get("/appraisals/{cycle}/{number}/findings", summary="The findings of an appraisal", responses=reads())
def findings(visit: Program, cycle: CycleCode, number: Who) -> Page[Finding]:
    """Return the findings that count in an appraisal, by day."""
    rows = finding_places.of_appraisal(visit.uow, actor=visit.actor, now=visit.now, appraisal=f"{cycle}/{number}")
    return Page[Finding](items=[Finding.model_validate(row) for row in rows], next=None)


def actions_of(visit: Asked, found: Iterable[Mapping[str, Any]]) -> list[Action]:
    """Return actions with what stands in their way in the language asked for."""
    return [Action(**{**one, "blocked": one["blocked"] and visit.said(one["blocked"])}) for one in found]


def _appraisal(visit: Asked, shown: Shown, steps: list[Step]) -> Appraisal:
    same = (
        *("person", "stage", "wording", "version", "ledger_version", "round", "outcome", "due_at", "holders"),
        *("total", "grade", "self_scores"),
    )
    return Appraisal(
        code=shown.appraisal,
        items=[dict(item) for item in shown.items],
        steps=steps,
        history=[Passed.model_validate(one) for one in shown.history],
        actions=actions_of(visit, shown.actions),
        **{name: getattr(shown, name) for name in same},
    )
