"""From the own statement to the review: who moves an appraisal, what each move writes, and what is refused."""

import json
from fractions import Fraction

import pytest

from services.actors import SYSTEM
from services.errors import Malformed
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, SECURITY, VICE, noon
from tests.services.playing import ANSWERED, APPROVED, SUBMITTED, Play

JANUARY_8 = noon(1, 8)
"""The third working day after the opening on the fifth: the own statement is due at six in the evening."""


def test_the_statement_sends_it_to_scoring_and_the_self_score_is_shown_and_not_counted(play: Play) -> None:
    moved = play.act(CLERK, "state", at=noon(1, 6), reason="My quarter.", ratings={"C1": Fraction(29)})
    assert (moved.from_stage, moved.to_stage, moved.version) == ("draft", "scoring", 1)
    assert moved.code == "2026Q1/1008@clerical"
    sheet, rating = play.rows("SELECT * FROM sheet"), play.rows("SELECT * FROM rating")
    assert [(row.kind, row.person_id) for row in sheet] == [("self", play.office.people[CLERK])]
    assert [(row.item, row.value) for row in rating] == [("C1", 29_000_000)]
    payload = json.loads(play.moves()[0].payload)
    assert (payload.keys(), payload["sheet"]) == ({"sheet", "ratings"}, sheet[0].id)
    play.act(PERSONNEL, "submit")
    assert play.total() == 100


def test_the_statement_can_still_be_sent_beside_the_scoring_and_only_once(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(1, 6))
    play.refused(PERSONNEL, "start", "again", "You have already started", at=noon(1, 6))
    before = play.item()
    moved = play.act(CLERK, "state", at=noon(1, 7), reason="Late, but here.")
    assert (moved.from_stage, moved.to_stage) == ("scoring", "scoring")
    assert play.item() == before, "the assessor's turn goes on as it was"
    play.refused(CLERK, "state", "statement-not-sent", "already sent your statement", at=noon(1, 7))


def test_a_self_score_is_of_an_item_and_within_its_points(play: Play) -> None:
    play.refused(CLERK, "state", "unknown-item", "Your post has no item D1", ratings={"D1": Fraction(5)})
    play.refused(CLERK, "state", "self-score-range", "between 0 and 30 points", ratings={"C1": Fraction(31)})
    play.refused(CLERK, "state", "self-score-range", "between 0 and 30 points", ratings={"C1": Fraction(-1)})
    assert play.rows("SELECT * FROM sheet") == []


def test_a_statement_taken_back_can_be_sent_again_within_the_same_days(play: Play) -> None:
    due = play.item().due_at
    play.act(CLERK, "state", at=noon(1, 6))
    play.act(CLERK, "take-back", at=noon(1, 7))
    assert play.appraisal().stage == "draft"
    assert play.item().due_at == due, "taking back gives nobody new days"
    play.act(CLERK, "state", at=JANUARY_8, reason="Better.")
    assert [move.action for move in play.moves()] == ["state", "take-back", "state"]


def test_only_the_clock_goes_on_without_a_statement_and_only_when_its_days_are_over(play: Play) -> None:
    play.refused(SYSTEM, "skip", "statement-not-awaited", "may still send the own statement", at=JANUARY_8)
    play.refused(PERSONNEL, "skip", "not-yours", "is for the clock", at=noon(1, 12))
    moved = play.act(SYSTEM, "skip", at=noon(1, 9))
    assert moved.to_stage == "scoring"
    history = play.moves()[0]
    assert (history.role, history.actor_id) == ("system", None)


def test_a_submission_stores_the_score_with_its_steps_and_passes_the_turn_on(play: Play) -> None:
    code = play.deduct("C3.1", 4)
    play.bring("scoring")
    moved = play.act(PERSONNEL, "submit", reason="As we discussed.")
    assert moved.total == 96
    appraisal = play.appraisal()
    assert (appraisal.stage, appraisal.version, appraisal.round) == ("review", 2, 1)
    score = play.rows("SELECT * FROM score")[0]
    assert appraisal.score_id == score.id
    assert (score.total, score.maximum, score.arithmetic, str(score.as_of)) == (
        96_000_000,
        100_000_000,
        1,
        "2026-03-31",
    )
    assert code in score.steps
    items = {row.item: row.score for row in play.rows("SELECT * FROM score_item WHERE score_id = :id", id=score.id)}
    assert items == {"C1": 30_000_000, "C2": 30_000_000, "C3": 21_000_000, "C4": 15_000_000}
    assert (play.item().role, play.item().holder_id) == ("reviewer", play.office.people[DIRECTOR])


def test_nothing_is_submitted_before_each_missed_month_is_confirmed_or_excused(play: Play) -> None:
    play.inspect(SECURITY, 1)
    play.bring("scoring", of=SECURITY)
    words = "Confirm or excuse first what the log of duties shows as missed: A1.1:2026-02, A1.1:2026-03."
    play.refused(DIRECTOR, "submit", "duties-confirmed", words, of=SECURITY)
    play.confirm(SECURITY, 2)
    play.refused(DIRECTOR, "submit", "duties-confirmed", "missed: A1.1:2026-03.", of=SECURITY)
    play.confirm(SECURITY, 3)
    assert play.act(DIRECTOR, "submit", of=SECURITY).total == 80


