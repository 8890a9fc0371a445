"""The roster that a dry run draws: whom it rates, who holds what, and each problem with its severity and mend."""

import datetime as dt
import json

import pytest

from services import launch
from services.errors import Malformed, NotFound
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECRETARY,
    SECURITY,
    VICE,
    noon,
)
from tests.services.planning import Plan

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)


@pytest.fixture
def plan(uow: UnitOfWork) -> Plan:
    return Plan.made(uow)


def test_everybody_with_a_rubric_is_rated_with_the_holders_of_his_group(plan: Plan) -> None:
    report = plan.dry_run()
    assert report.problems == ()
    assert report.counts == {"rated": 6, "not-rated": 0, "left-out": 0, "set-aside": 0, "blocked": 0}
    numbers = {person: number for number, person in plan.office.people.items()}
    held = {
        name: tuple(numbers[person] for person in (row.assessor_id, row.reviewer_id, row.decider_id))
        for name, row in plan.roster().items()
    }
    assert held == {
        "1004@director": (VICE, PRESIDENT, SECRETARY),
        "1005@deputy-security": (DIRECTOR, PRESIDENT, SECRETARY),
        "1006@deputy-personnel": (DIRECTOR, PRESIDENT, SECRETARY),
        "1007@personnel-officer": (PERSONNEL, DIRECTOR, VICE),
        "1008@clerical": (PERSONNEL, DIRECTOR, VICE),
        "1009@escort": (SECURITY, DIRECTOR, VICE),
    }
    row = plan.roster()["1008@clerical"]
    assert json.loads(row.sources) == {"assessor": "line", "reviewer": "line", "decider": "line"}
    assert row.working_days == 59


def test_a_dry_run_opens_nothing_and_may_be_repeated(plan: Plan) -> None:
    first = plan.dry_run()
    again = plan.dry_run()
    assert first.digest == again.digest
    assert len(plan.roster()) == 6
    assert plan.rows("SELECT id FROM appraisal") == []
    plan.without_email(CLERK)
    assert plan.dry_run().digest == first.digest, "a warning changes nothing that opens"
    plan.override(CLERK, "assessor", SECURITY)
    assert plan.dry_run().digest != first.digest


def test_a_post_without_a_rubric_is_an_error_with_its_mend(plan: Plan) -> None:
    plan.hire("1010", "gardener", manager=plan.office.people[PERSONNEL])
    problem = plan.dry_run().errors[0]
    assert (problem.code, problem.number, problem.post) == ("no-rubric", "1010", "gardener")
    assert problem.text == "1010 has the post gardener, for which this cycle has no rubric."
    assert problem.mend == "Give the cycle a rubric that has this post, or leave the person out by name (--leave-out)."
    assert plan.roster()["1010@gardener"].status == "blocked"


def test_a_post_above_all_groups_without_a_rubric_is_simply_not_appraised(plan: Plan) -> None:
    assert not {name for name in plan.roster() if name.endswith("president")}


def test_an_incomplete_rubric_is_one_error_for_the_post(uow: UnitOfWork) -> None:
    plan = Plan.made(uow, rubric="bank-office")
    found = {problem.post: problem for problem in plan.dry_run().errors}
    assert set(found) == {"personnel-officer", "clerical", "escort"}, "posts that somebody holds"
    problem = found["personnel-officer"]
    assert problem.code == "incomplete-rubric"
    assert "40" in problem.text
    assert "100" in problem.text
    assert "--override-incomplete personnel-officer=REASON" in problem.mend
    assert plan.roster()["1007@personnel-officer"].status == "blocked"
    assert plan.roster()["1004@director"].status == "rated"


def test_a_vacancy_is_a_warning_and_the_next_in_line_scores(plan: Plan) -> None:
    plan.change(CLERK, in_charge_id=None)
    assert plan.problems(CLERK) == {"vacancy": "warning"}
    row = plan.roster()["1008@clerical"]
    people = plan.office.people
    assert (row.assessor_id, row.reviewer_id, row.decider_id) == (people[DIRECTOR], people[VICE], people[SECRETARY])
    assert json.loads(row.sources)["assessor"] == "vacancy"


