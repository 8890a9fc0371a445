"""The ledger: rows are voided or confirmed once and otherwise stay; from submission on nothing enters it."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest

from tests.models.conftest import NOON

VOID = {"voided_at": NOON}


def void(world: Any, table: str, row_id: int) -> int:
    changed: int = world.change(table, row_id, voided_by=world.ids["person"], voided_at=NOON)
    return changed


@pytest.fixture
def ledger(world: Any) -> Any:
    """The world with a finding, a claim and a duty record in March."""
    world.add("duty_record", kind="done", month="2026-03")
    world.ids["claim"] = world.add("finding", claimed=True)
    world.add("finding", claimed=False)
    return world


@pytest.mark.parametrize("table", ["finding", "duty_record"])
def test_a_row_is_voided_once_for_good(ledger: Any, table: str) -> None:
    row_id = ledger.ids[table]
    assert void(ledger, table, row_id) == 1
    other = ledger.ids["other"]
    assert ledger.refused(ledger.change, table, row_id, voided_by=other) == "once"
    assert ledger.refused(ledger.change, table, row_id, voided_by=None, voided_at=None) == "once"
    assert ledger.refused(ledger.change, table, row_id, void_reason_id=ledger.ids["text_body"]) == "once"


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("finding", {"amount": Fraction(4)}),
        ("finding", {"rule": "D9.9"}),
        ("finding", {"happened": dt.date(2026, 1, 1)}),
        ("finding", {"counted_on": dt.date(2026, 5, 1)}),
        ("finding", {"claimed": True}),
        ("duty_record", {"month": "2026-02"}),
        ("duty_record", {"coverage": Fraction(1)}),
        ("duty_record", {"kind": "excused"}),
    ],
)
def test_what_was_recorded_never_changes(ledger: Any, table: str, values: dict[str, Any]) -> None:
    row_id = ledger.ids[table]
    assert ledger.refused(ledger.change, table, row_id, **values) == "fixed"
    both = {**values, "voided_by": ledger.ids["person"], "voided_at": NOON}
    assert ledger.refused(ledger.change, table, row_id, **both) == "fixed"


def test_a_claim_is_confirmed_once_and_only_a_claim(ledger: Any) -> None:
    confirmed = {"confirmed_by": ledger.ids["other"], "confirmed_at": NOON}
    assert "ck_finding_confirmed" in ledger.refused(ledger.change, "finding", ledger.ids["finding"], **confirmed)
    assert ledger.change("finding", ledger.ids["claim"], **confirmed) == 1
    again = {"confirmed_by": ledger.ids["person"]}
    assert ledger.refused(ledger.change, "finding", ledger.ids["claim"], **again) == "once"
    assert void(ledger, "finding", ledger.ids["claim"]) == 1


@pytest.mark.parametrize("stage", ["review", "signoff", "appeal", "closed"])
def test_from_submission_on_nothing_enters_or_leaves(ledger: Any, stage: str) -> None:
    ledger.bring_to(stage)
    finding, duty, claim = ledger.ids["finding"], ledger.ids["duty_record"], ledger.ids["claim"]
    confirmed = {"confirmed_by": ledger.ids["other"], "confirmed_at": NOON}
    assert ledger.refused(ledger.add, "finding", claimed=False) == "ledger-closed"
    assert ledger.refused(ledger.add, "duty_record", kind="excused", month="2026-01") == "ledger-closed"
    assert ledger.refused(void, ledger, "finding", finding) == "ledger-closed"
    assert ledger.refused(void, ledger, "duty_record", duty) == "ledger-closed"
    assert ledger.refused(ledger.change, "finding", claim, **confirmed) == "ledger-closed"
    # What belongs to another period has nothing to do with this appraisal.
    ledger.add("finding", claimed=False, known=dt.date(2026, 4, 1), counted_on=dt.date(2026, 4, 1))
    ledger.add("duty_record", kind="done", month="2026-04")


@pytest.mark.parametrize("stage", ["draft", "scoring"])
def test_until_submission_and_after_a_return_the_ledger_is_open(ledger: Any, stage: str) -> None:
    ledger.bring_to("review")
    ledger.move("return")
    if stage == "draft":
        ledger.move("take-back", stage="draft")
    ledger.add("finding", claimed=False)
    ledger.add("duty_record", kind="excused", month="2026-01")
    assert void(ledger, "finding", ledger.ids["finding"]) == 1


def test_the_ledger_of_another_assignment_stays_open(ledger: Any) -> None:
    ledger.bring_to("closed")
    ledger.add("assignment", kind="regular")
    ledger.add("finding", claimed=False)


def test_a_cancelled_cycle_closes_no_ledger(ledger: Any) -> None:
    ledger.bring_to("review")
    ledger.cycle_to("cancelled")
    ledger.add("finding", claimed=False)


@pytest.mark.parametrize("day", [dt.date(2026, 1, 1), dt.date(2026, 3, 31)])
def test_first_and_last_day_belong_to_the_period(ledger: Any, day: dt.date) -> None:
    ledger.bring_to("review")
    days = {"happened": dt.date(2026, 1, 1), "known": day, "counted_on": day}
    assert ledger.refused(ledger.add, "finding", claimed=False, **days) == "ledger-closed"
