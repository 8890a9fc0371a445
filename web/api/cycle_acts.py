"""What is done with a whole cycle: more time for some; the result table put forward, signed, refused, exported."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from services import enrolment, extensions, finalising, late_entries, table_state
from services.errors import Malformed
from services.extensions import Cohort
from web.api.cycles import CycleCode
from web.api.keyed import IdempotencyKey
from web.api.shapes import Code, IfMatch, Shape, Text, moves_seen, reads, writes
from web.api_table import PREFIX
from web.downloads import MEDIA, export_file
from web.requests import Asked, Program

router = APIRouter(prefix=PREFIX, tags=["cycles"])
Form = Literal["csv", "json", "xlsx"]
CheckNumber = Annotated[
    str,
    Field(
        max_length=100,
        description="The check number of the table that you sign: 64 hexadecimal digits.",
        examples=["5f0a7be4" * 8],
    ),
]
Whose = Annotated[tuple[Code, ...], Field(max_length=500)]
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[str, Any] = {
    MEDIA["csv"]: _BINARY,
    MEDIA["xlsx"]: _BINARY,
    MEDIA["json"]: {"schema": {"type": "object"}},
}


class MoreTime(Shape):
    """Whose deadlines are meant, until when, and why. What is empty does not narrow; all of it empty is refused."""

    people: Annotated[Whose, Field(description="Employee numbers, @POST for one of several.", examples=[["1007"]])] = ()
    units: Annotated[Whose, Field(description="Codes of units, with those below them.", examples=[["office"]])] = ()
    stages: Annotated[Whose, Field(examples=[["scoring"]])] = ()
    until: Annotated[dt.date, Field(description="The new last day.", examples=["2026-04-20"])]
    reason: Annotated[Text, Field(examples=["The system was down for two days."])]


class Later(Shape):
    """A work item that has more time, and what its deadline was."""

    item: Annotated[str, Field(examples=["W77"])]
    appraisal: str
    stage: str
    was: dt.datetime | None


class NotLater(Shape):
    """A work item whose deadline stays: own-or-superior, no-deadline or later-already."""

    item: str
    appraisal: str
    why: Annotated[str, Field(examples=["later-already"])]


class Extended(Shape):
    """Whose deadlines moved and whose did not."""

    until: dt.date
    moved: list[Later]
    left: list[NotLater]


class PutForward(Shape):
    """Which table: the whole one, or what closed after the first was proposed."""

    late: Annotated[bool, Field(description="What closed after the proposal, such as a decided appeal.")] = False


class Proposed(Shape):
    """A result table that lies before the approver; `carried` appraisals enter later."""

    cycle: str
    number: int
    check_number: CheckNumber
    rows: int
    rated: int
    persons: int
    carried: int


class Signature(Shape):
    """Which table is signed, by its check number."""

    check_number: CheckNumber
    late: Annotated[bool, Field(description="The table of what closed after the first proposal.")] = False


class Signed(Shape):
    """A signed table; its results become final within a minute, those of a late table at once."""

    cycle: str
    check_number: CheckNumber
    state: Annotated[str, Field(examples=["finalising"])]


class Refusal(Shape):
    """Why the table is refused."""

    reason: Annotated[Text, Field(examples=["1009 was scored twice."])]


class Reopened(Shape):
    """The cycle after a refusal."""

    cycle: str
    state: Annotated[str, Field(examples=["open"])]


class Table(Shape):
    """The last word about the result table: `kind` is null before the first proposal."""

    cycle: str
    state: Annotated[str, Field(examples=["proposed"])]
    kind: Annotated[str | None, Field(examples=["proposed"])]
    at: dt.datetime | None
    by: Annotated[str, Field(examples=["Qian Wei (1007)"])]
    check_number: str | None
    rows: int | None
    rated: int | None
    persons: int | None
    carried: int
    waits: Annotated[bool, Field(description="Whether it waits for a signature.")]
    own: Annotated[bool, Field(description="Whether you put it forward and so cannot sign it.")]


@router.post("/cycles/{cycle}/extensions", summary="Give more time", responses=writes())
def extend(visit: Program, cycle: CycleCode, body: MoreTime, key: IdempotencyKey = None) -> Extended:
    """Move the deadlines of people, units or stages to a later day; by HR, nobody gets less time by it."""
    done = extensions.extend(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        cycle=cycle,
        cohort=Cohort(body.people, body.units, body.stages),
        until=body.until,
        reason=body.reason,
    )
    return Extended(
        until=done.until,
        moved=[Later.model_validate(dict(row)) for row in done.moved],
        left=[NotLater.model_validate(dict(row)) for row in done.left],
    )


@router.get("/cycles/{cycle}/proposal", summary="The result table put forward", responses=reads())
def table(visit: Program, cycle: CycleCode) -> Table:
    """Return how it stands with the result table: who put it forward, its check number, what came of it."""
    found = table_state.table_state(visit.uow, viewer=visit.actor, now=visit.now, cycle=cycle)
    same = ("state", "kind", "at", "by", "rows", "rated", "persons", "carried", "waits", "own")
    return Table(cycle=cycle, check_number=found.digest, **{name: getattr(found, name) for name in same})


@router.post(
    "/cycles/{cycle}/proposals", summary="Put the result table forward", status_code=201, responses=writes(412)
)
def propose(
    visit: Program, *, cycle: CycleCode, body: PutForward, if_match: IfMatch = None, key: IdempotencyKey = None
) -> Proposed:
    """Put the table before the approver; by HR. With `If-Match` of the cycle's status only as you saw it."""
    uow = visit.uow.asked(key)
    seen = moves_seen(if_match)
    if body.late:
        if seen is not None:
            raise Malformed("If-Match belongs to the first table; what enters late has closed already.", "only-first")
        found = late_entries.propose_late(uow, actor=visit.actor, now=visit.now, cycle=cycle)
    else:
        found = finalising.propose(uow, actor=visit.actor, now=visit.now, cycle=cycle, moves_seen=seen)
    same = ("cycle", "number", "rows", "rated", "persons", "carried")
    return Proposed(check_number=found.digest, **{name: getattr(found, name) for name in same})


