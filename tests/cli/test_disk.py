"""What a command says when the disk is full or may not be written: one sentence, and nothing is half-written."""

import os
import stat
import subprocess
import sys

import pytest

from tests.cli.conftest import Terminal

pytestmark = pytest.mark.faults
FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
from cli.app import run
sys.exit(run(sys.argv[1:]))
"""
"""Runs a command in a process whose files cannot grow, as on a full disk."""

UNPRIVILEGED = """
import ctypes, os, sys
if os.geteuid() == 0:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise SystemExit("root keeps its capabilities here")
from cli.app import run
sys.exit(run(sys.argv[1:]))
"""
"""Runs a command in a process to which file permissions apply, also where the tests run as root."""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (FULL, "The disk of the database is full; nothing was written. Make room and try again.\n"),
        (UNPRIVILEGED, "The database is read-only for this user; nothing was written.\n"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_cannot_be_written_is_told_in_a_sentence(office: Terminal, script: str, said: str) -> None:
    office.ok("cycle", "list")
    if script is UNPRIVILEGED:
        for file in office.folder.iterdir():
            file.chmod(stat.S_IRUSR)
        office.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    planned = ("cycle", "new", "2026Q1", "--rubric", "bank-office-completed", "--as", "1007")
    path = os.pathsep.join(each for each in sys.path if each)
    ran = subprocess.run(
        [sys.executable, "-c", script, "--dir", str(office.folder), *planned],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    office.folder.chmod(stat.S_IRWXU)
    for file in office.folder.iterdir():
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert (ran.returncode, ran.stdout, ran.stderr) == (6, "", said)
    assert office.ok("cycle", "list", "--json").json == []
