# ruff: noqa: S608 - the statements are made of table names of the schema
"""A cycle goes its way from state to state; opening freezes its roster; results are written only when finalised."""

import datetime as dt
from itertools import product
from typing import Any

import pytest

from workflow.cycle import LEGAL_PAIRS
from workflow.vocabulary import CycleState

WAYS: dict[str, tuple[str, ...]] = {
    "planned": (),
    "open": ("open",),
    "proposed": ("open", "proposed"),
    "finalising": ("open", "proposed", "finalising"),
    "final": ("open", "proposed", "finalising", "final"),
    "cancelled": ("cancelled",),
}


def new_cycle(world: Any, state: str = "planned") -> int:
    cycle: int = world.add(
        "cycle",
        state="planned",
        version=0,
        period_from=dt.date(2026, 4, 1),
        period_to=dt.date(2026, 6, 30),
        workflow_id=world.ids["workflow"],
    )
    world.cycle_to(*WAYS[state])
    return cycle


def test_every_pair_of_states_that_is_no_move_is_refused(world: Any) -> None:
    for old, new in product(CycleState, CycleState):
        if old == new:
            continue
        cycle = new_cycle(world, old)
        version = world.row("cycle", cycle).version
        act = {"state": new, "version": version + 1}
        if (old, new) in LEGAL_PAIRS:
            assert world.refused(world.change, "cycle", cycle, state=new) == "state"
            assert world.change("cycle", cycle, **act) == 1
        else:
            assert world.refused(world.change, "cycle", cycle, **act) == "state", (old, new)


@pytest.mark.parametrize("version", [-1, 0, 3])
def test_the_version_of_a_cycle_grows_by_one(world: Any, version: int) -> None:
    assert world.refused(world.change, "cycle", world.ids["cycle"], version=version) == "state"


@pytest.mark.parametrize("values", [{"state": "open"}, {"state": "final"}, {"version": 1}])
def test_a_cycle_begins_planned(world: Any, values: dict[str, Any]) -> None:
    begun = {"state": "planned", "version": 0, "workflow_id": world.ids["workflow"]} | values
    assert world.refused(world.add, "cycle", **begun) == "first-state"


def test_what_a_cycle_is_about_is_frozen_by_opening(world: Any) -> None:
    cycle = new_cycle(world)
    later = {"period_to": dt.date(2026, 7, 31)}
    assert world.change("cycle", cycle, **later) == 1
    assert world.refused(world.change, "cycle", cycle, code="another") == "fixed"
    world.cycle_to("open")
    assert world.refused(world.change, "cycle", cycle, period_to=dt.date(2026, 8, 31)) == "frozen"


def test_a_planned_roster_is_made_anew_and_an_open_one_stays(world: Any) -> None:
    cycle = new_cycle(world)
    row = world.add("roster", status="blocked")
    assert world.refused(world.change, "roster", row, assignment_id=world.ids["assignment"] + 1) == "fixed"
    assert world.change("roster", row, status="rated", rubric_id=world.ids["definition"]) == 1
    assert world.say(f"DELETE FROM roster WHERE cycle_id = {cycle}").rowcount == 1
    row = world.add("roster", status="rated", rubric_id=world.ids["definition"])
    world.add("cycle_rubric")
    world.cycle_to("open")
    rubric = world.ids["cycle_rubric"]
    assert world.refused(world.change, "roster", row, digest="other") == "frozen"
    assert world.refused(world.change, "roster", row, status="left-out") == "frozen"
    assert world.refused(world.change, "cycle_rubric", rubric, definition_id=world.ids["workflow"]) == "frozen"
    assert world.refused(world.say, f"DELETE FROM roster WHERE id = {row}") == "frozen"
    assert world.refused(world.say, f"DELETE FROM cycle_rubric WHERE id = {rubric}") == "frozen"


def test_a_row_whose_opening_failed_is_set_aside_and_taken_up_again(world: Any) -> None:
    row = world.ids["roster"]
    assert world.change("roster", row, status="set-aside", reason_code="failed") == 1
    assert world.refused(world.change, "roster", row, status="rated", working_days=3) == "frozen"
    assert world.change("roster", row, status="rated", reason_code=None) == 1


@pytest.mark.parametrize("state", ["proposed", "finalising", "final", "cancelled"])
def test_nobody_enters_a_roster_after_the_open_cycle(world: Any, state: str) -> None:
    new_cycle(world, state)
    world.add("assignment", kind="regular")
    assert world.refused(world.add, "roster", status="left-out") == "frozen"


def test_somebody_is_enrolled_while_the_cycle_is_open(world: Any) -> None:
    world.add("assignment", kind="regular")
    world.add("roster", status="rated", rubric_id=world.ids["definition"])


@pytest.mark.parametrize("column", ["assessor_id", "reviewer_id", "decider_id"])
def test_a_rated_row_of_the_roster_lets_nobody_judge_himself(world: Any, column: str) -> None:
    world.add("assignment", kind="regular")
    self_judged = {column: world.ids["person"], "rubric_id": world.ids["definition"]}
    assert "ck_roster_holders" in world.refused(world.add, "roster", status="rated", **self_judged)
    world.add("roster", status="blocked", **self_judged)


@pytest.mark.parametrize(
    ("first", "second"),
    [("assessor_id", "reviewer_id"), ("assessor_id", "decider_id"), ("reviewer_id", "decider_id")],
)
def test_a_rated_row_of_the_roster_gives_nobody_two_parts(world: Any, first: str, second: str) -> None:
    world.add("assignment", kind="regular")
    twice = {first: world.ids["other"], second: world.ids["other"], "rubric_id": world.ids["definition"]}
    assert "ck_roster_holders" in world.refused(world.add, "roster", status="rated", **twice)


@pytest.mark.parametrize("table", ["final", "person_result"])
def test_results_are_written_while_finalising_and_later_only_as_a_revision(world: Any, table: str) -> None:
    outcome = {"outcome": "not-rated"} if table == "final" else {}
    world.bring_to("closed")
    for state in ("proposed", "finalising"):
        assert world.refused(world.add, table, revision=1, **outcome) == "finality"
        world.cycle_to(state)
    world.add(table, revision=1, **outcome)
    world.cycle_to("final")
    world.add(table, revision=2, **outcome)
    world.add("person", language="en")
    world.add("assignment", kind="regular")
    assert world.refused(world.add, table, revision=1, **outcome) in {"finality", "conflict"}


def test_only_a_closed_appraisal_has_a_result(world: Any) -> None:
    world.cycle_to("proposed", "finalising")
    assert world.refused(world.add, "final", outcome="accepted") == "finality"


def test_a_result_belongs_to_the_cycle_of_its_appraisal(world: Any) -> None:
    world.bring_to("closed")
    new_cycle(world, "finalising")
    assert world.refused(world.add, "final", outcome="accepted") == "finality"
