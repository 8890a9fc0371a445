"""Counting the statements that a use case sends: BEGIN and COMMIT are none, an executemany is one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Engine, event

Counting = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def statements(engine: Engine) -> Counting:
    """Return a context that collects the text of each statement sent while it is open."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(*arguments: object) -> None:
            sent.append(str(arguments[2]))

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting
