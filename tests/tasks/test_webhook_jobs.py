"""A worker finds what webhooks are owed by itself, and leaves it alone while this copy tells nobody anything."""

from config.clock import SimulatedClock
from config.settings import load_settings
from config.wiring import Wiring
from services import sending, webhooks
from tasks import once
from tasks.jobs import due_now
from tests.services.builders import OFFICER, noon
from tests.services.conftest import play, postgresql_office, sqlite_office
from tests.services.playing import Play
from tests.services.receiving import receiver

__all__ = ["play", "postgresql_office", "sqlite_office"]
NOW = noon(4, 1)


def test_what_happens_is_found_planned_and_told(play: Play) -> None:
    settings = load_settings({"webhook_private": True, "webhook_timeout_seconds": 5})
    wiring = Wiring(settings, play.uow.engine, play.uow, SimulatedClock(NOW), None)
    assert "webhooks.plan" not in due_now(wiring)
    with receiver() as other:
        webhooks.add(play.uow, actor=play.who(OFFICER), now=NOW, url=other.url, private=True)
        play.bring("scoring")
        assert due_now(wiring)["webhooks.plan"] == 1
        sending.pause(play.uow, now=NOW)
        once.work_off_all(wiring)
        assert other.got == []
        assert "webhooks.deliver" not in due_now(wiring)
        sending.resume(play.uow, now=NOW)
        once.work_off_all(wiring)
        moves = play.rows("SELECT id FROM move")
        assert other.kinds() == ["appraisal.moved"] * len(moves)
        assert len(set(other.names())) == len(moves)
        assert not {"webhooks.plan", "webhooks.deliver"} & set(due_now(wiring))


def test_a_private_address_is_told_nothing_where_that_is_not_allowed(play: Play) -> None:
    wiring = Wiring(load_settings({}), play.uow.engine, play.uow, SimulatedClock(NOW), None)
    with receiver() as other:
        webhooks.add(play.uow, actor=play.who(OFFICER), now=NOW, url=other.url, private=True)
        play.bring("scoring")
        once.work_off_all(wiring)
        assert other.got == []
    rows = play.rows("SELECT state, said, tried FROM webhook_delivery ORDER BY id")
    assert {row.state for row in rows} == {"waiting"}
    assert (rows[0].said, rows[0].tried) == ("private-address", 1)
    assert {row.tried for row in rows[1:]} <= {0}
