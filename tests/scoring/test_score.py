"""The readings of a score that the vectors do not reach, one by one."""

import datetime as dt
from typing import Any

import pytest

from scoring.explain import explain
from scoring.result import Score
from scoring.score import score
from tests.scoring.quarter import FAITHFUL, RICH, finding, inspected, ledger, rubric

DONE = {"duties": [{"rule": "X3.1", "month": f"2026-{month}", "coverage": "1"} for month in ("01", "02", "03")]}


def kept(text: str = RICH, as_of: dt.date | None = None, **book: Any) -> Score:
    return score(rubric(text), "keeper", ledger(**{**DONE, **book}), as_of)


def counted(item: str, *findings: dict[str, Any], text: str = RICH) -> tuple[str, str]:
    figures = kept(text, findings=list(findings)).item(item).figures()
    return figures["recorded"], figures["counted"]


def test_a_faultless_keeper_is_clamped_by_his_group() -> None:
    result = kept()
    assert (result.total, result.grade) == (98, "high")
    assert "Group G (X1, X2) counts at most so much, from 60 to 58 points." in explain(result)


def test_units_are_multiplied_and_clamped_by_the_rule_and_rounded() -> None:
    assert counted("X1", finding("X1.1", units="5")) == ("1.3", "1.3")
    assert counted("X1", finding("X1.1", units="20"), finding("X1.1", units="20")) == ("10", "6.5")


def test_a_rule_counts_at_most_n_times_and_the_highest_do() -> None:
    three = [finding("X2.1", amount) for amount in ("2", "9", "5")]
    assert counted("X2", *three) == ("16", "14")
    first = RICH.replace('same-key = "highest"', 'same-key = "first"')
    dated = [finding("X2.1", amount, on=f"2026-02-0{day}") for day, amount in enumerate(("2", "9", "5"), start=1)]
    assert counted("X2", *dated, text=first) == ("16", "11")


def test_a_rule_counts_once_a_period() -> None:
    assert counted("X1", finding("X1.3"), finding("X1.3", on="2026-03-03")) == ("6", "3")


def test_a_repeat_within_the_window_doubles_once_more_each_time() -> None:
    days = ("2026-02-01", "2026-02-11", "2026-02-20", "2026-03-03")
    assert counted("X1", *[finding("X1.2", "1", on=day) for day in days]) == ("4", "8")


def test_the_least_of_a_rule_counts_as_soon_as_it_applies() -> None:
    assert counted("X2", finding("X2.2", key="r")) == ("7", "8")
    assert counted("X2") == ("0", "0")


def test_an_item_without_floor_goes_below_zero_and_one_with_its_own_stops_there() -> None:
    losses = [finding("X2.4"), finding("X2.4")]
    assert kept(findings=losses).item("X2").score == -10
    rounds = [finding("X3.2") for _ in range(4)]
    assert kept(findings=rounds).item("X3").score == 4


def test_a_ceiling_above_the_points_limits_the_reward() -> None:
    result = kept(findings=[finding("X2.3", "5")])
    assert (result.item("X2").score, result.item("X2").reward) == (30, 3)
    assert "Item X2: the item cannot go above 33, its reward goes from 5 to 3 points." in explain(result)


def test_rewards_before_the_floor_make_up_for_deductions() -> None:
    book = {"findings": [*[finding("X3.2")] * 4, finding("X3.3", key="c")]}
    after = kept(**book).item("X3")
    assert (after.counted, after.score, after.reward) == (36, 4, 12)
    before = kept(RICH.replace('reward-order = "after-floor"', 'reward-order = "before-floor"'), **book).item("X3")
    assert (before.counted, before.score, before.reward) == (48, -8, 12)


def test_awards_overlap_with_nothing() -> None:
    book = {"findings": [finding("X3.2", incident="i"), finding("X3.3", key="c", incident="i")]}
    assert (kept(**book).item("X3").counted, kept(**book).item("X3").reward) == (12, 12)


def test_an_overlap_may_be_counted_in_full() -> None:
    both = [finding("X2.1", "5", incident="i"), finding("X2.4", incident="i")]
    assert counted("X2", *both) == ("25", "20")
    assert counted("X2", *both, text=RICH.replace('overlap = "highest"', 'overlap = "sum"')) == ("25", "25")


@pytest.mark.parametrize(("tie", "by"), [("first-in-rubric", "A1.2"), ("earliest", "A1.3")])
def test_a_tie_goes_to_the_first_in_the_rubric_or_to_the_earliest(tie: str, by: str) -> None:
    text = FAITHFUL.replace('overlap-tie = "first-in-rubric"', f'overlap-tie = "{tie}"')
    pair = [finding("A1.3", on="2026-02-01", incident="i"), finding("A1.2", on="2026-02-05", incident="i")]
    result = score(rubric(text), "deputy-security", ledger(findings=pair, duties=inspected("01", "02", "03")))
    (step,) = [step for step in result.steps if step["code"] == "overlap"]
    assert {"F1": "A1.3", "F2": "A1.2"}[step["by"]] == by


def test_findings_of_other_incidents_and_other_items_each_count() -> None:
    book = [finding("A1.2", incident="i"), finding("A1.3", incident="j"), finding("A3.1", "5", incident="i")]
    result = score(rubric(), "deputy-security", ledger(findings=book, duties=inspected("01", "02", "03")))
    assert result.total == 75


def test_what_happened_after_the_day_of_the_score_is_listed_and_not_counted() -> None:
    book = ledger(findings=[finding("D1.1", "4"), finding("D2.1", "7", on="2026-02-11")])
    early = score(rubric(), "director", book, dt.date(2026, 2, 10))
    assert (early.total, early.later, early.item("D2").recorded) == (96, ("F2",), 0)
    assert any(line.startswith("F2, rule D2.1, 2026-02-11: it counts only after") for line in explain(early))
    assert score(rubric(), "director", book, dt.date(2026, 2, 11)).total == 89


def test_a_total_has_a_ceiling_where_the_rubric_sets_one() -> None:
    book = ledger(findings=[finding("A1.8", key="c")], duties=inspected("01", "02", "03"))
    capped = rubric(FAITHFUL.replace('total-ceiling = "none"', 'total-ceiling = "105"'))
    assert score(capped, "deputy-security", book).total == 105


def test_a_total_has_a_floor_where_the_rubric_sets_one() -> None:
    raised = RICH.replace('total-floor = "none"', 'total-floor = "60"')
    losses = [finding("X2.4")] * 4
    assert kept(findings=losses).total == 50
    assert kept(raised, findings=losses).total == 60


@pytest.mark.parametrize(("when", "grade"), [("before", "high"), ("after", "middle")])
def test_a_total_is_banded_after_it_is_rounded_or_before(when: str, grade: str) -> None:
    text = RICH.replace('round = "before"', f'round = "{when}"')
    book = [finding("X2.1", "9"), finding("X2.4", incident="a"), finding("X2.3", "5"), finding("X3.3", key="c")]
    result = kept(text, findings=[*book, finding("X1.1", units="20"), finding("X1.2", "3.5")])
    assert [step["from"] for step in result.steps if step["code"] == "rounded"][-1:] == ["79.5"]
    assert (result.total, result.grade) == (80, grade)


def test_bands_for_other_posts_give_no_grade() -> None:
    text = RICH.replace('round = "before"\n', 'round = "before"\nposts = ["guard"]\n') + (
        '\n[[posts]]\nid = "guard"\nname = { en = "Guard", zh = "守库员" }\nmaximum = "10"\n'
    )
    assert kept(text).grade is None
    assert score(rubric(text), "guard", ledger()).grade == "low"
