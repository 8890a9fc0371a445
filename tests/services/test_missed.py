"""When the days of a stage are over: the clock does what section 5 of the domain says, and nobody else's work."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from catalog.shelf import workflow_text
from models.columns import table_of
from models.people import Delegation, Unit
from services import cycles, definitions, form, launch, mail, missed, opening, reminders
from services.actors import SYSTEM
from services.errors import Conflict, Refused
from services.sight import sight
from services.standing import load
from services.unit_of_work import UnitOfWork
from services.verification import verify
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    RUBRIC,
    SECRETARY,
    SECURITY,
    VICE,
    build_office,
    noon,
)
from tests.services.clocking import at, pass_time, work_off
from tests.services.planning import Plan
from tests.services.playing import Play

STATEMENT_OVER = at(1, 8)
SCORING_OVER = at(1, 15)


def holders(play: Play, of: str = CLERK) -> dict[str, str]:
    """Who has which part now, by employee number."""
    numbers = {person: number for number, person in play.office.people.items()}
    found = play.rows(
        "SELECT role, person_id FROM party WHERE appraisal_id = :id AND to_at IS NULL", id=play.appraisal(of).id
    )
    return {row.role: numbers[row.person_id] for row in found}


def to_scoring(play: Play) -> None:
    """Let the days of every statement go by; the scorings of the deputies and the director begin with them."""
    assert set(pass_time(play.uow, STATEMENT_OVER)) == {"moved"}


def missed_by(play: Play, of: str, when: dt.datetime) -> None:
    pass_time(play.uow, when)
    assert play.moves(of)[-1].action == "pass-on"


def events(play: Play, kind: str) -> list[dict[str, object]]:
    return [json.loads(row.payload) for row in play.rows("SELECT payload FROM event WHERE kind = :kind", kind=kind)]


def moment(stored: Any) -> dt.datetime:
    """A moment as a plain statement reads it: SQLite keeps a text."""
    return stored if isinstance(stored, dt.datetime) else dt.datetime.fromisoformat(stored)


def away(play: Play, number: str, first: dt.date, last: dt.date, kind: str = "protected") -> None:
    """Record that somebody is away."""
    Plan(play.uow, play.office).absence(number, first, last, kind)


def released(play: Play) -> str:
    """Bring the clerk's result to its sign-off on the ninth of January; return its one finding."""
    to_scoring(play)
    finding = play.deduct("C3.1", 4, at=at(1, 9, 9), happened=dt.date(2026, 1, 7))
    play.act(PERSONNEL, "submit", at=at(1, 9, 10))
    play.act(DIRECTOR, "approve", at=at(1, 9, 12))
    return finding


def test_three_working_days_for_the_statement_then_it_goes_on_without_one(play: Play) -> None:
    assert moment(play.item().due_at) == at(1, 8, 18)
    assert pass_time(play.uow, at(1, 8, 17, 59)) == []
    assert play.appraisal().stage == "draft"
    to_scoring(play)
    move = play.moves()[-1]
    assert (move.action, move.role, move.actor_id, play.appraisal().stage) == ("skip", "system", None, "scoring")
    assert json.loads(move.payload)["why"]["missed"] == "move-on"
    assert play.act(CLERK, "state", at=at(1, 9), reason="I was at the branch.").to_stage == "scoring", "it still counts"


def printed(play: Play, of: str, language: str = "en") -> list[tuple[str, str]]:
    """The steps of a person's form as it is printed for him: by whom and what."""
    with play.uow.read() as tx:
        standing = load(tx, [f"{QUARTER}/{of}"], play.who(of), at(1, 9))[0]
        seen = sight(tx, standing, play.who(of), standing.today)
        return [(step.by, step.done[language]) for step in form.history(tx, standing, seen)]


