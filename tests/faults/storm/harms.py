"""What is done to the processes, servers and the mail server of a storm, in an order that a seed chooses."""

import contextlib
import datetime as dt
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.mail_sink import free_port
from tests.faults import killer
from tests.faults.storm import sink
from tests.servers import postgresql, redis_server
from tests.waiting import until

PATIENCE = 2.5
"""Seconds after which a harm that waits for a mail comes without one."""
MANNERS = tuple(manner for manner in sink.MANNERS if manner != sink.GOOD)
EMBEDDED = {"kill process": 6, "stall process": 1, "kill sink": 1, "sink": 5, "copy database": 1, "full disk": 2}
SERVER = {
    "Redis absent": 0,
    "kill worker": 6,
    "kill all": 1,
    "kill beat": 1,
    "stall worker": 1,
    "kill sink": 1,
    "sink": 4,
    "flush Redis": 2,
    "kill Redis": 2,
    "Redis away": 1,
    "Redis full": 1,
    "restart PostgreSQL": 2,
    "crash PostgreSQL": 2,
}
"""Each harm with how often it comes, beside the others."""
FIRST = frozenset({"Redis absent", "kill process", "kill worker"})
"""With which every storm begins, in the order of the kinds."""
KILLS = ("kill", "crash", "restart")
"""How the names of those begin that end something."""


@dataclass(frozen=True, slots=True)
class Harm:
    """One harm: after how many seconds, or at which mail from then on, whichever comes first; `which` is a choice."""

    kind: str
    after: float
    mails: int
    which: int


def chosen(chance: random.Random, kinds: Mapping[str, int], *, first: bool) -> list[Harm]:
    """Return the harms of one step, in their order; `first` begins with those with which a storm begins."""
    found = []
    some = chance.choices(list(kinds), list(kinds.values()), k=chance.choice((1, 2, 2, 3)))
    for kind in [*(kind for kind in kinds if first and kind in FIRST), *some]:
        waits = chance.random() < 0.6  # the rest comes at a moment, not at a mail
        after = PATIENCE if waits else chance.uniform(0.05, 1.2)
        found.append(Harm(kind, after, chance.randint(1, 5), chance.randrange(1 << 16)))
    return found


