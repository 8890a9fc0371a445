"""Each proof finds the fault that is planted for it, and shows the shortest way that leads there."""

import pytest

from workflow.definition import Definition, load_definition
from workflow.verify import Fault, verify

ORPHAN = """
[[stages]]
id = "limbo"
title = { en = "Limbo", zh = "悬" }
wording = { en = "in limbo", zh = "悬而未决" }
holder = "appraisee"
"""


def move(action: str, from_: str, to: str, who: str, rest: str = "") -> str:
    label = f'label = {{ en = "{action}", zh = "{action}" }}'
    return f'\n[[moves]]\naction = "{action}"\nfrom = "{from_}"\nto = "{to}"\nwho = {who}\n{label}\n{rest}\n'


def without_move(text: str, action: str, nth: int = 0) -> str:
    start = -1
    for _ in range(nth + 1):
        start = text.index(f'[[moves]]\naction = "{action}"', start + 1)
    end = text.find("\n[[moves]]", start + 1)
    end = text.find("\n[roles]", start) if end < 0 else end
    return text[:start] + text[end + 1 :]


def faults(text: str) -> list[Fault]:
    return list(verify(load_definition(text, where="planted.toml")))


def only(text: str, code: str) -> Fault:
    found = [fault for fault in faults(text) if fault.code == code]
    assert len(found) == 1, [str(fault) for fault in faults(text)]
    return found[0]


def test_what_ships_has_no_fault(definition: Definition) -> None:
    assert verify(definition) == ()


def test_a_stage_that_cannot_be_reached(text: str) -> None:
    fault = only(text + ORPHAN + move("leave", "limbo", "draft", '"appraisee"'), "unreachable-stage")
    assert "'limbo' cannot be reached" in fault.text
    assert fault.path == ("limbo",)


def test_a_stage_that_is_reached_only_from_an_unreachable_one_shows_that_move(text: str) -> None:
    planted = text + ORPHAN + ORPHAN.replace('"limbo"', '"cellar"')
    planted += move("down", "cellar", "limbo", '"appraisee"') + move("out", "limbo", "draft", '"appraisee"')
    paths = [fault.path for fault in faults(planted) if fault.code == "unreachable-stage"]
    assert paths == [("cellar --down--> limbo",), ("cellar",)]


def test_a_stage_from_which_nothing_ends(text: str) -> None:
    planted = (
        text + ORPHAN + move("sink", "review", "limbo", '"reviewer"') + move("stay", "limbo", "limbo", '"appraisee"')
    )
    fault = only(planted, "no-ending")
    assert fault.path == ("draft --state--> scoring", "scoring --submit--> review", "review --sink--> limbo")


def test_a_circle_of_automatic_moves(text: str) -> None:
    planted = text + move("again", "scoring", "draft", '"system"')
    fault = only(planted, "automatic-circle")
    assert fault.path == ("draft --skip--> scoring", "scoring --again--> draft")


def test_an_automatic_move_that_stays_is_a_circle_too(text: str) -> None:
    fault = only(text + move("tick", "review", "review", '"system"'), "automatic-circle")
    assert fault.path == ("draft --state--> scoring", "scoring --submit--> review", "review --tick--> review")


def test_a_stage_without_a_holder(text: str) -> None:
    fault = only(text.replace('holder = "decider"\n', ""), "no-holder")
    assert fault.path[-1] == "signoff --object--> appeal"
    assert only(text.replace('holder = "decider"\n', 'holder = "auditor"\n'), "no-holder").text.endswith("decider.")


def test_a_holder_who_can_do_nothing(text: str) -> None:
    planted = text.replace('holder = "decider"\n', 'holder = "assessor"\n')
    fault = only(planted, "holder-cannot-act")
    assert "its holder (assessor) can do nothing" in fault.text


def test_no_way_out_when_the_holder_is_missing(text: str) -> None:
    planted = text.replace('from = ["draft", "scoring", "review", "signoff", "appeal"]', 'from = "signoff"')
    found = {fault.path[-1] for fault in faults(planted) if fault.code == "no-way-out"}
    # The draft has the assessor and the clock, the appeal has the person who may withdraw it.
    assert found == {"draft --state--> scoring", "scoring --submit--> review"}


