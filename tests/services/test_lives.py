"""What happens to people while a quarter runs: every row of domain.md, 5b, from the opening to the signed table."""

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Assignment, Contact, Grant, Person
from services import deaths, enrolment, holds, lives, people, reminders, work_items
from services.appraisals import act
from services.consequences import Followed
from services.errors import AppraiseError, NotFound, Refused
from services.mail_facts import Needed, look
from services.verification import verify
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    VICE,
    assignment,
    granted,
    noon,
)
from tests.services.closing import JUDGES, finalise
from tests.services.playing import APPROVED, SUBMITTED, Play
from tests.services.test_work_items import about_to_go, mails, parties

MARCH = noon(3, 2)
END, LATER = noon(4, 10), noon(3, 20)
MONDAY = dt.date(2026, 3, 2)


def change(
    play: Play, what: Callable[..., Followed], *, by: str = OFFICER, at: dt.datetime = MARCH, **given: Any
) -> Followed:
    return what(play.uow, actor=play.office.actor(by), now=at, **given)


def passed(followed: Followed) -> dict[str, dict[str, str]]:
    """Who has which part afterwards, by appraisal and role; without the part's other details."""
    found: dict[str, dict[str, str]] = {}
    for one in followed.passed:
        found.setdefault(one.appraisal.partition("@")[0].partition("/")[2], {})[one.role] = one.now
    return found


def holder(play: Play, role: str, of: str) -> str:
    return next(number for number, _, now in parties(play, role, of) if now)


def bring_to_the_end(play: Play, *, but: Iterable[str] = ()) -> None:
    """Let whoever holds each part now do it, in April; the deputy for security, who has duties, is not rated."""
    for of in JUDGES:
        if of in but or play.appraisal(of).stage == "closed":
            continue
        if of == SECURITY:
            play.act(PRESIDENT, "exclude", of=of, at=END, reason="Not this quarter.")
            continue
        if play.appraisal(of).stage == "draft":
            play.act(holder(play, "assessor", of), "start", of=of, at=END)
        if play.appraisal(of).stage == "scoring":
            play.act(holder(play, "assessor", of), "submit", of=of, at=END)
        if play.appraisal(of).stage == "review":
            play.act(holder(play, "reviewer", of), "approve", of=of, at=END)
        play.act(of, "accept", of=of, at=END)


def table(play: Play, *, now: dt.datetime = END) -> dict[str, Any]:
    """The signed table: outcome by appraisal; and the audit finds nothing but rows the builder wrote without events."""
    finalise(play.uow, play.office, now=now)
    assert [str(fault) for fault in verify(play.uow).faults if fault.code != "no-event"] == []
    rows = play.rows(
        "SELECT p.number, o.code, f.outcome, f.total FROM final f JOIN appraisal a ON a.id = f.appraisal_id"
        " JOIN assignment s ON s.id = a.assignment_id JOIN post o ON o.id = s.post_id"
        " JOIN person p ON p.id = a.person_id"
    )
    return {
        f"{row.number}@{row.code}": (row.outcome, None if row.total is None else row.total / 1_000_000) for row in rows
    }


def sent_to(play: Play, number: str, *, at: dt.datetime, about: int | None = None) -> list[str]:
    """Which kinds would reach somebody from a moment on: everything still queued, with the need looked at again."""
    reminders.tick(play.uow, at)
    kinds = []
    for message in about_to_go(play.uow, at):
        with play.uow.read() as tx:
            found = look(tx, message, now=at, base_url="https://appraise.example")
        theirs = message.person_id == play.office.people[number] and about in {None, message.appraisal_id}
        if theirs and isinstance(found, Needed):
            kinds.append(message.kind)
    return kinds


