"""A finding as the API shows it."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from services.finding_pages import Findings
from web.api.shapes import Figure, Names, Page, Shape


class Reply(Shape):
    """What the person wrote beside a finding."""

    at: dt.datetime
    text: str | None


class Revision(Shape):
    """A decision about a finding at the review or an appeal."""

    kind: str
    amount: Figure | None
    at: dt.datetime
    reason: str | None


class Finding(Shape):
    """A finding as you may see it; `hidden` says that its amount is not released to you yet."""

    code: Annotated[str, Field(examples=["F1042"])]
    number: Annotated[str, Field(examples=["1007"])]
    post: str
    rule: Annotated[str, Field(examples=["D1.1"])]
    clause: str
    trigger: Names
    award: Annotated[bool, Field(description="Whether it gives points.")]
    ranged: Annotated[bool, Field(description="Whether who recorded it picked the amount.")]
    happened: dt.date
    known: dt.date
    counted_on: dt.date
    amount: Figure | None
    units: Figure | None
    document: Annotated[str | None, Field(examples=["D12"])]
    incident: str | None
    reason: str | None
    sub_reasons: list[str]
    recorded_by: str
    recorded_at: dt.datetime
    claimed: bool
    confirmed: bool
    voided: bool
    void_reason: str | None
    counts: bool
    replaces: str | None
    replies: list[Reply]
    revisions: list[Revision]
    hidden: bool


def page_of_findings(found: Findings) -> Page[Finding]:
    """Return a page of findings as the API shows it."""
    follows = None if found.after is None else str(found.after)
    return Page[Finding](items=[Finding.model_validate(row) for row in found.rows], next=follows)
