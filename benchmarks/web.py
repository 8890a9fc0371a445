"""`run.py bench web`: pages beside a bare page, and an office in the last hour before a deadline, on two web processes.

Everything runs on this machine, over the loopback and on a PostgreSQL as durable as shipped, and ends by itself. Pages
and bare page are asked in turns by as many connections; then everybody works for a while, and what they were told is
compared with the history.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from benchmarks import databases, measure
from benchmarks.office import key_file, unit_of_work
from benchmarks.web_office import Person, prepare
from benchmarks.web_outcome import Key, Outcome, by_kind, refusals, settled, times
from benchmarks.web_people import SEEN, Asked, Browser, Visitor, all_at_once, let_loose
from config.mail_sink import free_port
from services.audit import MOVE
from services.verification import verify

PEOPLE, SECONDS, GAP = 200, 60.0, 6.0
"""How many are appraised, how long they work, and about how many seconds lie between two looks of one person.

So everybody looks about ten times and does what he owes: an hour in a minute.
"""
WORKERS = 2
CONNECTIONS = 4
TURNS, TURN_PART = 5, 30
"""A page is asked in so many turns, each as long as such a part of the time that people work."""
SEED = 20260403
START_SECONDS = 60
Address = tuple[str, int]


class NotSound(Exception):  # noqa: N818 - it is a finding, and the reason for the exit code
    """A page did not answer as it must while it was measured; the message is one sentence."""


@contextmanager
def served(url: str) -> Iterator[tuple[Address, int]]:
    """Start `appraise web` with its processes on a database; yield where it is reached, and the number of its process.

    Raises:
        NotSound: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="appraise-bench-") as folder:
        port = free_port()
        variables = {
            "APPRAISE_DATABASE_URL": url,
            "APPRAISE_DATA_DIR": folder,
            "APPRAISE_AUDIT_KEY_FILE": str(key_file(Path(folder))),
            "APPRAISE_BASE_URL": f"http://127.0.0.1:{port}",
            "APPRAISE_LOG_LEVEL": "error",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
        words = ["web", "--port", str(port), "--workers", str(WORKERS)]
        command = [sys.executable, "-c", "from cli.app import main; main()", *words]
        with _running(command, kept | variables) as process:
            said = process.stdout.readline() if process.stdout is not None else ""
            if not said.startswith("The pages are up"):
                raise NotSound("`appraise web --workers 2` did not start; what it said stands above.")
            yield ("127.0.0.1", port), process.pid


@contextmanager
def bare() -> Iterator[tuple[Address, list[int]]]:
    """Start as many processes of the bare page; yield where it is reached, and the numbers of the processes."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_page", str(port)]
    with _running(command, dict(os.environ)) as first, _running(command, dict(os.environ)) as second:
        for _ in range(2 * WORKERS):
            _until_answered(("127.0.0.1", port))
        yield ("127.0.0.1", port), [first.pid, second.pid]


@contextmanager
def _running(command: Sequence[str], variables: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


def _until_answered(address: Address) -> None:
    ends = time.perf_counter() + START_SECONDS
    waits = threading.Event()
    while time.perf_counter() < ends:
        browser = Browser(address, "")
        status, _, _ = browser.ask("GET", "/")
        browser.close()
        if status == SEEN:
            return
        waits.wait(0.1)
    raise NotSound("The bare page did not start.")


def run(
    made: databases.Databases, *, people: int, seconds: float, tell: Callable[[str], None]
) -> tuple[list[measure.Result], Outcome]:
    """Measure the pages beside the bare one, then let everybody work; return both.

    Raises:
        NotSound: a page does not answer as it must.
    """
    tell("preparing")
    url = made.fresh()
    visitors = prepare(url, people)
    with served(url) as (address, parent):
        with bare() as (floor, floor_pids):
            pages = [
                _beside(name, (address, path, secret), floor, seconds / TURN_PART, tell)
                for name, path, secret in _pages(visitors)
            ]
            weights = _mib(parent), max(_mib_of(pid) for pid in floor_pids)
        results = [measure.Result(name, "postgresql", people, TURNS, *taken, *weights) for name, taken in pages]
        tell(f"{len(visitors)} people for {seconds:g} seconds")
        before, load = _moves(url), os.getloadavg()[0]
        at_once = all_at_once(visitors, address)
        done = let_loose(visitors, address, seconds=seconds, gap=GAP * seconds / SECONDS, seed=SEED)
    tell("comparing")
    outcome = _outcome(url, done, at_once, before=before, seconds=seconds, load=load)
    made.drop(url)
    return results, outcome


def _outcome(
    url: str, done: Sequence[Visitor], at_once: list[Asked], *, before: int, seconds: float, load: float
) -> Outcome:
    asked = [one for visitor in done for one in visitor.asked]
    intents = [intent for visitor in done for intent in visitor.intents]
    with unit_of_work(url) as uow:
        found = verify(uow)
    return Outcome(
        people=len(done),
        seconds=seconds,
        workers=WORKERS,
        load=round(load, 1),
        all=times("all", asked),
        at_once=times(at_once[0].kind, at_once),
        kinds=by_kind(asked),
        moves=settled(intents, _rows(url, before)),
        refusals=refusals(intents),
        faults=found.count,
    )


def _pages(people: Sequence[Person]) -> Iterator[tuple[str, str, str]]:
    """Yield name, path and secret of each page that is measured: seen by somebody for whom there is something on it."""
    judge = max(people, key=lambda one: sum(task.action == "approve" for task in one.tasks))
    assessor = max(people, key=lambda one: sum(task.action == "submit" for task in one.tasks))
    answering = next(one for one in people if any(task.action == "accept" for task in one.tasks))
    yield "web-my-work", "/", answering.secret
    yield "web-appraisal", answering.own[0], answering.secret
    yield "web-sheet", next(task.page for task in assessor.tasks if task.action == "submit"), assessor.secret
    yield "web-review", "/review", judge.secret
    yield "web-case", next(task.page for task in judge.tasks if task.action == "approve"), judge.secret


def _beside(
    name: str, page: tuple[Address, str, str], floor: Address, seconds: float, tell: Callable[[str], None]
) -> tuple[str, tuple[float, float]]:
    """Ask a page and a bare one of its length in turns; return microseconds for each request, medians of the turns."""
    address, path, secret = page
    browser = Browser(address, secret)
    status, _, text = browser.ask("GET", path)
    browser.close()
    if status != SEEN:
        raise NotSound(f"{path} answered {status} before anything was measured.")
    sides = ((address, path, secret), (floor, f"/?size={len(text.encode())}", ""))
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        tell(f"{name}, turn {turn}")
        for side in (0, 1) if turn % 2 else (1, 0):
            each = _loop(*sides[side], seconds)
            if turn:  # the first warms up
                taken[side].append(each)
    return name, (_median(taken[0]), _median(taken[1]))


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _loop(address: Address, path: str, secret: str, seconds: float) -> float:
    """Ask over several connections for a while, each one request after the other; microseconds for each request."""
    ends = time.perf_counter() + seconds
    counts: list[int] = []
    wrong: list[int | None] = []

    def ask() -> None:
        browser, count = Browser(address, secret), 0
        while time.perf_counter() < ends and not wrong:
            status, _, _ = browser.ask("GET", path)
            if status != SEEN:
                wrong.append(status)
            count += 1
        browser.close()
        counts.append(count)

    began = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise NotSound(f"{path} answered {wrong[0]} while it was measured.")
    return (time.perf_counter() - began) * measure.MICROSECONDS / sum(counts)


def _moves(url: str) -> int:
    """Return the number of the last row of the history."""
    with unit_of_work(url) as uow, uow.read() as tx:
        return int(tx.scalar(select(MOVE.c.id).order_by(MOVE.c.id.desc()).limit(1)) or 0)


def _rows(url: str, before: int) -> list[Key]:
    """Return what the history has since then, row by row."""
    read = select(MOVE.c.appraisal_id, MOVE.c.action, MOVE.c.actor_id).where(MOVE.c.id > before)
    with unit_of_work(url) as uow, uow.read() as tx:
        return [(row.appraisal_id, row.action, row.actor_id) for row in tx.all(read)]


def _mib(parent: int) -> float:
    """Return the memory of the largest process that another has started."""
    said = subprocess.run(["ps", "-eo", "ppid=,rss="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    sizes = [int(rss) for ppid, rss in (line.split() for line in said.splitlines()) if int(ppid) == parent]
    return max(sizes) / 1024


def _mib_of(process: int) -> float:
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return int(said.stdout) / 1024
