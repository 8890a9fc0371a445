"""`appraise workflow`: proofs, the schema, publishing, the list and the drawings."""

import json
from pathlib import Path

import jsonschema
import pytest

from catalog.shelf import workflow_text
from cli.app import run
from cli.workflows import group
from tests.cli.conftest import Terminal

QUARTERLY = workflow_text("quarterly")
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "lifecycle.md"


def changed(folder: Path, old: str, new: str) -> str:
    """Write the quarterly workflow with one change and return the file's name."""
    assert QUARTERLY.count(old) == 1
    file = folder / "changed.toml"
    file.write_text(QUARTERLY.replace(old, new), encoding="utf-8")
    return str(file)


def self_approving(folder: Path) -> str:
    """Write a workflow in which the person appraised may approve."""
    head, action, rest = QUARTERLY.partition('action = "approve"')
    rest = rest.replace('who = "reviewer"', 'who = "appraisee"', 1)
    file = folder / "own.toml"
    file.write_text(head + action + rest, encoding="utf-8")
    return str(file)


def test_every_proof_holds_for_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workflow", "check", "quarterly"]) == 0
    assert capsys.readouterr().out == "quarterly.toml: every proof holds for its 6 stages and 27 moves.\n"


def test_a_fault_ends_with_1_and_the_shortest_way_that_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["workflow", "check", self_approving(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "unreviewed-end: An appraisal could end as rated without a review" in printed.out
    assert "Shown by: draft" in printed.out
    assert "cannot be published; mend what is listed." in printed.err
    assert run(["workflow", "check", self_approving(tmp_path), "--json"]) == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    shown = next(fault for fault in faults if fault["code"] == "unreviewed-end")
    assert shown["path"][0].startswith("draft")
    assert len(shown["path"]) == 4


def test_an_unknown_key_ends_with_2_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workflow", "check", changed(tmp_path, "[roles]", "[rolls]")]) == 2
    assert "rolls" in capsys.readouterr().err


def test_the_schema_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workflow", "schema"]) == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_the_page_of_the_reference_is_what_the_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workflow", "diagram", "quarterly", "--form", "page"]) == 0
    assert capsys.readouterr().out == REFERENCE.read_text(encoding="utf-8")


def test_the_drawing_speaks_the_language_of_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["workflow", "diagram", "quarterly"]) == 0
    assert 'state "Sign-off" as signoff' in capsys.readouterr().out
    monkeypatch.setenv("APPRAISE_LANGUAGE", "zh")
    assert run(["workflow", "diagram", "quarterly"]) == 0
    assert 'state "Sign-off" as signoff' not in capsys.readouterr().out
    assert run(["workflow", "diagram", "quarterly", "--form", "table"]) == 0
    assert "| `draft` | `state` | appraisee | `scoring` |" in capsys.readouterr().out


def test_a_changed_workflow_is_the_next_version_and_a_faulty_one_is_refused(office: Terminal, tmp_path: Path) -> None:
    again = office.ok("workflow", "publish", "quarterly", "--as", "1007", "--json").json
    assert (again["version"], again["new"]) == (1, False)
    renamed = changed(tmp_path, "returns = 3", "returns = 2")
    said = office.ok("workflow", "publish", renamed, "--as", "1007").out
    assert said.startswith("The workflow quarterly is published as version 2; its check number begins with ")
    listed = office.ok("workflow", "list", "--json").json
    assert [row["version"] for row in listed["published"]] == [1, 2]
    refused = office("workflow", "publish", self_approving(tmp_path), "--as", "1007")
    assert refused.code == 3
    assert "Shown by: draft" in refused.err


@pytest.mark.parametrize(
    "command", [None, *(each.name or each.callback.__name__ for each in group.registered_commands)]
)
def test_every_command_shows_an_example(capsys: pytest.CaptureFixture[str], command: str | None) -> None:
    assert run(["workflow", *([command] if command else []), "--help"]) == 0
    assert "Example: appraise workflow" in capsys.readouterr().out
