"""Objection and decision: the contested lines with both sides, decided one by one, and what that comes to."""

from typing import Any

from fastapi import APIRouter, Response

from services import appeal_case, appraisals, desk, finding_places
from services.appeal_case import Outcome
from services.appraisals import Words as ActWords
from services.course import course
from services.errors import Conflict, Malformed, Refused
from web.forms import EMPTY, Form, Posted
from web.readers import Words, readers
from web.requests import Asked, Visit
from web.typed import beside
from web.uploads import files_in

router = APIRouter()
PART = "x-part"
"""The header by which the script asks for the effect alone."""


@router.get("/appeals/{cycle}/{number}")
def show(visit: Visit, cycle: str, number: str, done: str = "") -> Response:
    return _page(visit, f"{cycle}/{number}", EMPTY, done=done)


@router.post("/appeals/{cycle}/{number}/{action}")
def decide(visit: Visit, cycle: str, number: str, action: str, form: Posted) -> Response:
    code = f"{cycle}/{number}"
    found = appeal_case.appeal(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    lines = {one.line: said for one in found.lines if (said := _said(form, one.line)) is not None}
    if action == "preview":
        return _previewed(visit, found.appraisal, form, lines)
    try:
        moved = appraisals.act(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            appraisal=found.appraisal,
            action=action,
            words=ActWords(comment=form.maybe("comment"), lines=lines if action == appeal_case.DECIDE else None),
            version=form.number("version"),
            files=files_in(form),
        )
    except (Refused, Conflict, Malformed) as error:
        return _page(visit, code, form.failed(error, **beside(error)), tried=action)
    return visit.to(f"/appeals/{moved.code}?done={moved.action}")


def _said(form: Form, line: str) -> str | None:
    """Return what was decided about a line: keep, strike or the lower amount; None where nothing was."""
    chosen = form.maybe(f"decision-{line}")
    return form.get(f"amount-{line}") if chosen == "lower" else chosen


def _previewed(visit: Asked, code: str, form: Form, lines: dict[str, str]) -> Response:
    shown: Outcome | None = None
    try:
        shown = appeal_case.outcome(
            visit.uow, actor=visit.actor, now=visit.now, appraisal=code, lines=lines, language=visit.language
        )
    except (Refused, Malformed) as error:
        form = form.failed(error)
    if visit.request.headers.get(PART):
        return visit.page("appeal_effect.html", preview=shown, form=form)
    return _page(visit, code, form, tried=appeal_case.DECIDE, preview=shown)


def _page(
    visit: Asked, code: str, form: Form, *, done: str = "", tried: str = "", preview: Outcome | None = None
) -> Response:
    """Show the appeal; after a refusal with what was typed, and the version that is there now."""
    asked: Any = {"actor": visit.actor, "now": visit.now, "appraisal": code}
    appeal = appeal_case.appeal(visit.uow, **asked)
    shown = desk.show(visit.uow, **asked)
    way = course(visit.uow, **asked)
    findings = {one.code: one for one in finding_places.of_appraisal(visit.uow, **asked)}
    return visit.page(
        "appeal.html",
        status=form.status,
        appeal=appeal,
        shown=shown,
        findings=findings,
        others=[one for code, one in findings.items() if code not in {line.line for line in appeal.lines}],
        acts=[way.acts[one["action"]] for one in shown.actions if not one["blocked"] and one["action"] in way.acts],
        read_by=readers(Words.JUDGEMENT, visit.language),
        form=form,
        tried=tried,
        preview=preview,
        done=next((step.done for step in reversed(shown.history) if step.action == done), None),
    )
