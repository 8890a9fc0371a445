"""The clock that a server goes by: where practice data stand, else the machine's; of real data that is asked once."""

import datetime as dt

from sqlalchemy import text

from config.clock import OrganisationClock
from services.practice_clock import set_clock
from tests.services.builders import noon
from tests.services.conftest import play, postgresql_office, sqlite_office
from tests.services.counting import sent
from tests.services.playing import Play

__all__ = ["play", "postgresql_office", "sqlite_office"]


def test_practice_data_stand_where_they_were_set_and_real_data_are_asked_once(play: Play) -> None:
    clock = OrganisationClock(play.uow)
    assert abs(clock.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    for day in (2, 3):
        set_clock(play.uow, now=noon(4, 1), at=noon(4, day))
        assert clock.now() == noon(4, day)
    with play.uow.write() as tx:
        tx.run(text("UPDATE organisation SET kind = 'live'"))
    assert abs(clock.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    with sent(play.uow.engine) as statements:
        clock.now()
    assert statements == []
