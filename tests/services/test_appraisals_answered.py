"""The sign-off: the person accepts, has read it, objects to lines, withdraws; and the appeal that follows."""

import datetime as dt
from collections.abc import Mapping

import pytest

from services import findings
from services.errors import Malformed
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    VICE,
    noon,
)
from tests.services.playing import ANSWERED, APPROVED, Play

SIX = dt.timedelta(hours=6)
"""From noon to six in the evening in Shanghai, when a day's work is due."""


@pytest.fixture
def contested(play: Play) -> Play:
    """Two findings, 5 and 3 points, both under appeal."""
    play.deduct("C3.1", 5)
    play.deduct("C3.2")
    play.bring("appeal", lines={"F1": None, "F2": None})
    assert play.total() == 92
    return play


def test_accepting_ends_it(play: Play) -> None:
    play.bring("signoff")
    play.refused(PERSONNEL, "accept", "not-yours", "is for the person appraised", at=ANSWERED)
    play.act(CLERK, "accept", at=ANSWERED)
    assert (play.appraisal().stage, play.appraisal().outcome) == ("closed", "accepted")
    play.refused(CLERK, "accept", "again", "You have already answered.", at=ANSWERED)


def test_having_read_it_proves_the_notice_and_keeps_the_right_to_answer(play: Play) -> None:
    play.bring("signoff")
    play.act(CLERK, "read", at=ANSWERED)
    item = play.item()
    assert item.noticed_at is not None
    assert str(item.due_at).startswith("2026-04-14"), "five working days after the seventh"
    play.refused(CLERK, "read", "not-read", "already confirmed that you have read it", at=ANSWERED)
    play.act(CLERK, "accept", at=noon(4, 9))


