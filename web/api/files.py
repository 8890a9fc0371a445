"""Files on documents, findings, answers and decisions."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, File, Path, Response, UploadFile
from pydantic import Field

from services import attachments
from services.file_kinds import LARGEST, SUFFIXES
from web.api.appraisals import CycleCode, Who
from web.api.documents import DocumentCode
from web.api.findings import FindingCode
from web.api.keyed import IdempotencyKey
from web.api.shapes import Page, Shape, reads, writes
from web.api_table import PREFIX
from web.downloads import download
from web.requests import Asked, Program

router = APIRouter(prefix=PREFIX)
Seq = Annotated[int, Path(ge=1, le=999_999, description="The number of the move.")]
Sent = Annotated[
    UploadFile, File(description=f"At most {LARGEST // 1024 // 1024} MB; one of {', '.join(SUFFIXES)}, by its bytes.")
]
_MEDIA = ("application/pdf", "image/png", "image/jpeg", "text/plain", "text/csv", "application/octet-stream")
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_SERVED = (*_MEDIA, f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet")


class FileInfo(Shape):
    """A file, without its bytes; ask for them at /files/ID."""

    id: int
    name: Annotated[str, Field(examples=["log.pdf"])]
    media: Annotated[str, Field(examples=["application/pdf"])]
    size: int
    sha256: str
    added_by: Annotated[str, Field(examples=["1004"])]
    added_at: dt.datetime


@router.get("/documents/{document}/files", summary="Files of a document", tags=["documents"], responses=reads())
def of_document(visit: Program, document: DocumentCode) -> Page[FileInfo]:
    """Return the files of a document."""
    return _listed(visit, document)


@router.post(
    "/documents/{document}/files",
    summary="Attach a file to a document",
    tags=["documents"],
    status_code=201,
    responses=writes(),
)
def to_document(visit: Program, document: DocumentCode, file: Sent, key: IdempotencyKey = None) -> FileInfo:
    """Attach a file to a document; by HR or the clerk."""
    return _attached(visit, document, file, key)


@router.get("/findings/{finding}/files", summary="Files of a finding", tags=["findings"], responses=reads())
def of_finding(visit: Program, finding: FindingCode) -> Page[FileInfo]:
    """Return the files of a finding."""
    return _listed(visit, finding)


@router.post(
    "/findings/{finding}/files",
    summary="Attach a file to a finding",
    tags=["findings"],
    status_code=201,
    responses=writes(),
)
def to_finding(visit: Program, finding: FindingCode, file: Sent, key: IdempotencyKey = None) -> FileInfo:
    """Attach a file to a finding; by who recorded it, or the person in the days to reply."""
    return _attached(visit, finding, file, key)


@router.get(
    "/appraisals/{cycle}/{number}/moves/{seq}/files", summary="Files of a move", tags=["moves"], responses=reads()
)
def of_move(visit: Program, cycle: CycleCode, number: Who, seq: Seq) -> Page[FileInfo]:
    """Return the files of an answer or a decision."""
    return _listed(visit, f"{cycle}/{number}#{seq}")


@router.post(
    "/appraisals/{cycle}/{number}/moves/{seq}/files",
    summary="Attach a file to a move",
    tags=["moves"],
    status_code=201,
    responses=writes(),
)
def to_move(
    visit: Program, *, cycle: CycleCode, number: Who, seq: Seq, file: Sent, key: IdempotencyKey = None
) -> FileInfo:
    """Attach a file to an answer or a decision; by who made it, until somebody else acts."""
    return _attached(visit, f"{cycle}/{number}#{seq}", file, key)


@router.get(
    "/files/{file}",
    summary="The bytes of a file",
    tags=["files"],
    response_class=Response,
    responses=reads() | {200: {"content": dict.fromkeys(_SERVED, _BINARY)}},
)
def content(visit: Program, file: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    """Return a file to be saved."""
    return download(attachments.read(visit.uow, actor=visit.actor, now=visit.now, item=file))


def _listed(visit: Asked, item: str) -> Page[FileInfo]:
    found = attachments.files_of(visit.uow, actor=visit.actor, now=visit.now, item=item)
    return Page[FileInfo](items=[FileInfo.model_validate(one) for one in found], next=None)


def _attached(visit: Asked, item: str, file: UploadFile, key: str | None) -> FileInfo:
    made = attachments.attach(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        item=item,
        name=file.filename or "",
        content=file.file.read(LARGEST + 1),
    )
    return FileInfo.model_validate(made)
