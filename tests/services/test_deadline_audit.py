"""What the history, the audit and the lists say of what the clock did, to those who may read it."""

import json

import pytest

from services import audit_trail, desk
from services.errors import NotFound
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, PRESIDENT, QUARTER, SECRETARY
from tests.services.clocking import at, pass_time
from tests.services.playing import Play
from tests.services.test_missed import SCORING_OVER, released, to_scoring

CODE = f"{QUARTER}/{CLERK}"


def test_the_form_shows_that_it_was_passed_on_and_by_whom(play: Play) -> None:
    to_scoring(play)
    pass_time(play.uow, SCORING_OVER)
    shown = desk.show(play.uow, actor=play.who(DIRECTOR), now=at(1, 16, 9), appraisal=CODE)
    assert shown.holders["assessor"].endswith(f"({DIRECTOR})")
    assert [step.action for step in shown.history][-1] == "pass-on"


def test_the_former_holder_may_still_know_of_it_and_do_nothing(play: Play) -> None:
    to_scoring(play)
    pass_time(play.uow, SCORING_OVER)
    shown = desk.show(play.uow, actor=play.who(PERSONNEL), now=at(1, 16, 9), appraisal=CODE)
    assert shown.actions == ()
    assert CODE not in {
        one.appraisal.split("@")[0] for one in desk.work(play.uow, actor=play.who(PERSONNEL), now=at(1, 16))
    }


def test_whoever_got_no_part_learns_nothing(play: Play) -> None:
    to_scoring(play)
    with pytest.raises(NotFound):
        desk.show(play.uow, actor=play.who(SECRETARY), now=at(1, 15, 9), appraisal=CODE)
    pass_time(play.uow, SCORING_OVER)
    assert desk.show(play.uow, actor=play.who(SECRETARY), now=at(1, 16, 9), appraisal=CODE).stage == "scoring"


def test_the_auditor_reads_why_the_clock_moved(play: Play) -> None:
    to_scoring(play)
    pass_time(play.uow, SCORING_OVER)
    entries = audit_trail.show(play.uow, viewer=play.who(PRESIDENT), now=at(1, 16), name=CODE)
    last = entries[-1]
    assert (last.what, last.actor) == ("scoring -> scoring: pass-on", None)
    assert last.payload is not None
    assert last.payload["why"]["missed"] == "escalate"


def test_the_stream_of_a_notice_is_read_like_the_others(play: Play) -> None:
    released(play)
    name = f"notice:{play.appraisal().id}"
    with pytest.raises(NotFound):
        audit_trail.show(play.uow, viewer=play.who(PRESIDENT), now=at(1, 12), name=name)


def test_no_column_of_the_clock_holds_a_name(play: Play) -> None:
    to_scoring(play)
    pass_time(play.uow, SCORING_OVER)
    payloads = [json.loads(row.payload) for row in play.rows("SELECT payload FROM move WHERE action = 'pass-on'")]
    assert payloads
    assert all("Person" not in json.dumps(one) for one in payloads)
    assert OFFICER not in {str(value) for one in payloads for value in one["why"].values()}