def test_the_form_says_that_a_statement_was_not_given(play: Play) -> None:
    play.act(ESCORT, "state", of=ESCORT, at=at(1, 6), reason="My quarter.")
    to_scoring(play)
    assert printed(play, CLERK) == [("", "went on without a statement")]
    assert printed(play, CLERK, "zh") == [("", "无自述，已继续")]
    assert [by for by, _ in printed(play, ESCORT)] == [f"Person {ESCORT} ({ESCORT})"]


def test_at_the_very_moment_of_the_deadline_it_is_still_in_time(play: Play) -> None:
    assert pass_time(play.uow, at(1, 8, 18)) == []
    assert "moved" in pass_time(play.uow, at(1, 8, 18) + dt.timedelta(seconds=1))


def test_five_for_scoring_then_the_next_in_line_scores_his_superior_reviews_and_the_secretary_decides(
    play: Play,
) -> None:
    to_scoring(play)
    assert holders(play) == {"appraisee": CLERK, "assessor": PERSONNEL, "reviewer": DIRECTOR, "decider": VICE}
    item = play.item()
    missed_by(play, CLERK, SCORING_OVER)
    assert holders(play) == {"appraisee": CLERK, "assessor": DIRECTOR, "reviewer": VICE, "decider": SECRETARY}
    move = play.moves()[-1]
    people = play.office.people
    assert (move.role, move.from_stage, move.to_stage, move.score_id) == ("system", "scoring", "scoring", None)
    told = json.loads(move.payload)
    assert told["parts"] == {
        "assessor": [people[PERSONNEL], people[DIRECTOR]],
        "reviewer": [people[DIRECTOR], people[VICE]],
        "decider": [people[VICE], people[SECRETARY]],
    }
    assert (told["why"]["item"], told["why"]["missed"], told["by"]) == (item.id, "escalate", "next-in-line")
    assert play.item().holder_id == people[DIRECTOR]
    assert play.item().id != item.id
    play.refused(PERSONNEL, "submit", "not-yours", "that is not you here", at=at(1, 16))
    assert play.act(DIRECTOR, "submit", at=at(1, 16)).to_stage == "review"
    assert play.item().holder_id == people[VICE]


def test_the_new_holder_has_days_of_his_own_and_it_goes_up_as_far_as_there_is_somebody(play: Play) -> None:
    to_scoring(play)
    missed_by(play, CLERK, SCORING_OVER)
    assert "passed-on" not in pass_time(play.uow, at(1, 22, 17))
    missed_by(play, CLERK, at(1, 22))
    assert (holders(play)["assessor"], holders(play)["reviewer"]) == (VICE, PRESIDENT)
    missed_by(play, CLERK, at(1, 29))
    assert holders(play) == {"appraisee": CLERK, "assessor": PRESIDENT, "reviewer": SECRETARY, "decider": VICE}
    assert "holds" in pass_time(play.uow, at(2, 6))
    assert play.item().holder_id == play.office.people[PRESIDENT], "nobody is left: it stays owed"
    assert play.appraisal().score_id is None
    told = [event for event in events(play, "nobody-left") if event["item"] == play.item().id]
    assert told == [{"appraisal": play.appraisal().id, "item": play.item().id, "stage": "scoring"}]


def test_three_for_the_review_then_upward(play: Play) -> None:
    to_scoring(play)
    play.act(PERSONNEL, "submit", at=at(1, 9, 12))
    pass_time(play.uow, at(1, 14, 17))
    assert holders(play)["reviewer"] == DIRECTOR
    missed_by(play, CLERK, at(1, 14))
    assert holders(play) == {"appraisee": CLERK, "assessor": PERSONNEL, "reviewer": VICE, "decider": SECRETARY}
    assert play.act(VICE, "approve", at=at(1, 15, 12)).to_stage == "signoff"