def test_a_return_needs_a_reason_keeps_the_round_and_opens_the_ledger_again(play: Play) -> None:
    play.bring("review")
    play.refused(DIRECTOR, "return", "reason", "“Return for correction” needs a reason.", at=APPROVED)
    play.refused(DIRECTOR, "return", "reason", "needs a reason", at=APPROVED, reason="   ")
    play.act(DIRECTOR, "return", at=APPROVED, reason="One day is missing.")
    appraisal = play.appraisal()
    assert (appraisal.stage, appraisal.round) == ("scoring", 2)
    assert appraisal.score_id is not None, "the score of the first round stays"
    play.deduct("C3.2", at=APPROVED)
    play.act(PERSONNEL, "submit", at=ANSWERED)
    sheets = play.rows("SELECT round, kind FROM sheet ORDER BY id")
    assert [(row.round, row.kind) for row in sheets] == [(1, "assessor"), (2, "assessor")]
    assert play.total() == 97


def test_three_returns_are_the_limit_and_one_taken_back_does_not_count(play: Play) -> None:
    play.bring("review")
    play.act(DIRECTOR, "return", at=SUBMITTED, reason="Look again.")
    play.act(DIRECTOR, "take-back-return", at=APPROVED)
    assert play.appraisal().stage == "review"
    for _ in range(3):
        play.act(DIRECTOR, "return", at=APPROVED, reason="Look again.")
        play.act(PERSONNEL, "submit", at=APPROVED)
    words = "already returned 3 times, which is the limit"
    play.refused(DIRECTOR, "return", "returns-left", words, at=APPROVED, reason="And again.")
    assert play.appraisal().round == 5
    play.act(DIRECTOR, "approve", at=APPROVED)


def test_a_change_stays_within_the_range_and_both_amounts_stay_visible(play: Play) -> None:
    code = play.deduct("C3.1", 5)
    play.bring("review")
    play.refused(DIRECTOR, "change", "reason", "needs a reason", lines={code: "3"})
    play.refused(DIRECTOR, "change", "lines", "must name the lines", reason="Too much.")
    for amount, why in (("6", "out-of-range"), ("2", "out-of-range"), ("3.5", "off-step")):
        play.refused(DIRECTOR, "change", why, code, lines={code: amount}, reason="Too much.")
    moved = play.act(DIRECTOR, "change", reason="Too much.", lines={code: "3"})
    assert (moved.from_stage, moved.to_stage, moved.total) == ("review", "review", 97)
    revision = play.rows("SELECT * FROM finding_revision")[0]
    assert (revision.kind, revision.amount, revision.move_seq) == ("change", 3_000_000, moved.version)
    assert play.rows("SELECT amount FROM finding")[0].amount == 5_000_000, "the finding stays as it was"
    assert json.loads(play.moves()[-1].payload)["lines"] == {code: "change 3"}
    steps = json.loads(play.rows("SELECT steps FROM score ORDER BY id DESC")[0].steps)["steps"]
    recorded, revised = ([step for step in steps if step["code"] == name] for name in ("finding", "revised"))
    assert recorded[0]["amount"] == "5"
    assert (revised[0]["from"], revised[0]["to"]) == ("5", "3")


def test_what_a_rule_fixes_is_struck_and_not_changed(play: Play) -> None:
    code = play.deduct("C3.2")
    play.bring("review")
    play.refused(DIRECTOR, "change", "amount-differs", code, lines={code: "2"}, reason="Less.")
    assert play.act(DIRECTOR, "strike", reason="Not his.", lines={code: None}).total == 100
    play.refused(DIRECTOR, "strike", "unknown-line", f"no line {code} that counts", lines={code: None}, reason="Twice.")


def test_a_missed_month_is_struck_by_its_rule_and_month(play: Play) -> None:
    play.inspect(SECURITY, 1)
    play.inspect(SECURITY, 3)
    play.confirm(SECURITY, 2)
    play.bring("review", of=SECURITY)
    assert play.total(SECURITY) == 90
    moved = play.act("1001", "strike", of=SECURITY, reason="The house was closed.", lines={"A1.1:2026-02": "strike"})
    assert moved.total == 100


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ({"12": "3"}, "bad-line", "'12' does not name a line"),
        ({"F0": "3"}, "bad-line", "does not name a line"),
        ({"": "3"}, "bad-line", "does not name a line"),
        ({"A1.1:2026-2": "3"}, "bad-line", "does not name a line"),
        ({"F1": None}, "bad-decision", "Say what becomes of F1: the new amount, such as --line F1=3."),
        ({"F1": "less"}, "bad-decision", "'less' is no decision about F1; write the new amount."),
        ({"F1": "1e1"}, "bad-decision", "no decision"),
        ({"F1": "strike"}, "bad-decision", "no decision"),
    ],
)
def test_a_decision_that_cannot_be_read_is_malformed(
    play: Play, lines: dict[str, str | None], code: str, words: str
) -> None:
    assert play.deduct("C3.1", 5) == "F1"
    play.bring("review")
    play.refused(DIRECTOR, "change", code, words, error=Malformed, lines=lines, reason="Too much.")


