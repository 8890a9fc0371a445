"""The pages on the tiny office with its open quarter, on each of the two databases."""

from pathlib import Path

import pytest

from config.clock import SimulatedClock
from config.settings import load_settings
from config.wiring import Wiring
from tests.services.builders import noon
from tests.services.conftest import play, postgresql_office, sqlite_office
from tests.services.playing import Play
from tests.web.browsing import Pages
from web.app import create_app

__all__ = ["play", "postgresql_office", "sqlite_office"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On PostgreSQL the pages are asked by `run.py test --whole`: the services beneath them are, in every run."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "postgresql" in item.name:
            item.add_marker(pytest.mark.whole)


@pytest.fixture
def pages(play: Play) -> Pages:
    """The application at noon of the first of April, when the quarter is over."""
    return served(play)


def served(play: Play, **settings: object) -> Pages:
    """Return the application on an office, with some settings of its own."""
    clock = SimulatedClock(noon(4, 1))
    wiring = Wiring(load_settings(settings), play.uow.engine, play.uow, clock, None)
    return Pages(create_app(wiring), play, clock)
