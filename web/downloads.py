"""Answering with a file: always as one to be saved, never as something that a browser opens on our pages."""

from urllib.parse import quote

from fastapi import Response

from services.attachments import FileBytes

_NONE = ""


def download(found: FileBytes) -> Response:
    """Return a file as an attachment under its own name."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe=_NONE)}",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(found.content, media_type=found.media, headers=headers)
