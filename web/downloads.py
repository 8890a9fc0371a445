"""Answering with a file: always as one to be saved, never as something that a browser opens on our pages."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from services import exports
from services.attachments import FileBytes
from services.errors import AppraiseError
from web.requests import Asked

MEDIA: Mapping[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
"""The forms in which results are exported, and what each is for a browser or a program."""
_NONE = ""


def download(found: FileBytes) -> Response:
    """Return a file as an attachment under its own name."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe=_NONE)}",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(found.content, media_type=found.media, headers=headers)


def export_file(visit: Asked, cycle: str, form: str) -> Response:
    """Return the results of a cycle as the viewer may see them, streamed from a file that goes when it is sent.

    Raises:
        AppraiseError: as `services.exports.export`; then no file is left.
    """
    folder = Path(tempfile.mkdtemp(prefix="appraise-export-"))
    path = folder / f"results.{form}"
    try:
        exports.export(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, path=path)
    except AppraiseError:
        shutil.rmtree(folder)
        raise
    gone = BackgroundTask(shutil.rmtree, folder)
    return FileResponse(path, filename=f"{cycle}.{form}", media_type=MEDIA[form], background=gone)
