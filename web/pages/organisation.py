"""Importing people: the file, which column is which, every change before anything is written, and then all of it."""

import base64
import binascii
import datetime as dt
import zlib
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services import organisation_import, organisation_template
from services.errors import Malformed
from services.organisation_import import Preview
from web.forms import EMPTY, Form, Posted
from web.limits import LARGEST_BODY
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit

router = APIRouter()
MATCH, LEAVES = "column:", "leaves:"
_PART = 900_000
"""Characters of one hidden field; a field has at most a million bytes."""
_SHOWN = 500


@router.get("/organisation")
def show(visit: Visit, done: str = "", n: str = "") -> Response:
    said = visit.text("Imported: %(n)s rows are new or changed.", n=n[:9]) if done == "imported" else ""
    return _page(visit, EMPTY, done=said)


@router.get("/organisation/template")
def template(visit: Visit) -> Response:  # noqa: ARG001 - only who may import is let in
    return Response(
        organisation_template.template(),
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"content-disposition": 'attachment; filename="organisation.xlsx"'},
    )


@router.post("/organisation")
def act(visit: Visit, form: Posted) -> Response:
    """Show what a file would change; from there it is looked at again with columns matched, or written."""
    data, where = b"", form.get("where", "file")[:200]
    columns = {name.removeprefix(MATCH): form.get(name) for name in form.fields if name.startswith(MATCH)}
    columns = {title: column for title, column in columns.items() if column}
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "where": where}
    try:
        sent = form.files.get("file")
        if sent:
            data, where = sent[0].file.read(), (sent[0].filename or "file")[:200]
            asked["where"] = where
        elif form.get("data"):
            data = _unpacked(visit, form)
        if not data:
            raise Malformed(visit.text("Choose a file: a spreadsheet (xlsx) or CSV."), "no-file")
        if form.get("act") == "import":
            done = organisation_import.apply(
                visit.uow,
                **asked,
                data=data,
                columns=columns,
                leavers=_leavers(visit, form),
                end_absent=form.get("end-absent") == "yes",
                expected=form.get("expected") or "-",
            )
            return visit.to(f"/organisation?done=imported&n={done.new + done.changed}")
        preview = organisation_import.preview(visit.uow, **asked, data=data, columns=columns)
    except REFUSED as error:
        return _page(visit, form.failed(error), data=data, where=where)
    return _page(visit, form, data=data, where=where, preview=preview, columns=columns)


def _leavers(visit: Asked, form: Form) -> Mapping[str, dt.date | None]:
    names = [name for name in form.fields if name.startswith(LEAVES) and form.get(name)]
    found: dict[str, dt.date | None] = {}
    for name in names:
        try:
            found[name.removeprefix(LEAVES)] = dt.date.fromisoformat(form.get(name))
        except ValueError as error:
            raise Malformed(visit.text("Write the last day of who left as 2026-04-20."), "bad-day") from error
    return found


def _packed(data: bytes) -> list[str]:
    """Return a file as texts that fit into hidden fields, so that nothing lies anywhere until it is agreed to."""
    text = base64.b64encode(zlib.compress(data)).decode()
    return [text[start : start + _PART] for start in range(0, len(text), _PART)]


def _unpacked(visit: Asked, form: Form) -> bytes:
    opened = zlib.decompressobj()
    try:
        data = opened.decompress(base64.b64decode("".join(form.all("data")), validate=True), LARGEST_BODY)
    except (binascii.Error, zlib.error) as error:
        raise Malformed(visit.text("The file was damaged on its way; choose it again."), "damaged") from error
    if opened.unconsumed_tail:
        raise Malformed(visit.text("The file is too large; split it."), "too-large")
    return data


def _page(
    visit: Asked,
    form: Form,
    *,
    data: bytes = b"",
    where: str = "",
    preview: Preview | None = None,
    columns: Mapping[str, str] | None = None,
    done: str = "",
) -> Response:
    return visit.page(
        "organisation.html",
        status=form.status,
        form=form,
        preview=preview,
        packed=_packed(data) if preview is not None else (),
        where=where,
        columns=columns or {},
        most=_SHOWN,
        done=done,
    )
