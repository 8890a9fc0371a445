"""The life of a whole cycle: two people finalise it, and nothing leaves an ending."""

import itertools

import pytest

from workflow.cycle import CYCLE, LEGAL_PAIRS, decide_cycle
from workflow.errors import NotAllowed, NotYours
from workflow.vocabulary import CycleState, Role

ALLOWED = {
    ("planned", "open"): ("hr system", "open"),
    ("open", "propose"): ("hr", "proposed"),
    ("proposed", "refuse"): ("approver", "open"),
    ("proposed", "approve"): ("approver", "finalising"),
    ("finalising", "complete"): ("system", "final"),
    ("planned", "cancel"): ("hr", "cancelled"),
    ("open", "cancel"): ("hr", "cancelled"),
    ("proposed", "cancel"): ("hr", "cancelled"),
}
ACTIONS = ["open", "propose", "refuse", "approve", "complete", "cancel"]


@pytest.mark.parametrize(("state", "action", "role"), list(itertools.product(CycleState, ACTIONS, Role)))
def test_each_role_may_do_what_the_table_says_and_nothing_else(state: str, action: str, role: str) -> None:
    who, to = ALLOWED.get((state, action), ("", ""))
    if role in who.split():
        assert decide_cycle(state, action, roles=frozenset({role}), own_proposal=False, reason=True).to_stage == to
    else:
        with pytest.raises(NotYours if who else NotAllowed):
            decide_cycle(state, action, roles=frozenset({role}), own_proposal=False, reason=True)


def test_the_pairs_for_the_database_are_those_of_the_table() -> None:
    assert {(state, to) for (state, _), (_, to) in ALLOWED.items()} == LEGAL_PAIRS
    assert not any(start in {"final", "cancelled"} for start, _ in LEGAL_PAIRS)
    assert [stage.id for stage in CYCLE.stages] == [state.value for state in CycleState]


def test_nobody_approves_his_own_proposal_even_with_both_roles() -> None:
    with pytest.raises(NotAllowed, match="You proposed this result table; somebody else must sign it"):
        decide_cycle("proposed", "approve", roles=frozenset({"hr", "approver"}), own_proposal=True)


def test_a_cycle_with_open_appraisals_is_not_proposed() -> None:
    with pytest.raises(NotAllowed, match="3 appraisals are neither closed nor on hold nor under appeal"):
        decide_cycle("open", "propose", roles=frozenset({"hr"}), own_proposal=False, unfinished=3)


@pytest.mark.parametrize(("state", "action", "role"), [("proposed", "refuse", "approver"), ("open", "cancel", "hr")])
def test_refusing_and_cancelling_need_a_reason(state: str, action: str, role: str) -> None:
    with pytest.raises(NotAllowed, match="needs a reason"):
        decide_cycle(state, action, roles=frozenset({role}), own_proposal=False)


def test_an_ended_cycle_says_so() -> None:
    with pytest.raises(NotAllowed, match="The cycle is final, and nothing can be done any more"):
        decide_cycle("final", "propose", roles=frozenset({"hr"}), own_proposal=False)
