"""What `rubric check` says of the shipped rubrics: what the cut source leaves out, and nothing of the completion."""

import datetime as dt

import pytest

from catalog import shelf
from scoring.check import check, incomplete
from scoring.rubric import load_rubric

QUARTER = dt.date(2026, 1, 1)

FAITHFUL = [
    ("responsibility-without-item", "posts[deputy-security].responsibilities[deputy-security-7]"),
    ("item-without-rule", "posts[deputy-security].items[A6]"),
    ("sum-not-max", "posts[personnel-officer]"),
    *(
        ("responsibility-without-item", f"posts[personnel-officer].responsibilities[personnel-officer-{number}]")
        for number in (2, 3, 4, 5)
    ),
    *(
        (code, f"posts[{post}]")
        for post in ("clerical", "logistics", "escort", "cash-driver")
        for code in ("post-without-items", "sum-not-max")
    ),
]


def test_the_faithful_rubric_has_exactly_the_warnings_that_the_cut_source_gives() -> None:
    rubric = load_rubric(shelf.rubric_text("bank-office"), where="bank-office.toml")
    problems = check(rubric, period_from=QUARTER)
    assert [(problem.code, problem.where) for problem in problems] == FAITHFUL
    assert {problem.severity for problem in problems} == {"warning"}


def test_the_completed_rubric_has_neither_errors_nor_warnings() -> None:
    rubric = load_rubric(shelf.rubric_text("bank-office-completed"), where="bank-office-completed.toml")
    assert check(rubric, period_from=QUARTER) == ()


def test_five_posts_are_incomplete_in_the_faithful_rubric_and_none_in_the_completed_one() -> None:
    cut = {
        name: [post.id for post in rubric.posts if incomplete(rubric, post.id)]
        for name in shelf.names(shelf.Kind.RUBRIC)
        for rubric in [load_rubric(shelf.rubric_text(name), where=name)]
    }
    assert cut == {
        "bank-office": ["personnel-officer", "clerical", "logistics", "escort", "cash-driver"],
        "bank-office-completed": [],
    }


@pytest.mark.parametrize("name", shelf.names(shelf.Kind.RUBRIC))
def test_a_shipped_rubric_may_judge_2026_and_not_the_quarter_before_it_was_announced(name: str) -> None:
    rubric = load_rubric(shelf.rubric_text(name), where=name)
    early = {problem.code for problem in check(rubric, period_from=dt.date(2025, 10, 1))}
    assert "rubric-after-period-start" in early
    assert "rubric-after-period-start" not in {problem.code for problem in check(rubric, period_from=QUARTER)}


def test_without_its_remark_the_unassessed_responsibility_is_the_only_warning_of_the_completed_rubric() -> None:
    text = "\n".join(
        line
        for line in shelf.rubric_text("bank-office-completed").splitlines()
        if not line.lstrip().startswith("not-assessed")
    )
    problems = check(load_rubric(text, where="planted"), period_from=QUARTER)
    assert [(problem.code, problem.where) for problem in problems] == FAITHFUL[:1]
