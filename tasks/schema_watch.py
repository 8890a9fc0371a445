"""The process of `celery -A tasks.worker worker` ends when the database is no longer the one of this program.

Its children would refuse every run by themselves; but nobody would be told, and whoever supervises the process would
have no reason to start the new program.
"""

import threading
from typing import Any

from celery import Celery, bootsteps
from celery.exceptions import WorkerShutdown
from celery.utils.log import get_logger
from celery.worker import state as worker_state
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from models.database import DatabaseRefused, open_database
from models.migrate import NewerDatabase, OlderDatabase, check

SCHEMA_EXIT = 6
_LOOK_SECONDS = 5.0
_LOG = get_logger(__name__)


def watch_schema(app: Celery, settings: Settings) -> None:
    """Let the worker of an application look at the schema when it starts and every few seconds."""

    class SchemaWatch(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
        """A step of Celery's worker, which starts and stops with it; its pool may be of any kind."""

        def __init__(self, parent: Any, **options: Any) -> None:
            super().__init__(parent, **options)
            self._stopping = threading.Event()

        def start(self, parent: Any) -> None:  # noqa: ARG002 - the signature is Celery's
            if _other_schema(settings):
                raise WorkerShutdown(SCHEMA_EXIT)
            threading.Thread(target=self._look, name="appraise-schema", daemon=True).start()

        def stop(self, parent: Any) -> None:  # noqa: ARG002 - the signature is Celery's
            self._stopping.set()

        def _look(self) -> None:
            seconds = min(_LOOK_SECONDS, settings.sweep_seconds)
            while not self._stopping.wait(seconds):
                if _other_schema(settings):
                    # What runs is finished first; Celery looks at this whenever it wakes, once a second at least.
                    worker_state.should_stop = SCHEMA_EXIT
                    return

    app.steps["worker"].add(SchemaWatch)


def _other_schema(settings: Settings) -> bool:
    """Look, and say in the log what is wrong with the schema; what else the database answers is for the jobs to bear.

    The connection is given back at once: the children that are forked meanwhile must not share it.
    """
    try:
        engine = open_database(settings.database_url, read_only=True)
        try:
            check(engine)
        finally:
            engine.dispose()
    except (NewerDatabase, OlderDatabase) as error:
        _LOG.critical("%s", error)
        return True
    except (DatabaseRefused, SQLAlchemyError) as error:
        _LOG.warning("the database does not answer: %s", type(error).__name__)
    return False
