"""Who scores, reviews and decides appeals of an assignment: the one place that knows (domain.md, sections 5, 5b)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from workflow.errors import WorkflowError
from workflow.form import GroupForm, RolesForm
from workflow.parts import Holder, Office, Reporting, Resolution, RoleProblem, Skip
from workflow.search import Search
from workflow.vocabulary import JUDGING_ROLES, Role

__all__ = ["Holder", "Office", "Reporting", "Resolution", "RoleProblem", "Skip", "handed", "resolve", "upward"]

_NOBODY_ACTED: Mapping[str, frozenset[int]] = MappingProxyType({})


def resolve(
    roles: RolesForm,
    reporting: Reporting,
    office: Office,
    *,
    acted: Mapping[str, frozenset[int]] = _NOBODY_ACTED,
) -> Resolution:
    """Find the three holders of an assignment. Nobody has two parts, nobody one in his own appraisal.

    Overrides come first. The assessor is the group's, else the next upward; the reviewer is the group's where he is
    above the assessor, else the next above him, else the reserve; the decider is the group's where he has no other
    part, else the first of the appeal reserve without one.

    Args:
        roles: the part `[roles]` of the workflow.
        reporting: the assignment.
        office: the organisation on the day in question.
        acted: by role, those who already acted in it for this appraisal; they take no other part any more.
    """
    search = Search(roles, reporting, office, acted)
    group = roles.group_of(reporting.post)
    if group is None:
        return Resolution(None, None, None, (search.no_group(),))
    search.overrides()
    first = roles.line.index(group.assessor) if group.assessor in roles.line else 0
    # Whoever is passed over is replaced from above him, also where the column names somebody high in the line.
    start = max((search.level(person, first) for person, _ in search.people_at(group.assessor)), default=first)
    search.fill(Role.ASSESSOR, group.assessor, roles.line[start:])
    above = search.above(Role.ASSESSOR, first)
    search.fill(Role.REVIEWER, group.reviewer, above, roles.reserve, first_must_be_in=above)
    search.fill(Role.DECIDER, group.decider, (), roles.appeal_reserve)
    return search.answer()


def upward(
    roles: RolesForm,
    reporting: Reporting,
    office: Office,
    holders: Mapping[str, int],
    role: str,
    *,
    acted: Mapping[str, frozenset[int]] = _NOBODY_ACTED,
) -> Resolution:
    """Pass one part to the next in the line, when its holder let the days go by or is gone.

    When the assessor's part moves, *his* superior reviews; a decider who thereby has another part is replaced from
    the appeal reserve; whoever lost his part may be among them, as he has none. Where nobody is left the answer has a
    problem `nobody-left` and the holders stay: the item
    holds and stands first on HR's list.

    Args:
        roles: the part `[roles]` of the workflow.
        reporting: the assignment; its overrides have had their turn and are not asked again.
        office: the organisation on the day in question.
        holders: the present holders by role.
        role: assessor, reviewer or decider.
        acted: by role, those who already acted in it for this appraisal.

    Raises:
        WorkflowError: the role is none of the three, or the workflow names no group for the post.
    """
    group = _group(roles, reporting, role)
    gone = frozenset({(Role(role), holders[role])}) if role in holders else frozenset()
    search = Search(roles, reporting, office, acted, gone=gone)
    # Those who stay keep their parts, but for the decider: he gives way, and so his part is looked at last.
    moving = {Role(role), Role.DECIDER, Role.REVIEWER if role == Role.ASSESSOR else Role(role)}
    search.keep({part: person for part, person in holders.items() if part not in moving})
    first = roles.line.index(group.assessor) if group.assessor in roles.line else 0
    if role == Role.ASSESSOR:
        search.fill(Role.ASSESSOR, None, roles.line[search.level(holders.get(role), first) + 1 :])
        above = search.above(Role.ASSESSOR, first)
        present = search.position_of(holders.get(Role.REVIEWER))
        search.fill(Role.REVIEWER, present, above, roles.reserve, first_must_be_in=above)
    elif role == Role.REVIEWER:
        floor = search.level(holders.get(role), search.level(holders.get(Role.ASSESSOR), first))
        search.fill(Role.REVIEWER, None, roles.line[floor + 1 :], roles.reserve)
    if role == Role.DECIDER:
        search.fill(Role.DECIDER, None, (), roles.appeal_reserve)
    else:
        search.keep_or_fill_decider(holders.get(Role.DECIDER), group, roles.appeal_reserve)
    return search.passed(holders)


def handed(
    roles: RolesForm,
    reporting: Reporting,
    office: Office,
    *,
    holders: Mapping[str, int],
    role: str,
    candidates: Sequence[int],
    acted: Mapping[str, frozenset[int]] = _NOBODY_ACTED,
) -> Resolution:
    """Pass one part to the first of some named people who may have it and has no other part of this appraisal.

    As with `upward`, whoever stands above a new assessor reviews, and where none of them may have it the answer has
    the problem `nobody-left` and everybody keeps his part.

    Args:
        roles: the part `[roles]` of the workflow.
        reporting: the assignment.
        office: the organisation on the day in question.
        holders: the present holders by role.
        role: assessor, reviewer or decider.
        candidates: who is asked for, in order.
        acted: by role, those who already acted in it for this appraisal.

    Raises:
        WorkflowError: as `upward`.
    """
    group = _group(roles, reporting, role)
    others = {person for part, person in holders.items() if part != role}
    search = Search(
        roles, reporting, office, acted, gone=frozenset({(Role(role), holders[role])} if role in holders else ())
    )
    first = roles.line.index(group.assessor) if group.assessor in roles.line else 0
    taker = next((one for one in candidates if one not in others and search.why_not(one, Role(role)) is None), None)
    if taker is not None:
        search.keep({role: taker})
        if role == Role.ASSESSOR:
            above = search.above(Role.ASSESSOR, first)
            present = search.position_of(holders.get(Role.REVIEWER))
            search.fill(Role.REVIEWER, present, above, roles.reserve, first_must_be_in=above)
            search.keep_or_fill_decider(holders.get(Role.DECIDER), group, roles.appeal_reserve)
        else:
            search.keep({part: person for part, person in holders.items() if part != role})
    return search.passed(holders)


def _group(roles: RolesForm, reporting: Reporting, role: str) -> GroupForm:
    if role not in JUDGING_ROLES:
        raise WorkflowError(f"The part of '{role}' cannot be passed upward.", code="unknown-role")
    group = roles.group_of(reporting.post)
    if group is None:
        raise WorkflowError(f"The workflow says of no group that it has the post '{reporting.post}'.", code="no-group")
    return group