def test_a_mover_has_two_appraisals_and_the_mean_by_days_held(play: Play) -> None:
    done = change(
        play,
        lives.moved,
        number=ESCORT,
        post="clerical",
        unit="office",
        first=MONDAY,
        manager=PERSONNEL,
        in_charge=PERSONNEL,
    )
    assert (done.opened, done.closed) == (("2026Q1/1009@clerical",), ())
    assert done.goes_on == ("2026Q1/1009@escort", "2026Q1/1009@clerical")
    for post, judges in (("escort", (SECURITY, DIRECTOR)), ("clerical", (PERSONNEL, DIRECTOR))):
        name = f"{ESCORT}@{post}"
        _through(play, name, *judges)
    bring_to_the_end(play, but=[ESCORT])
    found = table(play)
    assert found["1009@escort"][0] == found["1009@clerical"][0] == "accepted"
    (row,) = play.rows("SELECT steps FROM person_result WHERE person_id = :id", id=play.office.people[ESCORT])
    # 37 working days before 2 March and 22 from then on, as in domain.md, section 5.
    assert [step["weight"] for step in json.loads(row.steps) if step["code"] == "part"] == ["37", "22"]


def _through(play: Play, name: str, assessor: str, reviewer: str) -> None:
    for by, action in ((assessor, "start"), (assessor, "submit"), (reviewer, "approve"), (ESCORT, "accept")):
        act(play.uow, actor=play.office.actor(by), now=END, appraisal=f"2026Q1/{name}", action=action)


def test_a_post_held_for_too_few_days_is_not_rated_and_its_findings_are_kept(play: Play) -> None:
    code = play.deduct("E3.1", 5, of=ESCORT, happened=dt.date(2026, 1, 6), at=noon(1, 7))
    done = change(
        play,
        lives.moved,
        at=noon(1, 8),
        number=ESCORT,
        post="clerical",
        unit="office",
        first=dt.date(2026, 1, 12),
        manager=PERSONNEL,
        in_charge=PERSONNEL,
    )
    assert done.closed == ("2026Q1/1009@escort",)
    (row,) = play.rows("SELECT voided_at FROM finding WHERE id = :id", id=int(code[1:]))
    assert row.voided_at is None
    _through(play, f"{ESCORT}@clerical", PERSONNEL, DIRECTOR)
    bring_to_the_end(play, but=[ESCORT])
    assert {name: outcome for name, (outcome, _) in table(play).items() if name.startswith(ESCORT)} == {
        "1009@escort": "not-rated",
        "1009@clerical": "accepted",
    }


def test_a_judge_who_moves_passes_on_what_he_judged_by_his_old_post(play: Play) -> None:
    before = change(
        play,
        lives.moved,
        preview=True,
        at=noon(2, 20),
        number=PERSONNEL,
        post="deputy-security",
        unit="office",
        first=MONDAY,
        manager=DIRECTOR,
    )
    assert passed(before) == {
        CLERK: {"assessor": DIRECTOR, "reviewer": VICE, "decider": SECRETARY},
        OFFICER: {"assessor": DIRECTOR, "reviewer": VICE, "decider": SECRETARY},
    }
    assert holder(play, "assessor", CLERK) == PERSONNEL
    done = change(
        play,
        lives.moved,
        by=OFFICER,
        at=noon(2, 20),
        number=PERSONNEL,
        post="deputy-security",
        unit="office",
        first=MONDAY,
        manager=DIRECTOR,
    )
    assert done.passed == ()
    reminders.tick(play.uow, noon(2, 27))
    assert holder(play, "assessor", CLERK) == PERSONNEL
    reminders.tick(play.uow, noon(3, 2))
    assert holder(play, "assessor", CLERK) == DIRECTOR


def test_who_acts_for_a_superior_has_his_powers_and_review_moves_one_level_up_where_he_scores(play: Play) -> None:
    done = change(play, lives.acting, number=PERSONNEL, post="director", unit="office", first=MONDAY)
    assert passed(done) == {
        # He scores these, so the review of them moves one level up, and the decider who has it gives way.
        CLERK: {"reviewer": VICE, "decider": SECRETARY},
        OFFICER: {"reviewer": VICE, "decider": SECRETARY},
        ESCORT: {"reviewer": PERSONNEL},
        SECURITY: {"assessor": PERSONNEL},
        # His own he does not score: the next in the line does.
        PERSONNEL: {"assessor": VICE},
    }
    assert {one.why for one in done.passed} == {"acting"}
    bring_to_the_end(play)
    found = table(play)
    assert found["1006@deputy-personnel"] == ("accepted", 100)
    assert [name for name in found if name.startswith(PERSONNEL)] == ["1006@deputy-personnel"]


