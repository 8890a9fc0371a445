"""Looking at the schema in each transaction of a running process, and saying so in the log when it is another's."""

import threading

import structlog
from sqlalchemy import Connection

from models.migrate import NewerDatabase, OlderDatabase, watch


class Lookout:
    """Refuses a transaction whose schema is not this program's, and says it in the log, once until it fits again.

    What a worker is refused nobody is shown; without the line an operator would see failing jobs and no reason.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said = False

    def __call__(self, connection: Connection) -> None:
        """Let pass, or raise what `models.migrate.watch` raises."""
        try:
            watch(connection)
        except (NewerDatabase, OlderDatabase) as error:
            with self._lock:
                said, self._said = self._said, True
            if not said:
                # The sentence holds revisions and a command, nothing private.
                structlog.get_logger(__name__).error(str(error), code=error.code)
            raise
        self._said = False
