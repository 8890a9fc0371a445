"""Parts that went away for an absence come back with the person, told once, through a whole quarter."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.workitems import WorkItem
from services import desk, life_settings, lives, missed, people, reminders
from services.errors import NotFound
from services.outbox_messages import MESSAGE
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, SECRETARY, SECURITY, VICE, noon
from tests.services.playing import Play
from tests.services.test_lives import bring_to_the_end, change, holder, sent_to, table
from tests.services.test_work_items import mails, parties, reassign, sound

START, AWAY, BACK = noon(4, 1), noon(4, 2), noon(4, 13)
"""He begins to score, is away from the next day on, and back on a Monday."""
LAST = dt.date(2026, 4, 12)
PASSED = {"assessor": DIRECTOR, "reviewer": VICE, "decider": SECRETARY}
FIRST = {"assessor": PERSONNEL, "reviewer": DIRECTOR, "decider": VICE}
WORK_ITEM = table_of(WorkItem)


def judges(play: Play) -> dict[str, str]:
    return {role: holder(play, role, CLERK) for role in FIRST}


def go_away(play: Play, *, last: dt.date = LAST) -> None:
    play.act(PERSONNEL, "start", at=START)
    reminders.tick(play.uow, START)
    with play.uow.write() as tx:
        # What he was told yesterday has reached him.
        tx.run(update(MESSAGE).where(MESSAGE.c.kind == "your-turn").values(state="sent", sent_at=START))
    change(play, lives.absent, at=AWAY, number=PERSONNEL, first=AWAY.date(), last=last, protected=True)
    reminders.tick(play.uow, AWAY)
    assert judges(play) == PASSED


def told(play: Play, number: str) -> list[str]:
    """Under which identities somebody was told that the clerk's item is his, whatever became of it."""
    rows = play.rows(
        "SELECT dedupe_key FROM message WHERE person_id = :p AND work_item_id = :i AND kind = 'your-turn' ORDER BY id",
        p=play.office.people[number],
        i=play.item().id,
    )
    return [row.dedupe_key.rpartition("/")[2] for row in rows]


def passings(play: Play, why: str) -> list[Any]:
    events = play.rows("SELECT payload, actor_id, kind FROM event WHERE kind = 'part-passed' ORDER BY id")
    return [one for one in events if f'"why":"{why}"' in one.payload.replace(" ", "")]


def test_what_is_open_comes_back_with_the_person_and_the_quarter_ends_as_it_should(play: Play) -> None:
    go_away(play)
    assert told(play, DIRECTOR) == ["1"]
    reminders.tick(play.uow, noon(4, 10))
    assert judges(play) == PASSED
    for _ in range(2):
        reminders.tick(play.uow, BACK)
    assert judges(play) == FIRST
    assert [source for _, source, now in parties(play, "assessor") if now] == ["back"]
    assert {one.actor_id for one in passings(play, "back")} == {None}
    # He is told once more, with the five days of the stage before him; and who stood in is reminded no more.
    assert told(play, PERSONNEL) == ["1", "2"]
    assert str(play.item().due_at).startswith("2026-04-20")
    assert [kind for kind in mails(play, PERSONNEL) if kind == "your-turn"] == ["your-turn"]
    assert sent_to(play, DIRECTOR, at=BACK, about=play.appraisal().id) == []
    reminders.tick(play.uow, noon(4, 14))
    assert told(play, PERSONNEL) == ["1", "2"]
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == ("accepted", 100)


def test_who_stood_in_keeps_sight_of_what_he_did_and_does_not_review_it(play: Play) -> None:
    go_away(play)
    play.deduct("C3.1", 4, at=noon(4, 3), by=DIRECTOR)
    reminders.tick(play.uow, BACK)
    # The director recorded as the one who scores, so he has no other part: the review stays one level up.
    assert judges(play) == {**PASSED, "assessor": PERSONNEL}
    seen = desk.show(play.uow, actor=play.who(DIRECTOR), now=BACK, appraisal="2026Q1/1008")
    assert (seen.actions, seen.total) == ((), None)
    play.act(PERSONNEL, "submit", at=BACK)
    play.act(VICE, "approve", at=noon(4, 14))
    with pytest.raises(NotFound):
        desk.show(play.uow, actor=play.who(SECURITY), now=noon(4, 14), appraisal="2026Q1/1008")
    play.act(CLERK, "accept", at=noon(4, 15))
    assert play.total() == 96
    sound(play)


def test_a_score_that_was_given_meanwhile_stays_with_who_gave_it(play: Play) -> None:
    go_away(play)
    play.act(DIRECTOR, "submit", at=noon(4, 3))
    reminders.tick(play.uow, BACK)
    assert judges(play) == PASSED
    play.act(VICE, "return", at=BACK, reason="Look at February again.")
    # Now the score is open again, and he is there.
    reminders.tick(play.uow, noon(4, 14))
    assert judges(play) == {**PASSED, "assessor": PERSONNEL}
    assert play.item().holder_id == play.office.people[PERSONNEL]


