"""My work: what I owe by days left, what I wait for and from whom, and duties of this month that are still open."""

from urllib.parse import quote

from fastapi import APIRouter, Response

from services import desk, duty_calendar
from services.desk import Owed
from services.duty_calendar import DutyMonthView
from services.errors import Malformed, Refused
from services.waits import waits
from web.requests import Asked, Visit

router = APIRouter()


@router.get("/")
def my_work(visit: Visit) -> Response:
    owed = desk.work(visit.uow, actor=visit.actor, now=visit.now)
    waited = waits(visit.uow, actor=visit.actor, now=visit.now)
    due = [one.due_at for one in waited if one.due_at is not None]
    return visit.page(
        "my_work.html",
        owed=[(one, path_of(one.appraisal), _first(one)) for one in owed],
        waited=[(one, path_of(one.appraisal)) for one in waited],
        duties=_open_duties(visit),
        next_at=min(due, default=None),
    )


def path_of(appraisal: str) -> str:
    """Return the path of the page of an appraisal."""
    return f"/appraisals/{quote(appraisal, safe='/@')}"


def _first(owed: Owed) -> dict[str, str] | None:
    """Return the label of the first thing that can be done; None where something stands in the way of all."""
    return next((dict(action["label"]) for action in owed.actions if not action["blocked"]), None)


def _open_duties(visit: Asked) -> tuple[DutyMonthView, ...]:
    month = f"{visit.now.astimezone(visit.zone):%Y-%m}"
    number = visit.person.number
    try:
        shown = duty_calendar.show_duties(visit.uow, actor=visit.actor, now=visit.now, number=number)
    except (Refused, Malformed):
        return ()  # whoever holds no post, or several, has no one list of duties
    return tuple(duty for duty in shown if duty.month == month and duty.state == "pending")
