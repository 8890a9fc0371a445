"""The vectors of domain.md, section 4, on the rubric as the source has it."""

import datetime as dt
from typing import Any

import pytest

from scoring.check import incomplete
from scoring.errors import FindingRefused
from scoring.result import Score
from scoring.score import score
from tests.scoring.quarter import finding, inspected, ledger, rubric

DEPUTY = "deputy-security"
ALL = inspected("01", "02", "03")
S5 = inspected("01", "03")
CIRCULAR = [finding("A1.7", key="circular 3")]
COMMENDED = [finding("A1.8", key="commendation 1")]
MARCH_TWICE = [{"rule": "A1.1", "month": "2026-03", "coverage": share} for share in ("0.6", "0.5")]
MARCH_BY_SITE = [{"rule": "A1.1", "month": "2026-03", "sites": sites} for sites in (["north", "mid"], ["south"])]
FOUR = [finding(rule, incident=f"incident {rule}") for rule in ("A1.2", "A1.3", "A1.4", "A1.5")]
ONE_INCIDENT = [finding("A1.2", incident="i"), finding("A1.3", incident="i"), *[{**CIRCULAR[0], "incident": "i"}]]


def scored(post: str, as_of: str | None = None, **content: Any) -> Score:
    return score(rubric(), post, ledger(**content), dt.date.fromisoformat(as_of) if as_of else None)


def figures(result: Score, item: str) -> tuple[int, ...]:
    found = result.item(item)
    return tuple(int(value) for value in (found.recorded, found.counted, found.reward, found.score))


def test_s1_a_director_without_findings_has_100() -> None:
    assert scored("director").to_json()["total"] == "100"


def test_s2_two_findings_take_their_points() -> None:
    result = scored("director", findings=[finding("D1.1", "4"), finding("D2.1", "7")])
    assert result.total == 89
    assert figures(result, "D2") == (7, 7, 0, 23)


def test_s3_an_amount_outside_its_range_is_refused() -> None:
    with pytest.raises(FindingRefused, match=r"D1.1 takes 3 to 5 points; 6 is outside") as caught:
        scored("director", findings=[finding("D1.1", "6")])
    assert (caught.value.code, caught.value.where) == ("out-of-range", "F1")


def test_s4_an_item_cannot_go_below_0() -> None:
    result = scored("director", findings=[finding("D1.1", "3")] * 4)
    assert result.total == 90
    assert figures(result, "D1") == (12, 10, 0, 0)


@pytest.mark.parametrize(
    ("name", "content", "item", "total"),
    [
        ("s5", {"duties": S5}, (10, 10, 0, 40), 90),
        ("s6", {"duties": [S5[0], {**S5[1], "coverage": "0.8"}]}, (20, 20, 0, 30), 80),
        ("s7", {"duties": ALL, "findings": CIRCULAR * 3}, (30, 10, 0, 40), 90),
        ("s8", {"duties": S5, "findings": CIRCULAR + COMMENDED}, (20, 20, 10, 30), 90),
        ("s9", {"findings": FOUR + COMMENDED}, (70, 50, 10, 0), 60),
        ("s10", {"duties": ALL, "findings": COMMENDED}, (0, 0, 10, 50), 110),
        ("s11", {"duties": ALL}, (0, 0, 0, 50), 100),
        ("s15", {"duties": [*S5, {"rule": "A1.1", "month": "2026-02", "excused": "flood"}]}, (0, 0, 0, 50), 100),
        ("s16", {"assignment": {"from": "2026-02-16"}, "duties": ALL[2:]}, (0, 0, 0, 50), 100),
        ("s17", {"duties": ALL[:2] + MARCH_TWICE}, (10, 10, 0, 40), 90),
        ("s18", {"duties": ALL[:2] + MARCH_BY_SITE, "sites": ["north", "mid", "south"]}, (0, 0, 0, 50), 100),
        ("s19", {"duties": ALL, "findings": ONE_INCIDENT}, (30, 10, 0, 40), 90),
        ("s20", {"duties": ALL, "findings": COMMENDED * 2}, (0, 0, 10, 50), 110),
    ],
)
def test_the_deputy_for_security_scores_as_the_vector_says(
    name: str, content: dict[str, Any], item: tuple[int, ...], total: int
) -> None:
    result = scored(DEPUTY, **content)
    assert (name, figures(result, "A1"), result.total) == (name, item, total)


def test_s11_warns_of_the_item_without_rule() -> None:
    warnings = scored(DEPUTY, duties=ALL).to_json()["warnings"]
    assert [w["where"] for w in warnings if w["code"] == "item-without-rule"] == ["posts[deputy-security].items[A6]"]


def test_s12_the_personnel_officer_is_incomplete_on_the_faithful_catalogue() -> None:
    (problem,) = incomplete(rubric(), "personnel-officer")
    assert (problem.code, problem.text) == ("sum-not-max", "the items of personnel-officer add up to 40 of 100 points.")


def test_s13_an_incomplete_post_is_scored_with_a_warning() -> None:
    result = scored("personnel-officer", findings=[finding("P1.1", amount) for amount in ("3", "5", "4")])
    assert figures(result, "P1") == (12, 12, 0, 28)
    assert (result.total, result.maximum) == (28, 100)
    assert "sum-not-max" in [warning.code for warning in result.warnings]


def test_s14_months_that_are_not_over_are_pending() -> None:
    result = scored(DEPUTY, as_of="2026-02-10", duties=inspected("01"))
    assert (result.total, result.item("A1").pending) == (100, ("2026-02", "2026-03"))
    assert [s["month"] for s in result.to_json()["steps"] if s["code"] == "duty-pending"] == ["2026-02", "2026-03"]


def test_s19_shows_two_findings_as_already_counted() -> None:
    steps = scored(DEPUTY, duties=ALL, findings=ONE_INCIDENT).steps
    assert [(s["finding"], s["by"], s["to"]) for s in steps if s["code"] == "overlap"] == [
        ("F2", "F1", "0"),
        ("F3", "F1", "0"),
    ]


def test_the_answer_has_exactly_the_keys_people_were_promised() -> None:
    answer = scored(DEPUTY, duties=ALL, findings=COMMENDED).to_json()
    assert list(answer) == ["post", "total", "max", "grade", "items", "warnings", "steps"]
    assert answer["items"][0] == {
        "id": "A1",
        "points": "50",
        "recorded": "0",
        "counted": "0",
        "reward": "10",
        "score": "50",
    }
    assert answer["grade"] is None
    assert set(answer["warnings"][0]) == {"code", "where", "text"}
