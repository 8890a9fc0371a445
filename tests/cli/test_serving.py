"""`appraise up` and `appraise mail-sink` as processes of their own, and the service of docker-compose.yml."""

import datetime as dt
import os
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from ruamel.yaml import YAML

from cli.app import run
from config.audit_keys import read_audit_keys
from config.mail_sink import Folder, MailSink, free_port
from models.database import open_database, schema_version
from models.migrate import downgrade
from services.practice_clock import set_clock
from services.reminders import planned_until
from services.unit_of_work import UnitOfWork
from tests.cli.conftest import OPENED_AT, Terminal
from tests.waiting import until

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
APPRAISE = Path(sys.executable).with_name("appraise")
SECONDS = 60


@contextmanager
def started(*words: str, folder: Path, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """Start `appraise` with our environment and these variables; whatever happens, it is ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
    process = subprocess.Popen(
        [str(APPRAISE), *words], cwd=folder, env={**kept, **variables}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(process: "subprocess.Popen[str]", words: str) -> list[str]:
    """Read what a process prints up to the line with these words."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if words in line:
            return lines
    _, said = process.communicate(timeout=SECONDS)
    raise AssertionError(f"It ended with {process.returncode}, never said {words!r}, but {lines}, {said}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_makes_the_database_says_that_it_is_up_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "data"
    with started("--dir", str(folder), "up", "--port", "0", folder=tmp_path) as process:
        lines = ready(process, "Appraise is up:")
        process.send_signal(number)
        said, log = process.communicate(timeout=SECONDS)
    assert lines[0].startswith(f"There was no database: {folder / 'appraise.sqlite3'} is made and stands at ")
    assert "worker threads (2), clock and sweep run. No mail server is set, so mails wait." in lines[-1]
    assert "The pages are at http://127.0.0.1:" in lines[-1]
    assert said == "Stopped; what is still owed stays in the database.\n"
    assert process.returncode == 0, log


def test_up_ends_with_6_when_a_newer_program_upgrades_the_database_beneath_it(tmp_path: Path) -> None:
    with started(
        "--dir", str(tmp_path / "data"), "up", "--port", "0", folder=tmp_path, APPRAISE_SWEEP_SECONDS="0.1"
    ) as process:
        ready(process, "Appraise is up:")
        engine = open_database(f"sqlite:///{tmp_path / 'data' / 'appraise.sqlite3'}")
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        engine.dispose()
        said, log = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (6, ""), log
    sentence = "The database was upgraded to 9999 by a newer version of Appraise, which this one does not know;"
    assert log.splitlines()[-1].startswith(sentence)
    assert "Traceback" not in log
    # Once from the first job that met it, and once at the end.
    assert log.count(sentence) == 2


def children(parent: int) -> list[int]:
    said = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, ppid in map(str.split, said.splitlines()) if int(ppid) == parent]


def statuses(address: str, count: int) -> list[int]:
    """Ask for the health so often, each time over a connection of its own."""
    return [httpx2.get(f"{address}/health", trust_env=False, timeout=SECONDS).status_code for _ in range(count)]


def test_several_processes_serve_the_pages_at_one_address_and_end_together(quarter: Terminal, tmp_path: Path) -> None:
    words = ("--dir", str(quarter.folder), "web", "--port", "0", "--workers", "2")
    with started(*words, folder=tmp_path) as process:
        address = ready(process, "The pages are up at ")[-1].split()[5].rstrip(".")
        both = children(process.pid)
        assert len(both) == 2
        assert statuses(address, 20) == [200] * 20
        process.send_signal(signal.SIGTERM)
        said, log = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (0, "Stopped.\n"), log
    until(lambda: not any(alive(pid) for pid in both))


def test_when_one_of_them_ends_all_end_and_none_outlives_who_started_it(quarter: Terminal, tmp_path: Path) -> None:
    words = ("--dir", str(quarter.folder), "web", "--port", "0", "--workers", "2")
    with started(*words, folder=tmp_path) as process:
        ready(process, "The pages are up at ")
        both = children(process.pid)
        os.kill(both[0], signal.SIGKILL)
        said, log = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (6, ""), log
    assert "The pages ended by themselves" in log
    until(lambda: not any(alive(pid) for pid in both))
    with started(*words, folder=tmp_path) as process:
        ready(process, "The pages are up at ")
        both = children(process.pid)
        process.kill()
        until(lambda: not any(alive(pid) for pid in both))


def test_one_that_cannot_start_is_one_sentence(tmp_path: Path) -> None:
    words = ("--dir", str(tmp_path / "nothing"), "web", "--port", "0", "--workers", "2")
    with started(*words, folder=tmp_path) as process:
        said, log = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (6, "")
    assert "There is no database" in log
    assert log.splitlines()[-1] == "The pages did not start; the line above says why."
    assert "Traceback" not in log


def alive(pid: int) -> bool:
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.startswith("Z")


class Telling(Folder):
    """A folder of mails that tells when the first has come."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.came = threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        answer = await super().handle_DATA(server, session, envelope)
        self.came.set()
        return answer


def test_up_finds_what_is_owed_and_mails_it(quarter: Terminal, tmp_path: Path) -> None:
    mails = Telling(tmp_path / "mails")
    with MailSink(tmp_path / "mails", handler=mails) as sink:
        server = {
            "APPRAISE_SMTP_HOST": "127.0.0.1", "APPRAISE_SMTP_PORT": str(sink.port), "APPRAISE_SMTP_TLS": "none",
        }  # fmt: skip
        words = ("--dir", str(quarter.folder), "--at", OPENED_AT, "up", "--port", "0")
        with started(*words, folder=tmp_path, **server) as process:
            assert "The clock stands at 2026-01-05 04:00 UTC." in ready(process, "Appraise is up:")[-1]
            assert mails.came.wait(SECONDS)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=SECONDS)
    assert process.returncode == 0


def test_up_goes_by_the_clock_of_practice_data_also_when_another_command_sets_it(
    quarter: Terminal, tmp_path: Path
) -> None:
    engine = open_database(f"sqlite:///{quarter.folder / 'appraise.sqlite3'}")
    uow = UnitOfWork(engine, read_audit_keys(quarter.folder / "audit.key"))

    def planned() -> dt.datetime | None:
        with uow.read() as tx:
            return planned_until(tx)

    try:
        mornings = [dt.datetime(2026, 4, day, 1, tzinfo=dt.UTC) for day in (1, 2, 3)]
        set_clock(uow, now=mornings[0], at=mornings[0])
        words = ("--dir", str(quarter.folder), "up", "--port", "0")
        with started(*words, folder=tmp_path, APPRAISE_SWEEP_SECONDS="0.1") as process:
            assert "The clock stands at 2026-04-01 01:00 UTC." in ready(process, "Appraise is up:")[-1]
            for moment in mornings:
                set_clock(uow, now=moment, at=moment)
                until(lambda moment=moment: planned() == moment)
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("APPRAISE_WORKER", "off", "APPRAISE_WORKER is off, so there is nothing for `appraise up` to run"),
        ("APPRAISE_BROKER_URL", "redis://127.0.0.1", "`appraise up` is the embedded mode and needs no broker"),
    ],
)
def test_up_says_in_one_sentence_what_keeps_it_from_running(  # noqa: PLR0917 - three of them are the case
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert run(["--dir", str(tmp_path / "data"), "up", "--port", "0"]) == 6
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_up_leaves_a_database_of_an_older_version_alone(nothing: Terminal, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{nothing.folder / 'appraise.sqlite3'}")
    downgrade(engine, "0004")
    with started("--dir", str(nothing.folder), "up", "--port", "0", folder=tmp_path) as process:
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 6
    assert "run `appraise db upgrade`" in said
    assert schema_version(engine) == "0004"
    engine.dispose()


def test_the_mail_sink_keeps_a_mail_and_ends_well(tmp_path: Path) -> None:
    port = free_port()
    with started("mail-sink", "--port", str(port), "--to", "mails", folder=tmp_path) as process:
        ready(process, f"The mail sink listens on 127.0.0.1:{port}")
        with smtplib.SMTP("127.0.0.1", port, timeout=SECONDS) as smtp:
            smtp.sendmail("a@bank.example", ["b@bank.example"], b"Subject: Your turn\r\n\r\nPlease.\r\n")
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (0, "Stopped.\n")
    (kept,) = (tmp_path / "mails").glob("*.eml")
    assert b"X-Envelope-To: b@bank.example" in kept.read_bytes()
    assert b"Subject: Your turn" in kept.read_bytes()


def test_a_port_that_is_taken_ends_with_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MailSink(tmp_path / "first") as sink:
        assert run(["mail-sink", "--port", str(sink.port), "--to", str(tmp_path / "second")]) == 6
    assert f"The mail sink cannot start on 127.0.0.1:{sink.port}" in capsys.readouterr().err


def test_the_embedded_service_of_the_container_starts_on_empty_volumes_and_is_healthy(tmp_path: Path) -> None:
    service = COMPOSE["services"]["appraise"]
    volumes = {volume.partition(":")[2]: tmp_path / volume.partition(":")[0] for volume in service["volumes"]}
    for folder in volumes.values():
        folder.mkdir()
    variables = {key: within(str(value), volumes) for key, value in service["environment"].items() if value is not None}
    program, *words = service["command"]
    assert program == APPRAISE.name
    with started(*words, "--port", "0", folder=volumes["/data"], **variables) as process:
        ready(process, "Appraise is up:")
        healthy = examined(service["healthcheck"]["test"], volumes["/data"], variables)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {"audit.key"}
    assert "audit.key" not in {path.name for path in (tmp_path / "data").iterdir()}


def within(value: str, volumes: Mapping[str, Path]) -> str:
    """Return a path of the container as one of this machine."""
    for mounted, folder in volumes.items():
        if value == mounted or value.startswith(f"{mounted}/"):
            return str(folder) + value.removeprefix(mounted)
    return value


def examined(check: list[str], folder: Path, variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a health check as the container would."""
    kind, program, *words = check
    assert (kind, program) == ("CMD", APPRAISE.name)
    with started(*words, folder=folder, **variables) as process:
        said, wrong = process.communicate(timeout=SECONDS)
    return subprocess.CompletedProcess(words, process.returncode, said, wrong)