@pytest.mark.parametrize("stage", ["draft", "signoff"])
def test_days_that_end_without_a_move_to_make(text: str, stage: str) -> None:
    planted = {
        "draft": without_move(text, "skip"),
        "signoff": text.replace('who = ["hr", "approver", "system"]', 'who = ["hr", "approver"]'),
    }[stage]
    assert f"'{stage}'" in only(planted, "missed-without-move").text


def test_nobody_else_speaks_for_the_person(text: str) -> None:
    fault = only(text.replace('missed = "move-on"', 'missed = "escalate"'), "own-voice")
    assert fault.path == ("draft",)


@pytest.mark.parametrize("action", ["submit", "approve", "change", "decide", "return", "start"])
def test_a_judges_move_that_is_open_to_the_person(text: str, action: str) -> None:
    start = text.index(f'[[moves]]\naction = "{action}"')
    at = text.index("who = ", start)
    end = text.index("\n", at)
    judge = text[at:end].removeprefix("who = ")
    planted = f'{text[:at]}who = [{judge}, "appraisee"]{text[end:]}'
    fault = next(fault for fault in faults(planted) if fault.code == "own-judge")
    assert f"--{action}-->" in fault.path[-1]


def test_a_person_who_scores_himself(text: str) -> None:
    planted = text + move("self-score", "scoring", "review", '"appraisee"', 'effects = ["score"]')
    assert only(planted, "own-judge").path == ("draft --state--> scoring", "scoring --self-score--> review")
    assert only(planted, "unscored-end").path[1] == "scoring --self-score--> review"


def test_a_person_who_passes_his_own_review(text: str) -> None:
    planted = text + move("wave-through", "review", "signoff", '"appraisee"')
    assert only(planted, "unreviewed-end").path == (
        "draft --state--> scoring",
        "scoring --submit--> review",
        "review --wave-through--> signoff",
        "signoff --accept--> closed",
    )


def test_taking_back_is_no_way_around_the_score_unless_it_pretends_to_be(text: str) -> None:
    planted = text + move("undo", "scoring", "review", '"appraisee"', 'guards = ["own-last-act"]')
    assert only(planted, "unscored-end").path[1] == "scoring --undo--> review"


@pytest.mark.parametrize("who", ["hr", "approver", "clerk", "proxy"])
def test_nobody_without_a_part_judges(text: str, who: str) -> None:
    guards = 'guards = ["not-own-or-superior"]'
    planted = text + move("adjust", "review", "review", f'"{who}"', f'effects = ["revise", "score"]\n{guards}')
    fault = only(planted, "judged-by-others")
    assert f"is open to {who}" in fault.text
    assert fault.path[-1] == "review --adjust--> review"


@pytest.mark.parametrize("judge", ["assessor", "reviewer"])
def test_an_appeal_is_decided_by_neither_scorer_nor_reviewer(text: str, judge: str) -> None:
    planted = text.replace('who = "decider"', f'who = "{judge}"').replace('holder = "decider"', f'holder = "{judge}"')
    found = [fault for fault in faults(planted) if fault.code == "part-of-another"]
    assert [fault.path[-1] for fault in found] == ["appeal --decide--> closed", "appeal --send-back--> scoring"]
    assert all(f"the {judge} would do the part of the decider" in fault.text for fault in found)


def test_who_may_have_to_decide_an_appeal_does_not_review(text: str) -> None:
    planted = text + move("wave-through", "review", "signoff", '"decider"')
    assert only(planted, "part-of-another").path[-1] == "review --wave-through--> signoff"


def test_an_assessor_may_ask_for_it_back_from_the_review(text: str) -> None:
    assert faults(text + move("recall", "review", "scoring", '"assessor"')) == []


def test_nobody_closes_his_own_as_not_rated(text: str) -> None:
    planted = text + move("spare-me", "signoff", "closed", '"appraisee"', 'outcome = "not-rated"')
    assert only(planted, "own-judge").path[-1] == "signoff --spare-me--> closed"


def test_hr_is_not_above_the_appraisal(text: str) -> None:
    planted = text + move("nudge", "review", "review", '"hr"')
    assert only(planted, "above-the-appraisal").path[-1] == "review --nudge--> review"


