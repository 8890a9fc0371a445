"""The faithful rubric against domain.md, sections 1 to 3, figure by figure."""

from collections import Counter
from fractions import Fraction

import pytest

from catalog import shelf
from scoring.numbers import to_decimal
from scoring.rubric import Rubric, Rule, load_rubric

POSTS = {
    # post: responsibilities, items, clauses, points (domain.md, section 1)
    "director": (8, 8, 8, "100"),
    "deputy-security": (7, 6, 12, "100"),
    "deputy-personnel": (5, 5, 5, "100"),
    "personnel-officer": (5, 1, 1, "40"),
    "clerical": (4, 0, 0, "0"),
    "logistics": (7, 0, 0, "0"),
    "escort": (3, 0, 0, "0"),
    "cash-driver": (4, 0, 0, "0"),
}

ITEMS = """
    D1 10 56, D2 30 58, D3 10 60, D4 10 62, D5 10 64, D6 10 66, D7 10 68, D8 10 70,
    A1 50 74, A2 10 76, A3 10 78, A4 10 80, A5 10 82, A6 10 84,
    B1 20 86, B2 10 88, B3 40 90, B4 10 92, B5 20 94, P1 40 97
"""
"""Item, points, line: domain.md, section 2, and the line before each item's clauses in the source."""

CLAUSES = """
    D1.1 57 3-5 each, D2.1 59 5-10 each, D3.1 61 3-5 each, D4.1 63 3-5 inspection, D5.1 65 3-5 meeting,
    D6.1 67 3-5 each, D7.1 69 3-5 each, D8.1 71 3-5 each,
    A1.1 75 10 each, A1.2 75 10 each, A1.3 75 10 each, A1.4 75 10 each, A1.5 75 10 each, A1.6 75 10 each,
    A1.7 75 10 circular, A1.8 75 +10 commendation,
    A2.1 77 3-5 report, A3.1 79 3-5 each, A4.1 81 3-5 each, A5.1 83 3-5 each,
    B1.1 87 3-5 each, B2.1 89 3-5 case, B3.1 91 5-10 document, B4.1 93 3-5 each, B5.1 95 3-5 each, P1.1 98 3-5 each
"""
"""Clause, line, amount, recurrence (each, or once per this kind of thing): domain.md, section 2."""

SETTINGS = {
    # what each reading of domain.md, section 3, says
    "item_without_rule": "full-marks",
    "responsibility_without_item": "warn",
    "incomplete": "refuse",
    "duty_months": "more-than-half",
    "duty_as_of": "end-of-day",
    "duty_within_month": "sites-or-highest",
    "duty_minimum_coverage": Fraction(1),
    "duty_warning_working_days": 5,
    "same_key": "highest",
    "floor": "zero",
    "reward_order": "after-floor",
    "total_ceiling": None,
    "ranks": "off",
    "step": Fraction(1),
    "range_reason": "required",
    "overlap": "highest",
    "overlap_tie": "first-in-rubric",
    "late_discovery": "period-known",
    "grade": "none",
    "assignments": "working-days",
    "calendar": "CN",
}


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric(shelf.rubric_text("bank-office"), where="bank-office.toml")


def rows(table: str) -> list[str]:
    return [" ".join(row.split()) for row in table.split(",")]


def amount(rule: Rule) -> str:
    if rule.min is not None and rule.max is not None:
        return f"{to_decimal(rule.min)}-{to_decimal(rule.max)}"
    assert rule.amount is not None
    return ("+" if rule.award else "") + to_decimal(rule.amount)


def recurrence(rule: Rule) -> str:
    return " ".join(rule.recurrence.keys) if rule.recurrence.kind == "once-per-key" else rule.recurrence.kind


def test_the_eight_posts_have_the_counts_and_points_of_the_source(rubric: Rubric) -> None:
    counted = {
        post.id: (len(post.responsibilities), len(post.items), len(post.rules), to_decimal(post.points))
        for post in rubric.posts
    }
    assert counted == POSTS
    assert {post.maximum for post in rubric.posts} == {100}


def test_the_totals_are_43_responsibilities_20_items_and_26_clauses(rubric: Rubric) -> None:
    assert sum(len(post.responsibilities) for post in rubric.posts) == 43
    assert sum(len(post.items) for post in rubric.posts) == 20
    assert sum(len(post.rules) for post in rubric.posts) == 26


def test_the_responsibilities_are_the_43_numbered_lines_of_part_one_in_order(rubric: Rubric) -> None:
    headings = (12, 20, 26, 32, 37, 45, 49)
    lines = [responsibility.line for post in rubric.posts for responsibility in post.responsibilities]
    assert lines == [line for line in range(3, 54) if line not in (11, *headings)]
    assert [post.line for post in rubric.posts] == [2, *headings]


