"""What holds of every score: it equals a second opinion, order is nothing, voiding restores, clamps hold."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.errors import FindingRefused
from scoring.explain import explain
from scoring.ledger_json import ledger_from_json
from scoring.numbers import to_decimal
from scoring.result import Score
from scoring.rubric import Rule
from scoring.score import score
from tests.scoring.quarter import FAITHFUL, PERIOD, RICH, rubric, working_days
from tests.scoring.recompute import recompute
from tests.scoring.reference import reference

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)
DAYS = st.dates(FIRST, LAST).map(dt.date.isoformat)
MONTHS = st.sampled_from(["2026-01", "2026-02", "2026-03"])
NAMES = st.sampled_from(["a", "b", "c"])
SITES = ["north", "south", "mid"]
READINGS = [
    ('duty-months = "more-than-half"', 'duty-months = "any-day"'),
    ('duty-months = "more-than-half"', 'duty-months = "whole"'),
    ('duty-within-month = "sites-or-highest"', 'duty-within-month = "sum"'),
    ('same-key = "highest"', 'same-key = "first"'),
    ('floor = "zero"', 'floor = "none"'),
    ('reward-order = "after-floor"', 'reward-order = "before-floor"'),
    ('total-ceiling = "none"', 'total-ceiling = "97.5"'),
    ('overlap = "highest"', 'overlap = "sum"'),
    ('overlap-tie = "first-in-rubric"', 'overlap-tie = "earliest"'),
]


@st.composite
def rubrics(draw: st.DrawFn) -> tuple[str, str]:
    """A rubric's text and one of its posts, some readings turned the other way."""
    text, post = draw(st.sampled_from([(RICH, "keeper"), (RICH, "keeper"), (FAITHFUL, "deputy-security")]))
    for before, after in draw(st.lists(st.sampled_from(READINGS), max_size=4, unique=True)):
        text = text.replace(before, after)
    return text, post


def amounts(rule: Rule) -> list[str]:
    """Every value that the discretion of a range offers."""
    low, high, step = rule.min, rule.max, rule.step or Fraction(1)
    assert low is not None
    assert high is not None
    return [to_decimal(low + n * step) for n in range(int((high - low) / step) + 1)]


@st.composite
def revisions(draw: st.DrawFn, rule: Rule) -> list[dict[str, str]]:
    changes = [{"kind": "keep", "by": "appeal"}, {"kind": "strike", "by": "review"}]
    if rule.kind == "range":
        changes += [{"kind": "change", "amount": amount} for amount in amounts(rule)]
    return draw(st.lists(st.sampled_from(changes), max_size=2))


@st.composite
def findings(draw: st.DrawFn, rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rule": rule.id,
        "on": draw(DAYS),
        "reason": "seen",
        "voided": draw(st.integers(0, 5)) == 5,
    }
    found["id"] = f"N{draw(st.integers(0, 10**9))}"
    if draw(st.integers(0, 4)) == 0:
        found["on"], found["known"] = (
            draw(st.dates(dt.date(2025, 11, 1), dt.date(2025, 12, 31))).isoformat(),
            draw(DAYS),
        )
    if rule.kind == "range":
        found["amount"] = draw(st.sampled_from(amounts(rule)))
    if rule.kind == "per-unit":
        found["units"] = str(draw(st.integers(1, int(rule.max_units or 9))))
    if rule.recurrence.kind == "once-per-key":
        found["key"] = draw(NAMES)
    if draw(st.booleans()):
        found["incident"] = draw(NAMES)
    if draw(st.integers(0, 3)) == 0:
        found["revisions"] = draw(revisions(rule))
    return found


@st.composite
def duty_rows(draw: st.DrawFn, rule: Rule, *, sites: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"rule": rule.id, "month": draw(MONTHS), "voided": draw(st.integers(0, 5)) == 5}
    kind = draw(st.sampled_from(["coverage", "coverage", "sites", "excused"]))
    if kind == "sites" and sites:
        row["sites"] = draw(st.lists(st.sampled_from(SITES), min_size=1, unique=True))
    elif kind == "excused":
        row["excused"] = "flood"
    else:
        row["coverage"] = draw(st.sampled_from(["0.25", "0.5", "0.75", "1"]))
    if draw(st.integers(0, 4)) == 0:
        row["revisions"] = draw(revisions(rule))
    return row


@st.composite
def books(draw: st.DrawFn, text: str, post: str) -> dict[str, Any]:
    rules = rubric(text).post(post).rules
    free = [rule for rule in rules if rule.duty is None]
    book: dict[str, Any] = {"period": PERIOD}
    picked = draw(st.lists(st.sampled_from(free).flatmap(findings), max_size=9, unique_by=lambda f: f["id"]))
    book["findings"] = picked
    if draw(st.booleans()):
        book["sites"] = SITES
        book["closed"] = draw(st.dictionaries(st.sampled_from(SITES), st.lists(MONTHS, max_size=2), max_size=3))
    duty = next(rule for rule in rules if rule.duty is not None)
    book["duties"] = draw(st.lists(duty_rows(duty, sites="sites" in book), max_size=6))
    if not picked and draw(st.booleans()):
        book["assignment"] = {"from": draw(DAYS)}
    return book


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], str | None]:
    text, post = draw(rubrics())
    return text, post, draw(books(text, post)), draw(st.none() | DAYS)


