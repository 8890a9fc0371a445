"""What nobody types by chance ends in one sentence, stores nothing, and steers nobody's screen."""

import pytest

from cli.output import visible
from tests.cli.conftest import Terminal
from tests.services.builders import CLERK, ESCORT, OFFICER, PERSONNEL, SECURITY

FINDING = ("finding", "add", ESCORT, "E3.1", "--on", "2026-01-05", "--amount", "5", "--as", SECURITY)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "2026Q1/\udcff", "--as", OFFICER), 2, "a character that no text has"),
        (("duty", "void", "9" * 30, "--reason", "x", "--as", OFFICER), 2, "a number too large"),
        (("duty", "list", SECURITY, "--on", "9999-12-31", "--as", SECURITY), 0, ""),
        ((*FINDING, "--reason", "x" * 20_001), 2, "has 20001 characters, at most 20000 are kept"),
        ((*FINDING, "--reason", "\udcff"), 2, "a character that no text has"),
        ((*FINDING, "--reason", "x", "--incident", "i" * 101), 2, "at most 100 characters"),
        ((*FINDING, "--reason", "x", "--incident", "a\x1b[2J"), 2, "all of them to be seen"),
    ],
)
def test_it_is_refused_with_a_sentence(quarter: Terminal, words: tuple[str, ...], code: int, said: str) -> None:
    ran = quarter(*words)
    assert (ran.code, "unexpected" in ran.err) == (code, False), ran
    assert said in ran.err
    assert "no findings" in quarter.ok("finding", "list", ESCORT, "--as", SECURITY).out


def test_words_of_another_steer_nobodys_screen(quarter: Terminal) -> None:
    """Whoever reads a comment or a title would else see what its writer wants him to see."""
    quarter.ok("act", f"2026Q1/{CLERK}", "state", "--comment", "\x1b[2J\x1b]0;x\x07done \u202eevil", "--as", CLERK)
    shown = quarter.ok("show", f"2026Q1/{CLERK}", "--as", PERSONNEL).out
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "done \N{REPLACEMENT CHARACTER}evil" in shown
    refused = quarter("show", "2026Q1/\x1b[2J", "--as", CLERK)
    assert "\x1b" not in refused.err


def test_line_breaks_tabs_and_every_script_stay() -> None:
    assert visible("第一行\n\tsecond é") == "第一行\n\tsecond é"
    assert visible("a\r\x00\x9bb") == "a" + "\N{REPLACEMENT CHARACTER}" * 3 + "b"
