"""Business time: the real clock, or one that the demonstration and the tests set. Leases never go by it."""

import datetime as dt
import threading
from typing import Protocol

from services.practice_clock import never_stands, stands_at
from services.unit_of_work import UnitOfWork


class Clock(Protocol):
    """Anything that says which moment it is, in UTC."""

    def now(self) -> dt.datetime:
        """Return the present moment with its zone."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """Return the present moment in UTC."""
        return dt.datetime.now(dt.UTC)


class SimulatedClock:
    """A clock that stands still until it is set."""

    def __init__(self, at: dt.datetime) -> None:
        self._lock = threading.Lock()
        self._at = _aware(at)

    def now(self) -> dt.datetime:
        """Return the moment it was last set to."""
        with self._lock:
            return self._at

    def set(self, at: dt.datetime) -> None:
        """Set it, forward or back.

        Raises:
            ValueError: the moment has no zone.
        """
        with self._lock:
            self._at = _aware(at)

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Set it on by a span and return the new moment."""
        with self._lock:
            self._at += by
            return self._at


class OrganisationClock:
    """The machine's clock; in demonstration and practice data the moment that theirs was set to, looked up each time.

    A worker goes by it: what sets the clock of practice data is another process.
    """

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._real = False

    def now(self) -> dt.datetime:
        """Return the present moment in UTC.

        Raises:
            Environment: the database cannot be reached.
        """
        if self._real:
            return dt.datetime.now(dt.UTC)
        with self._uow.read() as tx:
            kept = stands_at(tx)
            # The kind of an organisation never changes, so that of real data is asked once.
            self._real = kept is None and never_stands(tx)
        return dt.datetime.now(dt.UTC) if kept is None else kept.astimezone(dt.UTC)


def _aware(at: dt.datetime) -> dt.datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone; say which moment is meant.")
    return at.astimezone(dt.UTC)
