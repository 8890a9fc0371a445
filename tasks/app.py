"""The Celery application: made by a factory, fed by the table of jobs. A message only says which job should look."""

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery

from config.settings import Settings
from config.wiring import Wiring
from tasks.jobs import JOBS, RELAY, run_job

VISIBILITY_SECONDS = 900
HARD_LIMIT_SECONDS = 600
SOFT_LIMIT_SECONDS = 540
ASKED_SECONDS = 2.0
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
QUEUE = "appraise"


def make_app(settings: Settings, wiring: Callable[[], Wiring], *, queue: str = QUEUE) -> Celery:
    """Return an application whose tasks work with what `wiring` returns; nothing is connected yet.

    Args:
        settings: where the broker is and how often the sweep comes by.
        wiring: called by each task run, in the process that runs it.
        queue: the queue's name; processes that share a broker share it.
    """
    app = Celery("appraise", broker=settings.broker_url, set_as_current=False)
    app.conf.update(configuration(settings, queue))
    app.appraise_asked = Asked(min(ASKED_SECONDS, settings.sweep_seconds) if settings.embedded else 0.0)
    app.appraise_broker_away = False
    for name in JOBS:
        _register(app, name, wiring)
    return app


def task_name(job: str) -> str:
    """Return the name of the task that runs a job."""
    return f"appraise.{job}"


class Asked:
    """Runs that were asked for in this process and have not begun: asking again would only lengthen the queue.

    An entry holds for some `seconds` only, and for none where the broker is not in memory: a message that was lost may
    not silence the rings that come after it (G1).
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._jobs: dict[str, float] = {}

    def ask(self, job: str) -> bool:
        """Note that a run is asked for; False when one is already waiting, and has not been for too long."""
        now = time.monotonic()
        with self._lock:
            if self._jobs.get(job, now) > now:
                return False
            self._jobs[job] = now + self._seconds
            return True

    def begun(self, job: str) -> None:
        """Note that a run has begun, or that asking for it failed."""
        with self._lock:
            self._jobs.pop(job, None)

    def forget(self) -> None:
        """Note that the queue was emptied."""
        with self._lock:
            self._jobs.clear()


def ring(app: Celery, job: str = RELAY) -> None:
    """Ask for a run of a job; it may be lost or doubled without harm.

    Raises:
        kombu.exceptions.OperationalError: the broker cannot be reached.
    """
    asked: Asked = app.appraise_asked
    if not asked.ask(job):
        return
    try:
        app.tasks[task_name(job)].apply_async()
    except Exception:
        asked.begun(job)
        raise


def try_ring(app: Celery, job: str = RELAY) -> bool:
    """Ask for a run of a job and return whether the broker took it; never raises.

    Of many rings that fail one after the other the first is a line in the log, and the first that succeeds again.
    """
    log = structlog.get_logger(__name__)
    try:
        ring(app, job)
    except Exception as error:  # noqa: BLE001 - away, full or none at all: whoever rings goes on without (G1)
        if not app.appraise_broker_away:
            log.warning("the broker takes no rings; the workers look for themselves", error=type(error).__name__)
        app.appraise_broker_away = True
        return False
    if app.appraise_broker_away:
        log.info("the broker takes rings again")
    app.appraise_broker_away = False
    return True


def configuration(settings: Settings, queue: str) -> dict[str, Any]:
    """Return Celery's settings (G18): JSON only, no results, no remote control, no task kept in a worker's hand."""
    return {
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "result_backend": None,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_prefetch_multiplier": 1,
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "task_retry_on_worker_lost": True,
        "task_time_limit": HARD_LIMIT_SECONDS,
        "task_soft_time_limit": SOFT_LIMIT_SECONDS,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": _transport(settings),
        "worker_soft_shutdown_timeout": 10,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "task_default_queue": queue,
        "task_publish_retry": False,
        "timezone": "UTC",
        "beat_schedule": schedule(settings),
    }


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return how often each job is rung for; a beat that is down or doubled changes nothing."""
    periods = {job.name: job.every for job in JOBS.values() if job.every is not None}
    periods[RELAY] = settings.sweep_seconds
    return {name: {"task": task_name(name), "schedule": seconds} for name, seconds in periods.items()}


def _transport(settings: Settings) -> dict[str, Any]:
    if settings.embedded:
        return {"polling_interval": 0.01}
    # A server that is gone must not hold up a commit that rings: one more try at once, and no patience.
    return {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


def _register(app: Celery, name: str, wiring: Callable[[], Wiring]) -> None:
    def body() -> None:
        app.appraise_asked.begun(name)
        for found in run_job(wiring(), name):
            try_ring(app, found)

    app.task(body, name=task_name(name), shared=False, ignore_result=True)
