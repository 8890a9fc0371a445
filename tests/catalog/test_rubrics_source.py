"""Every citation of the shipped rubrics against the document they cite."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from catalog import shelf
from scoring.rubric import Rubric, load_rubric

SEED = Path(__file__).resolve().parents[3] / "shared" / "seed"
"""The source lies beside the project, in `../shared/seed`, or it is not here."""


class Citation(NamedTuple):
    """What an entry of a rubric says stands in the source; `clause` is the text in full, where the entry has it."""

    entry: str
    line: int | None
    words: str
    clause: str


def citations(rubric: Rubric) -> Iterator[Citation]:
    for post in rubric.posts:
        yield Citation(post.id, post.line, post.words, "")
        for responsibility in post.responsibilities:
            yield Citation(responsibility.id, responsibility.line, responsibility.words, "")
        for item in post.items:
            yield Citation(item.id, item.line, item.words, "")
            for rule in item.rules:
                if not rule.proposed:
                    yield Citation(rule.id, rule.line, rule.words, rule.clause)


def compare(rubric: Rubric, seed: Path) -> tuple[list[str], str]:
    """The entries whose words the source does not have in their line, and a sentence saying what was compared."""
    cited = list(citations(rubric))
    source = seed / rubric.source.file
    if not source.is_file():
        sentence = f"The source is not here: {len(cited)} citations of {rubric.id} not compared."
        return [entry for entry, _, words, clause in cited if clause and words not in clause], sentence
    lines = source.read_text(encoding="utf-8").splitlines()
    wrong = [
        entry
        for entry, line, words, clause in cited
        if line is None or not 0 < line <= len(lines) or words not in lines[line - 1] or clause not in lines[line - 1]
    ]
    return wrong, f"{len(cited)} citations of {rubric.id} compared with the source."


@pytest.fixture(params=shelf.names(shelf.Kind.RUBRIC))
def rubric(request: pytest.FixtureRequest) -> Rubric:
    return load_rubric(shelf.rubric_text(request.param), where=request.param)


def test_every_entry_cites_a_line_and_at_least_three_words_of_it(rubric: Rubric) -> None:
    assert [entry for entry, line, words, _ in citations(rubric) if line is None or len(words.split()) < 3] == []


def test_the_source_has_the_cited_words_in_the_cited_lines(rubric: Rubric, capfd: pytest.CaptureFixture[str]) -> None:
    wrong, sentence = compare(rubric, SEED)
    with capfd.disabled():
        sys.stderr.write(f"\n{sentence}\n")
    assert wrong == []


def test_without_the_source_the_run_says_how_many_citations_it_did_not_compare(rubric: Rubric, tmp_path: Path) -> None:
    wrong, sentence = compare(rubric, tmp_path)
    assert wrong == []
    assert sentence == f"The source is not here: {len(list(citations(rubric)))} citations of {rubric.id} not compared."


def test_a_source_with_other_words_is_noticed(rubric: Rubric, tmp_path: Path) -> None:
    (tmp_path / rubric.source.file).write_text("other words\n" * 100, encoding="utf-8")
    wrong, _ = compare(rubric, tmp_path)
    assert wrong == [entry for entry, *_ in citations(rubric)]


def test_a_clause_whose_words_are_not_its_own_is_noticed_even_without_the_source(tmp_path: Path) -> None:
    text = shelf.rubric_text("bank-office").replace('words = "deducted for delayed work"', 'words = "for idle work"')
    wrong, _ = compare(load_rubric(text, where="planted"), tmp_path)
    assert wrong == ["D8.1"]
