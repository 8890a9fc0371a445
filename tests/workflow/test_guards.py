"""What each guard refuses, in words that the person who reads them understands."""

from typing import Any

import pytest

from workflow.case import Case, Limits
from workflow.engine import decide
from workflow.errors import NotAllowed, UnknownAction
from workflow.guards import GUARDS
from workflow.lifecycle import Lifecycle

GOOD: dict[str, dict[str, Any]] = {
    "cycle-open": {"cycle_state": "open"},
    "own-last-act": {"last_actor": True},
    "window-over": {"window_over": True},
    "days-over": {"window_over": True},
    "noticed": {"noticed": True},
    "refused": {"refused": True},
    "witness": {"witness": True},
}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("cycle-open", {"cycle_state": "planned"}, "The cycle is not open yet; wait until HR opens it."),
    ("cycle-open", {"cycle_state": "proposed"}, "The cycle is proposed: "),
    ("cycle-open", {"cycle_state": "finalising"}, "The cycle is being finalised; "),
    ("cycle-open", {"cycle_state": "final"}, "The cycle is final; ask HR for a correction"),
    ("cycle-open", {"cycle_state": "cancelled", "carried": True}, "The cycle is cancelled; "),
    ("statement-not-sent", {"statement_sent": True}, "You have already sent your statement."),
    ("statement-not-awaited", {"statement_awaited": True}, "The person may still send the own statement"),
    ("duties-confirmed", {"unconfirmed": ("A1.1:2026-03", "A1.1:2026-02")}, ": A1.1:2026-02, A1.1:2026-03."),
    ("not-worse", {"worse": ("F12",)}, "Nothing may be worse after an appeal than before it, and this would be: F12."),
    ("returns-left", {"returns": 3}, "It was already returned 3 times, which is the limit"),
    ("own-last-act", {"last_actor": False}, "You can only take back an act of your own"),
    ("unseen", {"seen": True}, "The next holder has opened it and it can no longer be taken back; ask for a return"),
    ("within-take-back", {"within_take_back": False}, "An act can be taken back for 1 working day at most"),
    ("not-read", {"read": True}, "You have already confirmed that you have read it."),
    ("window-open", {"window_over": True}, "The days to answer are over"),
    ("days-over", {"window_over": False}, "The days of this stage are not over yet."),
    ("window-over", {"window_over": False}, "The person's days to answer are not over yet."),
    ("noticed", {"noticed": False}, "It is not proven that the person knows the result"),
    ("has-access", {"no_access": True}, "An absence is recorded that keeps the person from answering"),
    ("refused", {"refused": False}, "No refusal to sign is recorded"),
    ("not-refused", {"refused": True}, "A refusal to sign is recorded; conclude it as refused"),
    ("witness", {"witness": False}, "Name a witness or the proof of delivery."),
    ("only-contested", {"lines": frozenset({"F9"}), "contested": frozenset({"F1"})}, "The appeal is not about F9"),
    ("all-contested-decided", {"contested": frozenset({"F1", "F2"}), "decided": frozenset({"F1"})}, "decision: F2."),
    ("not-own-or-superior", {"own_superior": True}, "This is your own appraisal or one of your superiors'"),
    ("not-own-proposal", {"own_proposal": True}, "You proposed this result table; somebody else must sign it."),
    ("all-finished", {"unfinished": 1}, "1 appraisal is neither closed nor on hold nor under appeal"),
    ("all-finished", {"unfinished": 12}, "12 appraisals are neither closed nor on hold nor under appeal"),
]


@pytest.mark.parametrize(("name", "facts", "sentence"), BAD)
def test_a_guard_refuses_with_its_sentence(name: str, facts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NotAllowed) as refusal:
        GUARDS[name](Case(stage="any", **facts), Limits())
    assert sentence in str(refusal.value)
    assert refusal.value.code == name


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_lets_pass_what_it_asks_for(name: str) -> None:
    GUARDS[name](Case(stage="any", **GOOD.get(name, {})), Limits())


