"""What a second worker is worth: owed chunks done by two processes, against the same by one.

Each worker is a process of its own that claims rows and does them as `appraise worker` does. The figure of one worker
stands where the other benchmarks have their floor, so that a ratio of 0.5 is twice as fast, and 0.625 is 1.6 times. The
memory is the most that one of the workers had.

Run as a program it is one worker: `python -m benchmarks.workers URL JOB KEYS AT`. It looks once for something that is
not owed, so that it has its connection and its statements, says `ready`, waits for a line, does all that is owed, and
says how many rows it did and the peak of its memory in MiB.
"""

import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks import cycles, judged, offices
from benchmarks.measure import peak
from benchmarks.office import key_file, unit_of_work
from benchmarks.table import Contest, Plan, Work, whole
from config.clock import SimulatedClock
from config.settings import load_settings
from config.wiring import wire
from services import proving
from tasks.jobs import JOBS

SIZE = 20_000
NOT_OWED = "cycle.complete"
"""A job that has no rows before any of the others has done its last."""
TRIED = frozenset({"job.due_at", "job.attempt", "job.fence", "job.done_at", "job.created_at", "message.due_at"})
"""What tells which worker did a row, and when."""


def prepare_proving(url: str, size: int) -> Plan:
    """Build an office whose quarter is closed, and owe the proof of its scores."""
    with unit_of_work(url) as uow:
        judged.build_closed(uow, size)
        proving.owe_proof(uow, now=judged.SUBMITTED, cycle="2026Q1", chunk=cycles.chunk_of(size))
    return {"job": "scores.prove", "at": judged.SUBMITTED.isoformat()}


def prepare_opening(url: str, size: int) -> Plan:
    """Build an office whose quarter HR has just opened."""
    cycles.prepare_opening(url, size)
    return {"job": "cycle.open-chunk", "at": offices.OPENED.isoformat()}


def prepare_finalising(url: str, size: int) -> Plan:
    """Build an office whose quarter is signed."""
    cycles.prepare_finalising(url, size)
    return {"job": "cycle.finalise-chunk", "at": judged.SUBMITTED.isoformat()}


def by_two(url: str, plan: Plan) -> Generator[Work, None, float]:
    """Let two workers do what is owed."""
    return (yield from _by(2, url, plan))


def by_one(url: str, plan: Plan) -> Generator[Work, None, float]:
    """Let one worker do it."""
    return (yield from _by(1, url, plan))


def _by(count: int, url: str, plan: Plan) -> Generator[Work, None, float]:
    peaks: list[float] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="appraise-bench-"))
        keys = str(key_file(Path(folder)))
        command = [sys.executable, "-m", "benchmarks.workers", url, plan["job"], keys, plan["at"]]
        workers = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
            )
            for _ in range(count)
        ]
        for worker in workers:
            _said(worker)

        def work() -> int:
            for worker in workers:
                if worker.stdin is not None:
                    worker.stdin.write("go\n")
                    worker.stdin.flush()
            told = [_said(worker).split() for worker in workers]
            peaks.extend(float(most) for _, most in told)
            return sum(int(done) for done, _ in told)

        yield work
    return max(peaks)


def _said(worker: "subprocess.Popen[str]") -> str:
    return worker.stdout.readline() if worker.stdout is not None else ""


def main(url: str, job: str, keys: str, at: str) -> None:
    """Be one worker."""
    settings = load_settings({"database_url": url, "audit_key_file": Path(keys), "data_dir": Path(keys).parent})
    with wire(settings, clock=SimulatedClock(dt.datetime.fromisoformat(at))) as wiring:
        step, nothing = JOBS[job].step, JOBS[NOT_OWED].step
        if nothing is not None and nothing(wiring):
            raise RuntimeError(f"{NOT_OWED} was owed before anything was done.")
        print("ready", flush=True)
        sys.stdin.readline()
        done = 0
        while step is not None and step(wiring):
            done += 1
        print(done, peak(), flush=True)


CONTESTS: Mapping[str, Contest] = {
    "two-prove": Contest(prepare_proving, by_two, by_one, size=SIZE, warm_up=0, units=whole, apart=TRIED),
    "two-open": Contest(prepare_opening, by_two, by_one, size=SIZE, warm_up=0, units=whole, apart=TRIED),
    "two-finalise": Contest(prepare_finalising, by_two, by_one, size=SIZE, warm_up=0, units=whole, apart=TRIED),
}

if __name__ == "__main__":
    main(*sys.argv[1:])
