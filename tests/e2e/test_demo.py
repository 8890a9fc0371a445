"""The demonstration plays to its end, says the same each time, and never touches what is not its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path

import httpx2
import pytest

from tests.cli.test_serving import ready, started

pytestmark = pytest.mark.whole
ROOT = Path(__file__).parents[2]


def demo(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_in(cwd, "demo", *arguments, **environment)


def run_in(cwd: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
    return subprocess.run(
        [sys.executable, "-c", "from cli.app import main; main()", *words],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"} | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    done = demo(cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder / "demo-data", done.stdout


@pytest.mark.parametrize(
    "shown",
    [
        "Opening on the rubric exactly as the source has it: refused",
        "registered circular 2026-07 of the superior bank once",
        "Linked by their assessor: F2",
        "replied to F1",
        "2026-02  missed",
        "A deduction of 6 under D1.1: refused",
        "for which this cycle has no rubric",
        "HR approving his own appraisal: refused. This is your own appraisal",
        "returned with a reason",
        "scorings upward: the director scores, the vice-president reviews",
        "the clock concluded the refusal",
        "To: p1012@bank.example   Subject: To do: 6 due today",
        "deadlines.ics, has 6 dates.",
        "changed F2 of 1016 from 7 to 5",
        "29 people were told their results by mail",
        "objects to F1 alone",
        "Subject: Due soon (2026-04-22): Sign-off, Peter Novak, 2026Q1",
        "HR extended 1 deadline of 1024 to 2026-04-28, with a reason that is kept",
        "Subject: New deadline 2026-04-28: Sign-off, Peter Novak, 2026Q1",
        "its SEQUENCE went from 0 to 1",
        "the clock accepted for him",
        "Subject: Your days to answer are over: your appraisal, 2026Q1",
        "Subject: 本周逾期：1项",
        "由Margaret Shaw (1002)办理，已逾期1个工作日",
        "lowered it from 8 to 5",
        "would not sign",
        "Signing one's own proposal: refused",
        "How the totals are spread",
        "Total: 96 of 100 points.",
        "98.75 points",
        "No fault.",
        "behind the program's back: it is not what event ledger:",
        "What to try next",
    ],
)
def test_it_shows(played: tuple[Path, str], shown: str) -> None:
    assert shown in played[1]


def test_it_leaves_mails_a_database_and_a_key_that_only_its_owner_reads(played: tuple[Path, str]) -> None:
    folder, _ = played
    assert len(list((folder / "mails").glob("*.eml"))) > 60
    assert (folder / "appraise.sqlite3").stat().st_size > 0
    assert (folder / "audit.key").stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_the_calendar_files_hold_the_dates_that_the_play_tells_of(played: tuple[Path, str]) -> None:
    folder, _ = played
    due, moved = (entries(folder / name) for name in ("deadlines.ics", "deadline-moved.ics"))
    assert [entry["DTSTART"] for entry in due] == ["20260413T100000Z"] * 6
    assert [(entry["DTSTART"], entry["SEQUENCE"]) for entry in moved] == [("20260428T100000Z", "1")]
    assert len({entry["UID"] for entry in (*due, *moved)}) == 7


def entries(file: Path) -> list[dict[str, str]]:
    """The entries of a calendar file, each line by its name."""
    lines = file.read_bytes().decode().replace("\r\n ", "").split("BEGIN:VEVENT")[1:]
    return [dict(line.split(":", 1) for line in entry.splitlines() if ":" in line) for entry in lines]


def test_who_said_nothing_and_who_was_given_time_can_be_looked_at_afterwards(played: tuple[Path, str]) -> None:
    folder, _ = played
    silent = run_in(folder.parent, "--dir", folder.name, "show", "2026Q1/1021", "--as", "1021").stdout
    assert "silence" in silent
    mails_of = ("mail", "list", "--state", "sent", "--person", "1012", "--as", "1007")
    assert "digest" in run_in(folder.parent, "--dir", folder.name, *mails_of).stdout


def test_an_existing_folder_is_refused_and_not_touched(played: tuple[Path, str]) -> None:
    folder, _ = played
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    again = demo(cwd=folder.parent)
    assert again.returncode == 3
    assert "exists already; add --fresh" in again.stderr
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before


def test_fresh_does_not_remove_a_folder_of_somebody_else(tmp_path: Path) -> None:
    mine = tmp_path / "demo-data"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    refused = demo("--fresh", cwd=tmp_path)
    assert refused.returncode == 3
    assert (mine / "thesis.txt").read_text() == "years of work"


def mails(folder: Path) -> list[tuple[str, str, str]]:
    """What every mail's reader saw first: to whom, when, about what."""
    parser = BytesParser(policy=policy.default)
    read = [parser.parsebytes(file.read_bytes()) for file in (folder / "mails").glob("*.eml")]
    return sorted((str(mail["To"]), str(mail["Date"]), str(mail["Subject"])) for mail in read)