def test_whoever_acted_takes_no_other_part_in_a_later_round(play: Play) -> None:
    to_scoring(play)
    play.act(PERSONNEL, "submit", at=at(1, 9, 12))
    play.act(DIRECTOR, "return", at=at(1, 12, 12), reason="One day is missing.")
    pass_time(play.uow, at(1, 19, 17))
    assert holders(play)["assessor"] == PERSONNEL, "each round has days of its own"
    missed_by(play, CLERK, at(1, 19))
    assert holders(play)["assessor"] == VICE, "the director reviewed the first round, so he does not score the second"
    assert holders(play)["reviewer"] == PRESIDENT


def test_a_holder_under_protection_passes_his_part_on_and_is_not_waited_for(play: Play) -> None:
    to_scoring(play)
    away(play, PERSONNEL, dt.date(2026, 1, 9), dt.date(2026, 3, 1))
    missed_by(play, CLERK, SCORING_OVER)
    assert holders(play)["assessor"] == DIRECTOR


def test_five_for_the_answer_from_proven_notice_then_accepted_by_silence(play: Play) -> None:
    released(play)
    assert pass_time(play.uow, at(2, 2)).count("moved") == 0, "no notice, no silence"
    play.act(OFFICER, "deliver", at=at(2, 2, 12), reason="handed over", witness="Zhao Min")
    assert "moved" not in pass_time(play.uow, at(2, 9, 17))
    assert pass_time(play.uow, at(2, 9)).count("moved") == 1
    assert (play.appraisal().stage, play.appraisal().outcome) == ("closed", "silence")
    assert play.total() == 96
    assert json.loads(play.moves()[-1].payload)["why"]["missed"] == "accept-by-silence"


def test_a_notice_that_the_mail_server_took_begins_the_window_and_its_event_vouches_for_it(play: Play) -> None:
    released(play)
    with play.uow.write() as tx:
        assert mail.prove_notice(tx, play.item().id, 7, now=at(1, 12, 9))
    told = play.rows("SELECT kind, payload FROM event WHERE stream = :stream", stream=f"notice:{play.appraisal().id}")
    assert [(row.kind, json.loads(row.payload)["message"]) for row in told] == [("handed-over", 7)]
    pass_time(play.uow, at(1, 19, 17))
    assert play.appraisal().stage == "signoff"
    pass_time(play.uow, at(1, 19))
    assert play.appraisal().outcome == "silence"


def test_a_withdrawn_objection_leaves_the_days_that_were_left(play: Play) -> None:
    finding = released(play)
    play.act(CLERK, "object", at=at(1, 12, 12), reason="I was elsewhere.", lines={finding: None})
    play.act(CLERK, "withdraw", at=at(1, 13, 12))
    pass_time(play.uow, at(1, 19, 17))
    assert play.appraisal().stage == "signoff"
    pass_time(play.uow, at(1, 19))
    assert play.appraisal().outcome == "silence", "who objected knew the result"


def test_a_refusal_that_is_recorded_ends_as_refused(play: Play) -> None:
    released(play)
    play.act(OFFICER, "refuse", at=at(2, 2, 12), reason="would not sign", witness="Zhao Min")
    pass_time(play.uow, at(2, 9))
    assert (play.appraisal().stage, play.appraisal().outcome) == ("closed", "refused")


def test_no_access_stops_the_answer_and_the_delivery_starts_it_anew(play: Play) -> None:
    released(play)
    play.act(CLERK, "read", at=at(1, 12, 12))
    play.act(OFFICER, "no-access", at=at(1, 14, 12), reason="on a ship")
    assert pass_time(play.uow, at(2, 20)).count("moved") == 0
    assert play.appraisal().stage == "signoff"
    play.act(OFFICER, "deliver", at=at(3, 2, 12), reason="back ashore", witness="Zhao Min")
    pass_time(play.uow, at(3, 9))
    assert play.appraisal().outcome == "silence"


