"""Documents: registered once, accusing nobody; findings refer to them."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from services import document_lists
from services import documents as register
from services.finding_pages import linked
from web.api.finding_shapes import Finding, page_of_findings
from web.api.keyed import IdempotencyKey
from web.api.shapes import After, Code, Limit, Page, Shape, Text, number_of, reads, writes
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["documents"])
DocumentCode = Annotated[str, Path(max_length=100, description="Such as D12.", examples=["D12"])]


class Document(Shape):
    """A document, and whose file belongs to it by its digest."""

    code: Annotated[str, Field(examples=["D12"])]
    kind: Annotated[str, Field(examples=["circular"])]
    number: Annotated[str, Field(examples=["2026-14"])]
    day: dt.date
    issuer: str
    title: str | None
    file_name: str | None
    file_sha256: str | None
    registered_by: str
    registered_at: dt.datetime


class NewDocument(Shape):
    """A document to register."""

    kind: Annotated[Code, Field(description=f"One of {', '.join(register.KINDS)}.", examples=["circular"])]
    number: Annotated[Code, Field(examples=["2026-14"])]
    day: Annotated[dt.date, Field(description="The day it bears.", examples=["2026-02-03"])]
    issuer: Annotated[Code, Field(examples=["The superior bank"])]
    title: Text | None = None


class Registered(Shape):
    """What people type for the document."""

    code: Annotated[str, Field(examples=["D12"])]


@router.get("/documents", summary="The documents you may pick from", responses=reads())
def documents(
    visit: Program,
    kind: Annotated[str | None, Query(max_length=100, examples=["circular"])] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Document]:
    """Return the documents you may see, in the order they were registered."""
    place = number_of(after)
    rows = document_lists.documents_page(
        visit.uow, actor=visit.actor, now=visit.now, kind=kind, after=place, limit=limit + 1
    )
    follows = str(rows[limit - 1].id) if len(rows) > limit else None
    return Page[Document](items=[Document.model_validate(row) for row in rows[:limit]], next=follows)


@router.get("/documents/{document}", summary="One document", responses=reads())
def one_document(visit: Program, document: DocumentCode) -> Document:
    """Return a document."""
    found = register.show_document(visit.uow, actor=visit.actor, now=visit.now, document=document)
    return Document.model_validate(found)


@router.get("/documents/{document}/findings", summary="What refers to a document", responses=reads())
def findings(visit: Program, document: DocumentCode, after: After = None, limit: Limit = 50) -> Page[Finding]:
    """Return the findings that refer to a document, as far as you may see them, in the order they were recorded.

    A page can be shorter than `limit` and have a next one: what is not yours to see was left out of it.
    """
    place = number_of(after)
    found = linked(visit.uow, actor=visit.actor, now=visit.now, document=document, after=place, limit=limit)
    return page_of_findings(found)


@router.post("/documents", summary="Register a document", status_code=201, responses=writes())
def add(visit: Program, response: Response, body: NewDocument, key: IdempotencyKey = None) -> Registered:
    """Register a document; by HR or the clerk."""
    code = register.register(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        kind=body.kind,
        number=body.number,
        day=body.day,
        issuer=body.issuer,
        title=body.title,
    )
    response.headers["location"] = f"{PREFIX}/documents/{code}"
    return Registered(code=code)