def test_what_hr_gave_to_somebody_meanwhile_stays_there(play: Play) -> None:
    go_away(play)
    reassign(play, SECURITY, at=noon(4, 3))
    reminders.tick(play.uow, BACK)
    assert judges(play)["assessor"] == SECURITY


def test_what_was_passed_upward_because_days_were_over_stays_there(play: Play) -> None:
    go_away(play)
    over = noon(4, 12)
    assert missed.run_out(play.uow, now=over, item=int(play.item().id)) == "passed-on"
    assert judges(play)["assessor"] == VICE
    reminders.tick(play.uow, BACK)
    assert judges(play)["assessor"] == VICE


def test_an_absence_that_goes_on_gives_nothing_back(play: Play) -> None:
    go_away(play)
    change(
        play, lives.absent, at=noon(4, 9), number=PERSONNEL, first=dt.date(2026, 4, 13), last=dt.date(2026, 4, 30),
        protected=True,
    )  # fmt: skip
    reminders.tick(play.uow, BACK)
    assert judges(play) == PASSED
    reminders.tick(play.uow, noon(5, 6))
    assert judges(play) == FIRST


def test_who_moved_or_declared_an_interest_meanwhile_gets_nothing_back(play: Play) -> None:
    go_away(play)
    values = {"number": PERSONNEL, "other": CLERK, "from": dt.date(2026, 4, 7), "to": None, "reason": "my niece"}
    with play.uow.write() as tx:
        people.lay_row(tx, "conflicts", values, actor=play.who(OFFICER), now=noon(4, 7))
    reminders.tick(play.uow, BACK)
    assert judges(play) == PASSED


def test_an_organisation_may_let_it_stay_with_who_stood_in(play: Play) -> None:
    hr = play.who(OFFICER)
    life_settings.set_life_settings(play.uow, actor=hr, now=START, changes={"returned": "stay"})
    go_away(play)
    reminders.tick(play.uow, BACK)
    assert judges(play) == PASSED
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == ("accepted", 100)


def test_a_part_that_is_given_away_and_back_within_a_day_is_told_once(play: Play) -> None:
    play.act(PERSONNEL, "start", at=START)
    reminders.tick(play.uow, START)
    for to in (SECURITY, PERSONNEL):
        reassign(play, to, at=noon(4, 2))
    reminders.tick(play.uow, noon(4, 2))
    # The notice of the first time was stopped before it went out; it goes out now.
    assert told(play, PERSONNEL) == ["1"]
    assert mails(play, PERSONNEL) == ["your-turn"]
    assert mails(play, SECURITY) == []


def test_a_reminder_that_was_stopped_with_the_part_goes_out_when_the_part_is_back(play: Play) -> None:
    """The deadline is the same as before: the identity of its reminder was used already."""
    play.act(PERSONNEL, "start", at=START)
    item = play.item().id
    due = dt.datetime(2026, 4, 30, 10, tzinfo=dt.UTC)
    with play.uow.write() as tx:
        tx.run(update(WORK_ITEM).where(WORK_ITEM.c.id == item).values(due_at=due, next_action_at=noon(4, 27)))
    reminders.tick(play.uow, noon(4, 28))
    assert "due-soon" in mails(play, PERSONNEL)
    for to in (SECURITY, PERSONNEL):
        reassign(play, to, at=noon(4, 28))
    with play.uow.write() as tx:
        # As a stage whose deadline is a day gives nobody more.
        tx.run(update(WORK_ITEM).where(WORK_ITEM.c.id == item).values(due_at=due))
    reminders.tick(play.uow, noon(4, 29))
    kinds = sent_to(play, PERSONNEL, at=noon(4, 29), about=play.appraisal().id)
    assert kinds.count("due-soon") == 1


def test_what_nobody_could_take_wakes_when_the_person_is_back(play: Play) -> None:
    play.act(PERSONNEL, "start", at=START)
    reminders.tick(play.uow, START)
    for chief in (DIRECTOR, VICE, "1001"):
        values = {"number": chief, "other": CLERK, "from": dt.date(2026, 4, 1), "to": None, "reason": "kin"}
        with play.uow.write() as tx:
            people.lay_row(tx, "conflicts", values, actor=play.who(OFFICER), now=START)
    done = change(play, lives.absent, at=AWAY, number=PERSONNEL, first=AWAY.date(), last=LAST, protected=True)
    assert any("1008" in one for one in done.stuck)
    reminders.tick(play.uow, noon(4, 10))
    assert play.item().next_action_at is None
    assert sent_to(play, PERSONNEL, at=noon(4, 10), about=play.appraisal().id) == []
    reminders.tick(play.uow, BACK)
    assert play.item().next_action_at is not None
    assert str(play.item().due_at).startswith("2026-04-20")
    kinds = sent_to(play, PERSONNEL, at=BACK, about=play.appraisal().id)
    assert kinds == ["your-turn"]
    assert "due-soon" in sent_to(play, PERSONNEL, at=noon(4, 16), about=play.appraisal().id)
