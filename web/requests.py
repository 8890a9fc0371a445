"""One request to a page: who asks, when, in which language, and short ways to answer.

`Visit` and `Guest` are what handlers ask for: `def my_work(visit: Visit) -> Response`. A handler that asks for `Visit`
is only called for who is logged in and let in by `web.policy`; `Guest` is for the pages before the login, and `Program`
for the API, which a token opens and no cookie.
"""

import datetime as dt
import hashlib
import hmac
import zoneinfo
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from catalog import sentences
from services.actors import Actor
from services.errors import AppraiseError, NotFound, Refused
from services.one_reading import one_reading
from services.sessions import Viewer, viewer_by_token, viewer_of
from services.tokens import digest_of
from services.unit_of_work import UnitOfWork, record_refusal
from web import moments
from web.pages_table import PAGES, Page
from web.policy import About, access
from web.site import Site
from web.words import LANGUAGES, Language, accepted, catalogue, for_program

LANGUAGE_COOKIE = "appraise_language"
ZONE_COOKIE = "appraise_zone"


class LoginNeeded(Exception):  # noqa: N818 - it says what is needed, as the errors of the services do
    """Nobody is logged in, or not any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `viewer` is None for who is not logged in."""

    request: Request
    site: Site
    viewer: Viewer | None
    now: dt.datetime
    language: Language
    uow: UnitOfWork
    """The unit of work that services are given."""

    @property
    def actor(self) -> Actor:
        """As whom the viewer acts.

        Raises:
            LoginNeeded: nobody is logged in.
        """
        return self.person.actor

    @property
    def person(self) -> Viewer:
        """Who is logged in.

        Raises:
            LoginNeeded: nobody is.
        """
        if self.viewer is None:
            raise LoginNeeded
        return self.viewer

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The organisation's zone; UTC before anybody is logged in."""
        return zoneinfo.ZoneInfo(self.viewer.zone if self.viewer is not None else "UTC")

    @property
    def secret(self) -> str | None:
        """The secret of the session that the browser names, alive or not."""
        return self.request.cookies.get(self.site.cookie)

    @property
    def session_name(self) -> str:
        """What the database keeps of that secret: it names the session and opens nothing."""
        return digest_of(self.secret) if self.secret else ""

    @property
    def form_token(self) -> str:
        """What every form of this session carries; another site cannot know it. Empty without a session."""
        return token_of(self.secret) if self.viewer is not None else ""

    @property
    def looks(self) -> bool:
        """Whether a person looks, and no program that fetches the page beforehand or asks for its headers alone."""
        headers = self.request.headers
        fetched = headers.get("sec-purpose", "") + headers.get("purpose", "")
        return self.request.method != "HEAD" and "prefetch" not in fetched

    @property
    def address(self) -> str:
        """Where the request came from."""
        return self.request.client.host if self.request.client is not None else "nowhere"

    def text(self, text: str, **values: Any) -> str:
        """Return a text in the viewer's language, with values in it: `visit.text("For %(name)s", name=name)`."""
        shown = catalogue(self.language).gettext(text)
        return shown % values if values else shown

    def said(self, sentence: str) -> str:
        """Return what a service says, in the viewer's language; templates have the filter `said`, for pages."""
        return sentences.said(sentence, self.language)

    def when(self, moment: dt.datetime | None) -> str:
        """Return a moment for the viewer, a dash for none."""
        own = moments.zone_of(self.request.cookies.get(ZONE_COOKIE))
        return "–" if moment is None else moments.shown(moment, self.zone, own)

    def in_words(self, moment: dt.datetime | None) -> str:
        """Return how far away a moment is: "in 3 days"."""
        return "" if moment is None else moments.in_words(moment, self.now, self.zone, self.language)

    def menu(self) -> tuple[Page, ...]:
        """Return the pages that stand in the navigation for the viewer."""
        if self.viewer is None:
            return ()
        roles = self.viewer.roles
        return tuple(page for page in PAGES if page.path and (not page.grants or not page.grants.isdisjoint(roles)))

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Answer with a page; templates see `visit`, the values, and what `web.render` gives them."""
        return HTMLResponse(self.render(template, **values), status)

    def render(self, template: str, **values: Any) -> str:
        """Return a page or a part of one as text."""
        return self.site.templates.render(template, self.language, {"visit": self, "problem": None, **values})

    def to(self, path: str) -> Response:
        """Answer a POST that succeeded: look at this page next. The path is our own."""
        return RedirectResponse(local_path(path), 303)

    def begun(self, answer: Response, secret: str) -> Response:
        """Give the browser the cookie of a session that has begun."""
        answer.set_cookie(self.site.cookie, secret, path="/", httponly=True, samesite="lax", secure=self.site.secure)
        return answer


def asked_with(request: Request, uow: UnitOfWork) -> Asked:
    """Return a request with who asks, looked up in a unit of work that is the request's from then on."""
    site: Site = request.app.state.site
    now = site.wiring.now()
    viewer = viewer_of(uow, now=now, secret=request.cookies.get(site.cookie), limits=site.limits)
    return Asked(request, site, viewer, now, _language(request, site, viewer), uow)


