"""An appraisal changes only to what its history says, and its history says only what its workflow allows."""

import datetime as dt
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from tests.models.conftest import NOON, fresh
from workflow.lifecycle import Lifecycle

LATER = NOON + dt.timedelta(days=1)


def test_every_pair_of_stage_and_action_that_is_no_move_is_refused(world: Any, lifecycle: Lifecycle) -> None:
    legal = {(move.from_stage, move.action, move.to_stage) for move in lifecycle.moves}
    actions = sorted({move.action for move in lifecycle.moves})
    stages = [stage.id for stage in lifecycle.stages]
    tried = 0
    for stage in stages:
        world_at = world.connection.begin_nested()
        world.bring_to(stage)
        for action, target in product(actions, stages):
            if (stage, action, target) in legal:
                continue
            tried += 1
            assert world.refused(world.move, action, stage=target), (stage, action, target)
        world_at.rollback()
    assert tried == len(stages) * len(actions) * len(stages) - len(legal)


def test_every_legal_move_lands_with_its_outcome_and_no_other(world: Any, lifecycle: Lifecycle) -> None:
    for move in lifecycle.moves:
        world_at = world.connection.begin_nested()
        world.bring_to(move.from_stage)
        wrong = "accepted" if move.outcome != "accepted" else "decided"
        assert world.refused(world.move, move.action, outcome=wrong) == "history"
        world.move(move.action, outcome=move.outcome)
        assert world.row("appraisal", world.ids["appraisal"]).stage == move.to_stage
        world_at.rollback()


@pytest.mark.parametrize(
    "values",
    [
        {"stage": "scoring"},
        {"stage": "scoring", "version": 1},
        {"version": 1},
        {"version": 2, "stage": "review"},
        {"round": 2},
        {"outcome": "accepted"},
        {"stage": "closed", "outcome": "accepted", "version": 1},
        {"score_id": 1},
        {"entered_at": LATER},
    ],
)
def test_nothing_of_an_appraisal_changes_without_history(world: Any, values: dict[str, Any]) -> None:
    assert world.refused(world.change, "appraisal", world.ids["appraisal"], **values) == "history"


@pytest.mark.parametrize(
    "values", [{"stage": "review"}, {"round": 2}, {"version": 2}, {"score_id": 7}, {"outcome": "accepted"}]
)
def test_a_history_row_covers_only_what_it_says(world: Any, values: dict[str, Any]) -> None:
    world.add("move", seq=1, action="start", from_stage="draft", to_stage="scoring", round=1)
    said = {"stage": "scoring", "version": 1}
    assert world.refused(world.change, "appraisal", world.ids["appraisal"], **(said | values)) == "history"
    assert world.change("appraisal", world.ids["appraisal"], **said) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"seq": 2},
        {"seq": 0},
        {"from_stage": "scoring", "to_stage": "review", "action": "submit"},
        {"action": "approve"},
        {"to_stage": "closed"},
        {"workflow_id": -1},
    ],
)
def test_history_is_written_for_the_next_version_from_the_stage_that_is(world: Any, values: dict[str, Any]) -> None:
    row = {"seq": 1, "action": "start", "from_stage": "draft", "to_stage": "scoring"} | values
    assert world.refused(world.add, "move", **row)


def test_the_same_version_is_made_once(world: Any) -> None:
    world.move("start")
    again = {"seq": 1, "action": "start", "from_stage": "draft", "to_stage": "scoring"}
    assert world.refused(world.add, "move", **again) == "conflict"


@pytest.mark.parametrize(
    "values",
    [
        {"stage": "scoring"},
        {"stage": "closed", "outcome": "accepted"},
        {"version": 1},
        {"round": 2},
        {"outcome": "accepted"},
        {"score_id": 1},
    ],
)
def test_an_appraisal_is_inserted_in_draft_unmoved_and_unjudged(world: Any, values: dict[str, Any]) -> None:
    world.add("assignment", kind="regular")
    assert world.refused(world.add, "appraisal", **fresh(world, **values)) == "first-stage"
    world.add("appraisal", **fresh(world))


@pytest.mark.parametrize("column", ["cycle_id", "assignment_id", "person_id", "unit_no", "workflow_id", "rubric_id"])
def test_what_an_appraisal_is_about_never_changes(world: Any, column: str) -> None:
    assert world.refused(world.change, "appraisal", world.ids["appraisal"], **{column: 77}) == "fixed"


def test_the_ledger_version_grows_alone_and_never_shrinks(world: Any) -> None:
    appraisal = world.ids["appraisal"]
    assert world.change("appraisal", appraisal, ledger_version=3) == 1
    assert world.refused(world.change, "appraisal", appraisal, ledger_version=2) == "ledger-version"


def test_the_score_in_force_is_that_of_the_move_or_stays(world: Any) -> None:
    world.move("start")
    world.add("sheet", kind="assessor")
    scored = world.add("score")
    world.add("move", seq=2, action="submit", from_stage="scoring", to_stage="review", round=1, score_id=scored)
    said = {"stage": "review", "version": 2}
    assert world.refused(world.change, "appraisal", world.ids["appraisal"], **said, score_id=scored + 1) == "history"
    assert world.change("appraisal", world.ids["appraisal"], **said, score_id=scored) == 1


@pytest.mark.parametrize("table", ["finding_revision", "contested_line"])
def test_a_decision_about_a_line_comes_with_the_last_move_and_is_about_an_own_finding(world: Any, table: str) -> None:
    finding = world.add("finding", claimed=False)
    world.add("assignment", kind="regular")
    foreign = world.add("finding", claimed=False)
    world.move("start")
    world.move("submit")
    more = {"kind": "lower", "amount": Fraction(3)} if table == "finding_revision" else {}
    assert world.refused(world.add, table, move_seq=1, finding_id=finding, **more) == "own-move"
    assert world.refused(world.add, table, move_seq=2, finding_id=foreign, **more) == "own-move"
    assert world.refused(world.add, table, move_seq=3, finding_id=finding, **more)
    world.add(table, move_seq=2, finding_id=finding, **more)