@pytest.mark.parametrize("kind", ["leave", "protected"])
def test_a_recorded_absence_stops_the_days_to_answer(play: Play, kind: str) -> None:
    released(play)
    play.act(CLERK, "read", at=at(1, 12, 12))
    away(play, CLERK, dt.date(2026, 1, 14), dt.date(2026, 1, 15), kind)
    assert "stopped" in pass_time(play.uow, at(1, 19))
    assert play.appraisal().stage == "signoff"
    stored = play.rows("SELECT basis FROM deadline WHERE appraisal_id = :id ORDER BY id", id=play.appraisal().id)
    assert [row.basis for row in stored] == ["planned", "absence"]
    pass_time(play.uow, at(1, 21, 17))
    assert play.appraisal().stage == "signoff", "two working days were not his"
    pass_time(play.uow, at(1, 21))
    assert play.appraisal().outcome == "silence"


def test_a_protected_absence_stops_the_days_of_the_statement_too(play: Play) -> None:
    away(play, CLERK, dt.date(2026, 1, 7), dt.date(2026, 1, 9))
    pass_time(play.uow, STATEMENT_OVER)
    assert play.appraisal().stage == "draft"
    assert "stopped" in pass_time(play.uow, at(1, 12, 9))
    pass_time(play.uow, at(1, 13, 17))
    assert play.appraisal().stage == "draft"
    pass_time(play.uow, at(1, 13))
    assert play.appraisal().stage == "scoring"


def test_an_appeal_stays_owed_and_overdue(play: Play) -> None:
    finding = released(play)
    play.act(CLERK, "object", at=at(1, 12, 12), reason="I was elsewhere.", lines={finding: None})
    assert pass_time(play.uow, at(3, 2)).count("moved") == 0
    assert (play.appraisal().stage, play.item().holder_id) == ("appeal", play.office.people[VICE])


def test_nothing_happens_twice(play: Play) -> None:
    to_scoring(play)
    missed_by(play, CLERK, SCORING_OVER)
    moves = len(play.moves())
    assert missed.run_out(play.uow, now=SCORING_OVER, item=play.item().id) == "nothing"
    assert pass_time(play.uow, SCORING_OVER) == []
    assert len(play.moves()) == moves


def test_a_human_who_was_faster_keeps_his_act(play: Play) -> None:
    to_scoring(play)
    reminders.plan(play.uow, now=SCORING_OVER, warnings=lambda _tx, _on: ())
    play.act(PERSONNEL, "submit", at=SCORING_OVER)
    assert "passed-on" in work_off(play.uow, SCORING_OVER), "of the others"
    assert play.moves()[-1].action == "submit"
    assert holders(play)["assessor"] == PERSONNEL


def test_several_planners_and_workers_at_once_do_each_thing_once(play: Play) -> None:
    to_scoring(play)
    start = threading.Barrier(3)
    unexpected: list[BaseException] = []

    def run() -> None:
        start.wait()
        for _ in range(20):
            try:
                pass_time(play.uow, SCORING_OVER)
            except Conflict:
                continue
            except BaseException as error:
                unexpected.append(error)
                raise
            return

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A claim whose run met a conflict is taken up again when its lease is over: the rest is done by looking again.
    for row in play.rows("SELECT id FROM work_item WHERE closed_at IS NULL"):
        missed.run_out(play.uow, now=SCORING_OVER, item=row.id)
    assert unexpected == []
    passed = play.rows(
        "SELECT appraisal_id, count(*) AS times FROM move WHERE action = 'pass-on' GROUP BY appraisal_id"
    )
    assert {row.times for row in passed} == {1}
    assert len(passed) == len(play.rows("SELECT id FROM appraisal"))


def test_the_audit_says_nothing_against_what_the_clock_did(play: Play) -> None:
    before = verify(play.uow).count
    to_scoring(play)
    missed_by(play, CLERK, SCORING_OVER)
    play.act(DIRECTOR, "submit", at=at(1, 16))
    play.act(VICE, "approve", at=at(1, 16, 20))
    assert verify(play.uow).count == before


