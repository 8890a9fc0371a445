"""What the answers and questions of the API are made of: shapes that take nothing else, figures, pages, problems."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Header, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from scoring.numbers import parse_decimal, to_decimal
from services.audit import LONGEST_TEXT
from services.errors import Conflict, Malformed

T = TypeVar("T")
LARGEST_PAGE = 100
PROBLEM = "application/problem+json"


class Shape(BaseModel):
    """An object of the API. A field that it does not have is refused, never ignored (G12)."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Page(Shape, Generic[T]):
    """Some of a list, in its order."""

    items: list[T]
    next: Annotated[
        str | None,
        Field(description="Send it as `after` to get what follows; null at the end.", examples=["41"]),
    ]


class Problem(BaseModel):
    """Why something was not done (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:appraise:not-allowed"])]
    title: Annotated[str, Field(description="A short, stable code.", examples=["not-allowed"])]
    status: int
    detail: Annotated[str, Field(description="A sentence for people, in the language of `Accept-Language`.")]


def _figure(value: Any) -> Any:
    return to_decimal(value) if isinstance(value, Fraction) else value


Figure = Annotated[
    str, BeforeValidator(_figure), Field(description="An exact decimal in quotes, in points.", examples=["96.5"])
]
"""A figure in an answer."""

GivenFigure = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", description="An exact decimal in quotes.", examples=["4"]),
]
"""A figure in a question; a bare number would be a binary one."""

Text = Annotated[str, Field(max_length=LONGEST_TEXT, examples=["The branch waited two weeks."])]
Code = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[
    dict[str, str], Field(description="The words in English and Chinese.", examples=[{"en": "Scoring", "zh": "评分"}])
]

After = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many at most.")]
IfMatch = Annotated[
    str | None,
    Header(max_length=100, description="The ETag of what you looked at; 412 if it is not what is there now."),
]


def figure(text: str | None) -> Fraction | None:
    """Return the exact figure that a text holds, None for none.

    Raises:
        Malformed: it is no plain decimal.
    """
    return None if text is None else figure_of(text)


def figure_of(text: str) -> Fraction:
    """Return the exact figure that a text holds.

    Raises:
        Malformed: it is no plain decimal.
    """
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise Malformed(str(error), "bad-figure") from error


def number_of(after: str | None) -> int:
    """Return the number that `after` holds, 0 for the first page.

    Raises:
        Malformed: it was not the `next` of a page.
    """
    if after is None:
        return 0
    if re.fullmatch(r"[0-9]{1,18}", after, flags=re.ASCII) is None:
        raise Malformed("`after` is not the `next` of a page; leave it out to begin at the first.", "bad-after")
    return int(after)


def etag(*versions: int | str) -> str:
    """Return the ETag of something with these versions."""
    return f'"{"-".join(str(one) for one in versions)}"'


def demand_match(if_match: str | None, now_there: str) -> None:
    """Let pass who looked at what is there now, or does not say what he looked at.

    Raises:
        Conflict: it has changed.
    """
    if if_match is not None and if_match.strip() not in {"*", now_there}:
        raise stale()


def moves_seen(if_match: str | None) -> int | None:
    """Return how many moves a cycle's status showed, from its ETag; None where it is not said.

    Raises:
        Conflict: it is no ETag of a status.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = re.fullmatch(r'"moves-([0-9]{1,15})"', if_match.strip(), flags=re.ASCII)
    if match is None:
        raise stale()
    return int(match[1])


def stale() -> Conflict:
    """Return the answer to who looked at something that has changed."""
    return Conflict("It has changed since you looked at it; look again and decide anew.", "stale")


_SAYS = {
    400: "The body cannot be read.",
    401: "There is no token, or it is not valid.",
    403: "A rule forbids it; the sentence says which.",
    404: "There is no such thing, or it is not yours to see.",
    409: "Somebody was faster.",
    412: "What `If-Match` names is not what is there now.",
    413: "The body is too large.",
    422: "What was sent is not of the form asked for.",
    503: "The database cannot be reached at the moment.",
}
_READING = (401, 403, 404, 422, 503)
_WRITING = (400, 401, 403, 404, 409, 413, 422, 503)


def reads(*more: int, tagged: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that reads, for its description; `tagged` says that the good one has an ETag."""
    return _answers((*_READING, *more), tagged=200 if tagged else None)


def writes(*more: int, tagged: int | None = None) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that acts, for its description; `tagged` is the good one that has an ETag."""
    return _answers((*_WRITING, *more), tagged=tagged)


def _answers(statuses: Sequence[int], *, tagged: int | None) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": _SAYS[status], "content": {PROBLEM: {"schema": schema}}} for status in sorted(statuses)
    }
    if tagged is not None:
        header = {"description": "For `If-Match`.", "schema": {"type": "string"}}
        found[tagged] = {"headers": {"ETag": header}}
    return found
