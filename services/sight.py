"""What a viewer may see of one appraisal: its facts, its judgement, who has which part (domain.md, section 5; W6).

One policy for `show`, `explain`, the result table and exports. Whoever may see nothing is told there is no such thing.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from services.access import Parts, own_or_superior, typist_near
from services.actors import Actor
from services.naming import unseen
from services.standing import Standing
from services.unit_of_work import Transaction
from workflow.vocabulary import Role


class Relation(StrEnum):
    """What a viewer is to an appraisal, as far as seeing goes."""

    SYSTEM = "system"
    APPRAISEE = "appraisee"
    JUDGE = "judge"
    APPEAL_JUDGE = "appeal-judge"
    OVERSEER = "overseer"
    FORMER = "former"
    BELOW = "hr-below"
    HR = "hr"
    WAITING_DECIDER = "waiting-decider"


class Shown(StrEnum):
    """When a kind of thing is shown."""

    ALWAYS = "always"
    RELEASED = "released"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the policy."""

    facts: Shown
    judgement: Shown
    as_appraisee: bool = False


POLICY: Mapping[Relation, Rule] = MappingProxyType(
    {
        Relation.SYSTEM: Rule(Shown.ALWAYS, Shown.ALWAYS),
        Relation.APPRAISEE: Rule(Shown.ALWAYS, Shown.RELEASED, as_appraisee=True),
        Relation.JUDGE: Rule(Shown.ALWAYS, Shown.ALWAYS),
        Relation.APPEAL_JUDGE: Rule(Shown.ALWAYS, Shown.ALWAYS),
        Relation.OVERSEER: Rule(Shown.ALWAYS, Shown.ALWAYS),
        Relation.FORMER: Rule(Shown.ALWAYS, Shown.NEVER),
        Relation.BELOW: Rule(Shown.ALWAYS, Shown.RELEASED, as_appraisee=True),
        Relation.HR: Rule(Shown.ALWAYS, Shown.ALWAYS),
        Relation.WAITING_DECIDER: Rule(Shown.NEVER, Shown.NEVER),
    }
)
"""Who sees what. The first relation that holds counts, in the order of `relation_of`; none means there is nothing."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one viewer sees of one appraisal.

    `facts`: days, clauses, what happened, who recorded it, amounts that are fixed. `judgement`: amounts in a range,
    item scores, totals, reviewers' words. `as_appraisee`: the view is the person's own, or no more than his. `until`
    and `own` are set for who had a part once: he sees what there was when it ended, and of judgement what `own`, he
    himself, wrote.
    """

    facts: bool
    judgement: bool
    as_appraisee: bool
    until: dt.datetime | None = None
    own: int | None = None


NOTHING = Sight(facts=False, judgement=False, as_appraisee=False)
"""What somebody sees who may not even know that there is anything."""


def sight(tx: Transaction, standing: Standing, viewer: Actor, on: dt.date) -> Sight:
    """Return what a viewer sees of an appraisal as it stands; by proxy no more than whoever is at the keyboard may.

    Raises:
        NotFound: he may not even know that there is one.
    """
    relation = relation_of(tx, standing, viewer, on)
    if relation is None:
        raise unseen(standing.asked)
    found = seen(relation, released=standing.lifecycle.judgement_open(standing.stage, outcome=standing.row.outcome))
    if relation is Relation.FORMER and viewer.person_id is not None:
        return replace(found, until=standing.parts.former[viewer.person_id], own=viewer.person_id)
    return found


def seen(relation: Relation, *, released: bool) -> Sight:
    """Return what a relation sees; `released` says that the judgement is open to the person appraised."""
    rule = POLICY[relation]
    open_now = {Shown.ALWAYS: True, Shown.RELEASED: released, Shown.NEVER: False}
    return Sight(open_now[rule.facts], open_now[rule.judgement], rule.as_appraisee)


def relation_of(tx: Transaction, standing: Standing, viewer: Actor, on: dt.date) -> Relation | None:
    """Return the first relation that a viewer has to an appraisal, or None."""
    appraisee = int(standing.row.person_id)
    found = relation_by(
        standing.parts,
        viewer.person_id,
        appraisee,
        at_appeal=at_appeal(standing.stage, standing.row.last_action),
        below=lambda: own_or_superior(tx, viewer.person_id, appraisee, on),
    )
    return narrowed(found) if typist_near(tx, viewer, appraisee, on) else found


def narrowed(relation: Relation | None) -> Relation | None:
    """Return what is left of a relation where the one at the keyboard is the person appraised, or below him."""
    return Relation.BELOW if relation in _SEES_BEFORE_RELEASE else relation


def relation_by(
    parts: Parts, viewer: int | None, appraisee: int, *, at_appeal: bool, below: Callable[[], bool]
) -> Relation | None:
    """Return the same from what a table of many appraisals has read already; `below` is asked only of HR."""
    if viewer == appraisee:
        return Relation.APPRAISEE
    roles = parts.roles_of(viewer)
    found = next((relation for wanted, relation in _BY_ROLE if not roles.isdisjoint(wanted)), None)
    if found is None and Role.DECIDER in roles and at_appeal:
        return Relation.APPEAL_JUDGE
    if found is None and viewer in parts.former:
        return Relation.FORMER
    if found is None and Role.HR in roles:
        return Relation.BELOW if below() else Relation.HR
    if found is None and Role.DECIDER in roles:
        return Relation.WAITING_DECIDER
    return found


_SEES_BEFORE_RELEASE = frozenset(relation for relation, rule in POLICY.items() if rule.judgement is Shown.ALWAYS)

_BY_ROLE: tuple[tuple[frozenset[str], Relation], ...] = (
    (frozenset({Role.SYSTEM}), Relation.SYSTEM),
    (frozenset({Role.ASSESSOR, Role.REVIEWER}), Relation.JUDGE),
    (frozenset({Role.APPROVER, Role.AUDITOR}), Relation.OVERSEER),
)


def at_appeal(stage: str, last_action: str | None) -> bool:
    """Tell whether an appeal lies before its decider, or was just decided by him."""
    return stage == "appeal" or last_action in {"decide", "send-back"}


def sees_table(parts: Parts) -> bool:
    """Tell whether somebody sees the result table of a whole cycle: HR, the approver and auditors."""
    return not parts.granted.isdisjoint({Role.HR, Role.APPROVER, Role.AUDITOR})
