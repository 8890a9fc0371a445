"""Random walks of all actors and actions through the quarterly workflow never leave what domain.md allows."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import shelf
from workflow.case import Case
from workflow.definition import load_definition
from workflow.engine import decide
from workflow.errors import NotAllowed, WorkflowError
from workflow.lifecycle import Move, compile_lifecycle
from workflow.vocabulary import Role

LIFECYCLE = compile_lifecycle(load_definition(shelf.workflow_text("quarterly"), where="quarterly.toml"))
ACTIONS = sorted({move.action for move in LIFECYCLE.moves} | {"approve-all", "to_closed", "stands_at"})
JUDGES = {"assessor", "reviewer", "decider"}


@dataclass
class Walk:
    """One appraisal as its history tells it."""

    stage: str = "draft"
    done: list[tuple[str, Move]] = field(default_factory=list)

    def facts(self, role: str, brought: dict[str, bool], roles: frozenset[str]) -> Case:
        """Read from the history what services would read from their records, and from the draw what the act brings."""
        last_role, last = self.done[-1] if self.done else (None, None)
        lines = frozenset({"F1"}) if brought["lines"] else frozenset()
        since_approval = [move.action for _, move in self.done]
        return Case(
            stage=self.stage,
            roles=roles,
            reason=brought["reason"],
            witness=brought["witness"],
            lines=lines,
            contested=frozenset({"F1"}),
            decided=lines,
            returns=since_approval.count("return") - since_approval.count("take-back-return"),
            last_action=last.action if last else None,
            last_actor=last_role == role,
            seen=brought["seen"],
            noticed=brought["noticed"],
            window_over=brought["window_over"],
            refused=brought["refused"],
            own_superior=brought["own_superior"],
        )


STEPS = st.tuples(
    st.sampled_from(ACTIONS),
    st.sampled_from(list(Role)),
    st.fixed_dictionaries(
        {
            name: st.booleans()
            for name in ("reason", "witness", "lines", "seen", "noticed", "window_over", "refused", "own_superior")
        }
    ),
)


def walk(steps: list[tuple[str, Role, dict[str, bool]]]) -> Walk:
    here = Walk()
    for action, role, brought in steps:
        case = here.facts(role, brought, frozenset({role.value}))
        possible = {move.action for move in LIFECYCLE.possible(case)}
        try:
            move = decide(LIFECYCLE, case, action)
        except WorkflowError:
            continue
        # What is done was offered, stood in the table, and belongs to the actor.
        assert action in possible
        assert LIFECYCLE.move(here.stage, action) is move
        assert role.value in move.who
        here.done.append((role.value, move))
        here.stage = move.to_stage
    return here


def judge(here: Walk) -> None:
    actions = [move.action for _, move in here.done]
    assert actions.count("return") - actions.count("take-back-return") <= LIFECYCLE.limits.returns
    for role, move in here.done:
        if move.effects and {"score", "revise"} & set(move.effects):
            assert role in JUDGES
        if role == "system":
            assert move.action in {"skip", "pass-on", "conclude", "conclude-refused"}
    if here.stage == "closed":
        outcome = here.done[-1][1].outcome
        assert outcome is not None
        if outcome != "not-rated":
            by = {(role, move.action) for role, move in here.done}
            assert {("assessor", "submit"), ("reviewer", "approve")} <= by
    else:
        assert all(move.outcome is None for _, move in here.done)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=120))
def test_a_random_walk_never_leaves_the_table(steps: list[tuple[str, Role, dict[str, bool]]]) -> None:
    judge(walk(steps))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_walk_along_possible_moves_always_ends_as_allowed(data: st.DataObject) -> None:
    here = Walk()
    for _ in range(30):
        moves = LIFECYCLE.actions(here.stage)
        if not moves:
            break
        move = data.draw(st.sampled_from(moves))
        role = data.draw(st.sampled_from(move.who))
        brought = dict.fromkeys(("reason", "witness", "lines", "noticed"), True)
        brought |= {"seen": False, "own_superior": False}
        brought |= {"window_over": move.action.startswith("conclude"), "refused": move.action == "conclude-refused"}
        case = here.facts(role, brought, frozenset({role}))
        try:
            decided = decide(LIFECYCLE, case, move.action)
        except NotAllowed:
            continue
        here.done.append((role, decided))
        here.stage = decided.to_stage
    judge(here)


@pytest.mark.long
@settings(max_examples=3000, deadline=None)
@given(st.lists(STEPS, max_size=400))
def test_a_very_long_walk_never_leaves_the_table(steps: list[tuple[str, Role, dict[str, bool]]]) -> None:
    judge(walk(steps))
