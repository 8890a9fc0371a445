"""People and units: finding somebody, his posts and days away, and what follows when something about him changes."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from services import lives, people_search, person_card
from services.consequences import Followed
from services.errors import Malformed
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED, day_of
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
CHANGES = {
    "moved": N_("moved to another post"),
    "acting": N_("acts in a post for somebody"),
    "absent": N_("is away"),
    "left": N_("leaves"),
    "died": N_("has died"),
}
"""What can happen to somebody, by the word of the form."""


@router.get("/people")
def show_people(visit: Visit, *, q: str = "", unit: str = "", after: str = "") -> Response:
    found = people_search.find(
        visit.uow, actor=visit.actor, now=visit.now, words=q.strip(), unit=unit or None, after=after
    )
    return visit.page("people.html", found=found, q=q.strip())


@router.get("/people/{number}")
def show_person(visit: Visit, number: str, done: str = "") -> Response:
    return _page(visit, number, EMPTY, done=done)


@router.post("/people/{number}/change")
def change(visit: Visit, number: str, form: Posted) -> Response:
    """Show what would follow; the same form sent once more from there, with `agreed`, does it."""
    try:
        preview = form.get("agreed") != "yes"
        followed = _act(visit, number, form)(preview=preview)
    except REFUSED as error:
        return _page(visit, number, form.failed(error))
    if preview:
        return _page(visit, number, form, followed=followed)
    return visit.to(f"/people/{number}?done={followed.change}")


def _act(visit: Asked, number: str, form: Form) -> Callable[..., Followed]:
    """Return what the form asks for, to be run as a preview or for good."""
    common: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "number": number}
    what = form.get("what")
    if what not in CHANGES:
        raise Malformed(visit.text("Say what changed."), "what")
    first = day_of(visit, form, "first", N_("Write the day on which it begins."))
    last = None if not form.get("last") else day_of(visit, form, "last", "")

    def act(*, preview: bool) -> Followed:
        common["preview"] = preview
        match what:
            case "moved":
                place: dict[str, Any] = {"post": form.get("post"), "unit": form.get("unit"), "first": first}
                over: dict[str, Any] = {"manager": form.maybe("manager"), "in_charge": form.maybe("in-charge")}
                return lives.moved(visit.uow, **common, **place, **over, leaves=form.maybe("leaves"))
            case "acting":
                place = {"post": form.get("post"), "unit": form.get("unit"), "first": first, "last": last}
                return lives.acting(visit.uow, **common, **place)
            case "absent":
                protected = form.get("protected") == "yes"
                days: dict[str, Any] = {
                    "first": first,
                    "last": last,
                    "reason": form.maybe("reason"),
                }
                return lives.absent(visit.uow, **common, **days, protected=protected)
            case "left":
                return lives.left(visit.uow, **common, last=first)
            case _:
                return lives.died(visit.uow, **common, day=first)

    return act


def _page(visit: Asked, number: str, form: Form, *, followed: Followed | None = None, done: str = "") -> Response:
    card = person_card.card(visit.uow, actor=visit.actor, now=visit.now, number=number)
    return visit.page(
        "person.html",
        status=form.status,
        card=card,
        keeps=not visit.person.roles.isdisjoint(person_card.KEEPERS) and card.number != visit.person.number,
        changes=CHANGES,
        form=form,
        followed=followed,
        done=done if done in CHANGES else "",
    )
