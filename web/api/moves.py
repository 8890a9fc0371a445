"""Moves: one appraisal by one action, or many by one, with a result for each."""

import re
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services import appraisals
from services.appraisals import Words
from web.api.appraisals import CycleCode, Who
from web.api.keyed import IdempotencyKey
from web.api.shapes import Code, Figure, GivenFigure, IfMatch, Shape, Text, figure_of, stale, writes
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["moves"])
MOST = 200
"""Appraisals of one request."""
_TAG = re.compile(r'"([0-9]{1,9})-([0-9]{1,9})"', re.ASCII)


class Move(Shape):
    """What to do and what goes with it."""

    action: Annotated[Code, Field(description="One of the appraisal's `actions`.", examples=["approve"])]
    comment: Text | None = None
    witness: Annotated[Text | None, Field(description="Who saw it, where somebody refuses to answer.")] = None
    lines: Annotated[
        dict[str, str | None] | None,
        Field(
            max_length=500,
            description="For each line `keep`, `strike`, an amount in points, or null.",
            examples=[{"F12": "strike"}],
        ),
    ] = None
    ratings: Annotated[
        dict[str, GivenFigure] | None,
        Field(max_length=200, description="Your own scores by item; shown and not counted.", examples=[{"A1": "9"}]),
    ] = None


class Moved(Shape):
    """What became of an appraisal; `total` is there for a move that judged."""

    code: Annotated[str, Field(examples=["2026Q1/1007@personnel-officer"])]
    action: str
    from_stage: str
    to_stage: str
    version: int
    total: Figure | None


class Many(Shape):
    """One action for many appraisals, such as an approval of those without a deduction."""

    action: Annotated[Code, Field(examples=["approve"])]
    appraisals: Annotated[list[Code], Field(min_length=1, max_length=MOST, examples=[["2026Q1/1007", "2026Q1/1008"]])]
    comment: Text | None = None


class Outcome(Shape):
    """What became of one of many: moved, or refused with the sentence that says why."""

    appraisal: str
    moved: Moved | None
    refused: str | None


class Outcomes(Shape):
    """What became of each."""

    items: list[Outcome]


@router.post("/appraisals/{cycle}/{number}/moves", summary="Move an appraisal", responses=writes(412))
def move(
    visit: Program,
    *,
    cycle: CycleCode,
    number: Who,
    body: Move,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
) -> Moved:
    """Move an appraisal by an action. With `If-Match` only as you saw it: its moves and its findings."""
    version, ledger_version = _seen(if_match)
    ratings = None if body.ratings is None else {item: figure_of(text) for item, text in body.ratings.items()}
    moved = appraisals.act(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        appraisal=f"{cycle}/{number}",
        action=body.action,
        words=Words(comment=body.comment, witness=body.witness, lines=body.lines, ratings=ratings),
        version=version,
        ledger_version=ledger_version,
    )
    return _moved(moved)


@router.post("/moves", summary="Move many appraisals by one action", responses=writes())
def move_many(visit: Program, body: Many, key: IdempotencyKey = None) -> Outcomes:
    """Move many; what a rule refuses is set aside with its reason. If one is not yours to see, nothing is done."""
    batch = appraisals.act_many(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        appraisals=body.appraisals,
        action=body.action,
        comment=body.comment,
    )
    done = [Outcome(appraisal=one.code, moved=_moved(one), refused=None) for one in batch.moved]
    aside = [Outcome(appraisal=code, moved=None, refused=visit.said(why)) for code, why in batch.aside]
    return Outcomes(items=[*done, *aside])


def _moved(moved: appraisals.Moved) -> Moved:
    return Moved(**{name: getattr(moved, name) for name in Moved.model_fields})


def _seen(if_match: str | None) -> tuple[int | None, int | None]:
    """Return the versions of the appraisal and of its findings that an ETag names; `*` and nothing name none.

    Raises:
        Conflict: it is no ETag of an appraisal.
    """
    if if_match is None or if_match.strip() == "*":
        return None, None
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        raise stale()
    return int(match[1]), int(match[2])