def test_a_second_play_says_the_same_and_sends_the_same_mails(played: tuple[Path, str], tmp_path: Path) -> None:
    folder, said = played
    again = demo(cwd=tmp_path)
    assert again.stdout == said
    assert mails(tmp_path / "demo-data") == mails(folder)


def test_what_to_try_next_can_be_typed_as_it_stands_and_works(played: tuple[Path, str], tmp_path: Path) -> None:
    spaced = demo("--dir", "a quarter", cwd=tmp_path)
    assert spaced.stdout.count("python3 run.py --dir 'a quarter' ") == 10
    folder, said = played
    lines = [shlex.split(line) for line in said.splitlines() if line.startswith("  python3 run.py --dir")]
    assert len(lines) == 10
    for _, _, *words in lines:
        assert run_in(folder.parent, *words).returncode == 0, words


def test_json_is_the_final_table_and_nothing_else(tmp_path: Path) -> None:
    first = demo("--json", "--dir", "a second one", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    rows = json.loads(first.stdout)
    assert all(set(row) == {"number", "post", "stage", "total", "grade"} for row in rows)
    by_person = {(row["number"], row["post"]): row for row in rows}
    assert by_person["1005", "deputy-security"]["total"] == "96"
    assert by_person["1015", "escort"]["total"] == "95"
    assert by_person["1029", "clerical"]["stage"] == "not-rated"
    assert {row["stage"] for row in rows} == {"closed", "not-rated", "left-out"}


def test_without_a_worker_it_stops_at_the_first_job_with_one_sentence(tmp_path: Path) -> None:
    stopped = demo(cwd=tmp_path, APPRAISE_WORKER="off")
    assert stopped.returncode == 6
    assert len(stopped.stderr.strip().splitlines()) == 1
    assert "APPRAISE_WORKER is off" in stopped.stderr
    assert "Traceback" not in stopped.stdout


def test_it_serves_the_pages_with_a_link_for_each_of_seven_and_ends_well(tmp_path: Path) -> None:
    words = ("demo", "--serve", "--port", "0", "--dir", "open")
    with started(*words, folder=tmp_path) as process:
        lines = ready(process, "Stop it with Ctrl-C")
        links = re.findall(r"(http://127\.0\.0\.1:\d+)(/demo/\d{4})", "".join(lines))
        assert len(links) == 7
        for address, path in links:
            with httpx2.Client(base_url=address, follow_redirects=True) as client:
                key = re.search(r'name="key" value="([^"]+)"', client.get(path).text)
                assert key is not None
                headers = {"origin": address, "sec-fetch-site": "same-origin"}
                page = client.post(path, data={"key": key[1]}, headers=headers)
            assert f"({path[-4:]})" in page.text, path
        process.send_signal(signal.SIGINT)
        said, log = process.communicate(timeout=60)
    assert said == "Stopped; everything stays in the folder.\n"
    assert process.returncode == 0, log


def test_json_and_serving_exclude_each_other(tmp_path: Path) -> None:
    done = demo("--serve", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert "choose one of them" in done.stderr
    assert not (tmp_path / "demo-data").exists()
