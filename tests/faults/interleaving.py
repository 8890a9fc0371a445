"""Two at once, in an order that is chosen: one stops before its n-th statement, the other goes as far as it can."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from services.errors import AppraiseError

SECONDS = 60.0
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


class Doing(threading.Thread):
    """Something a person does, at the same time as somebody else. `refusal` is what he is told, None if it is done."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self.refusal: AppraiseError | None = None
        self._fault: BaseException | None = None

    def run(self) -> None:
        try:
            self._act()
        except AppraiseError as refusal:
            self.refusal = refusal
        except BaseException as fault:  # noqa: BLE001 - raised again by whoever waits for it
            self._fault = fault

    def done(self) -> AppraiseError | None:
        """Wait for the end and return what he was told."""
        self.join(SECONDS)
        if self.is_alive():
            raise AssertionError(f"It is not done after {SECONDS:g} seconds.")
        if self._fault is not None:
            raise self._fault
        return self.refusal


@dataclass(frozen=True)
class Both:
    """What the one who stopped and the one who passed him were told, and whether there was a place to stop at."""

    first: AppraiseError | None
    second: AppraiseError | None
    stopped: bool

    @property
    def winners(self) -> int:
        """How many of the two did what they wanted."""
        return [self.first, self.second].count(None)


def interleaved(engine: Engine, first: Callable[[], object], second: Callable[[], object], number: int) -> Both:
    """Stop `first` before its `number`-th statement, let `second` run until it is done or waits for a lock, go on."""
    reached, go_on, at_the_door = threading.Event(), threading.Event(), threading.Event()
    one, other = Doing(first), Doing(second)
    count = 0

    def before(_connection: Connection, *_rest: Any) -> None:
        nonlocal count
        if threading.current_thread() is one:
            count += 1
            if count == number:
                reached.set()
                assert go_on.wait(SECONDS)

    def taken(*_: Any) -> None:
        # On SQLite whoever writes waits at BEGIN, which comes next, as long as another writes.
        if threading.current_thread() is other and engine.dialect.name == "sqlite":
            at_the_door.set()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "checkout", taken)
    try:
        one.start()
        while not reached.wait(0.001) and one.is_alive():
            pass
        other.start()
        while other.is_alive() and not at_the_door.is_set() and not _waits(engine):
            other.join(0.002)
        go_on.set()
        return Both(one.done(), other.done(), reached.is_set())
    finally:
        go_on.set()
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "checkout", taken)


def _waits(engine: Engine) -> bool:
    if engine.dialect.name == "sqlite":
        return False
    with engine.connect() as connection:
        return bool(connection.execute(_WAITING).scalar_one())
