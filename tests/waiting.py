"""Waiting for what another thread or process does: until it is so, or until it took far too long."""

import time
from collections.abc import Callable

SECONDS = 120.0


def until(so: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Return as soon as `so` says yes; asks every few hundredths of a second.

    Raises:
        AssertionError: it did not within `seconds`.
    """
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, f"it did not happen within {seconds:g} seconds"
        time.sleep(0.02)
