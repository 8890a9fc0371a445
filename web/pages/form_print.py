"""An appraisal on paper: two sides of A4 with every round, the signatures to be, and the check number."""

from typing import Any

from fastapi import APIRouter, Response

from services import audit_trail, desk, finding_places
from services.grade_words import grade_of
from web.requests import Visit

router = APIRouter()
SIGNERS = ("appraisee", "assessor", "reviewer")
"""Who signs on paper, in this order."""


@router.get("/appraisals/{cycle}/{number}/print")
def show(visit: Visit, cycle: str, number: str) -> Response:
    code = f"{cycle}/{number}"
    asked: Any = {"actor": visit.actor, "now": visit.now, "appraisal": code}
    shown = desk.show(visit.uow, **asked)
    chain = audit_trail.show(visit.uow, viewer=visit.actor, now=visit.now, name=code)
    return visit.page(
        "form_print.html",
        shown=shown,
        grade={} if shown.total is None else grade_of(desk.explain(visit.uow, **asked)[0]),
        findings=finding_places.of_appraisal(visit.uow, **asked),
        check_number=chain[-1].mac if chain else None,
        signers=SIGNERS,
    )
