"""What a rule refuses, each with its code and a sentence that says what to do."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from scoring.admission import admit, check_findings
from scoring.errors import FindingRefused, LedgerError, UnknownName
from scoring.ledger import Revision
from scoring.score import score
from tests.scoring.quarter import FAITHFUL, RICH, finding, inspected, ledger, rubric

DEPUTY, KEEPER = (FAITHFUL, "deputy-security"), (RICH, "keeper")
DIRECTOR = (FAITHFUL, "director")
LATE = FAITHFUL.replace('late-discovery = "period-known"', 'late-discovery = "refuse"')
TICKED = RICH.replace('sub-reasons = "optional"', 'sub-reasons = "required"')


@pytest.mark.parametrize(
    ("code", "post", "book"),
    [
        ("unknown-rule", DIRECTOR, {"findings": [finding("D9.9")]}),
        ("other-post", DIRECTOR, {"findings": [finding("A1.2")]}),
        ("derived", DEPUTY, {"findings": [finding("A1.1")]}),
        ("amount-missing", DIRECTOR, {"findings": [finding("D1.1")]}),
        ("out-of-range", DIRECTOR, {"findings": [finding("D1.1", "2")]}),
        ("off-step", DIRECTOR, {"findings": [finding("D1.1", "3.5")]}),
        ("amount-differs", DEPUTY, {"findings": [finding("A1.2", "9")]}),
        ("units-unexpected", DEPUTY, {"findings": [finding("A1.2", units="2")]}),
        ("units-missing", KEEPER, {"findings": [finding("X1.1")]}),
        ("units-missing", KEEPER, {"findings": [finding("X1.1", units="0")]}),
        ("off-step", KEEPER, {"findings": [finding("X1.1", units="1.5")]}),
        ("too-many-units", KEEPER, {"findings": [finding("X1.1", units="21")]}),
        ("amount-differs", KEEPER, {"findings": [finding("X1.1", "1", units="5")]}),
        ("reason-missing", DIRECTOR, {"findings": [finding("D1.1", "4", reason=" ")]}),
        ("key-missing", DEPUTY, {"findings": [finding("A1.7")]}),
        ("sub-reason-unknown", KEEPER, {"findings": [finding("X3.2", **{"sub-reasons": ["rain"]})]}),
        ("sub-reason-missing", (TICKED, "keeper"), {"findings": [finding("X3.2")]}),
        ("known-before-happened", DEPUTY, {"findings": [finding("A1.2", known="2026-02-02")]}),
        ("after-period", DEPUTY, {"findings": [finding("A1.2", on="2026-04-01")]}),
        ("not-this-period", DEPUTY, {"findings": [finding("A1.2", on="2025-12-30")]}),
        ("not-this-period", DEPUTY, {"findings": [finding("A1.2", **{"counted-on": "2026-04-02"})]}),
        (
            "before-period",
            (LATE, "deputy-security"),
            {"findings": [finding("A1.2", on="2025-12-30", known="2026-01-05")]},
        ),
        ("before-assignment", DEPUTY, {"assignment": {"from": "2026-02-16"}, "findings": [finding("A1.2")]}),
        ("after-assignment", DEPUTY, {"assignment": {"to": "2026-02-02"}, "findings": [finding("A1.2")]}),
        ("unknown-duty", DEPUTY, {"duties": [{"rule": "A1.2", "month": "2026-01", "coverage": "1"}]}),
        ("unknown-duty", DIRECTOR, {"duties": inspected("01")}),
    ],
)
def test_a_finding_that_a_rule_refuses_is_refused(code: str, post: tuple[str, str], book: dict[str, Any]) -> None:
    with pytest.raises(FindingRefused) as caught:
        score(rubric(post[0]), post[1], ledger(**book))
    assert caught.value.code == code
    assert str(caught.value).endswith(".")
    assert caught.value.where in str(caught.value) or "duty" in code
    with pytest.raises(FindingRefused):
        check_findings(rubric(post[0]), post[1], ledger(**book))


def test_a_finding_voided_is_not_checked_any_more() -> None:
    assert score(rubric(), "director", ledger(findings=[finding("D1.1", "9", voided=True)])).total == 100


def test_an_admitted_finding_says_what_it_is_worth() -> None:
    book = ledger(findings=[finding("X1.1", units="5"), finding("X1.2", "2.5"), finding("X1.3")])
    worth = [admit(rubric(RICH), "keeper", book, entry) for entry in book.findings]
    assert worth == [Fraction(5, 4), Fraction(5, 2), Fraction(3)]


def test_an_unknown_post_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match="no post janitor"):
        score(rubric(), "janitor", ledger())


def test_a_late_discovery_counts_in_the_period_in_which_it_became_known() -> None:
    late = ledger(findings=[finding("D1.1", "4", on="2025-12-30", known="2026-01-05")])
    assert score(rubric(), "director", late).total == 96


def test_a_ledger_of_another_post_and_one_id_twice_are_refused() -> None:
    with pytest.raises(LedgerError, match="of the post clerical, not of director"):
        score(rubric(), "director", ledger(post="clerical"))
    with pytest.raises(LedgerError, match="Two findings have the id F7"):
        score(rubric(), "director", ledger(findings=[finding("D1.1", "4", id="F7"), finding("D2.1", "7", id="F7")]))


@pytest.mark.parametrize(
    ("code", "rule", "amount", "revision"),
    [
        ("out-of-range", "D1.1", "4", Revision("change", Fraction(6))),
        ("off-step", "D1.1", "4", Revision("change", Fraction(7, 2))),
        ("off-step", "D1.1", "4", Revision("lower", Fraction(7, 2), "appeal")),
        ("not-lower", "D1.1", "4", Revision("lower", Fraction(5), "appeal")),
        ("not-lower", "D1.1", "5", Revision("lower", Fraction(5), "appeal", Revision("change", Fraction(3)))),
        ("not-lower", "D1.1", "5", Revision("lower", Fraction(3), "appeal", Revision("strike"))),
        ("revision-not-positive", "D1.1", "4", Revision("lower", Fraction(0), "appeal")),
    ],
)
def test_a_revision_outside_its_bounds_is_refused(code: str, rule: str, amount: str, revision: Revision) -> None:
    book = ledger(findings=[finding(rule, amount)])
    revised = replace(book, findings=(replace(book.findings[0], revision=revision),))
    with pytest.raises(FindingRefused) as caught:
        score(rubric(), "director", revised)
    assert caught.value.code == code


def test_a_fixed_amount_cannot_be_changed_at_review_and_can_be_lowered_on_appeal() -> None:
    book = ledger(findings=[finding("A1.2")], duties=inspected("01", "02", "03"))
    with pytest.raises(FindingRefused, match=r"A1.2 is not a range, so 10 cannot be changed; keep or strike it"):
        score(rubric(), "deputy-security", book.revise("F1", Revision("change", Fraction(5))))
    lowered = book.revise("F1", Revision("lower", Fraction(5), "appeal"))
    assert score(rubric(), "deputy-security", lowered).total == 95
    within = rubric(FAITHFUL.replace('appeal-lower = "any"', 'appeal-lower = "within-rule"'))
    with pytest.raises(FindingRefused, match="cannot be changed"):
        score(within, "deputy-security", lowered)


def test_an_appeal_lowers_on_the_step_of_the_rule() -> None:
    book = ledger(findings=[finding("X1.2", "4")]).revise("F1", Revision("lower", Fraction(5, 2), "appeal"))
    assert score(rubric(RICH), "keeper", book).item("X1").counted == Fraction(5, 2)


def test_a_decision_about_something_that_is_no_derived_deduction_is_refused() -> None:
    book = ledger().revise_duty("A1.2", "2026-01", Revision("strike"))
    with pytest.raises(FindingRefused, match=r"A1.2:2026-01 is no derived deduction"):
        score(rubric(), "deputy-security", book)
