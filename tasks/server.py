"""`appraise worker`: one process that runs jobs rung for over Redis, any number of which may run on any machines.

The broker is a doorbell. Each worker also looks every few seconds for what is due; it rings for that, so that the
others help, and does itself what no ring brought to be done: without Redis everything is slower, and nothing stops
(G1, G2).
"""

import os
import threading
from typing import NoReturn, Self

import structlog

from config.settings import Settings
from config.wiring import Wiring
from services.errors import AppraiseError
from tasks.app import HARD_LIMIT_SECONDS, make_app, try_ring
from tasks.jobs import RELAY, run_job
from tasks.runs import Runs
from tasks.worker_threads import WorkerThreads

STUCK_EXIT = 6
_AGAIN_SECONDS = 5.0
_STOP_SECONDS = 10.0
"""How long a stop waits for what the threads hold; what is cut off is taken over by another worker."""


class Server:
    """One worker of the server mode. Start it, watch whether it is alive, stop it; one at a time in a process."""

    def __init__(self, settings: Settings, wiring: Wiring) -> None:
        self._settings = settings
        self._wiring = wiring
        self.app = make_app(settings, lambda: wiring)
        self._threads = WorkerThreads(self.app, settings.worker_threads)
        self._runs = Runs(self.app)
        self._stopping = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether every thread that was started still runs."""
        return self._threads.alive

    def start(self) -> Self:
        """Start the worker threads and the sweep; neither waits for the broker."""
        self._threads.start(
            lambda: structlog.get_logger(__name__).info("the broker is reached"), again_after=_AGAIN_SECONDS
        )
        self._threads.spawn("sweep", self._sweep)
        self._wiring.bell.connect(lambda: try_ring(self.app))
        return self

    def stop(self) -> None:
        """Let the threads finish what they hold, for a while; what is still owed stays in the database."""
        self._wiring.bell.connect(None)
        self._stopping.set()
        # A worker on Redis wakes every second by itself.
        self._threads.stop(lambda: None, patience=_STOP_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _sweep(self) -> None:
        """Look at once and then every few seconds for what is due, until the worker is stopped.

        It rings first, so that whoever is idle begins. What is still due at the next look, because the broker took no
        ring or nobody heard it, is done here.
        """
        log = structlog.get_logger(__name__)
        rung: set[str] = set()
        while True:
            try:
                due = run_job(self._wiring, RELAY)
                unheard = [name for name in due if not try_ring(self.app, name) or name in rung]
                rung = set(due)
                for name in unheard:
                    run_job(self._wiring, name)
            except AppraiseError as error:
                log.warning("the sweep could not look", code=error.code)
            except Exception:
                log.exception("the sweep failed")
            if self._runs.longest() > HARD_LIMIT_SECONDS:
                self._give_up()
            if self._stopping.wait(self._settings.sweep_seconds):
                return

    def _give_up(self) -> NoReturn:
        """End the process: a thread cannot be stopped from outside, and what it holds is taken over by another worker.

        Whoever supervises the process (systemd, a container) starts it anew.
        """
        structlog.get_logger(__name__).critical("a run does not end; this worker ends itself", pid=os.getpid())
        os._exit(STUCK_EXIT)
