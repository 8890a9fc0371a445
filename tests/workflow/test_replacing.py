"""Who takes over while an appraisal runs: the next who may have a part, or somebody who is named (domain.md, 5b)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflow.test_roles import (
    CLERK,
    DEPUTY,
    DIRECTOR,
    GUARD,
    GUARDS_POST,
    OFFICE,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    VICE,
    people,
)
from workflow.definition import Definition
from workflow.errors import WorkflowError
from workflow.form import RolesForm
from workflow.parts import Office, Reporting
from workflow.replacing import demand_fit, succeed

GUARDS = {"assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}


@pytest.fixture
def roles(definition: Definition) -> RolesForm:
    return definition.roles


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        # The next in line scores, his superior reviews, and the decider who thereby has a part gives way.
        ({SECURITY}, (DIRECTOR, VICE, SECRETARY)),
        ({DIRECTOR}, (SECURITY, VICE, SECRETARY)),
        ({VICE}, (SECURITY, DIRECTOR, SECRETARY)),
        ({SECURITY, DIRECTOR}, (VICE, PRESIDENT, SECRETARY)),
        ({OFFICER}, (SECURITY, DIRECTOR, VICE)),
    ],
)
def test_the_next_in_the_line_takes_over(roles: RolesForm, gone: set[int], expected: tuple[int, int, int]) -> None:
    assert people(succeed(roles, GUARDS_POST, OFFICE, GUARDS, frozenset(gone))) == expected


def test_who_acts_in_the_post_takes_over_and_review_moves_up_where_he_scores(roles: RolesForm) -> None:
    acting = replace(OFFICE, acting={"director": (SECURITY,)})
    # He scores the guard already, so the review of that one appraisal moves one level up.
    assert people(succeed(roles, GUARDS_POST, acting, GUARDS, frozenset({DIRECTOR}))) == (SECURITY, VICE, SECRETARY)
    clerk = Reporting(CLERK, "clerical", in_charge=PERSONNEL, manager=PERSONNEL)
    present = {"assessor": PERSONNEL, "reviewer": DIRECTOR, "decider": VICE}
    assert people(succeed(roles, clerk, acting, present, frozenset({DIRECTOR}))) == (PERSONNEL, SECURITY, VICE)
    # His own appraisal he does not score: the next upward does, and that one's superior reviews.
    own = {"assessor": DIRECTOR, "reviewer": PRESIDENT, "decider": SECRETARY}
    assert people(succeed(roles, DEPUTY, acting, own, frozenset({DIRECTOR}))) == (VICE, PRESIDENT, SECRETARY)


def test_an_acting_deputy_scores_whom_the_absent_one_is_in_charge_of(roles: RolesForm) -> None:
    acting = replace(OFFICE, acting={"deputy-security": (PERSONNEL,)})
    assert people(succeed(roles, GUARDS_POST, acting, GUARDS, frozenset({SECURITY}))) == (PERSONNEL, DIRECTOR, VICE)


def test_an_override_comes_first_and_touches_only_the_part_that_is_lost(roles: RolesForm) -> None:
    named = replace(GUARDS_POST, overrides={"assessor": PERSONNEL, "decider": PRESIDENT})
    assert people(succeed(roles, named, OFFICE, GUARDS, frozenset({SECURITY}))) == (PERSONNEL, DIRECTOR, VICE)


def test_who_acted_in_another_part_takes_none_over(roles: RolesForm) -> None:
    acted = {"reviewer": frozenset({DIRECTOR})}
    found = succeed(roles, GUARDS_POST, OFFICE, GUARDS, frozenset({SECURITY}), acted=acted)
    assert people(found) == (VICE, PRESIDENT, SECRETARY)


def test_where_nobody_is_left_the_holders_stay_and_hr_is_told(roles: RolesForm) -> None:
    gone = frozenset({SECURITY, DIRECTOR, VICE, PRESIDENT})
    found = succeed(roles, GUARDS_POST, OFFICE, GUARDS, gone)
    assert people(found) == (SECURITY, DIRECTOR, VICE)
    assert [problem.code for problem in found.problems] == ["nobody-left"]


def test_a_post_without_a_group_has_no_successor(roles: RolesForm) -> None:
    with pytest.raises(WorkflowError, match="'gardener'"):
        succeed(roles, Reporting(77, "gardener"), OFFICE, {}, frozenset())
    with pytest.raises(WorkflowError, match="'gardener'"):
        demand_fit(roles, Reporting(77, "gardener"), OFFICE, {}, role="assessor", person=1)


@pytest.mark.parametrize(
    ("role", "person", "code"),
    [
        ("assessor", GUARD, "is-appraisee"),
        ("assessor", DIRECTOR, "has-a-part"),
        ("reviewer", VICE, "has-a-part"),
        ("assessor", CLERK, "unavailable"),
        ("assessor", OFFICER, "recused"),
        ("decider", SECRETARY, "has-a-part"),
        # Whoever reviews stands above the score, or is the reserve.
        ("assessor", PRESIDENT, "reviewer-not-above"),
        ("reviewer", PERSONNEL, "reviewer-not-above"),
        ("appraisee", PERSONNEL, "not-replaceable"),
        ("assessor", PERSONNEL, None),
        ("reviewer", PRESIDENT, None),
        ("decider", PRESIDENT, None),
    ],
)
def test_who_may_be_named(roles: RolesForm, role: str, person: int, code: str | None) -> None:
    office = replace(OFFICE, unavailable=frozenset({CLERK}), conflicts=frozenset({(OFFICER, GUARD)}))
    acted = {"assessor": frozenset({SECRETARY})}
    if code is None:
        demand_fit(roles, GUARDS_POST, office, GUARDS, role=role, person=person, acted=acted)
        return
    with pytest.raises(WorkflowError) as refused:
        demand_fit(roles, GUARDS_POST, office, GUARDS, role=role, person=person, acted=acted)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")


def test_the_reserve_may_be_named_to_review_and_stays_when_the_score_passes_on(roles: RolesForm) -> None:
    demand_fit(roles, GUARDS_POST, OFFICE, GUARDS, role="reviewer", person=SECRETARY)
    present: Mapping[str, int] = {**GUARDS, "reviewer": SECRETARY}
    demand_fit(roles, GUARDS_POST, OFFICE, present, role="assessor", person=PERSONNEL)
    assert people(succeed(roles, GUARDS_POST, OFFICE, present, frozenset({SECURITY}))) == (DIRECTOR, SECRETARY, VICE)


_PERSON = st.integers(min_value=1, max_value=8)


@given(
    gone=st.frozensets(_PERSON),
    holders=st.permutations([1, 2, 3, 4, 5, 6]).map(
        lambda order: {"assessor": order[0], "reviewer": order[1], "decider": order[2]}
    ),
    acting=st.dictionaries(st.sampled_from(["director", "vice-president"]), st.tuples(_PERSON), max_size=2),
    conflicts=st.frozensets(st.tuples(_PERSON, st.just(7)), max_size=2),
)
def test_nobody_ever_gets_two_parts_nor_one_about_himself(
    definition: Definition,
    gone: frozenset[int],
    holders: dict[str, int],
    acting: dict[str, tuple[int, ...]],
    conflicts: frozenset[tuple[int, int]],
) -> None:
    posts = ("president", "vice-president", "secretary", "director", "deputy-security", "deputy-personnel", "escort")
    office = Office({post: (place,) for place, post in enumerate(posts, start=1)}, acting, conflicts=conflicts)
    found = succeed(definition.roles, Reporting(7, "escort", in_charge=5), office, holders, gone)
    if found.problems:
        assert found.people == holders
        return
    new = {person for role, person in found.people.items() if holders[role] != person}
    assert len(set(found.people.values())) == len(found.people) == 3
    assert 7 not in new
    assert new.isdisjoint(gone)
    assert not any((person, 7) in conflicts for person in new)
