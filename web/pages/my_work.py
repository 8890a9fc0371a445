"""My work: what I owe by days left, what I wait for and from whom, and duties of this month that are still open."""

from urllib.parse import quote

from fastapi import APIRouter, Response

from services.my_work import Turn
from services.my_work import my_work as all_of
from web.requests import Visit
from web.words import N_

router = APIRouter()


@router.get("/")
def my_work(visit: Visit, owed: str = "", waited: str = "") -> Response:
    me = visit.person
    work = all_of(
        visit.uow,
        actor=visit.actor,
        now=visit.now,
        zone=me.zone,
        calendar=me.calendar,
        owed_after=owed,
        waited_after=waited,
    )
    due = [one.due_at for one in work.waited if one.due_at is not None]
    return visit.page(
        "my_work.html",
        work=work,
        further=bool(owed or waited),
        path_of=path_of,
        door_of=door_of,
        doors=DOORS,
        to_review=sum(one.stage == "review" and one.on_behalf_of is None for one in work.owed),
        to_score=sum(one.stage == "scoring" and one.on_behalf_of is None for one in work.owed),
        duties=work.duties,
        next_at=min(due, default=None),
    )


def path_of(appraisal: str) -> str:
    """Return the path of the page of an appraisal."""
    return f"/appraisals/{quote(appraisal, safe='/@')}"


DOORS = {
    "scoring": ("/scoring", N_("Score")),
    "review": ("/review", N_("Review")),
    "appeal": ("/appeals", N_("Decide")),
}
"""The page on which whoever judges does a stage, and what its button says."""


def door_of(owed: Turn) -> str:
    """Return the path of the page on which what is owed is done."""
    door = DOORS.get(owed.stage)
    return path_of(owed.appraisal) if door is None else f"{door[0]}/{quote(owed.appraisal, safe='/@')}"
