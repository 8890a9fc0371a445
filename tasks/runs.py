"""The runs of jobs that are going on in this process."""

import threading
import time
from typing import Any

from celery import Celery


class Runs:
    """Counts the runs in progress and knows since when each has been going on, so that waiting needs no sleep."""

    def __init__(self, app: Celery) -> None:
        self._progress = threading.Condition()
        self._begun: dict[int, float] = {}
        for name, task in app.tasks.items():
            if name.startswith("appraise."):
                task.run = self._noted(task.run)

    @property
    def count(self) -> int:
        """How many runs are going on."""
        with self._progress:
            return len(self._begun)

    def longest(self) -> float:
        """Return how many seconds the oldest run has been going on; 0 when none is."""
        with self._progress:
            return max((time.monotonic() - began for began in self._begun.values()), default=0.0)

    def wait(self, seconds: float) -> None:
        """Return when a run ends, or after so many seconds."""
        with self._progress:
            self._progress.wait(seconds)

    def _noted(self, run: Any) -> Any:
        def noted() -> None:
            thread = threading.get_ident()
            with self._progress:
                self._begun[thread] = time.monotonic()
            try:
                run()
            finally:
                with self._progress:
                    del self._begun[thread]
                    self._progress.notify_all()

        return noted
