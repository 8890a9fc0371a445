"""Corrections of final results: HR puts one forward with its effect and a reason, the approver signs or refuses it."""

from fastapi import APIRouter, Response

from services import correction_case, corrections
from services.correction_records import CORRECTED, PROPOSED
from services.correction_records import REFUSED as SENT_BACK
from services.corrections import Difference
from services.errors import Malformed
from web import confirming
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
DONE = {
    "proposed": N_("The correction is put forward. Nothing has changed; it waits for the approver on this page."),
    "approved": N_("The correction is signed and in force; the person is told of the new result."),
    "sent-back": N_("The correction is refused; the result stays as it is."),
}
STEPS = {PROPOSED: N_("put forward"), CORRECTED: N_("signed"), SENT_BACK: N_("refused")}
"""What people call the steps of a correction."""


@router.get("/corrections/{cycle}/{number}")
def show(visit: Visit, cycle: str, number: str, done: str = "") -> Response:
    return _page(visit, f"{cycle}/{number}", EMPTY, done=done)


@router.post("/corrections/{cycle}/{number}/{action}")
def act(visit: Visit, cycle: str, number: str, action: str, form: Posted) -> Response:
    """Put forward what was seen, sign it or refuse it; a form that names no effect seen shows the effect first."""
    code = f"{cycle}/{number}"
    try:
        if action == "propose":
            effect = corrections.preview_correction(
                visit.uow, actor=visit.actor, now=visit.now, appraisal=code, lines=_lines(form)
            )
            if form.maybe("again") or form.get("seen") != effect.digest:
                return _page(visit, code, form, effect=effect)
            corrections.propose_correction(
                visit.uow,
                actor=visit.actor,
                now=visit.now,
                appraisal=code,
                lines=_lines(form),
                reason=form.get("reason"),
            )
            return visit.to(f"/corrections/{code}?done=proposed")
        if action == "approve":
            return _approve(visit, code, form)
        if action == "refuse":
            corrections.refuse_correction(
                visit.uow, actor=visit.actor, now=visit.now, appraisal=code, reason=form.get("reason")
            )
            return visit.to(f"/corrections/{code}?done=sent-back")
        raise Malformed(visit.text("A correction is put forward, signed or refused; choose one."), "unknown-action")
    except REFUSED as error:
        return _page(visit, code, form.failed(error), tried=action)


def _approve(visit: Asked, code: str, form: Form) -> Response:
    digest = form.get("check-number")
    if not digest:
        raise Malformed(visit.text("Say which correction you sign, by its check number."), "check-number")
    confirming.demand(visit, form)
    corrections.approve_correction(visit.uow, actor=visit.actor, now=visit.now, appraisal=code, digest=digest)
    return visit.to(f"/corrections/{code}?done=approved")


def _lines(form: Form) -> dict[str, str | None]:
    """Return what becomes of each line that does not stay: strike, or its right amount."""
    said: dict[str, str | None] = {}
    for name in form.fields:
        kind, _, line = name.partition("-")
        chosen = form.get(name) if kind == "decision" else "keep"
        if chosen != "keep":
            said[line] = form.get(f"amount-{line}") if chosen == "change" else chosen
    return said


def _page(
    visit: Asked, code: str, form: Form, *, done: str = "", tried: str = "", effect: Difference | None = None
) -> Response:
    case = correction_case.correction_case(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    return visit.page(
        "correction.html",
        status=form.status,
        case=case,
        effect=effect,
        steps={kind: visit.text(said) for kind, said in STEPS.items()},
        again=confirming.again(visit),
        form=form,
        tried=tried,
        done=visit.text(DONE[done]) if done in DONE else "",
    )
