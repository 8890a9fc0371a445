"""The tutorial is followed as it stands, line by line."""

import re
import shlex
from pathlib import Path

import pytest

from cli.app import run

pytestmark = pytest.mark.whole
PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


def commands() -> list[tuple[list[str], int]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [(shlex.split(line, comments=True)[2:], 3 if line.endswith("# refused") else 0) for line in lines]


def test_every_command_of_the_tutorial_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    followed = commands()
    assert len(followed) > 30
    for arguments, expected in followed:
        code = run(arguments)
        printed = capsys.readouterr()
        assert code == expected, f"{' '.join(arguments)}\n{printed.out}\n{printed.err}"
        if expected:
            assert len(printed.err.strip().splitlines()) >= 1, arguments
    assert (tmp_path / "results.csv").exists()
