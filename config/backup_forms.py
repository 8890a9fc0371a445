"""How a database becomes one file and a file a database again: SQLite's backup API, pg_dump and pg_restore (G10)."""

import datetime as dt
import os
import secrets
import shutil
import sqlite3
import subprocess
import urllib.parse
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryFile

from config.postgresql_programs import Programs, address_for_programs, failed, run_program
from models.database import BUSY_TIMEOUT_MS
from services.errors import Environment, Malformed

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_MAGIC = {b"SQLite format 3\0": SQLITE, b"PGDMP": POSTGRESQL}
# Triggers find their tables by the search path, which the archive empties.
_END = b"""
SET LOCAL search_path = :"schema";
UPDATE instance SET sending_paused = true;
INSERT INTO instance (code, sending_paused, created_at)
  SELECT :'copy', true, :'moment' WHERE NOT EXISTS (SELECT 1 FROM instance);
COMMIT;
ANALYZE;
"""
_PAGES = 256
_PATIENCE = 5
"""How often writers may make the copy begin again before they wait for it once."""


class _BegunAgain(Exception):  # noqa: N818 - it says what happened
    """Others wrote so often that the copy began again once more."""


def form_of(file: Path) -> str:
    """Return of which database a file is a backup, by what it begins with: `sqlite` or `postgresql`.

    Raises:
        Malformed: it is neither.
        Environment: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        raise Environment(f"The backup {file} cannot be read ({error.strerror or error}).", "unreadable") from error
    for magic, form in _MAGIC.items():
        if head.startswith(magic):
            return form
    raise Malformed(f"{file} is no backup that `appraise db backup` wrote; name such a file.", "no-backup")


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy an embedded database page by page, as of one moment, while others write to it.

    Between some pages and the next others may write, and then the copy begins again; when that has happened a few
    times they wait, as for any other transaction, while it is made in one go.

    Raises:
        Environment: it cannot be read, or the copy cannot be written.
    """
    address = f"file:{urllib.parse.quote(str(source))}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            try:
                live.backup(copy, pages=_PAGES, progress=_Progress(), sleep=0.001)
            except _BegunAgain:
                live.backup(copy, pages=-1, sleep=0.01)
    except sqlite3.Error as error:
        raise Environment(f"{source} cannot be copied to {target.parent}: {error}.", "not-copied") from error


class _Progress:
    """Sees from the pages that remain how often the copy began again."""

    def __init__(self) -> None:
        self._remaining: int | None = None
        self._again = 0

    def __call__(self, _status: int, remaining: int, _total: int) -> None:
        if self._remaining is not None and remaining > self._remaining:
            self._again += 1
            if self._again >= _PATIENCE:
                raise _BegunAgain
        self._remaining = remaining


def dump_postgresql(programs: Programs, url: str, target: Path, snapshot: str) -> None:
    """Write an archive of a database as of an exported snapshot, and read it through once.

    Raises:
        Environment: pg_dump or pg_restore failed.
    """
    with address_for_programs(url) as address:
        words = ("--format=custom", "--no-password", "--lock-wait-timeout=60s", f"--snapshot={snapshot}")
        run_program(programs, "pg_dump", (*words, f"--file={target}", f"--dbname={address}"))
    run_program(programs, "pg_restore", (f"--file={os.devnull}", str(target)))


def restore_postgresql(programs: Programs, url: str, source: Path, *, schema: str, now: dt.datetime) -> None:
    """Fill an empty database from an archive and pause its sending, in one transaction: whole or not at all.

    Owners and rights are those of the role that restores, for the roles of another server need not be here.

    Raises:
        Environment: pg_restore or psql failed; the database is as empty as before.
    """
    with (
        address_for_programs(url) as address,
        TemporaryFile() as said_reading,
        TemporaryFile() as said_writing,
        subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            [programs.path("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(source)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said_reading,
        ) as reading,
        subprocess.Popen(  # noqa: S603 - as above
            [
                programs.path("psql"),
                *("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", f"--dbname={address}"),
                *(f"--set=schema={schema}", f"--set=copy={secrets.token_hex(8)}", f"--set=moment={now.isoformat()}"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said_writing,
        ) as writing,
    ):
        if reading.stdout is None or writing.stdin is None:
            raise Environment("pg_restore and psql could not be connected.", "program-failed")
        try:
            writing.stdin.write(b"BEGIN;\n")
            shutil.copyfileobj(reading.stdout, writing.stdin)
            # Without this end, as when the archive is cut off, nothing of it stays.
            if reading.wait() == 0:
                writing.stdin.write(_END)
            writing.stdin.close()
        except BrokenPipeError:
            # psql gave up and says why below; what was not sent yet cannot be any more.
            with suppress(BrokenPipeError):
                writing.stdin.close()
            reading.kill()
        writing.wait()
        for name, said, code in (
            ("psql", said_writing, writing.returncode),
            ("pg_restore", said_reading, reading.wait()),
        ):
            if code != 0:
                said.seek(0)
                raise failed(name, said.read())
