"""Whether the pages answer and the database does: for probes, without a login and without a name."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.errors import AppraiseError

router = APIRouter()


@router.get("/health")
def health(request: Request) -> JSONResponse:
    """Answer 200 while the database answers, else 503."""
    try:
        with request.app.state.site.wiring.uow.read():
            return JSONResponse({"status": "ok"})
    except AppraiseError as error:
        return JSONResponse({"status": error.code}, 503)
