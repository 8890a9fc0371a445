"""Every problem of a rubric is documented, and its example produces it and nothing else of its kind."""

import datetime as dt
import re
from pathlib import Path

import pytest

from scoring.check import CODES, check
from scoring.errors import RubricError
from scoring.rubric import load_rubric
from scoring.rubric_toml import READING_CODES
from scoring.score import score
from tests.scoring.quarter import ledger

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rubric-problems.md").read_text(encoding="utf-8")
JANUARY = dt.date(2026, 1, 1)
BASE = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)[0]
EXAMPLES = dict(re.findall(r"### `([a-z-]+)`\n(?:(?!###).)*?```diff\n(.*?)```", PAGE, flags=re.DOTALL))


def changed(diff: str) -> str:
    """Apply the first run of minus lines, which must stand in the base, as the page says."""
    lines = diff.splitlines()
    old = "\n".join(line[1:] for line in lines if line.startswith("-"))
    new = "\n".join(line[1:] for line in lines if line.startswith("+"))
    assert old + "\n" in BASE
    return BASE.replace(old + "\n", new + "\n", 1)


def codes(text: str) -> list[str]:
    try:
        return [problem.code for problem in check(load_rubric(text, where="r.toml"), period_from=JANUARY)]
    except RubricError as error:
        return [problem.code for problem in error.problems]


def test_the_base_of_the_examples_has_no_problems() -> None:
    assert codes(BASE) == []


def test_every_code_is_documented_with_an_example() -> None:
    assert set(EXAMPLES) == set(CODES) | set(READING_CODES)


@pytest.mark.parametrize("code", sorted({*CODES, *READING_CODES}))
def test_the_example_of_a_code_produces_it(code: str) -> None:
    assert code in codes(changed(EXAMPLES[code]))


def test_every_problem_says_where_it_is_and_how_to_mend_it() -> None:
    for code, diff in EXAMPLES.items():
        try:
            problems = check(load_rubric(changed(diff), where="r.toml"), period_from=JANUARY)
        except RubricError as error:
            problems = error.problems
        for problem in problems:
            assert problem.where, code
            assert problem.text.endswith("."), problem
            assert problem.mend.endswith((".", "?")), problem


def test_rounded_totals_leave_no_gap_between_two_neighbours_on_their_grid() -> None:
    neighbours = BASE.replace('below = "60"', 'to = "59.99"')
    assert codes(neighbours) == []
    assert codes(neighbours.replace('id = "grade"\n', 'id = "grade"\nround = "after"\n')) == ["band-gap"]


def test_a_bound_that_both_neighbours_leave_out_is_a_gap() -> None:
    assert codes(BASE.replace('from = "60"', 'from = "60.01"')) == ["band-gap"]
    assert codes(BASE.replace('from = "60"', 'above = "60"')) == ["band-gap"]


def test_an_open_top_is_needed_unless_the_total_has_a_ceiling() -> None:
    closed = BASE.replace('from = "60" }', 'from = "60", to = "100" }')
    assert codes(closed) == ["band-gap"]
    assert codes(closed.replace('total-ceiling = "none"', 'total-ceiling = "100"')) == []


def test_severity_follows_the_settings() -> None:
    strict = changed(EXAMPLES["item-without-rule"]).replace(
        'item-without-rule = "full-marks"', 'item-without-rule = "error"'
    )
    (problem,) = check(load_rubric(strict, where="r.toml"))
    assert (problem.code, problem.severity) == ("item-without-rule", "error")
    mild = changed(EXAMPLES["rubric-after-period-start"]).replace('adoption = "refuse"', 'adoption = "warn"')
    (late,) = check(load_rubric(mild, where="r.toml"), period_from=JANUARY)
    assert (late.code, late.severity) == ("rubric-after-period-start", "warning")


def test_a_responsibility_that_says_why_it_is_not_assessed_is_no_problem() -> None:
    text = changed(EXAMPLES["responsibility-without-item"])
    assert codes(text.replace('id = "keeper-2"', 'id = "keeper-2"\n  not-assessed = "done by all"')) == []


def test_a_rubric_whose_figures_would_mean_nothing_is_not_scored() -> None:
    twice = load_rubric(changed(EXAMPLES["duplicate-id"]), where="r.toml")
    with pytest.raises(RubricError, match=r"K1.1 is used 2 times"):
        score(twice, "keeper", ledger())


def test_a_rubric_younger_than_its_period_is_scored_with_a_warning() -> None:
    late = load_rubric(changed(EXAMPLES["rubric-after-period-start"]), where="r.toml")
    assert [w.code for w in score(late, "keeper", ledger()).warnings] == ["rubric-after-period-start"]
