"""Entries on behalf of who has no address or no desk: what waits, and the form that types it in, shown as such."""

from typing import Any

from fastapi import APIRouter, Response

from services import appraisals, finding_places, proxy_work
from services.actors import Actor
from services.appraisals import Words
from services.course import course
from services.errors import Malformed
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED, day_of
from web.requests import Asked, Visit
from web.typed import beside
from web.uploads import files_in
from web.words import N_

router = APIRouter()


@router.get("/proxy")
def show(visit: Visit, *, number: str = "", after: int = 0, item: str = "", done: str = "") -> Response:
    if item:
        return _entry(visit, item, EMPTY)
    found = proxy_work.to_type(visit.uow, actor=visit.actor, now=visit.now, number=number.strip() or None, after=after)
    return visit.page("proxy.html", found=found, number=number, done=done == "yes")


@router.post("/proxy")
def enter(visit: Visit, form: Posted) -> Response:
    """Let the holder act, typed by the viewer: the history shows both, why, the day of the paper, the witness."""
    item = form.get("item")
    try:
        if not item:
            raise Malformed(visit.text("Say which task; the list names them."), "item")
        task = proxy_work.one(visit.uow, actor=visit.actor, now=visit.now, item=item)
        day = day_of(visit, form, "day", N_("Write the day on the paper."))
        if not form.get("reason"):
            raise Malformed(visit.text("Say why the person does not enter it himself."), "reason")
        appraisals.act(
            visit.uow,
            actor=Actor(task.holder_id, visit.person.person_id, f"{day.isoformat()}: {form.get('reason')}"),
            now=visit.now,
            appraisal=task.appraisal,
            action=form.get("action"),
            words=Words(
                comment=form.maybe("comment"),
                witness=form.maybe("witness"),
                lines=dict.fromkeys(form.all("line")) or None,
            ),
            files=files_in(form),
        )
    except REFUSED as error:
        return _entry(visit, item, form.failed(error, **beside(error)))
    return visit.to("/proxy?done=yes")


def _entry(visit: Asked, item: str, form: Form) -> Response:
    task: proxy_work.Waiting | None = None
    acts: list[Any] = []
    findings: tuple[Any, ...] = ()
    try:
        task = proxy_work.one(visit.uow, actor=visit.actor, now=visit.now, item=item)
        as_holder = Actor(task.holder_id, visit.person.person_id, "-")
        asked: dict[str, Any] = {"actor": as_holder, "now": visit.now, "appraisal": task.appraisal}
        acts = list(course(visit.uow, **asked).acts.values())
        findings = finding_places.of_appraisal(visit.uow, **asked)
    except REFUSED as error:
        form = form if form.problem else form.failed(error)
    return visit.page("proxy_entry.html", status=form.status, task=task, acts=acts, findings=findings, form=form)
