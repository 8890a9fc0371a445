"""The stage of the demonstration on servers: PostgreSQL, Redis, two worker processes and a beat, in their own roles."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from cli.theatre import Theatre
from config.settings import Settings, variable
from config.wiring import Wiring
from services import naming, practice_clock
from tasks.unfinished import unfinished
from tests.servers import postgresql
from tests.servers.redis_server import Server
from tests.waiting import until

APPRAISE = Path(sys.executable).with_name("appraise")
SECONDS = 120.0
SHOWN = (
    "data_dir",
    "database_url",
    "broker_url",
    "smtp_host",
    "smtp_port",
    "smtp_tls",
    "sweep_seconds",
    "log_level",
    "lease_seconds",
)
"""The settings that the processes of the server mode are given, each as its variable."""


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a process these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
    return kept | {variable(name): str(getattr(settings, name)) for name in SHOWN}


class ServerTheatre(Theatre):
    """The same play; the work is done by processes that know nothing of this one but what lies in the database."""

    def __init__(
        self, folder: Path, console: Console, opening_night: dt.datetime, zone: str, *, database: str, broker: Server
    ) -> None:
        super().__init__(folder, console, opening_night, zone)
        self.settings = self.settings.model_copy(
            update={
                "database_owner_url": database,
                "database_url": postgresql.as_application(database),
                "broker_url": broker.url,
                "sweep_seconds": 0.2,
                "log_level": "warning",
            }
        )
        self.roles: tuple[str, ...] = ("worker", "worker", "beat")
        self.processes: list[subprocess.Popen[str]] = []
        self._log = (folder / "processes.log").open("w", encoding="utf-8")

    @property
    def wiring(self) -> Wiring:
        """The database, the clock and the settings of the play, for pages of it."""
        assert self._wiring is not None
        return self._wiring

    def begin_work(self, wiring: Wiring) -> None:
        """Wait with the workers until there is an organisation whose clock they can go by."""
        wiring.bell.connect(None)

    def end_work(self) -> None:
        """Ask every process to stop, and wait for it."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(SECONDS) for process in self.processes]
        self._log.close()
        assert not any(codes), (codes, self.log)

    @property
    def log(self) -> str:
        """What the processes said."""
        return (self.folder / "processes.log").read_text(encoding="utf-8")

    def day(self, day: dt.date, hour: int = 9, minute: int = 0) -> None:
        """Go to a moment, and let the processes go there."""
        super().day(day, hour, minute)
        with self.uow.read() as tx:
            if tx.first(naming.ANY_ORGANISATION) is None:
                return
        practice_clock.set_clock(self.uow, now=self.now, at=self.now)
        if not self.processes:
            self.processes = [self.start(role) for role in self.roles]

    def start(self, role: str) -> "subprocess.Popen[str]":
        """Start a process of the server mode."""
        return subprocess.Popen(
            [str(APPRAISE), role],
            cwd=self.folder,
            env=environment(self.settings),
            stdout=self._log,
            stderr=self._log,
            text=True,
        )

    def work_off(self) -> None:
        """Wait until the processes have done all that is owed."""
        if not self.processes:
            return
        try:
            until(lambda: not unfinished(self.wiring, resting=True))
        except AssertionError as error:
            raise AssertionError((unfinished(self.wiring, resting=True), self.log)) from error
