from collections import Counter
from enum import StrEnum
from pathlib import Path

import pytest

from catalog.glossary import LANGUAGES, GlossaryError, Language, glossary, meaning, read_glossary, term
from catalog.glossary_page import TITLES, glossary_page
from workflow.vocabulary import CycleState, Outcome, Role, RosterStatus, Severity

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "glossary.md"
ENTRY = (
    '[[terms]]\nid = "{}"\nkind = "thing"\nen = {{ one = "a", means = "b." }}\nzh = {{ one = "c", means = "d。" }}\n'
)


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@pytest.mark.parametrize("words", [Role, Outcome, CycleState, RosterStatus, Severity])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_vocabulary_has_a_name_people_read(words: type[StrEnum], language: Language) -> None:
    assert all(term(word, language) for word in words)


def test_every_stage_has_a_name_people_read() -> None:
    stages = [each.id for each in glossary().values() if each.kind == "stage"]
    assert stages == ["draft", "scoring", "review", "signoff", "appeal", "closed"]


@pytest.mark.parametrize("identifier", list(glossary()))
def test_every_term_is_whole_in_both_languages(identifier: str) -> None:
    entry = glossary()[identifier]
    assert entry.en.one
    assert entry.en.many
    assert entry.en.means.endswith(".")
    assert not is_chinese(entry.en.one + entry.en.many + entry.en.means)
    assert is_chinese(entry.zh.one)
    assert is_chinese(entry.zh.means)
    assert entry.zh.means.endswith("。")
    assert entry.zh.many == "", "Chinese has no plural form"
    assert entry.kind in TITLES


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_word_means_one_thing(language: Language) -> None:
    words = Counter(each.wording(language).one.casefold() for each in glossary().values())
    meanings = Counter(each.wording(language).means for each in glossary().values())
    assert [word for word, count in words.items() if count > 1] == []
    assert [text for text, count in meanings.items() if count > 1] == []


def test_the_field_has_its_usual_chinese_words() -> None:
    expected = {
        "cycle": "考核周期",
        "appraisal": "考核表",
        "assessor": "评分人",
        "reviewer": "审核人",
        "appeal": "申诉",
        "statement": "自述",
        "check-number": "校验号",
        "finding": "扣分或加分记录",
    }
    assert {identifier: term(identifier, "zh") for identifier in expected} == expected


def test_english_has_a_plural_and_chinese_needs_none() -> None:
    assert (term("reply"), term("reply", count=2), term("reply", count=0)) == ("reply", "replies", "replies")
    assert term("reply", "zh", count=2) == term("reply", "zh") == "说明"


def test_a_meaning_is_a_plain_sentence() -> None:
    assert meaning("appraisee") == "The person who is appraised."
    assert meaning("appraisee", "zh") == "接受考核的人。"


@pytest.mark.parametrize("ask", [term, meaning])
def test_an_unknown_word_is_an_error_that_says_where_to_add_it(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(GlossaryError, match=r"no term 'digest'; add it to catalog/glossary\.toml"):
        ask("digest")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("format = ", "g.toml is not TOML"),
        ("format = 2\nterms = []", "g.toml, format"),
        ("format = 1\n" + ENTRY.format("x") + "note = 1\n", r"g.toml, terms.0.note"),
        ("format = 1\n" + ENTRY.format("x").split("zh", maxsplit=1)[0], r"g.toml, terms.0.zh"),
        ("format = 1\n" + ENTRY.format("x") * 2, "g.toml has the term 'x' twice"),
    ],
)
def test_a_wrong_glossary_is_refused_with_file_and_place(text: str, sentence: str) -> None:
    with pytest.raises(GlossaryError, match=sentence):
        read_glossary(text, where="g.toml")


def test_the_page_of_the_glossary_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == glossary_page(), "run: python -m catalog.glossary_page > docs/reference/glossary.md"