def test_every_guard_is_tested_here() -> None:
    assert {name for name, _, _ in BAD} == set(GUARDS)


@pytest.mark.parametrize("state", ["proposed", "finalising", "final"])
def test_what_was_under_appeal_at_the_proposal_goes_on_after_it(state: str) -> None:
    GUARDS["cycle-open"](Case(stage="appeal", cycle_state=state, carried=True), Limits())


def test_a_reason_and_lines_are_asked_for_where_the_move_needs_them(lifecycle: Lifecycle) -> None:
    reviewer = frozenset({"reviewer"})
    with pytest.raises(NotAllowed, match="“Return for correction” needs a reason"):
        decide(lifecycle, Case("review", roles=reviewer), "return")
    with pytest.raises(NotAllowed, match="“Strike lines” must name the lines that are meant"):
        decide(lifecycle, Case("review", roles=reviewer, reason=True), "strike")


@pytest.mark.parametrize(
    ("where", "last", "action", "sentence"),
    [
        (("closed", "appraisee"), "accept", "accept", "You have already answered."),
        (("closed", "appraisee"), "accept", "object", "You have already answered."),
        (("appeal", "appraisee"), "object", "object", "You have already answered."),
        (
            ("review", "assessor"),
            "submit",
            "submit",
            "You have already submitted it; take it back if you must change it.",
        ),
        (("scoring", "reviewer"), "return", "return", "You have already returned it."),
        (("closed", "decider"), "decide", "decide", "You have already decided this appeal."),
    ],
)
def test_doing_it_twice_is_answered_in_words(
    lifecycle: Lifecycle, where: tuple[str, str], last: str, action: str, sentence: str
) -> None:
    stage, role = where
    case = Case(stage, roles=frozenset({role}), last_action=last, last_actor=True)
    with pytest.raises(NotAllowed) as refusal:
        decide(lifecycle, case, action)
    assert str(refusal.value) == sentence


def test_the_wrong_stage_and_an_unknown_action_are_answered_in_words(lifecycle: Lifecycle) -> None:
    reviewer = frozenset({"reviewer"})
    with pytest.raises(NotAllowed, match="“Approve” is not possible now: the stage is “Scoring”"):
        decide(lifecycle, Case("scoring", roles=reviewer), "approve")
    with pytest.raises(NotAllowed, match="The appraisal is closed, and nothing can be done any more"):
        decide(lifecycle, Case("closed", roles=reviewer), "approve")
    with pytest.raises(UnknownAction, match="There is no action 'applaud'; there are accept, approve"):
        decide(lifecycle, Case("review", roles=reviewer), "applaud")


def test_after_an_appeal_neither_submit_nor_review_makes_anything_worse(lifecycle: Lifecycle) -> None:
    for stage, role, action in (
        ("scoring", "assessor", "submit"),
        ("review", "reviewer", "change"),
        ("review", "reviewer", "strike"),
        ("review", "reviewer", "approve"),
        ("appeal", "decider", "decide"),
    ):
        lines = frozenset({"F1"})
        case = Case(
            stage, roles=frozenset({role}), reason=True, lines=lines, contested=lines, decided=lines, worse=("F1",)
        )
        with pytest.raises(NotAllowed, match="worse after an appeal"):
            decide(lifecycle, case, action)


def test_what_is_possible_leaves_out_what_an_act_would_still_bring(lifecycle: Lifecycle) -> None:
    case = Case("appeal", roles=frozenset({"decider"}), contested=frozenset({"F1"}))
    assert [move.action for move in lifecycle.possible(case)] == ["decide", "send-back"]
    case = Case("scoring", roles=frozenset({"assessor"}), unconfirmed=("A1.1:2026-02",))
    assert lifecycle.possible(case) == ()
    submit = lifecycle.move("scoring", "submit")
    assert submit is not None
    assert "A1.1:2026-02" in str(lifecycle.refusal(submit, case))