def test_a_vacancy_above_passes_the_score_up_and_his_superior_reviews(play: Play) -> None:
    play.act(PERSONNEL, "start", at=MARCH)
    done = change(play, lives.left, number=PERSONNEL, last=dt.date(2026, 2, 28), at=MARCH)
    assert passed(done)[CLERK] == {"assessor": DIRECTOR, "reviewer": VICE, "decider": SECRETARY}
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == ("accepted", 100)


def test_protected_absence_is_not_rated_never_late_and_in_no_mean(play: Play) -> None:
    reminders.tick(play.uow, noon(2, 2))
    done = change(
        play,
        lives.absent,
        at=noon(2, 2),
        number=CLERK,
        first=dt.date(2026, 2, 2),
        last=dt.date(2026, 7, 1),
        protected=True,
        reason="maternity",
    )
    assert done.closed == ("2026Q1/1008@clerical",)
    (move,) = play.moves()
    assert (move.action, play.appraisal().outcome) == ("exclude", "not-rated")
    words = play.rows("SELECT body FROM text_body WHERE id = :id", id=move.comment_id)[0].body
    assert "maternity" not in words
    assert CLERK not in [late["number"] for late in _status(play).overdue]
    assert "overdue" not in sent_to(play, CLERK, at=noon(3, 20))
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == ("not-rated", None)


def test_a_short_protected_absence_stops_the_days_to_answer_and_passes_on_what_is_judged(play: Play) -> None:
    with pytest.raises(Refused, match="Only somebody with the grant"):
        change(play, lives.absent, by=PRESIDENT, number=PERSONNEL, first=MONDAY, protected=True)
    play.bring("signoff", of=ESCORT)
    done = change(
        play,
        lives.absent,
        at=noon(4, 7),
        number=ESCORT,
        first=dt.date(2026, 4, 7),
        last=dt.date(2026, 4, 30),
        protected=True,
    )
    assert done.closed == ()
    assert play.item(ESCORT).due_at is None
    assert play.moves(ESCORT)[-1].action == "no-access"
    bring_to_the_end(play, but=[ESCORT])
    assert sent_to(play, ESCORT, at=noon(4, 28)) == []
    play.act(OFFICER, "deliver", of=ESCORT, at=noon(5, 6), reason="handed over", witness="1003")
    play.act(ESCORT, "accept", of=ESCORT, at=noon(5, 7))
    assert table(play, now=noon(5, 8))["1009@escort"] == ("accepted", 100)


def test_what_is_on_hold_through_the_whole_quarter_is_late_for_nobody_and_its_result_enters_the_table(
    play: Play,
) -> None:
    asked: dict[str, Any] = {"actor": play.who(OFFICER), "item": f"W{play.item().id}"}
    assert holds.hold(play.uow, now=noon(1, 6), reason="in dispute before a court", **asked).due_at is None
    for day in (noon(1, 8), noon(3, 20)):
        reminders.tick(play.uow, day)
    reminded = {
        of: {
            row.kind for row in play.rows("SELECT kind FROM message WHERE appraisal_id = :id", id=play.appraisal(of).id)
        }
        & {"due-soon", "due-today", "overdue"}
        for of in (CLERK, ESCORT)
    }
    assert (reminded[CLERK], bool(reminded[ESCORT])) == (set(), True)
    late = [one["number"] for one in _status(play).overdue]
    assert (CLERK in late, ESCORT in late) == (False, True)
    # Two working days were left when it was put on hold.
    released = holds.release(play.uow, now=noon(4, 1), reason="the court has decided", **asked)
    assert released.due_at == noon(4, 3) + dt.timedelta(hours=6)
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == ("accepted", 100)


def test_ordinary_leave_changes_no_holder(play: Play) -> None:
    done = change(play, lives.absent, number=SECURITY, first=MONDAY, last=dt.date(2026, 3, 6))
    assert (done.passed, done.closed) == ((), ())
    assert "workitem delegate" in done.notes[0]


def test_a_leaver_is_assessed_for_the_part_served_and_has_his_days_to_answer(play: Play) -> None:
    done = change(play, lives.left, number=CLERK, last=dt.date(2026, 3, 13))
    assert (done.closed, done.goes_on) == ((), ("2026Q1/1008@clerical",))
    play.act(PERSONNEL, "start", at=SUBMITTED)
    play.act(PERSONNEL, "submit", at=SUBMITTED)
    play.act(DIRECTOR, "approve", at=APPROVED)
    assert "released" in sent_to(play, CLERK, at=noon(4, 7))
    assert play.item().stage == "signoff"
    play.act(CLERK, "accept", at=noon(4, 8))
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == ("accepted", 100)
    assert "result-final" not in sent_to(play, CLERK, at=noon(4, 13))


