"""The page of the reference is what the workflow says, no more and no less."""

from pathlib import Path

from workflow.cycle import CYCLE
from workflow.definition import Definition
from workflow.diagram import generate, mermaid, stages, table
from workflow.lifecycle import Lifecycle

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lifecycle.md"


def test_the_reference_is_up_to_date(definition: Definition) -> None:
    assert PAGE.read_text(encoding="utf-8") == generate(definition), "run `appraise workflow diagram` again"


def test_every_move_that_changes_the_stage_has_its_arrow(lifecycle: Lifecycle) -> None:
    for whole in (lifecycle, CYCLE):
        arrows = {
            line.strip().split(":")[0]: line.split(": ")[1].split(", ")
            for line in mermaid(whole).splitlines()
            if ": " in line
        }
        for move in whole.moves:
            arrow = f"{move.from_stage} --> {move.to_stage}"
            assert (move.action in arrows.get(arrow, [])) is (move.from_stage != move.to_stage)


def test_every_move_has_its_row(lifecycle: Lifecycle) -> None:
    rows = table(lifecycle).splitlines()
    assert len(rows) == len(lifecycle.moves) + 2
    assert "| `signoff` | `object` | appraisee | `appeal` | reason, lines | `window-open` | contest |  |" in rows
    assert len({row.count("|") for row in rows}) == 1


def test_the_diagram_speaks_chinese_too(lifecycle: Lifecycle) -> None:
    assert 'state "评分" as scoring' in mermaid(lifecycle, language="zh")
    assert "由...评分" in stages(lifecycle, language="zh")
    assert "5 working days from proven notice" in stages(lifecycle)
