"""Worker threads, clock and sweep in this process: a real Celery worker on a broker in memory, no server.

What the broker in memory loses when the process dies is only rings: the database knows what is owed.
"""

import secrets
import threading
import time
from typing import Self

from config.settings import Settings
from config.wiring import Wiring
from services.errors import Environment
from tasks import app as celery_app
from tasks.clock import Clock
from tasks.jobs import RELAY
from tasks.runs import Runs
from tasks.unfinished import said, unfinished
from tasks.worker_threads import WorkerThreads

_START_SECONDS = 30.0
_LOOK_SECONDS = 0.25


class Embedded:
    """The embedded mode. Start it, ring it, wait for it, stop it; one at a time in a process.

    With the setting `worker` off nothing runs, and waiting for owed work ends with one sentence. With `clock` off it
    works only while it is waited for, and is waited for until nothing rests either, as in a play that sets the time:
    between two waits no run begins, so that what is done at which moment is not a matter of who is quick.
    """

    def __init__(self, settings: Settings, wiring: Wiring, *, clock: bool = True) -> None:
        self._settings = settings
        self._wiring = wiring
        # Queues in memory belong to the process and outlive a worker: each embedded mode has one of its own.
        self.app = celery_app.make_app(settings, lambda: wiring, queue=f"embedded-{secrets.token_hex(4)}")
        self._threads = WorkerThreads(self.app, settings.worker_threads)
        self._clock = Clock(self.app, settings)
        self._clocked = clock
        self._runs = Runs(self.app, held=not clock)

    def start(self) -> Self:
        """Start worker threads and, unless it is off, the clock, which looks at once for what is owed.

        Raises:
            Environment: the worker did not come up.
        """
        if not self._settings.worker:
            return self
        self._purge()
        self._clock = Clock(self.app, self._settings)
        ready = threading.Event()
        self._threads.start(ready.set)
        if not ready.wait(_START_SECONDS):
            self.stop()
            raise Environment("The worker threads did not start; see the log lines above.", "worker")
        if self._clocked:
            self._threads.spawn("clock", self._clock.run)
            self._wiring.bell.connect(self.ring)
            self.ring()
        return self

    def ring(self) -> None:
        """Ask a worker thread to look for what is owed."""
        if self._threads.running:
            celery_app.ring(self.app)

    @property
    def alive(self) -> bool:
        """Whether every thread that was started still runs."""
        return self._threads.alive

    def owed(self) -> dict[str, int]:
        """Return how much of each job waits or is being done, and with `clock` off rests; not what may not be sent."""
        return unfinished(self._wiring, resting=not self._clocked)

    def drain(self, timeout: float = 60.0) -> None:
        """Return when nothing owed is due and no thread is at work; `timeout` is in seconds.

        Raises:
            Environment: the worker is off or has died and something is owed, or it is still owed after the timeout.
        """
        try:
            self._wait_until_rest(timeout)
        finally:
            if self._clocked:
                self._runs.let_go()
            else:
                self._runs.hold()

    def stop(self) -> None:
        """Let the threads finish what they hold and end them; what is still owed stays in the database."""
        self._wiring.bell.connect(None)
        self._clock.stop()
        self._threads.stop(self._awaken)
        self._purge()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_until_rest(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while True:
            waiting = self.owed()
            if waiting:
                self._runs.let_go()
            elif self._runs.hold() and not self.owed():
                # A ring may still be on its way: what the database says is final only once no run can begin any more.
                return
            self._refuse_without_worker(waiting)
            if time.monotonic() >= end:
                raise Environment(
                    f"After {timeout:g} seconds this is still owed: {said(waiting)}; `appraise doctor` says why.",
                    "still-owed",
                )
            if waiting:
                self.ring()
            self._runs.wait(_LOOK_SECONDS)

    def _refuse_without_worker(self, waiting: dict[str, int]) -> None:
        if not self._settings.worker:
            raise Environment(
                f"No worker runs because APPRAISE_WORKER is off, and this waits for one: {said(waiting)}; "
                "set it to on and start again.",
                "worker-off",
            )
        if not self.alive:
            raise Environment(f"The worker is not running, and this waits for it: {said(waiting)}.", "worker")

    def _awaken(self) -> None:
        # The consumer sleeps until something arrives, sees that it shall stop, and waits for one thing more.
        for _ in range(2):
            self.app.tasks[celery_app.task_name(RELAY)].apply_async()

    def _purge(self) -> None:
        self.app.control.purge()
        self.app.appraise_asked.forget()
