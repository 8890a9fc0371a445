"""Doing what a command owes, in view: a progress bar on a terminal, silence elsewhere."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cli.session import Session


def work_off(shared: Session, names: Sequence[str], what: str) -> bool:
    """Do the owed rows of these jobs in this process, as any worker would; `what` stands before the bar.

    Returns False, and does nothing, where APPRAISE_WORKER is off: then the rows wait for the workers.
    """
    from tasks import once

    if not shared.settings.worker:
        return False
    with bar(what, once.owed(shared.wiring, names)) as advance:
        once.work_off(shared.wiring, names, advance)
    return True


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error while something is done; yield what moves it on by one of `total`."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def counter() -> Iterator[Callable[[str, int], None]]:
    """Show on standard error what is looked at and how much of it is done; yield what is told both."""
    if not sys.stderr.isatty():
        yield lambda _what, _done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True
    ) as on:
        task = on.add_task("")
        yield lambda what, done: on.update(task, description=f"{what}: {done}")
