"""What the code says to people has its Chinese, keeps its parts, and names no command on a page."""

import ast
import re
from string import Formatter

import pytest

from catalog.glossary import Language
from catalog.po import read_po
from catalog.sentences import said, sayings_of
from tests.catalog.said_in_code import ELSEWHERE, PACKAGES, ROOT, of_packages, skeleton, template_of

CHINESE = sayings_of("zh")
PAGES: dict[Language, dict[str, str]] = {"en": sayings_of("en-page"), "zh": sayings_of("zh-page")}
COMMAND = re.compile(r"appraise [a-z]|`(org|work|workitem|plan|cycle)\b|--[a-z]|APPRAISE_")
"""A command, an option or a variable: nothing that who reads a page could use."""
AT_A_PAGE = ("workflow/", "scoring/", "services/", "web/")
NOT_AT_A_PAGE = {
    "The pages cannot be served on {host}:{port} ({strerror}); choose another --host or --port.",
    "{path} is no checkpoint as `appraise audit checkpoint` writes it; name such a file.",
}
"""What is said before there are pages, or about a file that a command is given."""


def holes(template: str) -> list[str]:
    return [name.removesuffix("!s") for _, name, *_ in Formatter().parse(template) if name is not None]


def filled(template: str) -> tuple[str, dict[str, str]]:
    """Return a sentence made from a template with a part of its own for each hole, and these parts."""
    parts = {name: f"K{number}x" for number, name in enumerate(dict.fromkeys(holes(template)), start=1)}
    return re.sub(r"\{(\w+)\}", lambda hole: parts[hole[1]], template), parts


def test_every_sentence_of_the_code_has_a_chinese_one() -> None:
    known = {skeleton(template) for template in CHINESE}
    missing = {template: where for template, where in of_packages().items() if skeleton(template.strip()) not in known}
    assert missing == {}, "put each into catalog/locale/zh, with the same parts in braces"


def test_no_chinese_is_left_that_nobody_says() -> None:
    composed = read_po((ROOT / "catalog/locale/zh/composed.po").read_text(encoding="utf-8"), where="composed.po")
    told = {skeleton(part.strip()) for template in everything() for part in (template, *template.split("\n"))}
    left = [template for template in CHINESE if skeleton(template) not in told and template not in composed]
    assert left == []


def everything() -> set[str]:
    """Return every text of the code and of the workflows that ship, sentence or not."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                template = template_of(node, {})
                if template is not None:
                    found.add(template)
    for path in (ROOT / "catalog" / "workflows").glob("*.toml"):
        found |= set(re.findall('"([^"]*)"', path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("texts", [CHINESE, *PAGES.values()])
def test_a_text_keeps_the_parts_of_its_sentence(texts: dict[str, str]) -> None:
    """A part whose name begins with _ is there for the grammar of English alone."""
    wrong = {}
    for template, text in texts.items():
        named, kept = set(holes(template)), set(re.findall(r"\{(\w+)(?:!s)?\}", text))
        if kept - named or {name for name in named - kept if not name.startswith("_")}:
            wrong[template] = text
    assert wrong == {}


def test_a_sentence_comes_out_chinese_with_its_parts_whatever_they_are() -> None:
    wrong = {}
    for template, text in CHINESE.items():
        sentence, parts = filled(template)
        expected = re.sub(r"\{(\w+)(!s)?\}", lambda hole, parts=parts: parts[hole[1]], text)
        if said(sentence, "zh") != expected:
            wrong[sentence] = said(sentence, "zh")
    assert wrong == {}


def test_english_is_left_as_it_is() -> None:
    assert [sentence for sentence, _ in map(filled, CHINESE) if said(sentence, "en") != sentence] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_names_no_command(language: Language) -> None:
    names_one = {
        template: where
        for template, where in of_packages().items()
        if where.startswith(AT_A_PAGE) and template not in NOT_AT_A_PAGE
        if COMMAND.search(said(filled(template.strip())[0], language, on_page=True))
    }
    assert names_one == {}, "put what a page says instead into catalog/locale/en-page and zh-page"


def test_what_a_page_says_instead_is_asked_for_by_a_sentence_that_is_there() -> None:
    assert [template for texts in PAGES.values() for template in texts if template not in CHINESE] == []
    assert PAGES["en"].keys() == PAGES["zh"].keys()


def test_modules_whose_texts_lie_elsewhere_are_there() -> None:
    assert [where for where in ELSEWHERE if not (ROOT / where).is_file()] == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "There is no cycle '2026Q9'; `appraise cycle list` lists them.",
            "没有考核周期“2026Q9”；可用 `appraise cycle list` 列出。",
        ),
        ("The cycle 2026Q1 is final; nothing in it has a deadline.", "考核周期2026Q1已定稿，其中没有期限。"),
        (
            "Only somebody with the grant hr or operator may import the organisation.",
            "只有人事专员或系统管理员可以导入单位数据。",
        ),
        (
            "“Submit the score” is not possible now: the stage is “Own statement”.",
            "现在不能办理“提交评分”：当前环节是“自述”。",
        ),
        (
            "F12: A1.1 takes 2 to 5 points; 7 is outside. Pick a value within.",
            "F12：A1.1 扣 2 至 5 分；7 超出范围。请在范围内取值。",
        ),
        (
            (
                "x.csv has 1 error and nothing was written:\n"
                "  sheet people, row 4: this is there twice (also in row 3); keep one."
            ),
            "x.csv 有1个错误，没有写入任何内容：\n  表 people、第4行：该内容出现两次（另见第3行）；请保留一处。",
        ),
        (
            "move 2026Q1/1007@driver #3: its words are not those that were written.",
            "操作 2026Q1/1007@driver #3：它的文字与写入时不一致。",
        ),
        ("Nobody knows this sentence, and it stays.", "Nobody knows this sentence, and it stays."),
        (
            "The cycle is final; ask HR for a correction if something is wrong. Something unknown.",
            "本周期已定稿；如有错误，请向人事专员申请更正。Something unknown.",
        ),
        ("他已经说了中文。", "他已经说了中文。"),
        ("", ""),
    ],
)
def test_parts_are_said_in_chinese_too(english: str, chinese: str) -> None:
    assert said(english, "zh") == chinese


def test_a_page_says_what_can_be_done_there() -> None:
    sentence = "There is no cycle '2026Q9'; `appraise cycle list` lists them."
    assert said(sentence, "en", on_page=True) == "There is no cycle '2026Q9'; the page of cycles lists them."
    assert said(sentence, "zh", on_page=True) == "没有考核周期“2026Q9”；“考核周期”页面列有全部周期。"