def test_the_items_have_the_points_and_lines_of_the_source(rubric: Rubric) -> None:
    items = [item for post in rubric.posts for item in post.items]
    assert [f"{item.id} {to_decimal(item.points)} {item.line}" for item in items] == rows(ITEMS)


def test_the_clauses_have_the_lines_amounts_and_recurrence_of_the_source(rubric: Rubric) -> None:
    rules = [rule for post in rubric.posts for rule in post.rules]
    assert [f"{rule.id} {rule.line} {amount(rule)} {recurrence(rule)}" for rule in rules] == rows(CLAUSES)


def test_the_clauses_are_16_small_and_2_large_ranges_6_fixed_1_one_time_and_1_reward(rubric: Rubric) -> None:
    kinds = Counter((amount(rule), rule.recurrence.kind) for post in rubric.posts for rule in post.rules)
    assert sum(count for (points, _), count in kinds.items() if points == "3-5") == 16
    assert sum(count for (points, _), count in kinds.items() if points == "5-10") == 2
    assert kinds["10", "each"] == 6
    assert kinds["10", "once-per-key"] == 1
    assert kinds["+10", "once-per-key"] == 1


def test_only_the_monthly_inspection_is_a_duty_and_needs_full_coverage(rubric: Rubric) -> None:
    duties = [rule for post in rubric.posts for rule in post.duties]
    assert [rule.id for rule in duties] == ["A1.1"]
    assert duties[0].duty is not None
    assert duties[0].duty.per == "month"
    assert duties[0].duty.minimum_coverage == 1


def test_every_item_assesses_the_responsibility_it_repeats_and_no_other(rubric: Rubric) -> None:
    for post in rubric.posts:
        linked = [item.responsibilities for item in post.items]
        assert linked == [(f"{post.id}-{number}",) for number in range(1, len(post.items) + 1)]


def test_alternatives_inside_a_clause_are_a_checklist(rubric: Rubric) -> None:
    listed = {rule.id: len(rule.sub_reasons) for post in rubric.posts for rule in post.rules if rule.sub_reasons}
    assert (listed["A1.2"], listed["A1.3"], listed["A1.4"], listed["A2.1"], listed["A5.1"]) == (5, 7, 3, 3, 3)


def test_every_reading_is_a_setting_as_domain_section_3_has_it(rubric: Rubric) -> None:
    assert {key: getattr(rubric.settings, key) for key in SETTINGS} == SETTINGS
    assert {(figure.digits, figure.mode) for _, figure in rubric.settings.rounding} == {(2, "half-up")}
    assert not rubric.bands


def test_the_file_names_all_fourteen_readings() -> None:
    text = shelf.rubric_text("bank-office").casefold()
    assert [number for number in range(1, 15) if f"reading {number}:" not in text] == []


@pytest.mark.parametrize("name", shelf.names(shelf.Kind.RUBRIC))
def test_every_setting_is_written_out_and_none_is_left_to_a_default(name: str) -> None:
    rubric = load_rubric(shelf.rubric_text(name), where=name)
    assert set(type(rubric.settings).model_fields) - rubric.settings.model_fields_set == set()


def test_two_names_of_one_post_are_aliases_of_it_and_the_shared_heading_is_of_none(rubric: Rubric) -> None:
    assert "personnel supervisor" in rubric.post("personnel-officer").aliases
    assert {"doorman", "security personnel"} <= set(rubric.post("escort").aliases)
    names = Counter(
        name
        for post in rubric.posts
        for name in {known.casefold() for known in (post.id, post.name.en, post.name.zh, *post.aliases)}
    )
    assert max(names.values()) == 1
    assert "deputy director" not in names


def test_everything_people_read_is_there_in_both_languages(rubric: Rubric) -> None:
    texts = [post.name for post in rubric.posts]
    texts += [item.title for post in rubric.posts for item in post.items]
    texts += [rule.trigger for post in rubric.posts for rule in post.rules]
    assert all(
        text.en.isascii() and text.en and any("\u4e00" <= char <= "\u9fff" for char in text.zh) for text in texts
    )


def test_nothing_in_the_faithful_file_is_proposed(rubric: Rubric) -> None:
    entries = [*rubric.posts]
    assert not any(post.proposed for post in entries)
    assert not any(item.proposed for post in entries for item in post.items)
    assert not any(rule.proposed for post in entries for rule in post.rules)
