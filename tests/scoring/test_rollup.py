import re
from fractions import Fraction

import pytest

from scoring.errors import LedgerError
from scoring.explain import explain_steps
from scoring.rollup import Mean, Mode, Part, person_mean

MOVED = [Part("director", 37, Fraction(1), Fraction(92), main=False), Part("clerical", 22, Fraction(3), Fraction(100))]


def mean(mode: Mode, parts: list[Part] = MOVED) -> Mean:
    return person_mean(parts, mode=mode, digits=2, rounding="half-up")


def test_a_mover_has_the_mean_of_both_posts_by_working_days() -> None:
    assert mean("working-days").total == Fraction("94.98")


def test_the_other_settings_take_the_main_post_or_the_weights_given() -> None:
    assert mean("main-post").total == 100
    assert mean("given-weights").total == 98


def test_several_main_posts_one_after_another_are_weighted_by_days() -> None:
    assert mean("main-post", [part._replace(main=True) for part in MOVED]).total == Fraction("94.98")


def test_the_order_of_assignments_changes_nothing() -> None:
    assert mean("working-days", MOVED[::-1]).total == mean("working-days").total


def test_the_mean_is_explained_and_can_be_worked_out_from_its_sentences() -> None:
    lines = explain_steps(mean("working-days").steps)
    assert lines[0] == "Assignment director: 92 points, weight 37."
    assert lines[-1] == "Mean: 5604 divided by 59, rounded (half-up, 2 digits), is 94.98 points."
    pairs = [re.findall(r"[0-9.]*[0-9]", line) for line in lines[:-1]]
    total = sum(Fraction(points) * Fraction(weight) for points, weight in pairs)
    assert round(total / sum(Fraction(weight) for _, weight in pairs), 2) == Fraction("94.98")
    assert explain_steps(mean("main-post").steps, "zh")[0] == "任职 director：92 分，不是主岗，不计入。"


@pytest.mark.parametrize(
    ("mode", "parts", "sentence"),
    [
        ("working-days", [], "No assignment has a weight"),
        ("main-post", MOVED[:1], "No assignment has a weight"),
        ("working-days", [MOVED[0]._replace(working_days=0)], "No assignment has a weight"),
        ("given-weights", [MOVED[0]._replace(weight=None)], "The assignment director has no weight"),
    ],
)
def test_nothing_to_weigh_is_refused(mode: Mode, parts: list[Part], sentence: str) -> None:
    with pytest.raises(LedgerError, match=sentence):
        mean(mode, parts)
