"""The ledger: nothing is deleted, decisions stand beside lines, bad files are refused key by key."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from scoring.errors import LedgerError
from scoring.ledger import Revision
from scoring.ledger_json import ledger_from_json
from scoring.result import Score
from scoring.score import score
from tests.scoring.quarter import PERIOD, finding, inspected, ledger, rubric, working_days


def revised_steps(result: Score) -> list[tuple[str, str, str, str, str]]:
    return [(s["finding"], s["kind"], s["by"], s["from"], s["to"]) for s in result.steps if s["code"] == "revised"]


def test_the_example_of_the_format_is_admitted_whole() -> None:
    book = ledger_from_json(
        {
            "period": PERIOD,
            "assignment": {"from": "2026-02-16"},
            "findings": [
                {
                    "rule": "A1.2",
                    "on": "2026-03-03",
                    "amount": "10",
                    "reason": "...",
                    "key": "...",
                    "incident": "...",
                }
            ],
            "duties": [
                {"rule": "A1.1", "month": "2026-01", "coverage": "1", "sites": ["north", "south"], "excused": "..."}
            ],
            "sites": ["north", "south"],
        },
        working_days=working_days,
    )
    assert book.findings[0].known == book.findings[0].happened
    assert score(rubric(), "deputy-security", book).total == 80


def test_blanks_around_a_name_make_no_second_key_or_incident() -> None:
    book = ledger(findings=[finding("D4.1", "4", key="k "), finding("D4.1", "3", key=" k")])
    assert [one.key for one in book.findings] == ["k", "k"]


def test_the_calendar_the_ledger_names_is_asked() -> None:
    asked = []
    ledger_from_json(
        {"period": PERIOD, "calendar": "DE"},
        working_days=lambda first, last, calendar: asked.append(calendar) or working_days(first, last),
    )
    assert asked == ["DE"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"period": {"from": "2026-01-01"}}, "`period.to`: this key is missing; add it."),
        ({"period": {"from": "2026-04-01", "to": "2026-03-31"}}, "`period`: it ends before it begins"),
        ({"assignment": {"from": "2026-03-01", "to": "2026-02-01"}}, "`assignment`: it ends before it begins"),
        ({"assignment": {"from": "2026-04-01"}}, "`assignment`: no day of it is in the period"),
        ({"assignment": {"to": "2025-12-31"}}, "`assignment`: no day of it is in the period"),
        ({"assignment": None}, "`assignment`: this is no object"),
        ({"findings": None}, "`findings`: this is no list"),
        ({"closed": []}, "`closed`: this is no object"),
        ({"findngs": []}, "`findngs`: this key is unknown"),
        ({"findings": [{"rule": "D1.1", "on": 0}]}, "`findings.1.on`: 0 is no day in quotes"),
        ({"findings": [{"rule": "D1.1", "on": "1769990400"}]}, '`findings.1.on`: "1769990400" is no day'),
        ({"findings": [{"rule": "D1.1", "on": "2026-02-03T00:00:00"}]}, '"2026-02-03T00:00:00" is no day'),
        ({"findings": [{"rule": "D1.1", "on": "2026-02-30"}]}, "`findings.1.on`: there is no such day"),
        ({"findings": [finding("D4.1", "4", key="  ")]}, "`findings.1.key`: this is empty"),
        ({"findings": [{**finding("D1.1"), "reason": 4}]}, "`findings.1.reason`: this is no text"),
        ({"findings": [{**finding("D1.1"), "voided": "no"}]}, "`findings.1.voided`: write true or false"),
        ({"findings": [finding("D1.1", "4", revisions=[{"kind": "raise"}])]}, "'raise' is not possible; write one of"),
        ({"findings": [{"rule": "D1.1", "on": "3 February"}]}, "`findings.1.on`"),
        ({"findings": [finding("D1.1", 4)]}, "`findings.1.amount`: 4 is not a decimal in quotes"),  # type: ignore[arg-type]
        ({"findings": [finding("D1.1", "4e0")]}, '"4e0" is not a plain decimal'),
        ({"findings": [finding("A1.7", key="a", document="b")]}, "`key` and `document` name two things"),
        ({"duties": [{"rule": "A1.1", "month": "2026-13", "coverage": "1"}]}, "`duties.1.month`: this is no month"),
        ({"duties": [{"rule": "A1.1", "month": "2026-04", "coverage": "1"}]}, "2026-04 is not in the period"),
        ({"duties": [{"rule": "A1.1", "month": "2026-01", "coverage": "80"}]}, "coverage is a share from 0 to 1"),
        ({"duties": [{"rule": "A1.1", "month": "2026-01"}]}, "neither coverage nor sites nor why it is excused"),
        ({"duties": inspected("01", sites=["moon"])}, "the site moon is not in the ledger's `sites`"),
        ({"closed": {"moon": ["2026-01"]}}, "`closed`: the site moon is not in the ledger's `sites`"),
        ({"findings": [finding("D1.1", "4", revisions=[{"kind": "change"}])]}, "kind change needs amount"),
    ],
)
def test_a_malformed_ledger_says_which_key_and_why(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LedgerError) as caught:
        ledger(**change)
    assert sentence in str(caught.value)


def test_what_is_no_ledger_at_all_is_refused() -> None:
    with pytest.raises(LedgerError, match=r"`the ledger`: "):
        ledger_from_json([], working_days=working_days)


def test_a_replaced_finding_stays_and_counts_no_more() -> None:
    book = ledger(findings=[finding("D1.1", "5")])
    mended = book.replace_finding("F1", replace(book.findings[0], id="F2", amount=Fraction(3)))
    assert [(f.id, f.voided, f.replaces) for f in mended.findings] == [("F1", True, None), ("F2", False, "F1")]
    assert score(rubric(), "director", mended).total == 97
    with pytest.raises(LedgerError, match="has no finding F9"):
        book.void("F9")


def test_a_change_at_review_keeps_both_values_visible() -> None:
    result = score(
        rubric(), "director", ledger(findings=[finding("D1.1", "5")]).revise("F1", Revision("change", Fraction(3)))
    )
    assert (result.total, result.item("D1").recorded, result.item("D1").counted) == (97, 5, 3)
    assert revised_steps(result) == [("F1", "change", "review", "5", "3")]


def test_a_decision_on_appeal_follows_that_of_the_review() -> None:
    book = ledger(findings=[finding("D1.1", "3")]).revise("F1", Revision("change", Fraction(5)))
    kept = score(rubric(), "director", book.revise("F1", Revision("keep", by="appeal")))
    assert (kept.total, revised_steps(kept)[-1]) == (95, ("F1", "keep", "appeal", "5", "5"))
    lowered = score(rubric(), "director", book.revise("F1", Revision("lower", Fraction(4), "appeal")))
    assert (lowered.total, revised_steps(lowered)[-1]) == (96, ("F1", "lower", "appeal", "5", "4"))
    struck = score(rubric(), "director", book.revise("F1", Revision("strike", by="appeal")))
    assert (struck.total, struck.item("D1").recorded) == (100, 3)


def test_a_struck_finding_takes_no_part_in_recurrence_or_overlap() -> None:
    two = [finding("A1.7", key="c", incident="i"), finding("A1.3", incident="i")]
    book = ledger(findings=two, duties=inspected("01", "02", "03"))
    assert score(rubric(), "deputy-security", book).total == 90
    assert score(rubric(), "deputy-security", book.revise("F1", Revision("strike"))).total == 90
    both = book.revise("F1", Revision("strike")).revise("F2", Revision("strike"))
    assert score(rubric(), "deputy-security", both).total == 100


def test_a_derived_deduction_is_struck_or_lowered_by_its_month() -> None:
    book = ledger(duties=inspected("01", "03"))
    struck = score(rubric(), "deputy-security", book.revise_duty("A1.1", "2026-02", Revision("strike")))
    assert (struck.total, struck.item("A1").recorded) == (100, 10)
    assert revised_steps(struck) == [("A1.1:2026-02", "strike", "review", "10", "0")]
    lowered = book.revise_duty("A1.1", "2026-02", Revision("lower", Fraction(4), "appeal"))
    assert score(rubric(), "deputy-security", lowered).total == 96


def test_revisions_are_read_from_the_file_as_well() -> None:
    steps = [{"kind": "change", "amount": "4"}, {"kind": "lower", "amount": "3", "by": "appeal"}]
    duty = {"rule": "A1.1", "month": "2026-02", "revisions": [{"kind": "strike", "by": "appeal"}]}
    book = ledger(findings=[finding("A2.1", "5", key="r", revisions=steps)], duties=[*inspected("01", "03"), duty])
    result = score(rubric(), "deputy-security", book)
    assert result.total == 97
    assert [step[1] for step in revised_steps(result)] == ["strike", "change", "lower"]


def test_the_digest_sees_what_touches_figures_and_not_the_words() -> None:
    book = ledger(findings=[finding("D1.1", "4", evidence=["photo"])])
    assert ledger(findings=[finding("D1.1", "4", reason="other words")]).digest == book.digest
    erased = replace(book, findings=(replace(book.findings[0], reason=True, evidence=()),))
    assert erased.digest == book.digest
    others = [
        ledger(findings=[finding("D1.1", "5")]),
        ledger(findings=[finding("D1.1", "4", incident="i")]),
        ledger(findings=[finding("D1.1", "4", on="2026-02-04")]),
        book.void("F1"),
        book.revise("F1", Revision("keep", by="appeal")),
        book.revise_duty("A1.1", "2026-01", Revision("strike")),
        replace(book, working_days=frozenset()),
    ]
    assert len({book.digest, *(other.digest for other in others)}) == 1 + len(others)
