"""The auditor's lists, a chain laid open, and the proof that nothing was changed behind the program's back."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from config.checkpoint_keys import signing_key_of
from services import audit_lists, audit_trail, checkpoints, verification, view_log
from services.errors import AppraiseError, Malformed
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
LISTS = {
    "exceptions": N_("Departures from the rule"),
    "powers": N_("Powers"),
    "taken": N_("What was taken away"),
    "denied": N_("What was denied"),
    "looks": N_("Who looked at whose result"),
}
_ROWS = 500
"""Rows of a chain on one page: the newest."""


@router.get("/audit")
def show(visit: Visit, *, what: str = "exceptions", before: int | None = None) -> Response:
    return _page(visit, EMPTY, what=what if what in LISTS else "exceptions", before=before)


@router.get("/audit/chain")
def chain(visit: Visit, name: str = "") -> Response:
    entries: tuple[audit_trail.Entry, ...] = ()
    form = EMPTY
    if name:
        try:
            span = audit_trail.Span(limit=_ROWS + 1, newest=True)
            entries = audit_trail.show(visit.uow, viewer=visit.actor, now=visit.now, name=name, span=span)
        except REFUSED as error:
            form = form.failed(error)
    return visit.page("chain.html", name=name, entries=entries[-_ROWS:], more=len(entries) > _ROWS, form=form)


@router.post("/audit/verify")
def verify(visit: Visit, form: Posted) -> Response:
    try:
        if form.get("act") != "verify":
            raise Malformed(visit.text("Say that everything is to be verified."), "act")
        report = verification.verify(visit.uow)
    except REFUSED as error:
        return _page(visit, form.failed(error))
    return _page(visit, form, report=report)


@router.post("/audit/checkpoint")
def checkpoint(visit: Visit, form: Posted) -> Response:
    """Write down the ends of all chains, signed, and hand the file over."""
    folder = Path(tempfile.mkdtemp(prefix="appraise-checkpoint-"))
    try:
        if form.get("act") != "checkpoint":
            raise Malformed(visit.text("Say that a checkpoint is to be made."), "act")
        before = checkpoints.find_newest(visit.uow)
        key = signing_key_of(visit.site.wiring.settings, signed_before=before is not None, renew=False)
        path = folder / f"checkpoint-{visit.now:%Y%m%dT%H%M%SZ}.json"
        checkpoints.make(visit.uow, now=visit.now, path=path, key=key, actor=visit.actor)
    except REFUSED as error:
        shutil.rmtree(folder)
        return _page(visit, form.failed(error))
    except AppraiseError:
        shutil.rmtree(folder)
        raise
    return FileResponse(path, filename=path.name, background=BackgroundTask(shutil.rmtree, folder))


def _page(
    visit: Asked,
    form: Form,
    *,
    what: str = "exceptions",
    before: int | None = None,
    report: verification.Report | None = None,
) -> Response:
    powers: tuple[Any, ...] = ()
    looks: tuple[view_log.View, ...] = ()
    listed = None
    if what == "looks":
        looks = view_log.views(visit.uow, actor=visit.actor, now=visit.now, after=before or 0, limit=audit_lists.PAGE)
    elif what == "powers":
        powers = audit_lists.powers(visit.uow, viewer=visit.actor, now=visit.now, before=before)
    else:
        sort: Literal["exceptions", "taken", "denied"] = what  # type: ignore[assignment]  # one of LISTS
        listed = audit_lists.events(visit.uow, viewer=visit.actor, now=visit.now, what=sort, before=before)
    return visit.page(
        "audit.html",
        status=form.status,
        lists=LISTS,
        what=what,
        listed=listed,
        powers=powers,
        looks=looks,
        page=audit_lists.PAGE,
        newest=checkpoints.find_newest(visit.uow),
        report=report,
        form=form,
    )
