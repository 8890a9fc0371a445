"""The frame: the table of commands, help, usage, and the one way out of every error."""

import subprocess
import sys

import pytest

from cli.app import run
from cli.commands import TABLE, load


def test_help_lists_every_command_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert [name for name in TABLE if f"\n  {name} " not in printed] == []


@pytest.mark.parametrize("name", list(TABLE))
def test_each_command_gives_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = load(name)
    lines = [[name, each] for each in command.commands] if TABLE[name].group else [[name]]
    for line in lines:
        assert run([*line, "--help"]) == 0
        assert "Example" in capsys.readouterr().out, line


IN_A_FORM_OF_ITS_OWN = {
    ("up", "up"),
    ("web", "web"),
    ("worker", "worker"),
    ("beat", "beat"),
    ("mail-sink", "mail-sink"),
    ("org", "template"),
    ("rubric", "schema"),
    ("workflow", "schema"),
    ("workflow", "diagram"),
}
"""What runs until it is stopped, writes a spreadsheet, or prints a JSON Schema or a Mermaid diagram."""


@pytest.mark.parametrize("name", list(TABLE))
def test_each_command_that_prints_something_prints_json_when_asked(name: str) -> None:
    command = load(name)
    commands = command.commands if TABLE[name].group else {name: command}
    without = {(name, one) for one, each in commands.items() if not any("--json" in each.opts for each in each.params)}
    assert without == {pair for pair in IN_A_FORM_OF_ITS_OWN if pair[0] == name}


def test_help_and_version_import_no_database() -> None:
    looked = "import sys; from cli.app import run; run(sys.argv[1:]); print('sqlalchemy' in sys.modules)"
    for words in ("--help", "version"):
        done = subprocess.run([sys.executable, "-c", looked, words], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("False\n")


def test_a_misspelt_command_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cycel"]) == 2
    assert capsys.readouterr().err == "No such command 'cycel'. Did you mean 'cycle'? See 'appraise --help'.\n"


def test_an_unknown_option_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "--loud"]) == 2
    assert capsys.readouterr().err == "No such option: --loud. See 'appraise version --help'.\n"