def test_where_nobody_is_left_to_score_the_person_is_blocked(plan: Plan) -> None:
    for number in (PERSONNEL, DIRECTOR, VICE, PRESIDENT):
        plan.conflict(number, CLERK)
    problem = next(problem for problem in plan.dry_run().errors if problem.number == CLERK)
    assert (problem.code, problem.severity) == ("no-assessor", "error")
    assert "1008: Nobody is left to score." in problem.text
    assert problem.mend == "Name somebody by an override, or leave this person out with a reason."
    assert plan.roster()["1008@clerical"].status == "blocked"


def test_a_column_that_names_the_person_himself_is_an_error(plan: Plan) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    problem = plan.dry_run().errors[0]
    assert (problem.code, problem.number) == ("assessor-is-appraisee", CLERK)
    assert "Correct the column" in problem.mend


def test_an_override_that_gives_one_person_two_parts_is_an_error(plan: Plan) -> None:
    plan.override(CLERK, "assessor", DIRECTOR)
    plan.override(CLERK, "reviewer", DIRECTOR)
    problem = plan.dry_run().errors[0]
    assert (problem.code, problem.number) == ("same-person-twice", CLERK)
    assert problem.mend == "Name somebody else, or end the override."


def test_an_override_that_names_the_person_himself_is_an_error(plan: Plan) -> None:
    plan.override(CLERK, "reviewer", CLERK)
    assert plan.problems(CLERK)["override-is-appraisee"] == "error"


def test_two_heads_of_a_post_are_an_error(plan: Plan) -> None:
    plan.hire("1010", "director", manager=plan.office.people[VICE])
    problem = next(problem for problem in plan.dry_run().errors if problem.number == CLERK)
    assert problem.code == "two-heads"
    assert "Two people hold the position 'director' at the same time." in problem.text
    assert "End one of the two assignments" in problem.mend


def test_no_email_address_is_a_warning_and_refuses_nothing(plan: Plan) -> None:
    plan.without_email(ESCORT)
    report = plan.dry_run()
    assert [(problem.code, problem.severity, problem.number) for problem in report.problems] == [
        ("no-email", "warning", ESCORT)
    ]
    assert report.problems[0].mend == "Print the notices, or add an address."
    assert report.errors == ()
    assert plan.roster()["1009@escort"].status == "rated"


def test_problems_are_kept_with_the_roster(plan: Plan) -> None:
    plan.without_email(ESCORT)
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.dry_run()
    written = {row.code: row for row in plan.written()}
    assert set(written) == {"no-email", "assessor-is-appraisee"}
    assert written["no-email"].assignment_id == plan.office.assignments[ESCORT]
    assert json.loads(written["no-email"].details)["text"] == "1009 has no e-mail address."
    plan.change(CLERK, in_charge_id=plan.office.people[PERSONNEL])
    plan.dry_run()
    assert [row.code for row in plan.written()] == ["no-email"]


def test_who_was_away_protected_for_most_of_the_period_is_not_rated(plan: Plan) -> None:
    plan.absence(CLERK, dt.date(2026, 1, 15), dt.date(2026, 3, 20))
    plan.absence(ESCORT, dt.date(2026, 3, 2), dt.date(2026, 3, 20))
    plan.absence(OFFICER, FIRST, LAST, kind="leave")
    report = plan.dry_run()
    assert report.counts["not-rated"] == 1
    row = plan.roster()["1008@clerical"]
    assert (row.status, row.reason_code, row.assessor_id) == ("not-rated", "protected-absence", None)


def test_an_assessor_on_protected_absence_is_passed_over(plan: Plan) -> None:
    plan.absence(PERSONNEL, dt.date(2026, 3, 20), None)
    assert plan.problems(CLERK) == {"unavailable": "warning"}
    assert plan.roster()["1008@clerical"].assessor_id == plan.office.people[DIRECTOR]


