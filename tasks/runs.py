"""The runs of jobs that are going on in this process."""

import threading
import time
from typing import Any

from celery import Celery

from tasks.app import task_name
from tasks.jobs import JOBS


class Runs:
    """Counts the runs in progress and knows since when each has been going on, so that waiting needs no sleep.

    While they are held no run begins, however late its ring arrives: the ring is forgotten, as one that was lost.
    """

    def __init__(self, app: Celery, *, held: bool = False) -> None:
        self._app = app
        self._progress = threading.Condition()
        self._begun: dict[int, float] = {}
        self._held = held
        for job in JOBS:
            task = app.tasks[task_name(job)]
            task.run = self._noted(job, task.run)

    @property
    def count(self) -> int:
        """How many runs are going on."""
        with self._progress:
            return len(self._begun)

    def longest(self) -> float:
        """Return how many seconds the oldest run has been going on; 0 when none is."""
        with self._progress:
            return max((time.monotonic() - began for began in self._begun.values()), default=0.0)

    def hold(self) -> bool:
        """Let no run begin from now on; return whether none is going on."""
        with self._progress:
            self._held = True
            return not self._begun

    def let_go(self) -> None:
        """Let runs begin again."""
        with self._progress:
            self._held = False

    def wait(self, seconds: float) -> None:
        """Return when a run ends, or after so many seconds."""
        with self._progress:
            self._progress.wait(seconds)

    def _noted(self, job: str, run: Any) -> Any:
        def noted() -> None:
            thread = threading.get_ident()
            with self._progress:
                if self._held:
                    self._app.appraise_asked.begun(job)
                    return
                self._begun[thread] = time.monotonic()
            try:
                run()
            finally:
                with self._progress:
                    del self._begun[thread]
                    self._progress.notify_all()

        return noted
