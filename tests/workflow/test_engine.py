"""The shared machine has the last word, and a definition is all there is to edit."""

import threading

import pytest

from workflow.case import Case
from workflow.definition import Definition, load_definition
from workflow.engine import decide, machine_of
from workflow.errors import NotAllowed, UnknownAction, WorkflowError
from workflow.lifecycle import Lifecycle, compile_lifecycle
from workflow.verify import verify

APPROVAL = Case("review", roles=frozenset({"reviewer"}), reason=True)
RECALL = """
[[moves]]
action = "recall"
from = "signoff"
to = "review"
who = "reviewer"
reason = "required"
label = { en = "Recall", zh = "召回" }
"""


@pytest.mark.parametrize(("source", "dest"), [("review", "signoff"), ("review", "*"), ("*", "*")])
def test_a_transition_taken_out_of_the_machine_is_refused(definition: Definition, source: str, dest: str) -> None:
    lifecycle = compile_lifecycle(definition)
    assert decide(lifecycle, APPROVAL, "approve").to_stage == "signoff"
    machine_of(lifecycle).remove_transition("approve", source, dest)
    with pytest.raises(NotAllowed, match="“Approve” is not possible now"):
        decide(lifecycle, APPROVAL, "approve")
    assert decide(lifecycle, APPROVAL, "return").to_stage == "scoring"


def test_each_transition_taken_out_is_refused_and_no_other(definition: Definition) -> None:
    whole = compile_lifecycle(definition)
    for gone in whole.moves:
        lifecycle = compile_lifecycle(definition)
        machine_of(lifecycle).remove_transition(gone.action, gone.from_stage, gone.to_stage)
        event = machine_of(lifecycle).events.get(gone.action)
        assert event is None or not event.transitions.get(gone.from_stage)
        case = Case(gone.from_stage, roles=frozenset(gone.who))
        with pytest.raises(NotAllowed):
            decide(lifecycle, case, gone.action)


def test_a_transition_slipped_into_the_machine_is_refused_too(definition: Definition) -> None:
    lifecycle = compile_lifecycle(definition)
    machine_of(lifecycle).add_transition("approve", "scoring", "signoff")
    with pytest.raises(NotAllowed, match="disagree"):
        decide(lifecycle, Case("scoring", roles=frozenset({"reviewer"})), "approve")
    lifecycle = compile_lifecycle(definition)
    machine_of(lifecycle).remove_transition("approve")
    machine_of(lifecycle).add_transition("approve", "review", "closed")
    with pytest.raises(NotAllowed, match="disagree"):
        decide(lifecycle, APPROVAL, "approve")


def test_there_is_no_back_door_in_the_machine(lifecycle: Lifecycle) -> None:
    machine = machine_of(lifecycle)
    assert set(machine.events) == {move.action for move in lifecycle.moves}
    assert machine.models == []
    assert machine is machine_of(lifecycle)


def test_a_move_added_to_the_definition_is_possible_with_no_other_edit(text: str) -> None:
    case = Case("signoff", roles=frozenset({"reviewer"}), reason=True)
    before = compile_lifecycle(load_definition(text, where="before"))
    with pytest.raises(UnknownAction):
        decide(before, case, "recall")
    changed = load_definition(text + RECALL, where="after")
    assert verify(changed) == ()
    after = compile_lifecycle(changed)
    assert decide(after, case, "recall").to_stage == "review"
    assert "recall" in {move.action for move in after.possible(case)}
    assert after.digest != before.digest


def test_a_move_removed_from_the_definition_is_impossible_with_no_other_edit(text: str) -> None:
    start = text.index('[[moves]]\naction = "withdraw"')
    end = text.index("[[moves]]", start + 1)
    lifecycle = compile_lifecycle(load_definition(text[:start] + text[end:], where="without"))
    case = Case("appeal", roles=frozenset({"appraisee"}))
    assert lifecycle.possible(case) == ()
    with pytest.raises(UnknownAction, match="There is no action 'withdraw'"):
        decide(lifecycle, case, "withdraw")


def test_a_decision_leaves_nothing_behind(lifecycle: Lifecycle) -> None:
    for _ in range(3):
        assert decide(lifecycle, APPROVAL, "approve").to_stage == "signoff"
    assert APPROVAL.stage == "review"


def test_threads_share_one_machine_and_never_see_each_other(lifecycle: Lifecycle) -> None:
    wrong: list[str] = []
    start = threading.Barrier(4)

    def act(action: str, to: str) -> None:
        start.wait()
        wrong.extend(
            move.to_stage for move in (decide(lifecycle, APPROVAL, action) for _ in range(300)) if move.to_stage != to
        )

    threads = [threading.Thread(target=act, args=pair) for pair in [("approve", "signoff"), ("return", "scoring")] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_decision_builds_no_machine(lifecycle: Lifecycle) -> None:
    machine = machine_of(lifecycle)
    decide(lifecycle, APPROVAL, "return")
    assert machine_of(lifecycle) is machine


def test_a_stage_that_does_not_exist_is_named(lifecycle: Lifecycle) -> None:
    with pytest.raises(WorkflowError, match="There is no stage 'limbo'; there are draft, scoring"):
        decide(lifecycle, Case("limbo"), "accept")
