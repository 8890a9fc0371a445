"""The entry point of `celery -A tasks.worker worker`: reads the settings and makes the application at import.

Each process of the worker opens the database for itself, at its first task: connections do not survive a fork. The
whole worker ends, with a sentence, when the database was upgraded or restored beneath it.
"""

import functools

from config.settings import load_settings
from config.wiring import Wiring, wire
from tasks.app import make_app, ring
from tasks.schema_watch import watch_schema

_settings = load_settings()


@functools.cache
def _wiring() -> Wiring:
    wiring = wire(_settings)
    wiring.bell.connect(lambda: ring(app))
    return wiring


app = make_app(_settings, _wiring)
watch_schema(app, _settings)
