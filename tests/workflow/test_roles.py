"""Who scores, reviews and decides appeals: the table of domain.md, section 5, and what happens without somebody."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from workflow.definition import Definition
from workflow.errors import WorkflowError
from workflow.form import RolesForm
from workflow.parts import Office, Reporting, Resolution
from workflow.roles import handed, resolve, upward
from workflow.vocabulary import Severity

PRESIDENT, VICE, SECRETARY, DIRECTOR, SECURITY, PERSONNEL = 1, 2, 3, 4, 5, 6
OFFICER, CLERK, LOGISTICS, GUARD, DRIVER = 11, 12, 13, 14, 15

OFFICE = Office(
    holders={
        "president": (PRESIDENT,),
        "vice-president": (VICE,),
        "secretary": (SECRETARY,),
        "director": (DIRECTOR,),
        "deputy-security": (SECURITY,),
        "deputy-personnel": (PERSONNEL,),
        "personnel-officer": (OFFICER,),
        "clerical": (CLERK,),
        "logistics": (LOGISTICS,),
        "escort": (GUARD,),
        "cash-driver": (DRIVER,),
    }
)
GUARDS_POST = Reporting(GUARD, "escort", in_charge=SECURITY, manager=DIRECTOR)
DEPUTY = Reporting(SECURITY, "deputy-security", in_charge=DIRECTOR, manager=DIRECTOR)
HEAD = Reporting(DIRECTOR, "director", in_charge=VICE, manager=VICE)

TABLE = [
    ("director", DIRECTOR, VICE, (VICE, PRESIDENT, SECRETARY)),
    ("deputy-security", SECURITY, DIRECTOR, (DIRECTOR, PRESIDENT, SECRETARY)),
    ("deputy-personnel", PERSONNEL, DIRECTOR, (DIRECTOR, PRESIDENT, SECRETARY)),
    ("personnel-officer", OFFICER, PERSONNEL, (PERSONNEL, DIRECTOR, VICE)),
    ("clerical", CLERK, PERSONNEL, (PERSONNEL, DIRECTOR, VICE)),
    ("logistics", LOGISTICS, PERSONNEL, (PERSONNEL, DIRECTOR, VICE)),
    ("escort", GUARD, SECURITY, (SECURITY, DIRECTOR, VICE)),
    ("cash-driver", DRIVER, SECURITY, (SECURITY, DIRECTOR, VICE)),
]


@pytest.fixture
def roles(definition: Definition) -> RolesForm:
    return definition.roles


def people(resolution: Resolution) -> tuple[int | None, int | None, int | None]:
    found = (resolution.assessor, resolution.reviewer, resolution.decider)
    assessor, reviewer, decider = (holder.person if holder else None for holder in found)
    return assessor, reviewer, decider


def sources(resolution: Resolution) -> dict[str, str]:
    found = {role: resolution.of(role) for role in ("assessor", "reviewer", "decider")}
    return {role: holder.source for role, holder in found.items() if holder}


def without(*posts: str) -> Office:
    return replace(OFFICE, holders={post: who for post, who in OFFICE.holders.items() if post not in posts})


def codes(resolution: Resolution, severity: Severity) -> list[str]:
    return [problem.code for problem in resolution.problems if problem.severity is severity]


@pytest.mark.parametrize(("post", "person", "in_charge", "expected"), TABLE)
def test_who_scores_reviews_and_decides_for_each_post(
    roles: RolesForm, post: str, person: int, in_charge: int, expected: tuple[int, int, int]
) -> None:
    resolution = resolve(roles, Reporting(person, post, in_charge=in_charge), OFFICE)
    assert people(resolution) == expected
    assert resolution.problems == ()
    assert sources(resolution) == dict.fromkeys(("assessor", "reviewer", "decider"), "line")


@pytest.mark.parametrize(
    ("reporting", "vacant", "expected", "source"),
    [
        # Nobody in charge: the director scores, his superior reviews; that takes the decider, so the secretary decides.
        (replace(GUARDS_POST, in_charge=None), (), (DIRECTOR, VICE, SECRETARY), "vacancy"),
        (GUARDS_POST, ("director",), (SECURITY, VICE, SECRETARY), "line"),
        (replace(GUARDS_POST, in_charge=None), ("director",), (VICE, PRESIDENT, SECRETARY), "vacancy"),
        (GUARDS_POST, ("vice-president",), (SECURITY, DIRECTOR, SECRETARY), "line"),
        # No superior is left to review: the secretary reviews, the vice-president without another part decides.
        (replace(GUARDS_POST, in_charge=None), ("director", "vice-president"), (PRESIDENT, SECRETARY, None), "vacancy"),
        (DEPUTY, ("director",), (VICE, PRESIDENT, SECRETARY), "vacancy"),
        (DEPUTY, ("president",), (DIRECTOR, VICE, SECRETARY), "line"),
        (DEPUTY, ("president", "vice-president"), (DIRECTOR, SECRETARY, None), "line"),
        (DEPUTY, ("secretary",), (DIRECTOR, PRESIDENT, VICE), "line"),
        (HEAD, ("vice-president",), (PRESIDENT, SECRETARY, None), "vacancy"),
        (HEAD, ("president",), (VICE, SECRETARY, None), "line"),
    ],
)
def test_a_vacancy_passes_the_part_upward(
    roles: RolesForm,
    reporting: Reporting,
    vacant: tuple[str, ...],
    expected: tuple[int | None, int | None, int | None],
    source: str,
) -> None:
    resolution = resolve(roles, reporting, without(*vacant))
    assert people(resolution) == expected
    assert sources(resolution)["assessor"] == source
    assert ("no-decider" in codes(resolution, Severity.ERROR)) is (expected[2] is None)
    assert resolution.blocked is (expected[2] is None)


def test_where_the_secretary_reviews_the_vice_president_decides(roles: RolesForm) -> None:
    # The president scores here, since he is named by an override; nobody is above him.
    reporting = replace(DEPUTY, overrides={"assessor": PRESIDENT})
    resolution = resolve(roles, reporting, OFFICE)
    assert people(resolution) == (PRESIDENT, SECRETARY, VICE)
    assert sources(resolution) == {"assessor": "override", "reviewer": "reserve", "decider": "reserve"}


def test_a_vacancy_is_a_warning_that_names_who_steps_in(roles: RolesForm) -> None:
    (problem,) = resolve(roles, replace(GUARDS_POST, in_charge=None), OFFICE).problems
    assert (problem.code, problem.severity, problem.role) == ("vacancy", Severity.WARNING, "assessor")
    assert problem.text == "The position 'in-charge' is vacant."
    assert problem.mend == "'director' will score instead; name somebody else by an override if that is wrong."
    assert problem.details["proposed"] == DIRECTOR


def test_an_acting_holder_stands_in_for_a_vacant_post(roles: RolesForm) -> None:
    office = replace(without("director"), acting={"director": (PERSONNEL,)})
    resolution = resolve(roles, GUARDS_POST, office)
    assert people(resolution) == (SECURITY, PERSONNEL, VICE)
    assert sources(resolution)["reviewer"] == "acting"
    assert resolution.problems == ()


def test_acting_that_makes_one_scorer_and_reviewer_moves_the_review_up(roles: RolesForm) -> None:
    office = replace(without("director"), acting={"director": (PERSONNEL,)})
    resolution = resolve(roles, Reporting(CLERK, "clerical", in_charge=PERSONNEL), office)
    assert people(resolution) == (PERSONNEL, VICE, SECRETARY)
    assert codes(resolution, Severity.WARNING) == ["same-person-twice"]


def test_an_acting_holder_is_appraised_by_the_next_above(roles: RolesForm) -> None:
    office = replace(without("director"), acting={"director": (PERSONNEL,)})
    resolution = resolve(roles, Reporting(PERSONNEL, "deputy-personnel", in_charge=DIRECTOR), office)
    assert people(resolution) == (VICE, PRESIDENT, SECRETARY)
    assert codes(resolution, Severity.WARNING) == ["holder-is-appraisee"]


def test_an_acting_holder_replaces_an_absent_person_in_charge(roles: RolesForm) -> None:
    office = replace(OFFICE, acting={"deputy-security": (PERSONNEL,)}, unavailable=frozenset({SECURITY}))
    resolution = resolve(roles, GUARDS_POST, office)
    assert people(resolution) == (PERSONNEL, DIRECTOR, VICE)
    assert sources(resolution)["assessor"] == "acting"


def test_a_protected_absence_passes_the_part_upward(roles: RolesForm) -> None:
    resolution = resolve(roles, GUARDS_POST, replace(OFFICE, unavailable=frozenset({SECURITY})))
    assert people(resolution) == (DIRECTOR, VICE, SECRETARY)
    assert codes(resolution, Severity.WARNING) == ["unavailable"]


@pytest.mark.parametrize("pair", [(DIRECTOR, GUARD), (GUARD, DIRECTOR)])
def test_a_relative_withdraws_from_reviewing(roles: RolesForm, pair: tuple[int, int]) -> None:
    resolution = resolve(roles, GUARDS_POST, replace(OFFICE, conflicts=frozenset({pair})))
    assert people(resolution) == (SECURITY, VICE, SECRETARY)
    assert codes(resolution, Severity.WARNING) == ["recusal"]


def test_a_relative_withdraws_from_scoring_and_from_appeals(roles: RolesForm) -> None:
    office = replace(OFFICE, conflicts=frozenset({(SECURITY, GUARD), (GUARD, SECRETARY)}))
    resolution = resolve(roles, GUARDS_POST, office)
    assert people(resolution) == (DIRECTOR, VICE, PRESIDENT)


def test_an_override_comes_first(roles: RolesForm) -> None:
    resolution = resolve(roles, replace(GUARDS_POST, overrides={"assessor": PERSONNEL, "decider": SECRETARY}), OFFICE)
    assert people(resolution) == (PERSONNEL, DIRECTOR, SECRETARY)
    assert sources(resolution) == {"assessor": "override", "reviewer": "line", "decider": "override"}


@pytest.mark.parametrize(
    ("overrides", "office", "code"),
    [
        ({"assessor": GUARD}, OFFICE, "override-is-appraisee"),
        ({"reviewer": VICE}, replace(OFFICE, unavailable=frozenset({VICE})), "override-unavailable"),
        ({"decider": VICE}, replace(OFFICE, conflicts=frozenset({(VICE, GUARD)})), "override-recused"),
        ({"assessor": VICE, "reviewer": VICE}, OFFICE, "same-person-twice"),
    ],
)
def test_an_override_that_breaks_a_rule_is_refused(
    roles: RolesForm, overrides: Mapping[str, int], office: Office, code: str
) -> None:
    resolution = resolve(roles, replace(GUARDS_POST, overrides=overrides), office)
    assert code in codes(resolution, Severity.ERROR)
    assert resolution.blocked
    assert GUARD not in people(resolution)
    assert len(set(resolution.people.values())) == len(resolution.people)


def test_somebody_listed_as_his_own_superior_is_an_error_with_a_mend(roles: RolesForm) -> None:
    resolution = resolve(roles, replace(GUARDS_POST, in_charge=GUARD), OFFICE)
    assert people(resolution) == (DIRECTOR, VICE, SECRETARY)
    (problem,) = resolution.problems
    assert (problem.code, problem.severity) == ("assessor-is-appraisee", Severity.ERROR)
    assert problem.mend == "Correct the column; the next upward to score is 'director'."
    mended = resolve(roles, replace(GUARDS_POST, in_charge=GUARD, overrides={"assessor": SECURITY}), OFFICE)
    assert not mended.blocked


def test_the_same_person_in_charge_and_director_has_one_part(roles: RolesForm) -> None:
    resolution = resolve(roles, replace(GUARDS_POST, in_charge=DIRECTOR), OFFICE)
    assert people(resolution) == (DIRECTOR, VICE, SECRETARY)
    assert codes(resolution, Severity.WARNING) == ["same-person-twice"]
    assert not resolution.blocked


def test_nobody_is_reviewed_by_somebody_below_his_assessor(roles: RolesForm) -> None:
    resolution = resolve(roles, replace(GUARDS_POST, in_charge=VICE), OFFICE)
    assert people(resolution) == (VICE, PRESIDENT, SECRETARY)
    assert "reviewer-not-above" in codes(resolution, Severity.WARNING)


def test_two_heads_of_a_post_are_an_error(roles: RolesForm) -> None:
    office = replace(OFFICE, holders={**OFFICE.holders, "director": (DIRECTOR, 40)})
    resolution = resolve(roles, GUARDS_POST, office)
    assert "two-heads" in codes(resolution, Severity.ERROR)
    assert DIRECTOR not in people(resolution)
    named_twice = replace(OFFICE, holders={**OFFICE.holders, "director": (DIRECTOR, DIRECTOR)})
    assert people(resolve(roles, GUARDS_POST, named_twice)) == (SECURITY, DIRECTOR, VICE)


def test_where_nobody_is_left_it_says_so_and_what_to_do(roles: RolesForm) -> None:
    resolution = resolve(roles, replace(GUARDS_POST, in_charge=None), Office(holders={}))
    assert people(resolution) == (None, None, None)
    assert codes(resolution, Severity.ERROR) == ["no-assessor", "no-reviewer", "no-decider"]
    assert "override" in resolution.problems[0].mend


def test_a_post_that_no_group_names_is_an_error(roles: RolesForm) -> None:
    resolution = resolve(roles, Reporting(77, "gardener", in_charge=SECURITY), OFFICE)
    (problem,) = resolution.problems
    assert problem.code == "no-group"
    assert "gardener" in problem.text


def test_a_late_assessor_is_followed_by_the_next_in_line_and_his_superior(roles: RolesForm) -> None:
    present = {"assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    assert people(upward(roles, GUARDS_POST, OFFICE, present, "assessor")) == (DIRECTOR, VICE, SECRETARY)
    assert people(
        upward(roles, DEPUTY, OFFICE, {"assessor": DIRECTOR, "reviewer": PRESIDENT, "decider": SECRETARY}, "assessor")
    ) == (VICE, PRESIDENT, SECRETARY)


def test_a_late_review_goes_upward_and_the_secretary_decides(roles: RolesForm) -> None:
    present = {"assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    once = upward(roles, GUARDS_POST, OFFICE, present, "reviewer")
    assert people(once) == (SECURITY, VICE, SECRETARY)
    twice = upward(roles, GUARDS_POST, OFFICE, once.people, "reviewer")
    assert people(twice) == (SECURITY, PRESIDENT, SECRETARY)
    # Above the president nobody is left but the secretary; then the vice-president, who has no part, decides.
    thrice = upward(roles, GUARDS_POST, OFFICE, twice.people, "reviewer")
    assert people(thrice) == (SECURITY, SECRETARY, VICE)
    assert thrice.problems == ()


def test_whoever_has_no_part_any_more_decides_where_everybody_else_has_one(roles: RolesForm) -> None:
    present = {"assessor": VICE, "reviewer": PRESIDENT, "decider": SECRETARY}
    resolution = upward(roles, HEAD, OFFICE, present, "assessor")
    assert people(resolution) == (PRESIDENT, SECRETARY, VICE)
    assert resolution.problems == ()


def test_the_first_of_those_named_who_may_have_it_takes_a_part(roles: RolesForm) -> None:
    present = {"assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    resolution = handed(
        roles, GUARDS_POST, OFFICE, holders=present, role="assessor", candidates=[SECURITY, DIRECTOR, VICE, PERSONNEL]
    )
    assert people(resolution) == (PERSONNEL, DIRECTOR, VICE), "neither its late holder nor anybody with a part"


def test_where_none_of_those_named_may_have_it_everybody_keeps_his_part(roles: RolesForm) -> None:
    present = {"assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    resolution = handed(roles, GUARDS_POST, OFFICE, holders=present, role="reviewer", candidates=[VICE, SECURITY])
    assert people(resolution) == (SECURITY, DIRECTOR, VICE)
    assert codes(resolution, Severity.ERROR) == ["nobody-left"]


def test_where_nobody_is_left_the_item_stays_with_its_holder(roles: RolesForm) -> None:
    present = {"assessor": VICE, "reviewer": PRESIDENT, "decider": SECRETARY}
    resolution = upward(roles, HEAD, without("vice-president"), present, "assessor")
    assert people(resolution) == (VICE, PRESIDENT, SECRETARY)
    assert codes(resolution, Severity.ERROR) == ["nobody-left"]


def test_whoever_has_acted_in_one_part_takes_no_other(roles: RolesForm) -> None:
    present = {"assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    resolution = upward(roles, GUARDS_POST, OFFICE, present, "assessor", acted={"reviewer": frozenset({DIRECTOR})})
    assert people(resolution) == (VICE, PRESIDENT, SECRETARY)


def test_only_a_judging_part_is_passed_upward(roles: RolesForm) -> None:
    with pytest.raises(WorkflowError, match="'appraisee' cannot be passed upward"):
        upward(roles, GUARDS_POST, OFFICE, {}, "appraisee")
    with pytest.raises(WorkflowError, match="gardener"):
        upward(roles, Reporting(77, "gardener"), OFFICE, {}, "assessor")


def test_a_position_can_be_a_unit_head_or_the_managers_manager() -> None:
    form = RolesForm.model_validate(
        {
            "line": ["boss", "unit", "area", "top"],
            "appeal-reserve": ["area", "top"],
            "positions": {
                "boss": {"column": "manager"},
                "unit": {"relation": "unit-head"},
                "area": {"relation": "unit-head", "level": 1},
                "top": {"relation": "manager-of-manager"},
            },
            "groups": [{"assessor": "boss", "reviewer": "unit", "decider": "area"}],
        }
    )
    reporting = Reporting(50, "gardener", manager=51, unit_heads=(52, 53), manager_of_manager=54)
    assert people(resolve(form, reporting, Office(holders={}))) == (51, 52, 53)
    assert people(resolve(form, replace(reporting, unit_heads=(51,)), Office(holders={}))) == (51, 54, None)
