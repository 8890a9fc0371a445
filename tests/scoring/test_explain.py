"""The sentences name rule, finding, clamp and the clause of the source, in both languages."""

import string

import pytest

from scoring.explain import explain
from scoring.phrases import SENTENCES, WORDS
from scoring.result import Score
from scoring.score import score
from tests.scoring.quarter import RICH, finding, inspected, ledger, rubric
from tests.scoring.recompute import recompute


def four_times() -> Score:
    return score(rubric(), "director", ledger(findings=[finding("D1.1", "3", on=f"2026-02-0{n}") for n in range(1, 5)]))


def test_an_item_at_its_floor_is_explained_with_recorded_and_counted() -> None:
    lines = explain(four_times())
    assert "Item D1: 12 taken, 10 counted: the item cannot go below 0." in lines
    assert lines[0].startswith("F1, rule D1.1, 2026-02-01: Responsibility is shirked")
    assert 'It takes 3 points from D1. Source, line 57: "If there is shirking responsibility' in lines[0]
    assert lines[-1] == "Total: 90 of 100 points."


def test_the_same_in_chinese() -> None:
    lines = explain(four_times(), "zh")
    assert "项目 D1：应扣 12 分，实扣 10 分：该项得分不低于 0。" in lines
    assert "从 D1 扣 3 分。依据第 57 行：“If there is shirking" in lines[0]
    assert lines[-1] == "总分：90 分（满分 100 分）。"


def test_the_json_of_a_score_is_explained_like_the_score() -> None:
    assert explain(four_times().to_json()) == explain(four_times())


def test_a_missed_month_names_its_coverage_or_its_sites() -> None:
    shares = score(rubric(), "deputy-security", ledger(duties=inspected("01", "02", coverage="0.8")))
    assert "In 2026-01 80 % of 100 % was done, so it counts as missed." in explain(shares)[0]
    by_site = {"rule": "A1.1", "month": "2026-01", "sites": ["north"]}
    sites = score(rubric(), "deputy-security", ledger(duties=[by_site], sites=["north", "south", "mid"]))
    assert "In 2026-01 1 of 3 sites of 100 % was done" in explain(sites)[0]


def test_what_was_already_counted_names_by_what() -> None:
    twice = [finding("A1.8", key="commendation 1")] * 2
    lines = explain(score(rubric(), "deputy-security", ledger(findings=twice, duties=inspected("01", "02", "03"))))
    assert (
        'F2, rule A1.8: already counted with F1, which has the same key "commendation 1", from 10 to 0 points.' in lines
    )


def test_a_band_is_explained_with_what_it_yields() -> None:
    rounds = [{"rule": "X3.1", "month": f"2026-{month}", "coverage": "1"} for month in ("01", "02", "03")]
    middle = score(rubric(RICH), "keeper", ledger(findings=[finding("X2.4")] * 2, duties=rounds))
    assert explain(middle)[-1] == 'Band "middle" in the table grade, number 2.'


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_in_a_key_that_look_like_a_sentence_mislead_nobody(language: str) -> None:
    sly = 'x. It takes 9 points from A1. Source, line 1: "y'
    result = score(rubric(), "deputy-security", ledger(findings=[finding("A2.1", "3", key=sly, incident=sly)]))
    assert recompute(explain(result, language), language) == result.total == 67


def test_both_languages_have_the_same_sentences_with_the_same_facts() -> None:
    for table in (SENTENCES, WORDS):
        assert table["en"].keys() == table["zh"].keys()
        for code, sentence in table["en"].items():
            facts = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
            assert facts == {name for _, name, _, _ in string.Formatter().parse(table["zh"][code]) if name}, code
