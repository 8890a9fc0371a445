"""The results of a cycle: figures beside last quarter's, averages, the signature of two, and the export."""

from fastapi import APIRouter, Response

from services import finalising, late_entries, result_groups
from services.errors import Malformed
from services.results_view import Places, results_view
from web import confirming
from web.downloads import MEDIA, export_file
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
DONE = {
    "proposed": N_("The table is put forward; the approver is told."),
    "approved": N_("The table is signed. The results become final within a minute, and everybody is told."),
    "entered": N_("What closed later has entered the table."),
    "sent-back": N_("The proposal is refused; the cycle is open again."),
}
FORMS = tuple(MEDIA)


@router.get("/cycles/{cycle}/results")
def show(
    visit: Visit, cycle: str, *, q: str = "", after: str = "", units: str = "", posts: str = "", done: str = ""
) -> Response:
    return _page(visit, cycle, EMPTY, q=q.strip(), begin=Places(after, units, posts), done=done)


@router.post("/cycles/{cycle}/propose")
def propose(visit: Visit, cycle: str, form: Posted) -> Response:
    try:
        which = form.get("table")
        if which not in {"whole", "late"}:
            raise Malformed(visit.text("Say which table: the whole one, or what closed later."), "which-table")
        if which == "late":
            late_entries.propose_late(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle)
        else:
            seen = form.number("moves")
            if seen is None:
                raise Malformed(visit.text("Look at the results and put forward what you then see."), "not-looked")
            finalising.propose(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, moves_seen=seen)
    except REFUSED as error:
        return _page(visit, cycle, form.failed(error))
    return visit.to(f"/cycles/{cycle}/results?done=proposed")


@router.post("/cycles/{cycle}/approve")
def approve(visit: Visit, cycle: str, form: Posted) -> Response:
    try:
        digest = form.get("check-number")
        if not digest:
            raise Malformed(visit.text("Say which table you sign, by its check number."), "check-number")
        confirming.demand(visit, form)
        late = form.get("table") == "late"
        sign = late_entries.enter_late if late else finalising.approve
        sign(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, digest=digest)
    except REFUSED as error:
        return _page(visit, cycle, form.failed(error))
    return visit.to(f"/cycles/{cycle}/results?done={'entered' if late else 'approved'}")


@router.post("/cycles/{cycle}/refuse")
def refuse(visit: Visit, cycle: str, form: Posted) -> Response:
    try:
        reason = form.get("reason")
        finalising.refuse(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, reason=reason)
    except REFUSED as error:
        return _page(visit, cycle, form.failed(error))
    return visit.to(f"/cycles/{cycle}/results?done=sent-back")


@router.post("/cycles/{cycle}/export")
def export(visit: Visit, cycle: str, form: Posted) -> Response:
    """Answer with the table as the viewer may see it."""
    try:
        wanted = form.get("form")
        if wanted not in FORMS:
            raise Malformed(visit.text("Choose CSV, a spreadsheet or JSON."), "bad-format")
        return export_file(visit, cycle, wanted)
    except REFUSED as error:
        return _page(visit, cycle, form.failed(error))


def _page(
    visit: Asked, cycle: str, form: Form, *, q: str = "", begin: Places | None = None, done: str = ""
) -> Response:
    places = begin or Places()
    found = results_view(
        visit.uow,
        viewer=visit.actor,
        now=visit.now,
        cycle=cycle,
        words=q,
        places=places,
        language=visit.language,
    )
    return visit.page(
        "results.html",
        status=form.status,
        found=found,
        waiting=found.waiting,
        q=q,
        places=places,
        again=confirming.again(visit),
        least=result_groups.LEAST,
        forms=FORMS,
        form=form,
        done=visit.text(DONE[done]) if done in DONE else "",
    )
