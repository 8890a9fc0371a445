"""The hand-written pages agree with what is there: the diagram is the workflow's, links lead somewhere."""

import re
from pathlib import Path

import pytest

from catalog import shelf
from scoring.check import check
from scoring.rubric import load_rubric
from workflow.definition import load_definition
from workflow.diagram import mermaid
from workflow.lifecycle import compile_lifecycle

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def test_the_readme_draws_the_quarterly_workflow() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    drawn = readme.split("<!-- lifecycle -->\n")[1].split("<!-- /lifecycle -->")[0]
    lifecycle = compile_lifecycle(load_definition(shelf.workflow_text("quarterly"), where="quarterly"))
    assert drawn == f"```mermaid\n{mermaid(lifecycle).strip()}\n```\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_rubric_in_the_how_to_is_complete() -> None:
    page = (ROOT / "docs" / "how-to" / "write-a-rubric.md").read_text(encoding="utf-8")
    text = page.split("<!-- rubric -->\n```toml\n")[1].split("```\n<!-- /rubric -->")[0]
    assert check(load_rubric(text, where="the how-to")) == ()
