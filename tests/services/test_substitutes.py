"""Delegations are listed to whom they concern and ended early; what was done by one stands."""

import datetime as dt

import pytest

from services import substitutes
from services.actors import Actor
from services.errors import NotFound, Refused
from services.verification import verify
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, PRESIDENT, SECURITY, VICE, noon
from tests.services.closing import vouch
from tests.services.counting import sent
from tests.services.playing import APPROVED, SUBMITTED, Play
from tests.services.test_delegations import BEFORE, FIRST, LAST, give


def end(
    play: Play, by: str | Actor = PERSONNEL, *, at: dt.datetime = SUBMITTED, **given: object
) -> substitutes.Substitute:
    (row,) = play.rows("SELECT id FROM delegation")
    return substitutes.end(play.uow, actor=play.who(by), now=at, delegation=row.id, **given)  # type: ignore[arg-type]


def refused(play: Play, code: str, by: str | Actor = PERSONNEL, **given: object) -> None:
    with pytest.raises((Refused, NotFound)) as raised:
        end(play, by, **given)  # type: ignore[arg-type]
    assert (raised.value.code, raised.value.sentence[-1]) == (code, ".")


def test_who_has_given_it_ends_it_at_once_and_what_was_done_stands(play: Play) -> None:
    vouch(play.uow)
    give(play)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    play.act(SECURITY, "submit", at=SUBMITTED)
    assert end(play, at=APPROVED, reason="Back earlier.").last == APPROVED.date() - dt.timedelta(days=1)
    play.act(DIRECTOR, "return", at=APPROVED, reason="One line is unclear.")
    with pytest.raises((Refused, NotFound)):
        play.act(SECURITY, "submit", at=APPROVED)
    assert play.act(PERSONNEL, "submit", at=APPROVED).to_stage == "review"
    assert verify(play.uow).faults == ()


def test_it_ends_with_an_earlier_day_and_never_later(play: Play) -> None:
    give(play)
    refused(play, "bad-last-day", last=LAST)
    refused(play, "bad-last-day", last=FIRST - dt.timedelta(days=2))
    assert end(play, last=LAST - dt.timedelta(days=2)).last == LAST - dt.timedelta(days=2)


def test_one_that_has_not_begun_was_never_in_force(play: Play) -> None:
    give(play)
    assert end(play, at=BEFORE).last == FIRST - dt.timedelta(days=1)
    refused(play, "over", at=BEFORE)


def test_hr_ends_it_for_the_holder_but_not_for_his_superior(play: Play) -> None:
    give(play, by=DIRECTOR, to=VICE)
    refused(play, "own-or-superior", OFFICER)
    refused(play, "unknown-delegation", CLERK)
    refused(play, "not-holder", VICE)
    refused(play, "not-holder", PRESIDENT)
    refused(play, "not-granted", play.office.proxy(DIRECTOR, CLERK))


def test_everybody_concerned_sees_it_and_hr_sees_all(play: Play) -> None:
    give(play)
    give(play, by=DIRECTOR, to=VICE)

    def seen(by: str, **which: object) -> list[tuple[str, str]]:
        rows = substitutes.list_delegations(play.uow, actor=play.who(by), now=SUBMITTED, **which)  # type: ignore[arg-type]
        return [(row.holder, row.delegate) for row in rows]

    assert seen(PERSONNEL) == seen(SECURITY) == [(PERSONNEL, SECURITY)]
    assert seen(CLERK) == []
    assert seen(OFFICER) == [(PERSONNEL, SECURITY), (DIRECTOR, VICE)]
    assert seen(OFFICER, number=VICE) == [(DIRECTOR, VICE)]
    assert seen(OFFICER, limit=1) == [(PERSONNEL, SECURITY)]
    with pytest.raises(NotFound, match="not yours to see"):
        seen(CLERK, number=VICE)


def test_a_list_takes_three_statements(play: Play) -> None:
    give(play)
    with sent(play.uow.engine) as found:
        substitutes.list_delegations(play.uow, actor=play.who(OFFICER), now=SUBMITTED)
    assert len(found) <= 3
