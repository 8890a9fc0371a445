"""`appraise doctor` as people and health checks run it."""

from pathlib import Path

import pytest

from cli.app import run
from tests.cli.conftest import Terminal


def test_notes_stop_nothing(office: Terminal) -> None:
    seen = office.ok("doctor", at=None)
    assert "good          migration    The schema stands at " in seen.out
    assert "note          mail         No mail server is set: mails wait in the database.\n" in seen.out
    assert seen.out.endswith("Nothing is at fault.\n")
    assert seen.err == ""


def test_a_fault_ends_with_1_and_one_sentence(office: Terminal) -> None:
    (office.folder / "audit.key").chmod(0o644)
    seen = office("doctor", "--json", at=None)
    assert (seen.code, seen.err) == (1, "The doctor found one fault: audit keys.\n")
    (fault,) = [one for one in seen.json if one["state"] == "fault"]
    assert set(fault) == {"check", "looks_at", "state", "says", "mend"}
    assert "chmod 600" in fault["says"]


def test_wrong_settings_are_a_fault_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APPRAISE_WORKER_THREADS", "0")
    assert run(["--dir", str(tmp_path), "doctor"]) == 1
    printed = capsys.readouterr()
    assert "fault         settings     APPRAISE_WORKER_THREADS is '0'" in printed.out
    assert printed.err == "The doctor found one fault: settings.\n"


def test_it_changes_nothing(tmp_path: Path) -> None:
    assert run(["--dir", str(tmp_path / "nowhere"), "doctor"]) == 1
    assert not (tmp_path / "nowhere").exists()


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--help"]) == 0
    assert "Example: appraise --dir ./bank doctor" in capsys.readouterr().out
