"""What a viewer may see of a ledger: as far as the appraisal that reads it goes, or, before that, by the line."""

import datetime as dt

from services.access import granted_roles, own_or_superior, typist_near
from services.actors import Actor
from services.delegations import stand_in
from services.errors import NotFound
from services.ledgers import LedgerState
from services.reporting import assessor_of
from services.sight import NOTHING, Sight, sight
from services.standing import Standing, load
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

_FACTS = Sight(facts=True, judgement=False, as_appraisee=True)
_ALL = Sight(facts=True, judgement=True, as_appraisee=False)


def ledger_sight(
    tx: Transaction, at: LedgerState, person_id: int, *, actor: Actor, now: dt.datetime, today: dt.date
) -> Sight:
    """Return what a viewer sees of the entries of an assignment that count on the day of `at`.

    With an appraisal, what `services.sight` says of it. Without one nothing is released yet: the person sees the facts,
    his assessor and those who oversee everybody see all, HR of superiors no more than they do themselves.
    """
    viewer = actor.person_id
    if at.appraisal_id is not None:
        standing = load(tx, [at.appraisal_id], actor, now)[0]
        try:
            return sight(tx, standing, actor, today)
        except NotFound:
            return _standing_in(tx, standing, actor)
    seen = _by_line(tx, at, person_id, viewer, today)
    return _FACTS if seen.facts and typist_near(tx, actor, person_id, today) else seen


def _standing_in(tx: Transaction, standing: Standing, actor: Actor) -> Sight:
    """Return what somebody sees of a ledger with which he has nothing to do himself."""
    standing, acting = stand_in(tx, standing, actor)
    return NOTHING if acting is actor else sight(tx, standing, acting, standing.today)


def _by_line(tx: Transaction, at: LedgerState, person_id: int, viewer: int | None, today: dt.date) -> Sight:
    if viewer == person_id:
        return _FACTS
    granted = granted_roles(tx, viewer, today)
    if viewer is None or not granted.isdisjoint({Role.APPROVER, Role.AUDITOR}):
        return _ALL
    if Role.HR in granted:
        return _FACTS if own_or_superior(tx, viewer, person_id, today) else _ALL
    return _ALL if assessor_of(tx, at.assignment_id, at.on, today=today) == viewer else NOTHING