def test_a_line_of_somebody_else_is_no_line_here(play: Play) -> None:
    other = play.deduct("P1.1", 4, of=OFFICER)
    play.bring("review")
    play.refused(DIRECTOR, "strike", "unknown-line", f"has no line {other}", lines={other: None}, reason="Not his.")
    play.refused(DIRECTOR, "strike", "unknown-line", "has no line F999", lines={"F999": None}, reason="Not his.")
    month = {"A1.1:2026-02": None}
    play.refused(DIRECTOR, "strike", "unknown-line", "has no line A1.1:2026-02", lines=month, reason="Not his.")


def test_an_approval_releases_the_judgement_and_waits_for_the_person(play: Play) -> None:
    play.bring("signoff")
    item = play.item()
    assert (item.role, item.holder_id) == ("appraisee", play.office.people[CLERK])
    assert item.due_at is None, "the days to answer begin with proven notice"
    assert item.noticed_at is None


def test_the_last_act_can_be_taken_back_while_nobody_has_looked_for_one_working_day(play: Play) -> None:
    play.bring("review")
    play.refused(DIRECTOR, "take-back", "not-yours", "is for the assessor")
    play.act(PERSONNEL, "take-back", at=APPROVED)
    play.act(PERSONNEL, "submit", at=APPROVED)
    play.act(DIRECTOR, "approve", at=APPROVED)
    play.refused(PERSONNEL, "take-back", "not-yours", "is for the reviewer", at=APPROVED)
    play.act(DIRECTOR, "take-back", at=noon(4, 7))  # the fourth to the sixth are a holiday
    play.act(DIRECTOR, "approve", at=noon(4, 7))
    play.refused(DIRECTOR, "take-back", "within-take-back", "for 1 working day at most", at=noon(4, 9))


def test_what_the_next_holder_has_opened_cannot_be_taken_back(play: Play) -> None:
    from services.desk import show

    play.bring("review")
    show(play.uow, actor=play.office.actor(OFFICER), now=SUBMITTED, appraisal="2026Q1/1008")
    assert play.item().seen_at is None, "HR looking is not the holder looking"
    show(play.uow, actor=play.office.actor(DIRECTOR), now=SUBMITTED, appraisal="2026Q1/1008")
    play.refused(PERSONNEL, "take-back", "unseen", "has opened it and it can no longer be taken back")


def test_taking_back_gives_nobody_new_days(play: Play) -> None:
    play.bring("scoring")
    due = play.item().due_at
    for day in (2, 3, 7):
        play.act(PERSONNEL, "submit", at=noon(4, day))
        play.act(PERSONNEL, "take-back", at=noon(4, day))
        assert play.item().due_at == due


def test_an_act_that_somebody_else_followed_is_no_longer_ones_own_to_take_back(play: Play) -> None:
    play.bring("scoring")
    play.act(CLERK, "state", at=noon(4, 1))
    play.act(PERSONNEL, "submit")
    play.act(PERSONNEL, "take-back")
    words = "only take back an act of your own"
    play.refused(CLERK, "take-back", "own-last-act", words)


def test_every_move_is_a_row_of_history_that_makes_the_next_version(play: Play) -> None:
    play.deduct("C3.1", 4)
    play.bring("closed")
    moves, appraisal = play.moves(), play.appraisal()
    assert [move.seq for move in moves] == list(range(1, appraisal.version + 1))
    assert [move.from_stage for move in moves] == ["draft", "scoring", "review", "signoff"]
    assert [move.to_stage for move in moves] == ["scoring", "review", "signoff", "closed"]
    assert [move.prev for move in moves[1:]] == [move.mac for move in moves[:-1]]
    opened = play.rows("SELECT mac FROM event WHERE kind = 'opened'")[0]
    assert moves[0].prev == opened.mac, "the chain starts from the opening"
    assert (appraisal.stage, appraisal.outcome) == ("closed", "accepted")
    assert play.item() is None


def test_an_open_item_stands_for_each_stage_and_closes_with_the_move_that_left_it(play: Play) -> None:
    play.bring("closed")
    items = play.rows("SELECT * FROM work_item WHERE appraisal_id = :id ORDER BY id", id=play.appraisal().id)
    assert [item.stage for item in items] == ["draft", "scoring", "review", "signoff"]
    assert [item.role for item in items] == ["appraisee", "assessor", "reviewer", "appraisee"]
    assert [item.closed_by_seq for item in items] == [1, 2, 3, 4]
    assert all(item.next_action_at is None for item in items)


def test_a_vice_president_who_scores_the_director_is_reviewed_by_the_president(play: Play) -> None:
    play.deduct("D2.1", 7, of=DIRECTOR)
    play.bring("signoff", of=DIRECTOR)
    assert play.total(DIRECTOR) == 93
    assert [move.actor_id for move in play.moves(DIRECTOR)] == [
        play.office.people[number] for number in (VICE, VICE, "1001")
    ]
