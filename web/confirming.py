"""Showing once more who one is, before what cannot be undone: by the password, or again at the OpenID provider."""

from dataclasses import dataclass

from fastapi import Response

from services import openid, sessions
from services.errors import Refused
from web.forms import Form
from web.requests import Asked


@dataclass(frozen=True, slots=True)
class Again:
    """What a form asks for: the password, or to go to the `provider` of that name, or nothing more: `confirmed`."""

    password: bool
    provider: str
    confirmed: bool


def again(visit: Asked) -> Again | None:
    """Return how who is logged in shows once more who he is; None where the setting does not ask for it."""
    settings, provider = visit.site.wiring.settings, visit.site.openid
    if not settings.password_again:
        return None
    if provider is None:
        return Again(password=True, provider="", confirmed=False)
    confirmed = openid.confirmed(visit.uow, kept=visit.request.cookies.get(cookie(visit)), session=visit.secret)
    password = settings.password_login and visit.person.has_password
    return Again(password=password, provider=provider.client.name, confirmed=confirmed)


def demand(visit: Asked, form: Form) -> None:
    """Let pass who has shown once more who he is, where the setting asks for it.

    Raises:
        Refused: the password does not fit, too many failed before, or he has to go to the provider first.
    """
    asked = again(visit)
    if asked is None or asked.confirmed:
        return
    password = form.fields.get("password", ("",))[-1]
    if asked.provider and not (asked.password and password):
        said = visit.text(
            "Show at %(name)s who you are and then press the button here again; nothing was done, and what you typed "
            "stays.",
            name=asked.provider,
        )
        raise Refused(said, "confirm-first")
    sessions.confirm(visit.uow, now=visit.now, viewer=visit.person, password=password, address=visit.address)


def cookie(visit: Asked) -> str:
    """Return the name of the cookie that says that somebody has just shown who he is."""
    return f"{visit.site.cookie}-confirmed"


def keep(visit: Asked, answer: Response, name: str, value: str, *, minutes: int) -> None:
    """Let the browser keep something sealed for a while, out of reach of scripts."""
    answer.set_cookie(
        name, value, max_age=60 * minutes, path="/", httponly=True, samesite="lax", secure=visit.site.secure
    )
