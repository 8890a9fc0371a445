"""Every text of a template and of a module of `web` has a Chinese one, and none is left that nobody uses."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.po import CatalogueError, read_po
from web.render import environment
from web.words import FOLDER, catalogue

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))
MODULES = sorted((ROOT / "web").rglob("*.py"))
MARKS = {"N_", "text", "gettext", "ngettext"}


def of_template(path: Path) -> Iterator[str]:
    """Yield the message of each text; of a plural the singular, under which the catalogue has it."""
    for _, _, message in environment("en").extract_translations(path.read_text(encoding="utf-8")):
        if isinstance(message, tuple):
            yield str(message[0])
        elif message is not None:
            yield message


def of_module(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def used() -> set[str]:
    return {text for path in TEMPLATES for text in of_template(path)} | {
        text for path in MODULES for text in of_module(path)
    }


def test_every_text_has_a_chinese_one() -> None:
    assert sorted(used() - set(catalogue("zh").texts)) == []


def test_no_chinese_text_is_left_over() -> None:
    assert sorted(set(catalogue("zh").texts) - used()) == []


def test_a_chinese_text_names_the_same_values() -> None:
    def values(text: str) -> set[str]:
        return {part.partition(")")[0] for part in text.split("%(")[1:]}

    wrong = {message for message, text in catalogue("zh").texts.items() if values(message) != values(text)}
    assert wrong == set()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('msgid "a"\nmsgstr ""\n', "'a' has no text"),
        ('msgid "a"\nmsgstr "b"\nmsgid "a"\nmsgstr "c"\n', "stands there twice"),
        ("msgid a\n", "is not a quoted text"),
        ('msgctxt "a"\n', "is neither msgid, msgstr nor a text"),
    ],
)
def test_a_file_of_texts_that_is_wrong_is_named(content: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        read_po(content, where="x.po")


def test_a_long_text_may_stand_on_several_lines() -> None:
    assert read_po('# who\nmsgid ""\n"a "\n"b"\nmsgstr "c"\n', where="x.po") == {"a b": "c"}


def test_there_is_a_folder_of_texts() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == ["zh"]
