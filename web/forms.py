"""What a person typed: read with limits, checked for the token of the session, and kept when it is refused."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Request, UploadFile
from starlette.exceptions import HTTPException

from services.errors import AppraiseError, Malformed, Refused
from web.requests import Visit, status_of, token_of

TOKEN = "form-token"  # noqa: S105 - the name of a field
MOST_FIELDS, MOST_FILES = 4000, 20
LARGEST_FIELD = 1024 * 1024
"""Fields, files and bytes of one field. A grid of 62 people and 20 items is one form.

Of the files `web.uploads` takes fewer, and says so beside their field."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form. `problem` is what a service answered; the page shows it, and the fields as they were typed.

    `errors` are sentences that stand beside a field, by its name.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[UploadFile, ...]] = field(default_factory=dict)
    problem: AppraiseError | None = None
    errors: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """Return what stands in a field, without spaces around it."""
        values = self.fields.get(name, ())
        return values[-1].strip() if values else default

    def maybe(self, name: str) -> str | None:
        """Return what stands in a field, or None where it is empty."""
        return self.get(name) or None

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, such as the boxes that are ticked."""
        return self.fields.get(name, ())

    def number(self, name: str) -> int | None:
        """Return a whole number, or None where the field is empty.

        Raises:
            Malformed: it is none.
        """
        text = self.get(name)
        if not text:
            return None
        if not text.isascii() or not text.lstrip("-").isdigit() or len(text) > len("-9223372036854775808"):
            raise Malformed(f"{text[:20]!r} is not a whole number; write digits only.", "bad-number")
        return int(text)

    def failed(self, problem: AppraiseError, **errors: str) -> "Form":
        """Return the form as typed, with what went wrong; `errors` by the names of the fields."""
        return replace(self, problem=problem, errors=errors)

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows the form again."""
        return 200 if self.problem is None else status_of(self.problem)


EMPTY = Form()
"""The form of a page that is looked at for the first time."""


async def read(request: Request) -> Form:
    """Read a form with the limits.

    Raises:
        Malformed: it has too many fields, one is too long, or it cannot be read.
    """
    try:
        data = await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=LARGEST_FIELD)
    except HTTPException as error:
        raise Malformed(f"The form cannot be read: {str(error.detail).rstrip('.')}.", "bad-form") from error
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, tuple[Any, ...]] = {}
    for name, value in data.multi_items():
        if isinstance(value, str):
            fields[name] = (*fields.get(name, ()), value)
        elif value.filename:
            files[name] = (*files.get(name, ()), value)
    return Form(fields, files)


async def posted(visit: Visit) -> AsyncIterator[Form]:
    """Read the form of who is logged in; its files are let go of behind the answer.

    Raises:
        Refused: it does not carry the token of the session.
        Malformed: it is too large or cannot be read.
    """
    try:
        form = await read(visit.request)
        if form.get(TOKEN) != token_of(visit.secret):
            raise Refused("This form is of another login; open the page again and send it from there.", "form-token")
        yield form
    finally:
        await visit.request.close()


async def posted_by_anybody(request: Request) -> Form:
    """Read a form of the pages before the login; where it came from was looked at already."""
    return await read(request)


Posted = Annotated[Form, Depends(posted, scope="function")]
PostedByAnybody = Annotated[Form, Depends(posted_by_anybody, scope="function")]
