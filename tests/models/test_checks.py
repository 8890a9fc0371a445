"""The CHECKs refuse words, ranges and orders that the tables do not mean, whoever writes."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest

from tests.models.conftest import NOON

REFUSED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ck_person_language_words", "person", {"language": "fr"}),
    ("ck_organisation_kind_words", "organisation", {"kind": "production"}),
    ("ck_cycle_period", "cycle", {"period_from": dt.date(2026, 4, 1), "period_to": dt.date(2026, 3, 31)}),
    ("ck_assignment_valid", "assignment", {"valid_from": dt.date(2026, 3, 2), "valid_to": dt.date(2026, 2, 28)}),
    ("ck_assignment_weight_range", "assignment", {"weight": Fraction(-1)}),
    ("ck_appraisal_ledger_version_range", "appraisal", {"ledger_version": -1}),
    ("ck_finding_amount_range", "finding", {"amount": Fraction(-3)}),
    ("ck_finding_known", "finding", {"known": dt.date(2026, 3, 1)}),
    ("ck_finding_counted_on", "finding", {"counted_on": dt.date(2026, 3, 1)}),
    ("ck_finding_voided", "finding", {"voided_at": NOON}),
    ("ck_duty_record_coverage", "duty_record", {"month": "2026-03", "coverage": Fraction(101, 100)}),
    ("ck_duty_record_coverage", "duty_record", {"month": "2026-03", "coverage": Fraction(-1, 100)}),
    ("ck_duty_record_month", "duty_record", {"month": "March"}),
    ("ck_duty_record_month", "duty_record", {"month": "2026-3"}),
    ("ck_contact_email", "contact", {"email": "a@b.cn\nBcc: c@d.cn"}),
    ("ck_contact_email", "contact", {"email": "a@b.cn\r"}),
    ("ck_roster_rubric", "roster", {"status": "rated"}),
    ("ck_sheet_round_range", "sheet", {"round": 0}),
    ("ck_rating_value_range", "rating", {"value": Fraction(-1)}),
)


@pytest.mark.parametrize(("name", "table", "values"), REFUSED, ids=[f"{row[0]}-{i}" for i, row in enumerate(REFUSED)])
def test_what_a_table_does_not_mean_is_refused(world: Any, name: str, table: str, values: dict[str, Any]) -> None:
    world.add("sheet", kind="assessor")
    begun: dict[str, Any] = {
        "cycle": {"state": "planned", "version": 0, "workflow_id": world.ids["workflow"]},
        "appraisal": {"stage": "draft", "version": 0, "round": 1, "workflow_id": world.ids["workflow"]},
        "finding": {"claimed": False},
    }.get(table, {})
    if table in {"appraisal", "roster"}:
        world.add("assignment", kind="regular")
    assert name in world.refused(world.add, table, **{**begun, **values})


def test_a_row_may_end_the_day_before_it_began_and_was_then_never_in_force(world: Any) -> None:
    world.add("contact", valid_from=dt.date(2026, 3, 2), valid_to=dt.date(2026, 3, 1))


@pytest.mark.parametrize("column", ["delegate_id", "other_id"])
def test_nobody_stands_in_for_himself_or_is_his_own_relative(world: Any, column: str) -> None:
    table = "delegation" if column == "delegate_id" else "conflict_of_interest"
    assert f"ck_{table}_other" in world.refused(world.add, table, **{column: world.ids["person"]})
    world.add(table, **{column: world.ids["other"]})


@pytest.mark.parametrize(("kind", "amount"), [("change", None), ("lower", None), ("keep", Fraction(3)), ("strike", 0)])
def test_only_a_changed_line_has_an_amount(world: Any, kind: str, amount: Any) -> None:
    finding = world.add("finding", claimed=False)
    world.move("start")
    act = {"move_seq": 1, "finding_id": finding, "kind": kind, "amount": amount}
    assert "ck_finding_revision_amount_kind" in world.refused(world.add, "finding_revision", **act)


def test_a_line_is_a_finding_or_a_month(world: Any) -> None:
    finding = world.add("finding", claimed=False)
    world.move("start")
    for line in ({}, {"finding_id": finding, "month": "2026-02"}):
        assert "ck_contested_line_line" in world.refused(world.add, "contested_line", move_seq=1, **line)
    world.add("contested_line", move_seq=1, month="2026-02")


SQLITE_ONLY = (
    ("ck_person_erased_at_utc", "UPDATE person SET erased_at = '2026-03-02 04:00:00'"),
    ("ck_person_erased_at_utc", "UPDATE person SET erased_at = '2026-03-02T04:00:00.000000+08:00'"),
    ("ck_person_erased_at_utc", "UPDATE person SET erased_at = '2026-03-02T04:00:00Z'"),
    ("ck_person_erased_at_utc", "UPDATE person SET erased_at = 1772424000"),
    ("ck_person_joined_day", "UPDATE person SET joined = '2.3.2026'"),
    ("ck_person_left_day", "UPDATE person SET \"left\" = '2026-03-02 00:00:00'"),
    ("ck_assignment_weight_exact", "UPDATE assignment SET weight = 0.1"),
    ("ck_assignment_weight_exact", "UPDATE assignment SET weight = 'much'"),
    ("ck_assignment_main_flag", "UPDATE assignment SET main = 2"),
)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "statement"), SQLITE_ONLY)
def test_sqlite_keeps_to_the_types_that_postgresql_has_by_itself(world: Any, name: str, statement: str) -> None:
    assert name in world.refused(world.say, statement)
