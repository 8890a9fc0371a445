"""What a person or a program is told when something cannot be done: one sentence, never a traceback.

Under /api it is problem+json (RFC 9457), elsewhere a page; the sentence is the one the terminal prints, in the language
asked for, and on a page with what can be done there instead of commands.
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from services.errors import AppraiseError, Environment, Malformed, Refused
from web import forms
from web.guard import SAFE, problem_json
from web.requests import Asked, LoginNeeded, anybody, asked_with, local_path, no_page, status_of
from web.words import N_

API = "/api/"
_STALE = frozenset({"stale", "stale-ledger"})
"""What the services say of a version that is not there any more; to who named one in `If-Match` it is 412."""
_UNKNOWN = Environment("Something went wrong here; it is written down, and trying again may help.", "unexpected")
_NO_TOKEN = Refused("This needs a token: send it in the header Authorization: Bearer TOKEN.", "no-token")
TITLES = {
    403: N_("This is not possible"),
    404: N_("Not found"),
    409: N_("It has changed meanwhile"),
    413: N_("Too large"),
    422: N_("This cannot be read"),
    429: N_("Too often"),
    500: N_("Something went wrong"),
    503: N_("Not available at the moment"),
}


def add_to(app: FastAPI) -> None:
    """Let an application answer every error."""
    handlers: dict[Any, Any] = {
        AppraiseError: _service,
        LoginNeeded: _login,
        HTTPException: _http,
        RequestValidationError: _invalid,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def told(request: Request, error: AppraiseError, status: int) -> Response:
    """Answer with the sentence of an error, as a page or as problem+json."""
    if request.url.path.startswith(API):
        answer = problem_json(error.code, status, error.sentence, request.headers)
        if status == 401:  # noqa: PLR2004 - Unauthorized: the standard asks to say how
            answer.headers["www-authenticate"] = "Bearer"
        return answer
    return _asked(request).page("error.html", status=status, problem=error, title=TITLES.get(status, TITLES[500]))


async def _service(request: Request, error: AppraiseError) -> Response:
    status = status_of(error)
    if error.code in _STALE and "if-match" in request.headers:
        status = 412
    return await run_in_threadpool(told, request, error, status)


async def _http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed: as unknown as any other page
        answer = await run_in_threadpool(told, request, no_page(), 405)
        answer.headers.update(error.headers or {})
        return answer
    if request.url.path.startswith(API) and not request.headers.get("authorization"):
        return await run_in_threadpool(told, request, _NO_TOKEN, 401)
    if error.status_code == 404:  # noqa: PLR2004 - Not Found
        return await run_in_threadpool(told, request, no_page(), 404)
    malformed = Malformed(f"This cannot be read: {str(error.detail).rstrip('.')}.", "bad-request")
    return await run_in_threadpool(told, request, malformed, error.status_code)


_LONGEST_PLACE = 200
"""Characters of the place where something is wrong: a key that a program made up may be of any length."""


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    wrong = error.errors()[0]
    place = ".".join(str(part) for part in wrong["loc"])[:_LONGEST_PLACE]
    malformed = Malformed(f"{place}: {wrong['msg']}.", "bad-request")
    return await run_in_threadpool(told, request, malformed, 422)


async def _unexpected(request: Request, error: Exception) -> Response:
    structlog.get_logger(__name__).error("a page failed", route=_route(request), error=type(error).__name__)
    return await run_in_threadpool(told, request, _UNKNOWN, 500)


def _route(request: Request) -> str:
    """Return the route as the table has it: what stands in a path may be a secret or name a person."""
    return str(getattr(request.scope.get("route"), "path", "none"))


async def _login(request: Request, _error: LoginNeeded) -> Response:
    """Send to the login, and bring back: a page by its path, a form with what was typed. A program needs a token."""
    if request.url.path.startswith(API):
        return await run_in_threadpool(told, request, _NO_TOKEN, 401)
    if request.method in SAFE:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = "" if target == "/" else f"?next={_quoted(local_path(target))}"
        return RedirectResponse(f"/login{query}", 303)
    form = await forms.read(request)
    return await run_in_threadpool(_kept, request, form)


def _kept(request: Request, form: forms.Form) -> Response:
    """Show the login with the fields in it; they are sent once who typed them is back. No password is kept."""
    fields = {name: values for name, values in form.fields.items() if name != forms.TOKEN and "password" not in name}
    return _asked(request).page("login.html", status=401, next=request.url.path, kept=fields, form=forms.EMPTY)


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/")


def _asked(request: Request) -> Asked:
    """Return who asks; where even that cannot be found out, somebody unknown."""
    uow = request.app.state.site.wiring.uow
    try:
        return asked_with(request, uow)
    except AppraiseError:
        site = request.app.state.site
        return anybody(Asked(request, site, None, site.wiring.now(), "en", uow))