def test_a_leaver_who_served_too_few_days_is_not_rated(play: Play) -> None:
    done = change(play, lives.left, at=noon(1, 7), number=CLERK, last=dt.date(2026, 1, 9))
    assert done.closed == ("2026Q1/1008@clerical",)


def test_a_judge_who_left_is_mailed_nothing_about_others(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(3, 2))
    reminders.tick(play.uow, noon(3, 2))
    # As an import would do it: nobody passes anything on before the day itself comes.
    people.leave(play.uow, actor=play.office.actor(OFFICER), now=noon(3, 3), number=PERSONNEL, last=dt.date(2026, 3, 6))
    assert holder(play, "assessor", CLERK) == PERSONNEL
    kinds = sent_to(play, PERSONNEL, at=noon(3, 9))
    assert holder(play, "assessor", CLERK) == DIRECTOR
    assert mails(play, PERSONNEL, state="cancelled") == ["your-turn"]
    # What remains is about his own appraisal.
    own = play.appraisal(PERSONNEL).id
    rows = play.rows(
        "SELECT DISTINCT appraisal_id FROM message WHERE person_id = :p AND state <> 'cancelled'",
        p=play.office.people[PERSONNEL],
    )
    assert [row.appraisal_id for row in rows] == [own]
    assert kinds


def test_a_death_stops_everything_in_one_act(play: Play) -> None:
    play.bring("signoff", of=ESCORT)
    reminders.tick(play.uow, noon(4, 7))
    done = change(play, lives.died, by=PRESIDENT, at=noon(4, 7), number=SECURITY, day=dt.date(2026, 4, 6))
    assert done.closed == ("2026Q1/1005@deputy-security",)
    # The director has reviewed this one, so he does not score it either: the next above him does.
    assert passed(done) == {ESCORT: {"assessor": VICE, "reviewer": PRESIDENT, "decider": SECRETARY}}
    assert play.item(SECURITY) is None
    assert play.appraisal(SECURITY).outcome == "not-rated"
    (move,) = play.moves(SECURITY)
    said = play.rows("SELECT body FROM text_body WHERE id = :id", id=move.comment_id)[0].body
    assert said == "The appraisal ends here."
    assert not any(word in said.lower() for word in ("refus", "laps", "silence", "late"))
    waiting = play.rows("SELECT state FROM message WHERE person_id = :p", p=play.office.people[SECURITY])
    assert {row.state for row in waiting} <= {"cancelled", "sent"}
    assert sent_to(play, SECURITY, at=noon(4, 28)) == []
    assert (
        play.rows("SELECT id FROM work_item WHERE holder_id = :p AND closed_at IS NULL", p=play.office.people[SECURITY])
        == []
    )
    assert SECURITY not in [late["number"] for late in _status(play, at=noon(4, 28)).overdue]
    bring_to_the_end(play)
    assert table(play)["1005@deputy-security"] == ("not-rated", None)
    with pytest.raises(Refused, match="recorded already"):
        change(play, lives.died, by=PRESIDENT, at=noon(4, 8), number=SECURITY, day=dt.date(2026, 4, 6))


def test_whoever_died_is_in_no_later_cycle(play: Play) -> None:
    change(play, lives.died, at=noon(3, 2), number=CLERK, day=dt.date(2026, 3, 1))
    with play.uow.read() as tx:
        assert deaths.recorded(tx, play.office.people[CLERK])
        assert not deaths.recorded(tx, play.office.people[ESCORT])
    with pytest.raises(Refused, match="no assignment there that is rated"):
        enrolment.enrol(play.uow, actor=play.office.actor(OFFICER), now=noon(3, 3), cycle="2026Q1", number=CLERK)