def test_a_part_that_was_passed_on_by_nobody_is_found(play: Play) -> None:
    to_scoring(play)
    missed_by(play, CLERK, SCORING_OVER)
    with play.uow.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE party SET person_id = (SELECT id FROM person WHERE number = '1001')"
            " WHERE source = 'next-in-line' AND role = 'assessor' AND to_at IS NULL"
        )
    assert "its parts are not held" in " ".join(fault.text for fault in verify(play.uow).faults)


SCORING = 'days = 5\nmissed = "escalate"          # the next in line scores and his superior reviews'
REVIEW = 'days = 3\nmissed = "escalate"\n\n[[stages]]\nid = "signoff"'


def played(uow: UnitOfWork, old: str, new: str, prepare: Callable[[Plan], None] = lambda _: None) -> Play:
    """Open the quarter under the shipped workflow with one change, and let the days of the statements go by."""
    office = build_office(uow)
    plan = Plan(uow, office)
    prepare(plan)
    text = workflow_text("quarterly").replace('id = "quarterly"', 'id = "other"')
    assert text.count(old) == 1
    definitions.publish_workflow(uow, actor=SYSTEM, now=noon(1, 2), text=text.replace(old, new), where="other")
    hr = office.actor(OFFICER)
    cycles.new(uow, actor=hr, now=noon(1, 5), code=QUARTER, rubrics=[RUBRIC], workflow="other")
    opened = launch.open_cycle(uow, actor=hr, now=noon(1, 5), cycle=QUARTER)
    for first, last in opened.ranges:
        opening.open_chunk(
            uow, now=noon(1, 5), cycle=opened.cycle_id, first=first, last=last, at=noon(1, 5).isoformat()
        )
    play = Play(uow, plan.office)
    to_scoring(play)
    return play


def test_hold_leaves_it_owed_and_overdue(uow: UnitOfWork) -> None:
    play = played(uow, SCORING, "days = 5")
    assert pass_time(uow, at(1, 30)) == []
    assert (play.appraisal().stage, play.item().holder_id) == ("scoring", play.office.people[PERSONNEL])


