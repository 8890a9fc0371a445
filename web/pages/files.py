"""A file that belongs to a document, a finding or a move, for who sees that."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from services import attachments
from web.downloads import download
from web.requests import Visit

router = APIRouter()


@router.get("/files/{file}")
def show(visit: Visit, file: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    return download(attachments.read(visit.uow, actor=visit.actor, now=visit.now, item=file))