@pytest.mark.parametrize("guard", ["has-access", "noticed", "window-over"])
def test_a_silence_is_an_answer_only_after_notice_access_and_days(text: str, guard: str) -> None:
    found = [fault for fault in faults(text.replace(f'"{guard}", ', "")) if fault.code == "score-from-silence"]
    assert [fault.path[-1] for fault in found] == [
        "signoff --conclude--> closed",
        "signoff --conclude-refused--> closed",
    ]
    assert all(f"it lacks the guard {guard}" in fault.text for fault in found)


def test_the_clock_scores_nobody(text: str) -> None:
    planted = text + move("lapse", "scoring", "review", '"system"', 'effects = ["score"]')
    found = [fault.path for fault in faults(planted) if fault.code == "score-from-silence"]
    assert ("draft --state--> scoring", "scoring --lapse--> review") in found


def test_the_clock_carries_nobody_past_the_assessor(text: str) -> None:
    fault = only(text + move("lapse", "scoring", "review", '"system"'), "score-from-silence")
    assert fault.path[:2] == ("draft --state--> scoring", "scoring --lapse--> review")
    assert fault.path[-1].endswith("--> closed")


@pytest.mark.parametrize("stage", ["draft", "scoring", "review"])
def test_the_clock_ends_nothing_before_the_review(text: str, stage: str) -> None:
    planted = text + move("lapse", stage, "closed", '"system"', 'outcome = "not-rated"')
    assert only(planted, "score-from-silence").path[-1] == f"{stage} --lapse--> closed"


def test_the_silence_of_a_judge_is_no_consent(text: str) -> None:
    planted = text.replace('missed = "hold"', 'missed = "accept-by-silence"')
    planted += move("lapse", "appeal", "closed", '"system"', 'outcome = "silence"')
    assert "The silence of the decider in 'appeal'" in only(planted, "score-from-silence").text


def test_an_action_with_two_meanings(text: str) -> None:
    fault = only(text + move("accept", "signoff", "appeal", '"appraisee"'), "two-meanings")
    assert fault.path[-2:] == ("signoff --accept--> closed", "signoff --accept--> appeal")


def test_a_post_that_would_judge_itself(text: str) -> None:
    planted = text.replace(
        'assessor = "vice-president"\nreviewer = "president"', 'assessor = "director"\nreviewer = "president"'
    )
    fault = only(planted, "own-judge")
    assert fault.path == ("roles.groups[3]", "post director", "assessor = director", "director = director")


def test_a_group_for_all_others_would_catch_its_own_judges(text: str) -> None:
    planted = text + '\n[[roles.groups]]\nassessor = "in-charge"\nreviewer = "vice-president"\ndecider = "secretary"\n'
    found = [fault.path[1] for fault in faults(planted) if fault.code == "own-judge"]
    assert found == ["post vice-president", "post secretary"]


def test_one_position_with_two_parts(text: str) -> None:
    planted = text.replace(
        'reviewer = "director"\ndecider = "vice-president"', 'reviewer = "director"\ndecider = "director"'
    )
    assert only(planted, "two-parts").path == ("roles.groups[1]", "decider = director", "reviewer = director")


def test_a_reviewer_below_the_assessor(text: str) -> None:
    planted = text.replace(
        'assessor = "director"\nreviewer = "president"', 'assessor = "director"\nreviewer = "in-charge"'
    )
    assert only(planted, "reviewer-not-above").path[0] == "roles.groups[2]"


def test_nobody_next_when_the_first_is_missing(text: str) -> None:
    planted = text.replace('reserve = ["secretary"] ', "reserve = [] ")
    found = [fault.path for fault in faults(planted) if fault.code == "nobody-behind"]
    assert found == [("roles.groups[3]", "reviewer = president")]


def test_a_fault_reads_as_a_sentence_with_its_way(text: str) -> None:
    fault = only(text + move("lapse", "draft", "closed", '"system"', 'outcome = "not-rated"'), "score-from-silence")
    assert str(fault) == (
        "score-from-silence: The clock could end an appraisal with 'lapse' before anybody judged it; begin later. "
        "Shown by: draft --lapse--> closed."
    )


def test_the_move_that_leads_on_is_needed(text: str) -> None:
    found = {fault.code: fault.path for fault in faults(without_move(text, "approve"))}
    assert found["unreachable-stage"][-1].endswith("appeal")
