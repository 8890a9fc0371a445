"""The same quarter through the pages, on PostgreSQL with Redis, two worker processes and a beat."""

import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from rich.console import Console

from cli.theatre import prepare
from config.wiring import Wiring
from services import practice_clock, verification
from tests.e2e.browser.test_quarter import Stage, played
from tests.e2e.server_theatre import ServerTheatre
from tests.e2e.test_server_mode import BROKERS, DATABASES, broker, database
from tests.services.builders import build_office, noon
from tests.services.playing import Play
from tests.web.browsing import Pages
from web.app import create_app
from web.server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.whole]


@dataclass
class CommonClock:
    """A clock that stands where the practice data say, so that the pages and every process go by the same."""

    theatre: ServerTheatre

    def now(self) -> dt.datetime:
        """Return the moment it was last set to."""
        return self.theatre.now

    def set(self, at: dt.datetime) -> None:
        """Let the processes end what was owed till then, and go there together."""
        self.theatre.work_off()
        self.theatre.clock.set(at)
        practice_clock.set_clock(self.theatre.uow, now=at, at=at)


@dataclass
class ServedStage(Stage):
    """A stage whose work is done by processes that know nothing of the pages but what lies in the database."""

    theatre: ServerTheatre | None = None

    def work_off(self) -> None:
        """Wait until the processes have done all that is owed."""
        assert self.theatre is not None
        self.theatre.work_off()


def test_a_quarter_is_played_through_the_pages_on_servers(tmp_path: Path, chromium: Browser) -> None:
    folder = tmp_path / "data"
    prepare(folder, fresh=False)
    with (
        database(DATABASES[-1]) as address,
        broker(BROKERS[-1]) as redis,
        ServerTheatre(
            folder, Console(file=io.StringIO()), noon(1, 5), "Asia/Shanghai", database=address, broker=redis
        ) as theatre,
    ):
        clock = CommonClock(theatre)
        office = build_office(theatre.uow)
        clock.set(noon(4, 1))
        theatre.processes = [theatre.start(role) for role in theatre.roles]
        wiring: Wiring = theatre.wiring
        pages = Pages(create_app(wiring), Play(theatre.uow, office), clock)
        with PageServer(pages.app, host="127.0.0.1", port=0) as server:
            stage = ServedStage(chromium, pages, None, server.address, 0, theatre=theatre)
            played(stage)
            stage.close()
        # The office was written without its import, so no event vouches for it; all else was done by services.
        assert {fault.code for fault in verification.verify(theatre.uow).faults} <= {"no-event"}
        with redis.client() as client:
            assert client.info("commandstats")["cmdstat_lpush"]["calls"] > 0