async def turn(request: Request) -> AsyncIterator[None]:
    """Wait until a page may read; see `Site.readings`. What is sent takes no turn: its sender may be slow."""
    if request.method not in {"GET", "HEAD"}:
        yield
        return
    site: Site = request.app.state.site
    async with site.readings:
        yield


def asked(request: Request, _turn: Annotated[None, Depends(turn, scope="function")]) -> Iterator[Asked]:
    """Yield a request with who asks. What a page reads is read in one transaction, which ends before it is sent."""
    site: Site = request.app.state.site
    if request.method not in {"GET", "HEAD"}:
        # Sending a form takes as long as the sender likes; nobody's write waits for that.
        yield asked_with(request, site.wiring.uow)
        return
    reading = one_reading(site.wiring.uow)
    try:
        yield asked_with(request, reading)
    finally:
        reading.end()


def asked_apart(request: Request) -> Asked:
    """Return a request that asks another server: no reading is held meanwhile, and no turn is taken."""
    site: Site = request.app.state.site
    return asked_with(request, site.wiring.uow)


def let_in(found: Annotated[Asked, Depends(asked, scope="function")]) -> Asked:
    """Return the request of somebody who is logged in and whom the table of routes lets in.

    Raises:
        LoginNeeded: nobody is logged in.
        NotFound: the route is not open to him, or has no row.
    """
    return _demand_open(found)


def by_token(request: Request) -> Iterator[Asked]:
    """Yield the request of a program, which acts as the person whose token it holds; cookies do not count.

    What it reads is read in one transaction, as a page is.

    Raises:
        LoginNeeded: there is no token, or it is not valid.
        NotFound: the route is not open to that person, or has no row.
        Refused: the token is limited to something else.
    """
    site: Site = request.app.state.site
    if request.method not in {"GET", "HEAD"}:
        yield _of_program(request, site.wiring.uow)
        return
    reading = one_reading(site.wiring.uow)
    try:
        yield _of_program(request, reading)
    finally:
        reading.end()


def _of_program(request: Request, uow: UnitOfWork) -> Asked:
    site: Site = request.app.state.site
    now = site.wiring.now()
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    viewer = viewer_by_token(uow, now=now, token=token.strip()) if kind.lower() == "bearer" else None
    language = for_program(request.headers.get("accept-language", ""))
    found = _demand_open(Asked(request, site, viewer, now, language, uow))
    _demand_scope(found)
    return found


def _demand_scope(found: Asked) -> None:
    """Let a limited token do only what it is for: reading, or acts of the kind that the first tag of a route names."""
    scopes = found.person.scopes
    route = found.request.scope["route"]
    needed = "read" if found.request.method in {"GET", "HEAD"} else route.tags[0].replace(" ", "-")
    if scopes is not None and needed not in scopes:
        said = f"This token is limited to {', '.join(sorted(scopes))}; this needs {needed}."
        raise _denied(found, Refused(said, "scope"))


def _demand_open(found: Asked) -> Asked:
    viewer = found.person
    route = found.request.scope["route"]
    row = access(found.request.method, route.path)
    if row is None or (row.about is About.OFFICE and row.grants.isdisjoint(viewer.roles)):
        raise _denied(found, no_page())
    return found


def _denied(found: Asked, error: AppraiseError) -> AppraiseError:
    """Write into the audit that somebody asked for a route that is not open to him, and return the answer."""
    route = f"{found.request.method} {found.request.scope['route'].path}"
    record_refusal(found.uow, "route", error, {"actor": found.actor, "now": found.now, "action": route})
    return error


Guest = Annotated[Asked, Depends(asked, scope="function")]
GuestApart = Annotated[Asked, Depends(asked_apart)]
Visit = Annotated[Asked, Depends(let_in, scope="function")]
Program = Annotated[Asked, Depends(by_token, scope="function")]


def no_page() -> NotFound:
    """Return the one answer for a page that does not exist and for one that is not the viewer's to see."""
    return NotFound("There is no such page, or it is not yours to see.", "unknown-page")


def anybody(found: Asked) -> Asked:
    """Return the same request as if nobody were logged in."""
    return replace(found, viewer=None)


def token_of(secret: str | None) -> str:
    """Return the token of the forms of a session."""
    return hmac.new((secret or "").encode(), b"form", hashlib.sha256).hexdigest()


def local_path(target: str | None) -> str:
    """Return a path of ours to go on to: relative, or else the first page (G16)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return "/"
    return target if "\\" not in target else "/"


def status_of(error: AppraiseError) -> int:
    """Return the HTTP status of an error of the services."""
    return {"throttled": 429, "too-large": 413}.get(error.code, _STATUS.get(error.exit_code, 500))


_STATUS: Mapping[int, int] = {1: 500, 2: 422, 3: 403, 4: 404, 5: 409, 6: 503}


def _language(request: Request, site: Site, viewer: Viewer | None) -> Language:
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    own = viewer.language if viewer is not None else accepted(request.headers.get("accept-language", ""))
    wanted = (chosen, own, site.wiring.settings.language)
    return next((language for said in wanted for language in LANGUAGES if language == said), "en")
