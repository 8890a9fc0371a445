"""An appraisal on paper: two sides of A4 with every round, the signatures to be, and the check number."""

from fastapi import APIRouter, Response

from services import audit_trail, desk, finding_places
from web.requests import Visit

router = APIRouter()
SIGNERS = ("appraisee", "assessor", "reviewer")
"""Who signs on paper, in this order."""


@router.get("/appraisals/{cycle}/{number}/print")
def show(visit: Visit, cycle: str, number: str) -> Response:
    code = f"{cycle}/{number}"
    shown = desk.show(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    chain = audit_trail.show(visit.uow, viewer=visit.actor, now=visit.now, name=code)
    return visit.page(
        "form_print.html",
        shown=shown,
        findings=finding_places.of_appraisal(visit.uow, actor=visit.actor, now=visit.now, appraisal=code),
        check_number=chain[-1].mac if chain else None,
        signers=SIGNERS,
    )
