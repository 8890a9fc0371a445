"""The door of every request, before anything looks at it: name of the host, size, origin; and the headers of answers.

Plain ASGI, so that a body is counted while it arrives and a download is not held back.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.sentences import said
from services.errors import Malformed
from web.limits import LARGEST_BODY, LARGEST_JSON, MEGABYTE
from web.site import LOOPBACK, Site
from web.words import for_program

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEALTH = "/health"
_TOO_LARGE = 413
_CODES = {_TOO_LARGE: "too-large", 421: "other-host"}
_GO_BACK = "Go back in your browser: what you typed is still there."
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Refuses what comes under another name, is too large, or was sent by a page of another site."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _harden(MutableHeaders(scope=message), str(scope["path"]), secure=self._site.secure)
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(scope, headers, *refusal)(scope, receive, sending)
            return
        await self._app(scope, _counted(receive, _largest(scope, headers)), sending)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if scope["path"] != HEALTH and _name(host) not in self._site.hosts:
            return 421, "The pages are not reached under this name; ask for the address."
        length, largest = headers.get("content-length", "0"), _largest(scope, headers)
        if not length.isdigit() or int(length) > largest:
            return _TOO_LARGE, _too_large(largest)
        if scope["method"] not in SAFE and not self._from_here(headers, host):
            return 403, "This was sent from another site and was not looked at; open the page here and send it anew."
        return None

    def _from_here(self, headers: Headers, host: str) -> bool:
        """Tell whether a page of ours, or no browser at all with a token of its own, sent this."""
        if headers.get("authorization", "").lower().startswith("bearer "):
            return True  # no browser adds it by itself
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = headers.get("origin")
        return origin is not None and (
            origin == self._site.origin or (_name(host) in LOOPBACK and origin == f"http://{host}")
        )


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _harden(headers: MutableHeaders, path: str, *, secure: bool) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "max-age=3600" if path.startswith("/assets/") else "no-store")
    if secure:
        headers.setdefault("strict-transport-security", "max-age=31536000")


def _of_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/")


def _largest(scope: Scope, headers: Headers) -> int:
    brings_file = headers.get("content-type", "").startswith("multipart/form-data")
    return LARGEST_JSON if _of_api(scope) and not brings_file else LARGEST_BODY


def _too_large(largest: int) -> str:
    return f"This is too large; at most {largest // MEGABYTE} MB are taken."


def _answer(scope: Scope, headers: Headers, status: int, sentence: str) -> Response:
    if _of_api(scope):
        return problem_json(_CODES.get(status, "other-site"), status, sentence, headers)
    sentence = f"{sentence} {_GO_BACK}" if status == _TOO_LARGE else sentence
    return PlainTextResponse(said(sentence, for_program(headers.get("accept-language", "")), on_page=True), status)


def problem_json(code: str, status: int, sentence: str, headers: Mapping[str, str]) -> Response:
    """Return problem+json (RFC 9457) with a sentence in the language that the request asks for, English by default."""
    language = for_program(headers.get("accept-language", ""))
    problem = {"type": f"urn:appraise:{code}", "title": code, "status": status, "detail": said(sentence, language)}
    about = {"content-language": language, "vary": "accept-language"}
    return JSONResponse(problem, status, about, media_type="application/problem+json")


def _counted(receive: Receive, largest: int) -> Receive:
    """Return what reads a body that did not say its length, or lied about it, up to the limit."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > largest:
            raise Malformed(_too_large(largest), "too-large")
        return message

    return counting
