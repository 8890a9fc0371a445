"""Counting the statements that a use case sends: BEGIN and COMMIT are none, an executemany is one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
from sqlalchemy import Engine, event

Counting = Callable[[], AbstractContextManager[list[str]]]


@contextmanager
def sent(engine: Engine) -> Iterator[list[str]]:
    """Collect the text of each statement that an engine sends meanwhile."""
    found: list[str] = []

    def note(*arguments: object) -> None:
        found.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def statements(engine: Engine) -> Counting:
    """Return a context that collects the text of each statement sent while it is open."""
    return partial(sent, engine)
