"""A rubric that cannot be read says everything that is wrong with it, where, and how to mend it."""

import re
from datetime import date
from fractions import Fraction

import pytest

from scoring.errors import RubricError, UnknownName
from scoring.rubric import load_rubric
from tests.scoring.quarter import FAITHFUL, RICH, rubric


def problems(text: str) -> list[str]:
    with pytest.raises(RubricError) as caught:
        load_rubric(text, where="office.toml")
    return str(caught.value).splitlines()


def line_of(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


def test_an_unknown_key_is_refused_with_its_line_and_a_guess() -> None:
    text = RICH.replace('overlap = "highest"', 'overlap = "highest"\novrlap-tie = "earliest"')
    line = line_of(text, "ovrlap")
    assert problems(text) == [
        f"office.toml:{line}: `settings.ovrlap-tie`: this key is unknown. Did you mean `overlap-tie`?"
    ]


def test_all_problems_are_listed_at_once_each_with_its_line() -> None:
    text = RICH.replace('kind = "per-unit"', 'kind = "per-piece"').replace('max = "9"', "max = 9")
    text = text.replace('calendar = "CN"\n', "")
    found = problems(text)
    assert [line.split(":")[1] for line in found] == [
        str(line_of(text, "[settings]")),
        str(line_of(text, "per-piece")),
        str(line_of(text, "max = 9")),
    ]
    assert "`settings.calendar`: this key is missing. Add it." in found[0]
    assert "`posts[keeper].items[X1].rules[X1.1].kind`: 'per-piece' is not possible. Write one of" in found[1]
    assert "`posts[keeper].items[X2].rules[X2.1].max`: 9 is not a decimal in quotes." in found[2]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('min = "0.5"', "", "a range rule needs `min`. Add it."),
        ('min = "0.5"', 'min = "5"', "`min` is above `max`. Exchange them."),
        ('min = "0.5"', 'min = "0"', "`min` must be above 0. Whether it takes or gives is said by `award`."),
        ('unit = "minute"', 'unit = "minute"\nmin = "1"', "`min` has no meaning in a per-unit rule. Delete it or"),
        ('kind = "at-most", times = 2', 'kind = "at-most"', '`times` belongs to `kind = "at-most"`, which needs it.'),
        ("window-days = 10", "times = 2", "`times` belongs to"),
        ('kind = "once-per-key", keys = ["report"]', 'kind = "each", keys = ["report"]', "`keys` belongs to"),
        ('duty = { per = "month" }', 'duty = { per = "month" }\naward = true', "a scheduled duty is a fixed deduction"),
        (
            'duty = { per = "month" }',
            'duty = { per = "month", minimum-coverage = "2" }',
            "is a share above 0 and up to 1.",
        ),
        ('from = "80"', 'from = "80", above = "80"', "a band has either `from` or `above`, not both. Delete one."),
        (
            'title = "A rubric with every kind of rule"',
            'title = ""',
            "`title`: string should have at least 1 character.",
        ),
        ("digits = 1", "digits = 7", "input should be less than or equal to 6."),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_mend(before: str, after: str, sentence: str) -> None:
    assert before in RICH
    assert any(sentence in line for line in problems(RICH.replace(before, after, 1)))


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    text = RICH.replace('id = "rich"', "id = rich")
    (found,) = problems(text)
    assert found.startswith(f"office.toml:{line_of(text, 'id = rich')}: this is not TOML")


@pytest.mark.parametrize(
    ("hostile", "said"),
    [
        ("x = " + "[" * 2000 + "]" * 2000, "nested too deeply"),
        ("x = " + "{a=" * 1200 + "1" + "}" * 1200, "nested too deeply"),
        ("x = " + "9" * 4900, "a number has too many digits"),
        ("a." * 50_000 + "b = 1", "at most 5000 in a line"),
        ("# a\n" * 300_000, "at most 1000000 characters"),
    ],
)
def test_what_would_overwhelm_the_reader_is_refused_with_a_sentence(hostile: str, said: str) -> None:
    (problem,) = problems(f"{RICH}\n{hostile}\n")
    assert said in problem


def test_a_newer_format_is_refused_and_says_so() -> None:
    assert "use a newer Appraise" in problems(RICH.replace("format = 1", "format = 2"))[0]


def test_the_line_of_a_key_after_a_list_over_several_lines_is_right() -> None:
    text = RICH.replace('label = "low", below', 'label = "low", under').replace('maximum = "100"', "maximum = 100")
    assert [line.split(":")[1] for line in problems(text)] == [
        str(line_of(text, "rows = [")),
        str(line_of(text, "maximum = 100")),
    ]


def test_the_digest_is_of_the_content_and_not_of_the_layout() -> None:
    same = re.sub(r"(?m)^ +", "", RICH).replace("format = 1", "# a comment\nformat   =   1")
    assert same != RICH
    assert load_rubric(same, where="a").digest == rubric(RICH).digest
    assert load_rubric(same, where="a") == rubric(RICH)
    other = RICH.replace('points = "30"', 'points = "31"', 1)
    assert load_rubric(other, where="a").digest != rubric(RICH).digest
    assert re.fullmatch(r"[0-9a-f]{64}", rubric(RICH).digest)


def test_empty_adoption_data_is_unknown() -> None:
    assert rubric(RICH).adoption.announced is None
    assert rubric(RICH).adoption.adopted == date(2025, 6, 1)


def test_posts_items_and_rules_are_found_by_id_or_named_as_unknown() -> None:
    post = rubric().post("director")
    assert (post.name_en, post.name_zh, post.points) == ("Director", "办公室主任", Fraction(100))
    assert post.item_of("D2.1").id == "D2"
    assert rubric().post("deputy-security").duties[0].id == "A1.1"
    with pytest.raises(UnknownName, match="has no post janitor; it has director, "):
        rubric().post("janitor")
    with pytest.raises(UnknownName, match=r"director has no rule A1.1; it has D1.1, "):
        post.rule("A1.1")
    with pytest.raises(UnknownName, match="clerical has no item C1; it has none"):
        rubric().post("clerical").item("C1")


def test_every_reading_stands_in_the_file() -> None:
    for key in re.findall(r"(?m)^([a-z-]+) = ", FAITHFUL.split("[settings]")[1].split("[settings.rounding]")[0]):
        text = re.sub(rf"(?m)^{key} = .*\n", "", FAITHFUL, count=1)
        assert any(f"`settings.{key}`: this key is missing." in line for line in problems(text)), key
