"""PostgreSQL's own programs for backups: found on PATH or in the usual folders, run without a password to be seen."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from services.errors import Environment

FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "opt/homebrew/opt/libpq/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
NAMES = ("pg_dump", "pg_restore", "psql")
_PER_MAJOR = 10_000
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one installation, all of one version."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """Return where one of them lies."""
        return str(self.folder / name)


def find_programs(server_version: int) -> Programs:
    """Return programs that fit a server (its version as PostgreSQL counts, 150018): of its major version or the next.

    Raises:
        Environment: there are none, or only older ones, which cannot read that server.
    """
    server = server_version // _PER_MAJOR
    found = [Programs(folder, major) for folder in _folders() if (major := _major(folder)) is not None]
    fitting = [programs for programs in found if programs.major >= server]
    if fitting:
        return min(fitting, key=lambda programs: programs.major)
    if found:
        newest = max(programs.major for programs in found)
        raise Environment(
            f"pg_dump and pg_restore are of PostgreSQL {newest} and the server is {server}; install the client "
            f"programs of version {server}.",
            "old-programs",
        )
    raise Environment(
        f"pg_dump, pg_restore and psql are not on PATH; install the client programs of PostgreSQL {server}.",
        "no-programs",
    )


@contextmanager
def address_for_programs(url: str) -> Iterator[str]:
    """Give a database address as libpq reads it; the password is in a file that only we can read, while it is needed.

    On a command line everybody on the machine could read it.
    """
    parsed = make_url(url)
    words: dict[str, str] = {key: value for key, value in parsed.query.items() if isinstance(value, str)}
    given = {"host": parsed.host, "port": parsed.port, "user": parsed.username, "dbname": parsed.database}
    words.update({key: str(value) for key, value in given.items() if value is not None})
    with TemporaryDirectory(prefix="appraise-") as folder:
        if parsed.password is not None:
            file = Path(folder) / "password"
            file.touch(0o600)
            escaped = str(parsed.password).replace("\\", "\\\\").replace(":", "\\:")
            file.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
            words["passfile"] = str(file)
        yield make_conninfo(**words)


def run_program(programs: Programs, name: str, arguments: Sequence[str]) -> None:
    """Run a program to its end.

    Raises:
        Environment: it failed; what it said last is repeated.
    """
    with subprocess.Popen(  # noqa: S603 - our own arguments, no shell
        [programs.path(name), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        _, said = process.communicate()
    if process.returncode != 0:
        raise failed(name, said)


def failed(name: str, said: bytes) -> Environment:
    """Return the error that says what a program complained about first."""
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    wrong = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "it said nothing")
    return Environment(f"{name} failed: {wrong.strip().rstrip('.')}.", "program-failed")


def _folders() -> Iterator[Path]:
    yield from map(Path, os.get_exec_path())
    for pattern in FOLDERS:
        yield from sorted(Path("/").glob(pattern))


def _major(folder: Path) -> int | None:
    if not all((folder / name).exists() for name in NAMES):
        return None
    try:
        said = subprocess.run(  # noqa: S603 - as above
            [str(folder / NAMES[0]), "--version"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    match = _VERSION.search(said.stdout)
    return None if match is None else int(match[1])