@router.post("/cycles/{cycle}/approvals", summary="Sign the result table", responses=writes())
def approve(visit: Program, cycle: CycleCode, body: Signature, key: IdempotencyKey = None) -> Signed:
    """Sign the table with this check number and no other; by the approver, never by who put it forward."""
    uow = visit.uow.asked(key)
    if body.late:
        digest = late_entries.enter_late(
            uow, actor=visit.actor, now=visit.now, cycle=cycle, digest=body.check_number
        ).digest
    else:
        digest = finalising.approve(uow, actor=visit.actor, now=visit.now, cycle=cycle, digest=body.check_number).digest
    return Signed(cycle=cycle, check_number=digest, state=_state(visit, cycle))


@router.post("/cycles/{cycle}/refusals", summary="Refuse the result table", responses=writes())
def refuse(visit: Program, cycle: CycleCode, body: Refusal, key: IdempotencyKey = None) -> Reopened:
    """Refuse the proposed table with a reason; the cycle is open again. By the approver."""
    finalising.refuse(visit.uow.asked(key), actor=visit.actor, now=visit.now, cycle=cycle, reason=body.reason)
    return Reopened(cycle=cycle, state=_state(visit, cycle))


@router.get(
    "/cycles/{cycle}/export",
    summary="The results as a file",
    response_class=Response,
    responses=reads(409) | {200: {"content": _FILES}},
)
def export(
    visit: Program, cycle: CycleCode, form: Annotated[Form, Query(description="What file.", examples=["csv"])] = "csv"
) -> Response:
    """Return the result table as far as you may see it, as the file that `appraise export` writes; it is recorded."""
    return export_file(visit, cycle, form)


def _state(visit: Asked, cycle: str) -> str:
    return str(next(row["state"] for row in enrolment.cycles(visit.uow) if row["code"] == cycle))