def scored(text: str, post: str, book: dict[str, Any], as_of: str | None = None) -> Score:
    ledger = ledger_from_json(book, working_days=working_days)
    return score(rubric(text), post, ledger, dt.date.fromisoformat(as_of) if as_of else None)


def equals_the_reference(case: tuple[str, str, dict[str, Any], str | None]) -> None:
    text, post, book, as_of = case
    result = scored(text, post, book, as_of)
    total, figures = reference(text, post, book, working_days(FIRST, LAST), as_of)
    assert {item.id: (item.recorded, item.counted, item.reward) for item in result.items} == figures
    assert result.total == total


def explanation_suffices(case: tuple[str, str, dict[str, Any], str | None]) -> None:
    result = scored(*case)
    for language in ("en", "zh"):
        assert recompute(explain(result.to_json(), language), language) == result.total


@given(cases())
@settings(max_examples=120, deadline=None)
def test_the_total_and_every_item_equal_the_second_opinion(case: tuple[str, str, dict[str, Any], str | None]) -> None:
    equals_the_reference(case)


@given(cases())
@settings(max_examples=80, deadline=None)
def test_the_total_is_recomputed_from_the_explanation_alone(case: tuple[str, str, dict[str, Any], str | None]) -> None:
    explanation_suffices(case)


@pytest.mark.long
@given(cases())
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_totals_equal_the_second_opinion_and_their_explanation(
    case: tuple[str, str, dict[str, Any], str | None],
) -> None:
    equals_the_reference(case)
    explanation_suffices(case)


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_findings_and_records_changes_nothing(
    case: tuple[str, str, dict[str, Any], str | None], chance: Any
) -> None:
    text, post, book, as_of = case
    shuffled = {**book, "findings": chance.sample(book["findings"], len(book["findings"]))}
    plain = [{**row, "revisions": []} for row in book["duties"]]  # decisions about one line do have an order
    shuffled["duties"] = chance.sample(plain, len(plain))
    before = scored(text, post, {**book, "duties": plain}, as_of)
    assert scored(text, post, shuffled, as_of) == before
    books = [ledger_from_json(b, working_days=working_days) for b in ({**book, "duties": plain}, shuffled)]
    assert books[0].digest == books[1].digest


@given(cases(), st.data())
@settings(max_examples=60, deadline=None)
def test_voiding_a_finding_restores_the_score_without_it(
    case: tuple[str, str, dict[str, Any], str | None], data: st.DataObject
) -> None:
    text, post, book, as_of = case
    rule = data.draw(st.sampled_from([rule for rule in rubric(text).post(post).rules if rule.duty is None]))
    extra = {**data.draw(findings(rule)), "id": "extra"}
    if "assignment" in book:
        extra["on"] = extra["known"] = "2026-03-31"
    whole = ledger_from_json({**book, "findings": [*book["findings"], extra]}, working_days=working_days)
    day = dt.date.fromisoformat(as_of) if as_of else None
    assert score(rubric(text), post, whole.void("extra"), day) == scored(text, post, book, as_of)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_clamps_hold(case: tuple[str, str, dict[str, Any], str | None]) -> None:
    text, post, book, as_of = case
    result = scored(text, post, book, as_of)
    readings = rubric(text).settings
    for item in rubric(text).post(post).items:
        found = result.item(item.id)
        floored = item.floor is not None if item.has_own_floor else readings.floor == "zero"
        worth = found.score + (found.reward if readings.reward_order == "before-floor" else 0)
        assert not floored or worth >= (item.floor or 0)
        assert item.ceiling is None or found.score + found.reward <= item.ceiling
        assert found.recorded >= 0
        assert found.reward >= 0
    if readings.total_ceiling is not None:
        assert result.total <= readings.total_ceiling + 1  # the total may then be rounded to whole points


@given(st.decimals(min_value=-20, max_value=20, places=2))
@settings(max_examples=150, deadline=None)
def test_nothing_outside_its_range_or_between_steps_enters(amount: Any) -> None:
    book = {"period": PERIOD, "findings": [{"rule": "D2.1", "on": "2026-02-03", "amount": str(amount), "reason": "x"}]}
    if amount in range(5, 11):
        assert scored(FAITHFUL, "director", book).total == 100 - Fraction(amount)
    else:
        with pytest.raises(FindingRefused) as caught:
            scored(FAITHFUL, "director", book)
        assert caught.value.code in {"out-of-range", "off-step"}
