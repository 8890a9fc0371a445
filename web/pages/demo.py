"""Demonstration data without passwords: a page per person with one button, on the loopback alone.

Outside it, and in any other data, there are no such pages.
"""

from fastapi import APIRouter, Response

from services import demo_doors
from services.errors import Refused
from web.demo_people import SEVEN
from web.forms import EMPTY, Form, PostedByAnybody
from web.requests import Asked, Guest, no_page
from web.site import LOOPBACK

router = APIRouter()


@router.get("/demo")
def everybody(visit: Guest) -> Response:
    _demand_loopback(visit)
    doors = [(demo_doors.look(visit.uow, number=number), said) for number, said in SEVEN.items()]
    return visit.page("demo_doors.html", doors=doors)


@router.get("/demo/{number}")
def look(visit: Guest, number: str) -> Response:
    _demand_loopback(visit)
    return _door(visit, number, EMPTY)


@router.post("/demo/{number}")
def enter(visit: Guest, number: str, form: PostedByAnybody) -> Response:
    _demand_loopback(visit)
    try:
        begun = demo_doors.enter(visit.uow, now=visit.now, number=number, key=form.get("key"), before=visit.secret)
    except Refused as error:
        return _door(visit, number, form.failed(error))
    return visit.begun(visit.to("/"), begun.secret)


def _door(visit: Asked, number: str, form: Form) -> Response:
    door = demo_doors.look(visit.uow, number=number)
    return visit.page("demo.html", status=form.status, door=door, said=SEVEN.get(number, ""), form=form)


def _demand_loopback(visit: Asked) -> None:
    """Let in only who sits at this machine, and where the pages are not served to others.

    Raises:
        NotFound: otherwise.
    """
    if visit.address not in LOOPBACK or visit.site.hosts != LOOPBACK:
        raise no_page()
