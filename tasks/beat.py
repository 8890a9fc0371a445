"""`appraise beat`: the clock of the server mode in a process of its own. It holds no state and opens no database."""

import threading
from typing import Self

from config.settings import Settings
from config.wiring import Wiring
from services.errors import Environment
from tasks.app import make_app
from tasks.clock import Clock


class Beat:
    """Rings for the jobs of the table while it is open."""

    def __init__(self, settings: Settings) -> None:
        self._clock = Clock(make_app(settings, _nothing), settings)
        self._thread = threading.Thread(target=self._clock.run, name="appraise-beat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.stop()
        # A ring that waits for an answer of the broker may end with the process.
        self._thread.join(1.0)


def _nothing() -> Wiring:
    """Run no job here.

    Raises:
        Environment: always.
    """
    raise Environment("The beat only rings; start `appraise worker` to run jobs.", "beat")
