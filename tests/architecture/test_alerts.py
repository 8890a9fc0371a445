"""Every alert has a page that says what it means, what harm it does and what to do; and every page has its alert."""

import re
from pathlib import Path

import pytest

from services.health import ALERTS

PAGES = Path(__file__).parents[2] / "docs" / "alerts"


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_has_its_three_parts_and_names_only_commands_and_pages_that_are_there(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")

    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE)[1:] == ["What it means", "What harm it does", "What to do"]
    assert f"`{name}`" in text.splitlines()[0]
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (PAGES / target).is_file(), target
