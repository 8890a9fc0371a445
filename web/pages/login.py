"""Logging in and out, setting a password by a link that works once, and the language of the pages."""

from dataclasses import replace

from fastapi import APIRouter, Response

from services import accounts, sessions
from services.errors import AppraiseError, Malformed, Refused
from web.form_labels import labels_of
from web.forms import EMPTY, Form, PostedByAnybody
from web.requests import LANGUAGE_COOKIE, Asked, Guest, local_path, token_of
from web.words import LANGUAGES

router = APIRouter()
KEPT = "kept-"
"""What the name of a field begins with that was typed before the session ran out."""


@router.get("/login")
def show_login(visit: Guest, next: str = "/") -> Response:  # noqa: A002 - the name stands in links
    if visit.viewer is not None:
        return visit.to(next)
    return visit.page("login.html", next=local_path(next), kept={}, form=EMPTY)


@router.post("/login")
def log_in(visit: Guest, form: PostedByAnybody) -> Response:
    _demand_passwords(visit)
    target, kept = local_path(form.get("next")), _kept(form)
    try:
        begun = sessions.login(
            visit.uow,
            now=visit.now,
            number=form.get("number"),
            password=form.fields.get("password", ("",))[-1],
            address=visit.address,
            before=visit.secret,
        )
    except AppraiseError as error:
        form = form.failed(error)
        return visit.page("login.html", status=form.status, next=target, kept=kept, form=form)
    # What was typed belongs to who typed it: somebody else at the same browser does not send it.
    if kept and begun.same_person:
        viewer = sessions.viewer_of(visit.uow, now=visit.now, secret=begun.secret, limits=visit.site.limits)
        answer = _shown_again(replace(visit, viewer=viewer), target, kept, token_of(begun.secret))
    else:
        answer = visit.to(target)
    return visit.begun(answer, begun.secret)


@router.post("/login/resume")
def resume(visit: Guest, form: PostedByAnybody) -> Response:
    """Go on with what was typed, after a login on a page of its own."""
    target, kept = local_path(form.get("next")), _kept(form)
    if visit.viewer is None:
        form = form.failed(Refused(visit.text("You are not logged in yet; log in first."), "not-yet"))
        return visit.page("login.html", status=form.status, next=target, kept=kept, form=form)
    if not kept or not sessions.was_of(visit.uow, viewer=visit.viewer, name=form.get("before")):
        return visit.to(target)
    return _shown_again(visit, target, kept, visit.form_token)


def _kept(form: Form) -> dict[str, tuple[str, ...]]:
    return {name.removeprefix(KEPT): form.all(name) for name in form.fields if name.startswith(KEPT)}


def _shown_again(visit: Asked, target: str, kept: dict[str, tuple[str, ...]], token: str) -> Response:
    labels = labels_of(visit, target, kept)
    return visit.page("resume.html", next=target, kept=kept, labels=labels, token=token)


def _demand_passwords(visit: Asked) -> None:
    """Refuse what has to do with passwords where there are none.

    Raises:
        Refused: the setting turns them off.
    """
    if not visit.site.wiring.settings.password_login:
        name = visit.site.wiring.settings.openid_called
        raise Refused(visit.text("Here one logs in with %(name)s and not with a password.", name=name), "no-passwords")


@router.get("/forgotten")
def show_forgotten(visit: Guest) -> Response:
    _demand_passwords(visit)
    return visit.page("forgotten.html", asked=False, form=EMPTY)


@router.post("/forgotten")
def ask_for_link(visit: Guest, form: PostedByAnybody) -> Response:
    _demand_passwords(visit)
    try:
        accounts.forgot(visit.uow, now=visit.now, number=form.get("number"), address=visit.address)
    except Refused as error:
        form = form.failed(error)
    return visit.page("forgotten.html", status=form.status, asked=form.problem is None, form=form)


@router.post("/logout")
def log_out(visit: Guest, form: PostedByAnybody) -> Response:  # noqa: ARG001 - read, so that the body is taken in
    if visit.secret:
        sessions.logout(visit.uow, now=visit.now, secret=visit.secret)
    answer = visit.to("/login")
    answer.delete_cookie(visit.site.cookie, path="/", httponly=True, samesite="lax", secure=visit.site.secure)
    return answer


@router.post("/language")
def choose_language(visit: Guest, form: PostedByAnybody) -> Response:
    chosen = form.get("language")
    if chosen not in LANGUAGES:
        raise Malformed("There is no such language; choose en or zh.", "unknown-language")
    answer = visit.to(form.get("next"))
    answer.set_cookie(
        LANGUAGE_COOKIE, chosen, max_age=31_536_000, path="/", httponly=True, samesite="lax", secure=visit.site.secure
    )
    return answer


@router.get("/password/{secret}")
def show_password(visit: Guest, secret: str) -> Response:
    _demand_passwords(visit)
    return _password(visit, secret, EMPTY)


@router.post("/password/{secret}")
def set_password(visit: Guest, secret: str, form: PostedByAnybody) -> Response:
    _demand_passwords(visit)
    first, again = (form.fields.get(name, ("",))[-1] for name in ("password", "password-again"))
    if first != again:
        differing = Malformed("The two passwords are not the same; type them once more.", "not-the-same")
        return _password(visit, secret, form.failed(differing))
    try:
        accounts.set_password(visit.uow, now=visit.now, secret=secret, password=first)
    except Malformed as error:
        return _password(visit, secret, form.failed(error))
    return visit.to("/login")


def _password(visit: Asked, secret: str, form: Form) -> Response:
    holder = accounts.holder_of(visit.uow, secret=secret)
    return visit.page("password.html", status=form.status, holder=holder, secret=secret, form=form)
