"""What keeps Appraise going: how it stands, mails and failures that wait for somebody, and the settings in force."""

from typing import Any

from fastapi import APIRouter, Response

from config.setting_fields import words_of
from config.settings import Settings, variable
from services import failures, mail_desk, operations_view, sending
from services.errors import Malformed, Refused
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit

router = APIRouter()


@router.get("/operations")
@router.get("/failures")
def show(visit: Visit, done: str = "") -> Response:
    return _page(visit, EMPTY, done=done)


@router.post("/operations/mail")
def act_on_mail(visit: Visit, form: Posted) -> Response:
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "mail": form.get("mail")}
    try:
        if not form.get("mail"):
            raise Malformed(visit.text("Say which mail."), "mail")
        match form.get("act"):
            case "retry":
                mail_desk.retry(visit.uow, **asked)
            case "release":
                mail_desk.release(visit.uow, **asked)
            case "arrived":
                mail_desk.release(visit.uow, **asked, arrived=True)
            case "cancel":
                mail_desk.cancel(visit.uow, **asked, reason=form.get("reason"))
            case _:
                raise Malformed(visit.text("Say what becomes of it."), "act")
    except REFUSED as error:
        return _page(visit, form.failed(error))
    return visit.to("/operations?done=yes")


@router.post("/operations/failure")
def act_on_failure(visit: Visit, form: Posted) -> Response:
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "failure": form.get("failure")}
    try:
        if not form.get("failure"):
            raise Malformed(visit.text("Say which failure."), "failure")
        match form.get("act"):
            case "retry":
                failures.retry(visit.uow, **asked)
            case "resolve":
                failures.resolve(visit.uow, **asked, reason=form.get("reason"))
            case _:
                raise Malformed(visit.text("Say what becomes of it."), "act")
    except REFUSED as error:
        return _page(visit, form.failed(error))
    return visit.to("/operations?done=yes")


@router.post("/operations/sending")
def switch_sending(visit: Visit, form: Posted) -> Response:
    try:
        if form.get("act") not in {"pause", "resume"}:
            raise Malformed(visit.text("Say what becomes of it."), "act")
        paused = form.get("act") == "pause"
        sending.switch(visit.uow, actor=visit.actor, now=visit.now, paused=paused)
    except REFUSED as error:
        return _page(visit, form.failed(error))
    return visit.to("/operations?done=yes")


def settings_in_force(settings: Settings) -> list[tuple[str, str, str]]:
    """Return name, value and purpose of every setting; of a secret only whether there is one."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if words_of(field).get("secret"):
            shown = "–" if value is None else "•••"
        else:
            shown = "–" if value is None else str(value)
        rows.append((variable(name), shown, field.description or ""))
    return rows


def _page(visit: Asked, form: Form, *, done: str = "") -> Response:
    try:
        found = operations_view.operations(visit.uow, actor=visit.actor, now=visit.now)
    except Refused as error:  # a grant that ended while the page was open
        return visit.page("error.html", status=403, problem=error, title="This is not possible")
    return visit.page(
        "operations.html",
        status=form.status,
        health=found.health,
        mails=found.mails,
        failed=found.failed,
        settings=settings_in_force(visit.site.wiring.settings),
        form=form,
        done=done == "yes",
    )
