"""Worker threads, clock and sweep in this process: a real Celery worker on a broker in memory, no server.

What the broker in memory loses when the process dies is only rings: the database knows what is owed.
"""

import secrets
import threading
import time
from typing import Any, Self

import structlog
from celery import Celery
from celery.worker import state as worker_state
from sqlalchemy import bindparam, func, select

from config.settings import Settings
from config.wiring import Wiring
from models.columns import UtcDateTime, table_of
from models.outbox import Job, Message
from services.database_clock import wall_time
from services.errors import Environment
from tasks import app as celery_app
from tasks.jobs import RELAY, due_now

JOB = table_of(Job)
MESSAGE = table_of(Message)
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.25

_CLAIMED = (
    select(func.count())
    .select_from(JOB)
    .where(JOB.c.due_at.is_not(None), JOB.c.lease_until > bindparam("wall", type_=UtcDateTime()))
)
_SENDING = (
    select(func.count())
    .select_from(MESSAGE)
    .where(MESSAGE.c.due_at.is_not(None), MESSAGE.c.lease_until > bindparam("wall", type_=UtcDateTime()))
)


class Embedded:
    """The embedded mode. Start it, ring it, wait for it, stop it; one at a time in a process.

    With the setting `worker` off nothing runs, and waiting for owed work ends with one sentence.
    """

    def __init__(self, settings: Settings, wiring: Wiring) -> None:
        self._settings = settings
        self._wiring = wiring
        # Queues in memory belong to the process and outlive a worker: each embedded mode has one of its own.
        self.app = celery_app.make_app(settings, lambda: wiring, queue=f"embedded-{secrets.token_hex(4)}")
        self._worker: Any = None
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._progress = threading.Condition()
        self._running = 0
        self._watch(self.app)

    def start(self) -> Self:
        """Start worker threads and the clock, and look at once for what is owed.

        Raises:
            Environment: the worker did not come up.
        """
        if not self._settings.worker:
            return self
        self._purge()
        ready = threading.Event()
        # The pool's threads have no current application, and without a default one they drop every task.
        self.app.set_default()
        worker_state.should_stop = worker_state.should_terminate = None
        self._worker = self.app.WorkController(
            pool="threads",
            concurrency=self._settings.worker_threads,
            hostname=f"{self.app.conf.task_default_queue}@embedded",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            ready_callback=lambda _consumer: ready.set(),
        )
        self._spawn("worker", self._worker.start)
        if not ready.wait(_START_SECONDS):
            self.stop()
            raise Environment("The worker threads did not start; see the log lines above.", "worker")
        self._spawn("clock", self._tick)
        self._wiring.bell.connect(self.ring)
        self.ring()
        return self

    def ring(self) -> None:
        """Ask a worker thread to look for what is owed."""
        if self._worker is not None:
            celery_app.ring(self.app)

    @property
    def alive(self) -> bool:
        """Whether every thread that was started still runs."""
        return self._worker is not None and all(thread.is_alive() for thread in self._threads)

    def owed(self) -> dict[str, int]:
        """Return how much of each job waits or is being done; not what rests until later or may not be sent."""
        waiting = due_now(self._wiring)
        with self._wiring.uow.read() as tx:
            wall = wall_time(tx)
            for statement, name in ((_CLAIMED, "jobs being done"), (_SENDING, "mails being sent")):
                count = tx.scalar(statement, {"wall": wall})
                if count:
                    waiting[name] = count
        return waiting

    def drain(self, timeout: float = 60.0) -> None:
        """Return when nothing owed is due and no thread is at work; `timeout` is in seconds.

        Raises:
            Environment: the worker is off or has died and something is owed, or it is still owed after the timeout.
        """
        end = time.monotonic() + timeout
        while True:
            with self._progress:
                busy = self._running
            waiting = self.owed()
            with self._progress:
                if not waiting and not busy and not self._running:
                    return
            self._refuse_without_worker(waiting)
            if time.monotonic() >= end:
                raise Environment(
                    f"After {timeout:g} seconds this is still owed: {_said(waiting)}; `appraise doctor` says why.",
                    "still-owed",
                )
            self.ring()
            with self._progress:
                self._progress.wait(_LOOK_SECONDS)

    def stop(self) -> None:
        """Let the threads finish what they hold and end them; what is still owed stays in the database."""
        self._wiring.bell.connect(None)
        self._stopping.set()
        if self._worker is not None:
            worker_state.should_stop = 0
            # The consumer sleeps until something arrives, sees that it shall stop, and waits for one thing more.
            for _ in range(2):
                self.app.tasks[celery_app.task_name(RELAY)].apply_async()
        for thread in self._threads:
            thread.join()
        self._worker = None
        self._threads.clear()
        worker_state.should_stop = None
        self._purge()
        self._stopping.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _refuse_without_worker(self, waiting: dict[str, int]) -> None:
        if not self._settings.worker:
            raise Environment(
                f"No worker runs because APPRAISE_WORKER is off, and this waits for one: {_said(waiting)}; "
                "set it to on and start again.",
                "worker-off",
            )
        if not self.alive:
            raise Environment(f"The worker is not running, and this waits for it: {_said(waiting)}.", "worker")

    def _watch(self, app: Celery) -> None:
        """Count the runs in progress, so that waiting needs no sleep."""
        for name in app.tasks:
            if name.startswith("appraise."):
                task = app.tasks[name]
                task.run = self._counted(task.run)

    def _counted(self, run: Any) -> Any:
        def counted() -> None:
            with self._progress:
                self._running += 1
            try:
                run()
            finally:
                with self._progress:
                    self._running -= 1
                    self._progress.notify_all()

        return counted

    def _tick(self) -> None:
        """Ring for each job when its time has come; a ring that fails is made up by the next."""
        due = dict.fromkeys(celery_app.schedule(self._settings), 0.0)
        periods = {name: entry["schedule"] for name, entry in celery_app.schedule(self._settings).items()}
        while not self._stopping.is_set():
            now = time.monotonic()
            for name in [name for name, at in due.items() if at <= now]:
                due[name] = now + periods[name]
                try:
                    celery_app.ring(self.app, name)
                except Exception as error:  # noqa: BLE001 - the clock outlives every fault of the broker
                    structlog.get_logger(__name__).warning("a ring failed", job=name, error=type(error).__name__)
            self._stopping.wait(max(0.0, min(due.values()) - time.monotonic()))

    def _spawn(self, name: str, target: Any) -> None:
        thread = threading.Thread(target=target, name=f"appraise-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _purge(self) -> None:
        self.app.control.purge()
        self.app.appraise_asked.forget()


def _said(waiting: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in waiting.items()) or "a run that has not ended"
