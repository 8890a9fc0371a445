"""What rings for each job when its time has come: a thread of the embedded mode, and all that `appraise beat` does.

It only rings. One that is down or doubled changes nothing: every worker also looks for itself (G2, G4).
"""

import threading
import time

from celery import Celery

from config.settings import Settings
from tasks.app import schedule, try_ring


class Clock:
    """Rings for the jobs of the table, each as often as it says there; `run` ends for good when `stop` is called."""

    def __init__(self, app: Celery, settings: Settings) -> None:
        self._app = app
        self._periods = {name: entry["schedule"] for name, entry in schedule(settings).items()}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Ring for each job when its time has come; a ring that fails is made up by the next."""
        due = dict.fromkeys(self._periods, 0.0)
        while not self._stopping.is_set():
            now = time.monotonic()
            for name in [name for name, at in due.items() if at <= now]:
                due[name] = now + self._periods[name]
                try_ring(self._app, name)
            self._stopping.wait(max(0.0, min(due.values()) - time.monotonic()))

    def stop(self) -> None:
        """Let `run` return, now or at the next moment it looks."""
        self._stopping.set()
