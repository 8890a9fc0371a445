"""A Celery worker as threads of this process: what the embedded mode and `appraise worker` have in common."""

import threading
from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery
from celery.worker import state as worker_state


class WorkerThreads:
    """The threads of one worker, and whatever else its process keeps running; one worker at a time in a process."""

    def __init__(self, app: Celery, count: int) -> None:
        self._app = app
        self._count = count
        self._worker: Any = None
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    @property
    def running(self) -> bool:
        """Whether the worker was started and not yet stopped."""
        return self._worker is not None

    @property
    def alive(self) -> bool:
        """Whether every thread that was started still runs."""
        return self.running and all(thread.is_alive() for thread in self._threads)

    def start(self, ready: Callable[[], None], *, again_after: float | None = None) -> None:
        """Start the worker; `ready` is called when its broker is reached, however long that takes.

        `again_after`: how many seconds after a fault of the broker that ends the worker it is started anew; by default
        it stays ended.
        """
        # The pool's threads have no current application, and without a default one they drop every task.
        self._app.set_default()
        worker_state.should_stop = worker_state.should_terminate = None
        self._worker = self._made(ready)
        self.spawn("worker", lambda: self._run(ready, again_after))

    def _made(self, ready: Callable[[], None]) -> Any:
        return self._app.WorkController(
            pool="threads",
            concurrency=self._count,
            hostname=f"{self._app.conf.task_default_queue}@appraise",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            ready_callback=lambda _consumer: ready(),
        )

    def _run(self, ready: Callable[[], None], again_after: float | None) -> None:
        while True:
            self._worker.start()
            if again_after is None or self._stopping.wait(again_after):
                return
            structlog.get_logger(__name__).warning("the broker ended the worker's ear; it is started anew")
            self._worker = self._made(ready)

    def spawn(self, name: str, target: Callable[[], Any]) -> None:
        """Let something run in a thread of its own, which is waited for when the worker stops."""
        thread = threading.Thread(target=target, name=f"appraise-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, awaken: Callable[[], None], *, patience: float | None = None) -> None:
        """Let the threads finish what they hold and end them.

        Args:
            awaken: sends something to a worker that sleeps until something arrives.
            patience: how many seconds to wait for each thread; what still runs then ends with the process.
        """
        self._stopping.set()
        if self._worker is not None:
            worker_state.should_stop = 0
            awaken()
        for thread in self._threads:
            thread.join(patience)
        self._worker = None
        self._threads.clear()
        worker_state.should_stop = None
        self._stopping.clear()