def test_it_is_delegated_to_the_substitute_that_the_holder_named(uow: UnitOfWork) -> None:
    def named(plan: Plan) -> None:
        people = plan.office.people
        row = {"person_id": people[PERSONNEL], "delegate_id": people[SECURITY], "role": None}
        dates = {"valid_from": dt.date(2026, 1, 1), "valid_to": dt.date(2026, 1, 20), "reason_id": None}
        with uow.write() as tx:
            tx.insert(table_of(Delegation), {**row, **dates})

    play = played(uow, SCORING, 'days = 5\nmissed = "delegate"\nsubstitute = "secretary"\npass-to = ["hr"]', named)
    missed_by(play, CLERK, SCORING_OVER)
    assert holders(play) == {"appraisee": CLERK, "assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    assert holders(play, OFFICER)["assessor"] == SECURITY


def test_without_one_it_goes_to_the_position_that_the_workflow_names(uow: UnitOfWork) -> None:
    play = played(uow, SCORING, 'days = 5\nmissed = "delegate"\nsubstitute = "secretary"\npass-to = ["hr"]')
    missed_by(play, CLERK, SCORING_OVER)
    assert holders(play) == {"appraisee": CLERK, "assessor": SECRETARY, "reviewer": DIRECTOR, "decider": VICE}
    assert play.appraisal(SECURITY).stage == "scoring"
    assert holders(play, SECURITY)["assessor"] == DIRECTOR, "there the secretary decides appeals, so he does not score"
    told = [event for event in events(play, "with-hr") if event["appraisal"] == play.appraisal(SECURITY).id]
    assert len(told) == 1


def test_it_goes_in_steps_to_the_head_of_the_unit_and_then_lies_with_hr(uow: UnitOfWork) -> None:
    def headed(plan: Plan) -> None:
        with uow.write() as tx:
            tx.run(update(table_of(Unit)).values(head_id=plan.office.people[VICE]))

    play = played(uow, SCORING, 'days = 5\nmissed = "escalate"\npass-to = ["next-in-line", "unit-head", "hr"]', headed)
    missed_by(play, CLERK, SCORING_OVER)
    assert (holders(play)["assessor"], holders(play)["reviewer"]) == (DIRECTOR, VICE)
    pass_time(play.uow, at(1, 22))
    assert holders(play)["assessor"] == DIRECTOR, "the head of the unit reviews already and takes no second part"
    assert [event["stage"] for event in events(play, "with-hr")].count("scoring") >= 1


def test_the_head_of_the_unit_scores_where_he_has_no_part(uow: UnitOfWork) -> None:
    def headed(plan: Plan) -> None:
        with uow.write() as tx:
            tx.run(update(table_of(Unit)).values(head_id=plan.office.people[SECURITY]))

    play = played(uow, SCORING, 'days = 5\nmissed = "escalate"\npass-to = ["unit-head", "hr"]', headed)
    missed_by(play, CLERK, SCORING_OVER)
    assert holders(play) == {"appraisee": CLERK, "assessor": SECURITY, "reviewer": DIRECTOR, "decider": VICE}
    assert holders(play, SECURITY)["assessor"] == DIRECTOR, "nobody scores himself"


def test_a_deadline_may_be_a_day_at_an_hour(uow: UnitOfWork) -> None:
    play = played(uow, SCORING, 'on = 2026-01-12\nat = 09:30:00\nmissed = "escalate"')
    assert pass_time(uow, at(1, 12, 9, 30)) == []
    missed_by(play, CLERK, at(1, 12, 9, 31))
    assert moment(play.item().due_at) == at(1, 13, 9, 30), "whoever gets it has a day"


def test_the_later_of_two_and_an_event_of_the_cycle(uow: UnitOfWork) -> None:
    said = 'days = 2\nor-later = { days = 8, counted-from = "cycle-opening" }\nmissed = "escalate"'
    play = played(uow, SCORING, said)
    assert moment(play.item().due_at) == at(1, 15, 18)


PAST = (
    "UPDATE work_item SET noticed_at = opened_at, due_at = opened_at, next_action_at = opened_at"
    " WHERE closed_at IS NULL AND stage = 'signoff'"
)
FORGED = (
    "INSERT INTO event (stream, seq, kind, at, payload, key_id, prev, mac)"
    " SELECT 'notice:' || appraisal_id, 1, 'handed-over', opened_at, '{}', 'k1',"
    " '0000000000000000000000000000000000000000000000000000000000000000',"
    " '1111111111111111111111111111111111111111111111111111111111111111'"
    " FROM work_item WHERE closed_at IS NULL AND stage = 'signoff'"
)


def typed(play: Play, *statements: str) -> None:
    """Write into the database as somebody does who has its password and not the audit key."""
    with play.uow.write() as tx:
        for statement in statements:
            tx.connection.exec_driver_sql(statement)


def test_no_silence_follows_from_a_notice_that_somebody_typed_into_the_database(play: Play) -> None:
    released(play)
    typed(play, PAST)
    assert "moved" not in pass_time(play.uow, at(2, 9))
    play.refused(PRESIDENT, "conclude", "noticed", "It is not proven that the person knows", at=at(2, 9))


def test_a_forged_event_of_a_notice_is_no_proof_and_an_operator_is_told(play: Play) -> None:
    released(play)
    typed(play, FORGED, PAST)
    with pytest.raises(Refused) as refused:
        pass_time(play.uow, at(2, 9))
    assert refused.value.code == "not-vouched"
    assert play.appraisal().stage == "signoff"
    play.refused(PRESIDENT, "conclude", "not-vouched", "is not what was written", at=at(2, 9))


def test_a_deadline_that_somebody_shortened_in_the_database_ends_no_window(play: Play) -> None:
    released(play)
    play.act(CLERK, "read", at=at(1, 12, 12))
    typed(play, PAST)
    assert "stopped" in pass_time(play.uow, at(1, 13))
    assert moment(play.item().due_at) == at(1, 19, 18), "it stands again as counted"
