"""Which findings belong to an appraisal, and to which appraisal a finding belongs."""

import datetime as dt
from dataclasses import dataclass

from services.actors import Actor
from services.delegations import stand_in
from services.errors import Refused
from services.finding_shapes import FindingView
from services.finding_views import list_findings, show_finding
from services.finding_writing import finding_row
from services.ledgers import state
from services.sight import sight
from services.standing import load
from services.unit_of_work import UnitOfWork, use_case


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding counts: the code of the appraisal and the line in it."""

    appraisal: str
    line: str


@use_case("appraisal.findings")
def of_appraisal(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str) -> tuple[FindingView, ...]:
    """Return the findings that count in an appraisal, as far as the viewer may see them, by day.

    Raises:
        Malformed: the code has another form.
        NotFound: there is no such appraisal, or it is not the viewer's to see.
    """
    with uow.read() as tx:
        standing, actor = stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
        sight(tx, standing, actor, standing.today)
    row = standing.row
    return tuple(
        view
        for view in list_findings(uow, actor=actor, now=now, number=row.number)
        if view.post == row.post and row.period_from <= view.counted_on <= row.period_to
    )


def appraisal_of(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, finding: str) -> Place:
    """Return the appraisal in which a finding counts, for a decision about its line.

    Raises:
        Malformed: the name has another form than `F12`.
        NotFound: there is no such finding, or it is not the viewer's to see.
        Refused: no appraisal of its period is open yet.
    """
    line = show_finding(uow, actor=actor, now=now, finding=finding).code
    with uow.read() as tx:
        row = finding_row(tx, finding)
        at = state(tx, row.assignment_id, row.counted_on)
        if at.appraisal_id is None:
            raise Refused(f"{line} counts in no appraisal yet; it can be decided about at the review.", "no-appraisal")
        return Place(load(tx, [at.appraisal_id], actor, now)[0].code, line)
