"""Logging in at an OpenID provider, and showing again there who one is; without one in the settings no such page is."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services import openid
from services.errors import AppraiseError
from web import confirming
from web.forms import EMPTY
from web.openid_provider import Provider
from web.requests import Asked, Guest, GuestApart, local_path, no_page

router = APIRouter()
BACK, DONE = "/login/openid/back", "/login/openid/done"
LONGEST = 1000
"""Bytes of a path to go on to, which the browser keeps meanwhile."""


@router.get("/login/openid")
def go(visit: GuestApart, next: str = "/", again: str = "") -> Response:  # noqa: A002 - the name stands in links
    provider = _provider(visit)
    confirming_ = bool(again) and visit.viewer is not None
    target = DONE if confirming_ else local_path(next)
    if visit.viewer is not None and not confirming_:
        return visit.to(target)
    try:
        begun = openid.begin(
            visit.uow,
            provider,
            redirect=_redirect(visit),
            target=target if len(target.encode()) <= LONGEST else "/",
            session=visit.secret if confirming_ else None,
        )
    except AppraiseError as error:
        return _failed(visit, error, target)
    answer = RedirectResponse(begun.address, 303)
    confirming.keep(visit, answer, _cookie(visit), begun.kept, minutes=openid.LOGIN_MINUTES)
    return answer


@router.get(BACK)
def come_back(visit: GuestApart) -> Response:
    provider = _provider(visit)
    said = openid.Answer(
        dict(visit.request.query_params), visit.request.cookies.get(_cookie(visit)), visit.secret, visit.address
    )
    try:
        ended = openid.end(visit.uow, provider, now=visit.now, redirect=_redirect(visit), answer=said)
    except AppraiseError as error:
        return _without_flow(visit, _failed(visit, error, "/"))
    answer = visit.to(ended.target)
    if ended.session is not None:
        visit.begun(answer, ended.session.secret)
    if ended.confirmed is not None:
        confirming.keep(visit, answer, confirming.cookie(visit), ended.confirmed, minutes=openid.CONFIRMED_MINUTES)
    return _without_flow(visit, answer)


@router.get(DONE)
def say_done(visit: Guest) -> Response:
    if visit.site.openid is None or visit.viewer is None:
        return visit.to("/")
    return visit.page("openid_done.html", name=visit.site.openid.client.name)


def _failed(visit: Asked, error: AppraiseError, target: str) -> Response:
    """Say why at the login; to who is logged in as any other error."""
    if visit.viewer is not None:
        raise error
    form = EMPTY.failed(error)
    return visit.page("login.html", status=form.status, next=target, kept={}, form=form)


def _without_flow(visit: Asked, answer: Response) -> Response:
    """Let the browser forget the login that has ended: its answer is good for nothing any more."""
    answer.delete_cookie(_cookie(visit), path="/", httponly=True, samesite="lax", secure=visit.site.secure)
    return answer


def _provider(visit: Asked) -> Provider:
    if visit.site.openid is None:
        raise no_page()
    return visit.site.openid


def _redirect(visit: Asked) -> str:
    """Return where the provider sends the browser back: below the configured address, whatever the request says."""
    return visit.site.wiring.settings.base_url + BACK


def _cookie(visit: Asked) -> str:
    return f"{visit.site.cookie}-openid"
