"""What the page of one appraisal asks of the database, said ahead so that it goes in few statements (`one_reading`).

Nothing is decided here: who sees what is told by `services.sight`, and what is not said here is asked when needed.
"""

from collections.abc import Mapping
from typing import Any

from services import calendars, delegations, desk, finding_views, form, judging
from services.access import superiors_asked
from services.actors import Actor
from services.case_facts import options_asked
from services.correction_records import corrected_asked
from services.file_views import files_asked
from services.ledgers import state_asked
from services.sight import Sight
from services.standing import Standing
from services.unit_of_work import Statement, Transaction
from workflow.vocabulary import JUDGING_ROLES, Role

Asked = list[tuple[Statement, Mapping[str, Any]]]


def who(standing: Standing, actor: Actor) -> Asked:
    """Return what tells who looks, where that is neither the person appraised nor one who judges him."""
    if actor.person_id is None or not standing.roles.isdisjoint({Role.APPRAISEE, *JUDGING_ROLES}):
        return []
    above = superiors_asked(actor.person_id, standing.today)
    return [delegations.principals_asked(actor.person_id, standing.today), above]


def first(standing: Standing, actor: Actor, seen: Sight) -> Asked:
    """Return what is asked by the appraisal itself, as far as a viewer sees it."""
    row, of_it = standing.row, {"appraisal": standing.id}
    asked: Asked = [
        (desk.NAMES, {"appraisals": [standing.id]}),
        (form.HISTORY, of_it),
        (calendars.CLOSURES, {}),
        delegations.shown_asked(desk.judges_of(standing), standing.today),
        *options_asked(standing, actor),
    ]
    if seen.facts:
        asked += [(desk.SELF, of_it), form.override_asked(standing), state_asked(row.assignment_id, row.period_to)]
        asked.append((finding_views.OF_LEDGER, _period(standing)))
    if seen.own is not None:
        asked.append((desk.OWN_SCORE, {**of_it, "person": seen.own}))
    elif seen.judgement:
        asked += judging.judge_asked(standing)
        if row.score_id is not None:
            asked += [judging.stored_asked(row.score_id), corrected_asked(standing.id)]
    return asked


def then(tx: Transaction, standing: Standing, seen: Sight) -> Asked:
    """Return what is asked by what was found: words of the history, what was said of the findings, and files."""
    moves = tx.all(form.HISTORY, {"appraisal": standing.id})
    asked: Asked = [*form.texts_asked(moves)]
    if not seen.facts:
        return asked
    asked.append(files_asked("move", [row.id for row in moves]))
    findings = [row.id for row in tx.all(finding_views.OF_LEDGER, _period(standing))]
    if findings:
        ids = {"findings": findings}
        asked += [(finding_views.SAID, ids), files_asked("finding", findings)]
    return asked


def _period(standing: Standing) -> dict[str, Any]:
    row = standing.row
    return {"assignment": row.assignment_id, "first": row.period_from, "last": row.period_to}