@dataclass
class Fleet:
    """The processes of one mode with their mail server; what dies is started again, as whoever supervises them does."""

    folder: Path
    roles: Sequence[str]
    command: Callable[[str], Sequence[str | Path]]
    variables: Mapping[str, str]
    port: int = field(default_factory=free_port)
    server: postgresql.Server | None = None
    broker: redis_server.Server | None = None
    done: Counter[str] = field(default_factory=Counter)
    """What harm was done, and how often."""
    ended: int = 0
    """How many processes ended without having been killed."""
    harmed_at: dt.datetime = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    """When the last harm was over, by the clock of the machine."""
    lapse: Callable[[], None] = lambda: None
    """Lets the time pass that claims last and what was refused rests."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _running: dict[str, killer.Process] = field(default_factory=dict)

    @property
    def mails(self) -> Path:
        """Where the mail server keeps its record."""
        return self.folder / "mails"

    @contextmanager
    def sailing(self) -> Iterator[None]:
        """Start everything, and end it afterwards."""
        self.mails.mkdir()
        sink.behave(self.mails, sink.GOOD)
        with self._stack:
            self.mend()
            yield

    def mend(self) -> None:
        """Let everything stand again, and the mail server be good."""
        sink.behave(self.mails, sink.GOOD)
        for role in ("sink", *self.roles):
            process = self._running.get(role)
            if process is None or process.poll() is not None:
                self.ended += process is not None and process.returncode != -signal.SIGKILL
                self._start(role)

    def _start(self, role: str) -> None:
        home = self.folder / "processes" / role
        home.mkdir(parents=True, exist_ok=True)
        if role == "sink":
            words = sys.executable, "-m", "tests.faults.storm.sink", self.mails, str(self.port)
        else:
            words = tuple(self.command(role))
        self._running[role] = self._stack.enter_context(killer.started(words, home, self.variables))

    def _kill(self, role: str) -> None:
        killer.kill(self._running[role])

    def harm(self, harm: Harm, over: threading.Event) -> None:
        """Wait for its moment, then do one harm; a killed process is started again at once."""
        before, end = sink.count(self.mails), time.monotonic() + harm.after
        while sink.count(self.mails) < before + harm.mails and time.monotonic() < end and not over.wait(0.005):
            pass
        kind = harm.kind
        if kind == "sink":
            manner = MANNERS[harm.which % len(MANNERS)]
            kind = f"sink {manner}"
            sink.behave(self.mails, manner)
            over.wait(0.3 + harm.which % 9 / 10)
        self.done[kind] += 1
        _HARMS[harm.kind](self, harm, over)
        self.mend()
        self.harmed_at = dt.datetime.now(dt.UTC)

    def said(self) -> str:
        """Return the last lines that each process said."""
        logs = sorted((self.folder / "processes").glob("*/said.log"))
        return " | ".join(f"{log.parent.name}: {log.read_text(errors='replace')[-2000:]}" for log in logs)

    def workers(self) -> list[str]:
        """Return the roles that do work."""
        return [role for role in self.roles if role != "beat"]


def _kill_worker(fleet: Fleet, harm: Harm, _over: threading.Event) -> None:
    workers = fleet.workers()
    fleet._kill(workers[harm.which % len(workers)])


def _kill_all(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    for role in fleet.roles:
        fleet._kill(role)


def _kill_beat(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    fleet._kill("beat")


def _kill_sink(fleet: Fleet, _harm: Harm, over: threading.Event) -> None:
    fleet._kill("sink")
    over.wait(0.3)


def _stall(fleet: Fleet, harm: Harm, over: threading.Event) -> None:
    """Let a worker sleep; what it holds is taken over meanwhile, where its time is over.

    On SQLite its time is over when it wakes: it may sleep with the lock of the database in its hand.
    """
    workers = fleet.workers()
    process = fleet._running[workers[harm.which % len(workers)]]
    os.killpg(process.pid, signal.SIGSTOP)
    if fleet.server is not None:
        fleet.lapse()
    over.wait(1.5)
    os.killpg(process.pid, signal.SIGCONT)
    if fleet.server is None:
        fleet.lapse()


def _flush(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    with _broker(fleet).client() as client:
        client.flushall()


def _kill_broker(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    broker = _broker(fleet)
    broker.stop()
    broker.forget()
    broker.start()


def _broker_away(fleet: Fleet, _harm: Harm, over: threading.Event) -> None:
    broker = _broker(fleet)
    broker.stop()
    broker.forget()
    over.wait(1.5)
    broker.start()


def _broker_absent(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    """Start Redis, which was not there when the workers began."""
    _broker(fleet).start()


def _fill_broker(fleet: Fleet, _harm: Harm, over: threading.Event) -> None:
    """Let Redis have no room for a ring for a while."""
    with _broker(fleet).client() as client:
        client.config_set("maxmemory", 1)
        over.wait(1.5)
        client.config_set("maxmemory", 0)


def _restart(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    _server(fleet).restart("fast")


def _crash(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    _server(fleet).restart("immediate")


def _copy(fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    """Back the database up while it is written, as an operator does; a copy that is not whole is an error."""
    words = (killer.APPRAISE, "db", "backup", "--to", fleet.folder / f"{time.time_ns()}.backup")
    with killer.started(words, fleet.folder, fleet.variables) as process:
        code = process.wait(killer.SECONDS)
    assert code == 0, (fleet.folder / "said.log").read_text()


def _fill_disk(fleet: Fleet, harm: Harm, over: threading.Event) -> None:
    """Let no file of the process grow beyond the size of its database for a while, as on a full disk."""
    process = fleet._running[fleet.workers()[0]]
    size = max(path.stat().st_size for path in (fleet.folder / "data").glob("*.sqlite3"))
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))
        over.wait(0.3 + harm.which % 7 / 5)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def _nothing(_fleet: Fleet, _harm: Harm, _over: threading.Event) -> None:
    pass


def _broker(fleet: Fleet) -> redis_server.Server:
    assert fleet.broker is not None
    return fleet.broker


def _server(fleet: Fleet) -> postgresql.Server:
    assert fleet.server is not None
    return fleet.server


_HARMS: Mapping[str, Callable[[Fleet, Harm, threading.Event], None]] = {
    "kill process": _kill_worker,
    "kill worker": _kill_worker,
    "kill all": _kill_all,
    "kill beat": _kill_beat,
    "kill sink": _kill_sink,
    "stall process": _stall,
    "stall worker": _stall,
    "sink": _nothing,
    "copy database": _copy,
    "full disk": _fill_disk,
    "flush Redis": _flush,
    "kill Redis": _kill_broker,
    "Redis absent": _broker_absent,
    "Redis away": _broker_away,
    "Redis full": _fill_broker,
    "restart PostgreSQL": _restart,
    "crash PostgreSQL": _crash,
}


class Weather(threading.Thread):
    """The harms of one step, one after the other, while the step goes on."""

    def __init__(self, fleet: Fleet, harms: Sequence[Harm]) -> None:
        super().__init__(daemon=True)
        self._fleet, self._harms = fleet, harms
        self._over = threading.Event()
        self._fault: BaseException | None = None

    def run(self) -> None:
        try:
            for harm in self._harms:
                self._fleet.harm(harm, self._over)
        except BaseException as fault:  # noqa: BLE001 - raised again by whoever waits for the end
            self._fault = fault

    def ended(self) -> bool:
        """Return whether all of them are done; raise what went wrong with one."""
        if self.is_alive():
            return False
        if self._fault is not None:
            raise self._fault
        return True

    def wait(self) -> None:
        """Return when all of them are done."""
        until(self.ended)
