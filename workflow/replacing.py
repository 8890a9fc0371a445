"""Who takes over while an appraisal runs: the next who may have a part, or somebody who is named for it (W11)."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from workflow.errors import NotAllowed, WorkflowError
from workflow.form import GroupForm, RolesForm
from workflow.parts import Office, Reporting, Resolution, Why
from workflow.search import Search
from workflow.vocabulary import JUDGING_ROLES, ROLE_WORDS, Role

_NOBODY: Mapping[str, frozenset[int]] = MappingProxyType({})

_UNFIT: Mapping[Why, tuple[str, str]] = MappingProxyType(
    {
        "self": ("is-appraisee", "is the person appraised, and nobody has a part in his own appraisal"),
        "unavailable": ("unavailable", "has left or is on a protected absence"),
        "recused": ("recused", "has a recorded interest in the person appraised"),
        "has-a-part": ("has-a-part", "has, or had, another part in this appraisal, and nobody has two"),
    }
)


def succeed(
    roles: RolesForm,
    reporting: Reporting,
    office: Office,
    holders: Mapping[str, int],
    gone: frozenset[int],
    *,
    acted: Mapping[str, frozenset[int]] = _NOBODY,
) -> Resolution:
    """Find who takes over every part that is held by somebody `gone`; whoever is not gone keeps his where he can.

    An override comes first, then whoever acts in the post, then the next in the line. Where the score moves upward,
    *his* superior reviews; where acting makes one person scorer and reviewer, review moves one level up; a decider who
    thereby has another part gives way (domain.md, sections 5 and 5b). Where nobody is left the answer has a problem
    `nobody-left` and all holders stay.

    Args:
        roles: the part `[roles]` of the workflow.
        reporting: the assignment.
        office: the organisation on the day in question.
        holders: the present holders by role.
        gone: who can hold nothing of this appraisal any more.
        acted: by role, those who already acted in it for this appraisal; they take no other part.

    Raises:
        WorkflowError: the workflow names no group for the post.
    """
    group = _group(roles, reporting)
    lost = {Role(role) for role, person in holders.items() if role in JUDGING_ROLES and person in gone}
    named = {role: person for role, person in reporting.overrides.items() if role in lost and person not in gone}
    search = Search(
        roles,
        replace(reporting, overrides=MappingProxyType(named)),
        replace(office, unavailable=office.unavailable | gone),
        acted,
    )
    moving = lost | {Role.DECIDER} | ({Role.REVIEWER} if Role.ASSESSOR in lost else set())
    search.keep({role: person for role, person in holders.items() if role not in moving})
    search.overrides()
    first = roles.line.index(group.assessor) if group.assessor in roles.line else 0
    if Role.ASSESSOR in lost:
        start = max((search.level(person, first) for person, _ in search.people_at(group.assessor)), default=first)
        search.fill(Role.ASSESSOR, group.assessor, roles.line[start:])
    if Role.REVIEWER in moving:
        _review(search, roles, group, holders.get(Role.REVIEWER), first)
    if Role.DECIDER not in search.found:
        search.keep_or_fill_decider(holders.get(Role.DECIDER), group, roles.appeal_reserve)
    return search.passed(holders)


def _review(search: Search, roles: RolesForm, group: GroupForm, present: int | None, first: int) -> None:
    above = search.above(Role.ASSESSOR, first)
    if present is not None and search.why_not(present, Role.REVIEWER) is None:
        position = search.position_of(present)
        if position is None or position in above:
            search.keep({Role.REVIEWER: present})
            return
    search.fill(Role.REVIEWER, group.reviewer, above, roles.reserve, first_must_be_in=above)


def demand_fit(
    roles: RolesForm,
    reporting: Reporting,
    office: Office,
    holders: Mapping[str, int],
    *,
    role: str,
    person: int,
    acted: Mapping[str, frozenset[int]] = _NOBODY,
) -> None:
    """Let pass only who may be named for a part: no other part, no interest, here, and review above the score.

    Raises:
        NotAllowed: he may not; the sentence says why, the code is that of the reason.
        WorkflowError: the role is none that judges, or the workflow names no group for the post.
    """
    if role not in JUDGING_ROLES:
        raise WorkflowError(
            f"What waits for {ROLE_WORDS[Role(role)]} can be done by nobody else.", code="not-replaceable"
        )
    group = _group(roles, reporting)
    search = Search(roles, reporting, office, acted)
    search.keep({part: holder for part, holder in holders.items() if part != role})
    why = search.why_not(person, Role(role))
    if why is not None:
        code, text = _UNFIT[why]
        raise NotAllowed(f"The one you name {text}; name somebody else.", code=code)
    if role == Role.DECIDER:
        return
    first = roles.line.index(group.assessor) if group.assessor in roles.line else 0
    search.keep({role: person})
    above = search.above(Role.ASSESSOR, first)
    reviewer = holders.get(Role.REVIEWER) if role == Role.ASSESSOR else person
    reserve = {one for position in roles.reserve for one, _ in search.people_at(position)}
    position = search.position_of(reviewer)
    if reviewer is None or reviewer in reserve or position in above:
        return
    # Somebody whom HR named to review before stands nowhere in the line; he is not asked again where another scores.
    if role == Role.ASSESSOR and position is None:
        return
    raise NotAllowed(
        "The reviewer must stand above whoever scores, or be the reserve; name somebody else, or pass the review on "
        "first.",
        code="reviewer-not-above",
    )


def _group(roles: RolesForm, reporting: Reporting) -> GroupForm:
    group = roles.group_of(reporting.post)
    if group is None:
        raise WorkflowError(f"The workflow says of no group that it has the post '{reporting.post}'.", code="no-group")
    return group