def test_an_objection_names_lines_that_stand_and_a_reason(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("signoff")
    play.refused(CLERK, "object", "reason", "needs a reason", at=ANSWERED, lines={"F1": None})
    play.refused(CLERK, "object", "lines", "must name the lines", at=ANSWERED, reason="No.")
    for line in ("F2", "F01", "f1", "C3.1", "A1.1:2026-02"):
        words = f"has no line {line} that counts; name a line that your sheet shows."
        play.refused(CLERK, "object", "unknown-line", words, at=ANSWERED, reason="No.", lines={line: None})
    play.act(CLERK, "object", at=ANSWERED, reason="I was elsewhere.", lines={"F1": None})
    rows = play.rows("SELECT * FROM contested_line")
    assert [(row.finding_id, row.rule, row.move_seq) for row in rows] == [(1, "C3.1", 4)]
    assert (play.item().role, play.item().holder_id) == ("decider", play.office.people[VICE])


def test_a_missed_month_can_be_contested_and_struck(play: Play) -> None:
    play.inspect(SECURITY, 1)
    play.inspect(SECURITY, 3)
    play.confirm(SECURITY, 2)
    play.bring("appeal", of=SECURITY, lines={"A1.1:2026-02": None})
    moved = play.act(
        SECRETARY, "decide", of=SECURITY, at=noon(4, 8), reason="It was closed.", lines={"A1.1:2026-02": "strike"}
    )
    assert moved.total == 100


def test_who_withdraws_an_objection_answers_within_the_days_that_were_left(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("signoff")
    play.act(CLERK, "read", at=ANSWERED)
    due, noticed = play.item().due_at, play.item().noticed_at
    play.act(CLERK, "object", at=noon(4, 8), reason="No.", lines={"F1": None})
    play.refused(VICE, "withdraw", "not-yours", "is for the person appraised", at=noon(4, 9))
    play.act(CLERK, "withdraw", at=noon(4, 13))
    assert (play.item().due_at, play.item().noticed_at) == (due, noticed)
    last = noon(4, 14) + SIX
    words = "The days to answer are over, so you can no longer object"
    play.refused(
        CLERK, "object", "window-open", words, at=last + dt.timedelta(minutes=1), reason="No.", lines={"F1": None}
    )
    play.act(CLERK, "object", at=last, reason="No.", lines={"F1": None})


def test_an_objection_is_notice_enough_for_the_days_to_run_once_it_is_withdrawn(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("appeal", lines={"F1": None})
    play.act(CLERK, "withdraw", at=noon(4, 8))
    assert str(play.item().due_at).startswith("2026-04-14"), "five working days after the objection of the seventh"


def test_a_judgement_released_anew_starts_the_days_anew(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("signoff")
    play.act(CLERK, "read", at=ANSWERED)
    play.act(CLERK, "object", at=ANSWERED, reason="No.", lines={"F1": None})
    play.act(VICE, "send-back", at=noon(4, 8), reason="Score it again.")
    play.act(PERSONNEL, "submit", at=noon(4, 8))
    play.act(DIRECTOR, "approve", at=noon(4, 8))
    assert (play.item().noticed_at, play.item().due_at) == (None, None)
    play.act(CLERK, "read", at=noon(4, 9))
    assert str(play.item().due_at).startswith("2026-04-16")


@pytest.mark.parametrize(
    ("lines", "total", "kinds"),
    [
        ({"F1": "keep", "F2": "keep"}, 92, {"F1": "keep", "F2": "keep"}),
        ({"F1": "strike", "F2": "keep"}, 97, {"F1": "strike", "F2": "keep"}),
        ({"F1": "4", "F2": "strike"}, 96, {"F1": "lower", "F2": "strike"}),
        ({"F1": "STRIKE", "F2": " strike "}, 100, {"F1": "strike", "F2": "strike"}),
    ],
)
def test_an_appeal_is_decided_line_by_line(
    contested: Play, lines: Mapping[str, str], total: int, kinds: Mapping[str, str]
) -> None:
    moved = contested.act(VICE, "decide", at=noon(4, 8), reason="Heard both.", lines=lines)
    assert moved.total == total
    assert (contested.appraisal().stage, contested.appraisal().outcome) == ("closed", "decided")
    revisions = contested.rows("SELECT finding_id, kind, move_seq FROM finding_revision")
    assert {f"F{row.finding_id}": row.kind for row in revisions} == kinds
    assert {row.move_seq for row in revisions} == {moved.version}
    assert contested.rows("SELECT kind FROM sheet ORDER BY id DESC")[0].kind == "appeal"
    assert [row.amount for row in contested.rows("SELECT amount FROM finding ORDER BY id")] == [5_000_000, None]


def test_every_contested_line_and_no_other_is_decided(contested: Play) -> None:
    at, reason = noon(4, 8), "Heard both."
    words = "still without a decision: F2"
    contested.refused(VICE, "decide", "all-contested-decided", words, at=at, reason=reason, lines={"F1": "keep"})
    contested.refused(VICE, "decide", "lines", "must name the lines", at=at, reason=reason)
    contested.refused(VICE, "decide", "reason", "needs a reason", at=at, lines={"F1": "keep", "F2": "keep"})
    undecided = {"F1": None, "F2": "keep"}
    words = "Say what becomes of F1: keep, strike or a lower amount"
    contested.refused(VICE, "decide", "bad-decision", words, error=Malformed, at=at, reason=reason, lines=undecided)


def test_a_line_nobody_contested_is_not_decided(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.deduct("C3.2")
    play.bring("appeal", lines={"F1": None})
    words = "The appeal is not about F2; it is about F1."
    lines = {"F1": "keep", "F2": "strike"}
    play.refused(VICE, "decide", "only-contested", words, at=noon(4, 8), reason="Both.", lines=lines)


def test_no_amount_is_higher_after_an_appeal_or_outside_its_rule(play: Play) -> None:
    play.deduct("C3.1", 4)
    play.bring("appeal", lines={"F1": None})
    at, reason = noon(4, 8), "Heard both."
    words = "F1 stood at 4 before the appeal; no amount may be higher after it."
    play.refused(VICE, "decide", "not-lower", words, at=at, reason=reason, lines={"F1": "5"})
    play.refused(VICE, "decide", "revision-not-positive", "F1", at=at, reason=reason, lines={"F1": "0"})
    play.refused(VICE, "decide", "off-step", "F1", at=at, reason=reason, lines={"F1": "2.5"})
    assert play.act(VICE, "decide", at=at, reason=reason, lines={"F1": "1"}).total == 99


def test_what_the_reviewer_made_of_it_is_what_stood_before_the_appeal(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("review")
    play.act(DIRECTOR, "change", reason="Less.", lines={"F1": "3"})
    play.act(DIRECTOR, "approve", at=APPROVED)
    play.act(CLERK, "object", at=ANSWERED, reason="No.", lines={"F1": None})
    lines = {"F1": "4"}
    play.refused(VICE, "decide", "not-lower", "F1 stood at 3", at=noon(4, 8), reason="Hm.", lines=lines)
    assert play.act(VICE, "decide", at=noon(4, 8), reason="Hm.", lines={"F1": "2"}).total == 98


def test_after_an_appeal_was_sent_back_nothing_may_be_worse_than_before_it(play: Play) -> None:
    play.deduct("C3.1", 4)
    play.bring("appeal", lines={"F1": None})
    play.refused(VICE, "send-back", "reason", "needs a reason", at=noon(4, 8))
    play.act(VICE, "send-back", at=noon(4, 8), reason="Look at the log again.")
    assert (play.appraisal().stage, play.appraisal().round) == ("scoring", 2)
    play.deduct("C3.2", at=noon(4, 8))
    words = "Nothing may be worse after an appeal than before it, and this would be: C3."
    play.refused(PERSONNEL, "submit", "not-worse", words, at=noon(4, 8))
    findings.void(play.uow, actor=play.office.actor(PERSONNEL), now=noon(4, 8), finding="F1", reason="Not his.")
    assert play.act(PERSONNEL, "submit", at=noon(4, 8)).total == 97
    play.act(DIRECTOR, "approve", at=noon(4, 9))
    play.act(CLERK, "accept", at=noon(4, 10))


def test_a_reviewer_makes_nothing_worse_after_an_appeal_was_sent_back(play: Play) -> None:
    play.deduct("C3.1", 4)
    play.bring("appeal", lines={"F1": None})
    play.act(VICE, "send-back", at=noon(4, 8), reason="Look at the log again.")
    play.act(PERSONNEL, "submit", at=noon(4, 8))
    lines = {"F1": "5"}
    play.refused(DIRECTOR, "change", "not-worse", "would be: C3", at=noon(4, 8), reason="More.", lines=lines)
    play.act(DIRECTOR, "change", at=noon(4, 8), reason="Less.", lines={"F1": "3"})
    play.act(DIRECTOR, "approve", at=noon(4, 8))
    assert play.total() == 97


@pytest.mark.parametrize("by", [CLERK, PERSONNEL, DIRECTOR, OFFICER, PRESIDENT])
def test_an_appeal_is_decided_by_nobody_with_another_part(contested: Play, by: str) -> None:
    lines = {"F1": "strike", "F2": "strike"}
    words = "is for whoever decides the appeal"
    contested.refused(by, "decide", "not-yours", words, at=noon(4, 8), reason="So be it.", lines=lines)
    contested.refused(by, "send-back", "not-yours", words, at=noon(4, 8), reason="So be it.")


def test_the_decider_does_nothing_before_there_is_an_appeal(play: Play) -> None:
    play.bring("signoff")
    play.refused(VICE, "decide", "stage", "is not possible now: the stage is “Sign-off”", at=ANSWERED, reason="So.")
    play.refused(VICE, "approve", "stage", "is not possible now", at=ANSWERED)


def test_an_appeal_that_was_decided_is_decided(contested: Play) -> None:
    lines = {"F1": "keep", "F2": "keep"}
    contested.act(VICE, "decide", at=noon(4, 8), reason="Heard both.", lines=lines)
    words = "You have already decided this appeal."
    contested.refused(VICE, "decide", "again", words, at=noon(4, 9), reason="Again.", lines=lines)
    contested.refused(CLERK, "withdraw", "ended", "The appraisal is closed", at=noon(4, 9))