def test_two_posts_and_a_late_comer_through_a_quarter(play: Play) -> None:
    office, hr = play.office, play.office.actor(OFFICER)
    with play.uow.write() as tx:
        second = assignment(office.people[ESCORT], office.posts["clerical"], office.unit, first=dt.date(2026, 1, 1))
        tx.insert(table_of(Assignment), second | {"main": False, "in_charge_id": office.people[PERSONNEL]})
        joined = {"number": "1010", "name": "Person 1010", "language": "en", "joined": dt.date(2026, 3, 25)}
        late = tx.insert(table_of(Person), joined)
        place = assignment(late, office.posts["clerical"], office.unit, first=dt.date(2026, 3, 25))
        tx.insert(table_of(Assignment), place)
    opened = enrolment.enrol(play.uow, actor=hr, now=MARCH, cycle="2026Q1", number=f"{ESCORT}@clerical")
    assert opened == ("2026Q1/1009@clerical",)
    # Five working days are below the ten that an appraisal takes.
    with pytest.raises(Refused, match="no assignment there that is rated"):
        enrolment.enrol(play.uow, actor=hr, now=noon(3, 26), cycle="2026Q1", number="1010")
    _through(play, f"{ESCORT}@escort", SECURITY, DIRECTOR)
    _through(play, f"{ESCORT}@clerical", PERSONNEL, DIRECTOR)
    bring_to_the_end(play, but=[ESCORT])
    found = table(play)
    assert (found["1009@escort"], found["1009@clerical"]) == (("accepted", 100), ("accepted", 100))
    assert [name for name in found if name.startswith("1010")] == []


def test_relatives_are_kept_apart_from_scoring_to_the_signed_table(play: Play) -> None:
    play.act(PERSONNEL, "start", at=MARCH)
    work_items.recuse(
        play.uow, actor=play.office.actor(PERSONNEL), now=MARCH, item=f"W{play.item().id}", reason="my niece"
    )
    bring_to_the_end(play)
    by = [move.actor_id for move in play.moves() if move.action in {"submit", "approve"}]
    assert by == [play.office.people[DIRECTOR], play.office.people[VICE]]
    assert table(play)["1008@clerical"] == ("accepted", 100)


def test_who_has_no_address_and_no_desk_goes_through_the_quarter_on_paper(play: Play) -> None:
    with play.uow.write() as tx:
        contact = table_of(Contact)
        ended = update(contact).where(contact.c.person_id == play.office.people[ESCORT])
        tx.run(ended.values(valid_to=dt.date(2025, 12, 31)))
        tx.insert(table_of(Grant), granted(play.office.people[CLERK], "proxy"))
    typed = play.office.proxy(ESCORT, CLERK, "he has no desk")
    play.act(typed, "state", of=ESCORT, at=SUBMITTED, reason="My quarter.")
    play.act(SECURITY, "submit", of=ESCORT, at=SUBMITTED)
    play.act(DIRECTOR, "approve", of=ESCORT, at=APPROVED)
    reminders.tick(play.uow, APPROVED)
    waiting = about_to_go(play.uow, APPROVED)
    theirs = [one for one in waiting if one.person_id == play.office.people[ESCORT]]
    assert "released" in [one.kind for one in theirs]
    for message in theirs:
        with play.uow.read() as tx:
            found = look(tx, message, now=APPROVED, base_url="https://appraise.example")
        # On the list that HR prints: needed, and no address to send it to.
        assert not isinstance(found, Needed) or found.address is None
    play.act(OFFICER, "deliver", of=ESCORT, at=noon(4, 7), reason="handed over", witness="the clerk saw it")
    play.act(typed, "accept", of=ESCORT, at=noon(4, 8))
    step = play.moves(ESCORT)[-1]
    assert (step.on_behalf_of, step.actor_id) == (play.office.people[ESCORT], play.office.people[CLERK])
    bring_to_the_end(play)
    assert table(play)["1009@escort"] == ("accepted", 100)


def test_a_preview_shows_everything_and_writes_nothing(play: Play) -> None:
    reminders.tick(play.uow, MARCH)
    tables = ("appraisal", "party", "work_item", "message", "event", "move", "person", "assignment", "text_body")
    before = {name: play.rows(f"SELECT * FROM {name} ORDER BY id") for name in tables}  # noqa: S608 - names of ours
    shown = change(play, lives.died, preview=True, by=PRESIDENT, number=PERSONNEL, day=dt.date(2026, 3, 1))
    assert {name: play.rows(f"SELECT * FROM {name} ORDER BY id") for name in tables} == before  # noqa: S608 - as above
    done = change(play, lives.died, by=PRESIDENT, number=PERSONNEL, day=dt.date(2026, 3, 1))
    assert shown.preview
    assert (shown.closed, shown.passed, shown.mails, shown.stuck) == (done.closed, done.passed, done.mails, done.stuck)
    assert done.mails > 0