def test_below_ten_working_days_nobody_is_rated(plan: Plan) -> None:
    plan.change(CLERK, valid_from=dt.date(2026, 3, 19))
    plan.change(ESCORT, valid_from=dt.date(2026, 3, 18))
    plan.dry_run()
    assert plan.roster()["1008@clerical"].reason_code == "below-minimum-service"
    assert plan.roster()["1008@clerical"].working_days == 9
    assert (plan.roster()["1009@escort"].status, plan.roster()["1009@escort"].working_days) == ("rated", 10)


def test_who_moved_within_the_period_has_a_row_for_each_assignment(plan: Plan) -> None:
    plan.change(CLERK, valid_to=dt.date(2026, 3, 1))
    plan.assign(CLERK, "escort", first=dt.date(2026, 3, 2), in_charge=plan.office.people[SECURITY])
    plan.dry_run()
    roster = plan.roster()
    assert roster["1008@clerical"].working_days == 37
    assert roster["1008@escort"].working_days == 22
    assert roster["1008@clerical"].assessor_id == plan.office.people[PERSONNEL]
    assert roster["1008@escort"].assessor_id == plan.office.people[SECURITY]


def test_a_leaver_is_assessed_for_the_part_served(plan: Plan) -> None:
    plan.change(CLERK, valid_to=dt.date(2026, 1, 30))
    assert plan.problems(CLERK) == {}
    assert plan.roster()["1008@clerical"].working_days == 21


def test_who_begins_after_the_day_of_the_opening_is_on_the_roster(uow: UnitOfWork) -> None:
    plan = Plan.made(uow)
    plan.change(CLERK, valid_from=dt.date(2026, 2, 16))
    report = launch.dry_run(uow, actor=plan.office.actor(OFFICER), now=noon(1, 5), cycle=QUARTER)
    assert report.errors == ()
    assert plan.roster()["1008@clerical"].working_days == 27


def test_acting_for_a_superior_is_not_appraised_and_gives_his_powers(plan: Plan) -> None:
    plan.absence(SECURITY, dt.date(2026, 3, 20), None)
    plan.assign(OFFICER, "deputy-security", first=dt.date(2026, 3, 1), kind="acting")
    plan.dry_run()
    assert "1007@deputy-security" not in plan.roster()
    assert plan.roster()["1009@escort"].assessor_id == plan.office.people[OFFICER]
    assert json.loads(plan.roster()["1009@escort"].sources)["assessor"] == "acting"


def test_people_and_posts_among_the_choices_must_exist_and_have_a_reason(plan: Plan) -> None:
    with pytest.raises(NotFound, match="Nobody with the number 4711 has an assignment"):
        plan.dry_run(Choices(leave_out={"4711": "Gone."}))
    with pytest.raises(NotFound, match="No rubric of this cycle has the post gardener"):
        plan.dry_run(Choices(override_incomplete={"gardener": "So be it."}))
    with pytest.raises(Malformed, match="The rubric of clerical is complete, so there is nothing to override"):
        plan.dry_run(Choices(override_incomplete={"clerical": "To be sure."}))
    for choices in (Choices(leave_out={CLERK: " "}), Choices(override_incomplete={"clerical": ""})):
        with pytest.raises(Malformed, match="needs a reason") as refusal:
            plan.dry_run(choices)
        assert refusal.value.code == "reason-missing"


def test_who_is_left_out_is_out_with_his_reason_whatever_his_problems(plan: Plan) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    assert plan.dry_run(Choices(leave_out={CLERK: "Leaves next week."})).errors == ()
    row = plan.roster()["1008@clerical"]
    assert (row.status, row.reason_code) == ("left-out", "left-out")
    stored = plan.rows("SELECT body FROM text_body WHERE id = :id", id=row.reason_id)[0]
    assert stored.body == "Leaves next week."
