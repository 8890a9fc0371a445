"""Do what is owed once, in the process that asks, by the same claim and lease as any worker.

A command of the terminal that owes work, such as the opening of a cycle, does it itself where no worker is about. A
worker that is about takes some of the rows; each row is done once.
"""

from collections.abc import Callable, Iterable

from config.wiring import Wiring
from services import outbox
from tasks.jobs import JOBS, RELAY, due_now, run_job


def owed(wiring: Wiring, names: Iterable[str]) -> int:
    """Return how many rows of these jobs may be done now."""
    with wiring.uow.read() as tx:
        due = outbox.due_jobs(tx)
    return sum(due.get(name, 0) for name in names)


def work_off(wiring: Wiring, names: Iterable[str], advanced: Callable[[], None] = lambda: None) -> int:
    """Do the owed rows of these jobs one by one, also those that the doing owes; `advanced` is called after each.

    Returns how many were done here. A row that fails rests or is shown to an operator, as with any worker.
    """
    done = 0
    steps = [step for name in names if (step := JOBS[name].step) is not None]
    while any(step(wiring) for step in steps):
        done += 1
        advanced()
    return done


def work_off_all(wiring: Wiring) -> dict[str, int]:
    """Do everything that is due now: reminders, owed rows, mails; how much of each job was found, by its name."""
    found: dict[str, int] = {}
    while due := {name: count for name, count in due_now(wiring).items() if name != RELAY}:
        for name, count in due.items():
            found[name] = found.get(name, 0) + count
            run_job(wiring, name)
        # What is left after a run rests until later or cannot be done now; due again at once would be without end.
        if due_now(wiring) == due:
            break
    return found