def test_hr_records_nothing_that_ends_the_appraisal_of_a_superior(play: Play) -> None:
    with pytest.raises(Refused, match="one of your superiors'"):
        change(play, lives.died, number=DIRECTOR, day=dt.date(2026, 3, 1))
    assert play.appraisal(DIRECTOR).stage == "draft"
    assert play.rows("SELECT id FROM event WHERE kind = 'died'") == []


def test_where_nobody_is_left_the_item_holds_and_is_named(play: Play) -> None:
    for number in (PRESIDENT, VICE, SECRETARY):
        change(play, lives.left, number=number, last=dt.date(2026, 2, 27))
    play.act(DIRECTOR, "start", of=SECURITY, at=MARCH)
    done = change(play, lives.left, number=DIRECTOR, last=dt.date(2026, 2, 28))
    assert "2026Q1/1005@deputy-security (assessor)" in done.stuck
    assert play.item(SECURITY).next_action_at is None
    about = play.appraisal(SECURITY).id
    assert sent_to(play, DIRECTOR, at=noon(3, 20), about=about) == []


@pytest.mark.parametrize(
    ("what", "given", "error", "code"),
    [
        (lives.absent, {"first": MONDAY, "last": dt.date(2026, 3, 1)}, Refused, "dates-reversed"),
        (
            lives.acting,
            {"post": "director", "unit": "office", "first": MONDAY, "last": dt.date(2026, 3, 1)},
            Refused,
            "dates-reversed",
        ),
        (lives.acting, {"post": "gardener", "unit": "office", "first": MONDAY}, Refused, "unknown-post"),
        (lives.moved, {"post": "clerical", "unit": "nowhere", "first": MONDAY}, Refused, "unknown-unit"),
        (lives.moved, {"post": "escort", "unit": "office", "first": MONDAY}, Refused, "same-post"),
        (lives.moved, {"post": "clerical", "unit": "office", "first": dt.date(2019, 1, 1)}, Refused, "no-assignment"),
        (lives.left, {"last": dt.date(2019, 1, 1)}, Refused, "dates-reversed"),
        (lives.died, {"day": dt.date(2019, 1, 1)}, Refused, "dates-reversed"),
        (lives.died, {"day": dt.date(2026, 3, 3)}, Refused, "future"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    play: Play, what: Callable[..., Followed], given: dict[str, Any], error: type[AppraiseError], code: str
) -> None:
    before = play.rows("SELECT * FROM event WHERE stream <> 'refusals' ORDER BY id")
    with pytest.raises(error) as raised:
        change(play, what, number=ESCORT, **given)
    assert (raised.value.code, raised.value.sentence[-1]) == (code, ".")
    assert play.rows("SELECT * FROM event WHERE stream <> 'refusals' ORDER BY id") == before


@pytest.mark.parametrize(
    ("what", "given"),
    [
        (lives.absent, {"first": MONDAY, "protected": True}),
        (lives.left, {"last": MONDAY}),
        (lives.died, {"day": dt.date(2026, 3, 1)}),
        (lives.acting, {"post": "director", "unit": "office", "first": MONDAY}),
        (lives.moved, {"post": "clerical", "unit": "office", "first": MONDAY}),
    ],
)
def test_unknown_people_and_oneself_and_who_may_not(
    play: Play, what: Callable[..., Followed], given: dict[str, Any]
) -> None:
    with pytest.raises(NotFound, match="4711"):
        change(play, what, number="4711", **given)
    with pytest.raises(Refused, match="for himself"):
        change(play, what, number=OFFICER, **given)
    with pytest.raises(Refused, match="Only somebody with the grant"):
        change(play, what, by=SECURITY, number=ESCORT, **given)


def _status(play: Play, *, at: dt.datetime = LATER) -> enrolment.Status:
    return enrolment.status(play.uow, actor=play.office.actor(OFFICER), now=at, cycle="2026Q1")
