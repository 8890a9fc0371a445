"""A dry run of the clock says what would be done, for whom and why, and does nothing."""

import datetime as dt

import pytest

from services import foresight
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL
from tests.services.clocking import at, nothing_written, pass_time
from tests.services.planning import Plan
from tests.services.playing import Play
from tests.services.test_missed import FORGED, PAST, holders, released, to_scoring, typed


def seen(play: Play, now: dt.datetime, of: str = CLERK) -> set[tuple[str, str, str | None]]:
    """What would be done about a person's open work item, to whom, and who would take it."""
    item = f"W{play.item(of).id}"
    with nothing_written(play.uow):
        found = foresight.foresee(play.uow, now=now)
    assert all(one.why for one in found)
    return {(one.what, one.number, one.to) for one in found if one.item == item}


def test_a_message_that_was_promised_is_not_foreseen_again(play: Play) -> None:
    assert seen(play, at(1, 5, 12)) == {("your-turn", CLERK, None)}
    pass_time(play.uow, at(1, 5, 12))
    assert seen(play, at(1, 5, 12)) == set()
    assert seen(play, at(1, 6, 9)) == {("due-soon", CLERK, None)}


def test_what_the_clock_would_do_is_what_it_then_does(play: Play) -> None:
    assert ("skip", CLERK, None) in seen(play, at(1, 8))
    to_scoring(play)
    assert ("pass-on", PERSONNEL, DIRECTOR) in seen(play, at(1, 15))
    assert holders(play)["assessor"] == PERSONNEL
    pass_time(play.uow, at(1, 15))
    assert holders(play)["assessor"] == DIRECTOR
    assert {what for what, _, _ in seen(play, at(1, 15))} == {"passed-upward"}


def test_silence_days_away_and_what_holds_are_foreseen(play: Play) -> None:
    released(play)
    play.act(CLERK, "read", at=at(1, 12, 12))
    assert ("conclude", CLERK, None) in seen(play, at(1, 19))
    Plan(play.uow, play.office).absence(CLERK, dt.date(2026, 1, 14), dt.date(2026, 1, 15), "leave")
    assert ("more-time", CLERK, None) in seen(play, at(1, 19))


def test_what_nobody_can_take_is_foreseen_as_holding(play: Play) -> None:
    to_scoring(play)
    for evening in (at(1, 15), at(1, 22), at(1, 29)):
        pass_time(play.uow, evening)
    assert {what for what, _, _ in seen(play, at(2, 5))} >= {"holds"}


def test_a_record_that_is_not_what_was_written_is_foreseen_as_holding(play: Play) -> None:
    released(play)
    typed(play, FORGED, PAST)
    assert "holds" in {what for what, _, _ in seen(play, at(2, 9))}


def test_nothing_is_foreseen_where_nothing_is_open(uow: UnitOfWork) -> None:
    assert foresight.foresee(uow, now=at(1, 5)) == ()


@pytest.mark.parametrize("of", [OFFICER, CLERK])
def test_a_statement_of_somebody_away_under_protection_does_not_run_out(play: Play, of: str) -> None:
    Plan(play.uow, play.office).absence(of, dt.date(2026, 1, 6), None)
    assert {what for what, _, _ in seen(play, at(1, 8), of)} == {"your-turn"}
