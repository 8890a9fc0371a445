"""What HR, the approver and a proxy do by hand: refusal, delivery, absence, conclusion, exclusion, entry for others."""

import datetime as dt
import json

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.outbox import Message
from models.people import Grant
from services import people
from services.actors import SYSTEM, Actor
from services.appraisals import act_many
from services.desk import show
from services.errors import NotFound
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECURITY,
    VICE,
    granted,
    noon,
)
from tests.services.playing import ANSWERED, APPROVED, SUBMITTED, Play

OVER = noon(4, 15)
"""The day after the last of five working days from the seventh of April."""

WITNESS = {"reason": "He would not sign.", "witness": "Person 1009"}


def grant(play: Play, number: str, role: str, *, last: dt.date | None = None) -> None:
    with play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(play.office.people[number], role) | {"valid_to": last})


def test_a_refusal_to_sign_needs_a_witness_and_a_reason_and_proves_the_notice(play: Play) -> None:
    play.bring("signoff")
    play.refused(OFFICER, "refuse", "witness", "Name a witness or the proof", at=ANSWERED, reason="He would not.")
    play.refused(OFFICER, "refuse", "reason", "needs a reason", at=ANSWERED, witness="Person 1009")
    play.act(OFFICER, "refuse", at=ANSWERED, **WITNESS)
    assert str(play.item().due_at).startswith("2026-04-14")
    payload = json.loads(play.moves()[-1].payload)
    stored = play.rows("SELECT body, digest FROM text_body WHERE id = :id", id=payload["witness"][0])[0]
    assert (stored.body, stored.digest) == ("Person 1009", payload["witness"][1])


def test_a_refusal_is_concluded_as_refused_once_the_days_are_over_and_not_as_silence(play: Play) -> None:
    play.bring("signoff")
    play.act(OFFICER, "refuse", at=ANSWERED, **WITNESS)
    play.refused(OFFICER, "conclude-refused", "window-over", "days to answer are not over yet", at=noon(4, 14))
    play.refused(SYSTEM, "conclude", "not-refused", "conclude it as refused instead", at=OVER)
    play.act(SYSTEM, "conclude-refused", at=OVER)
    assert (play.appraisal().stage, play.appraisal().outcome) == ("closed", "refused")


def test_who_refused_may_still_answer_within_his_days(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("signoff")
    play.act(OFFICER, "refuse", at=ANSWERED, **WITNESS)
    play.act(CLERK, "object", at=noon(4, 8), reason="After all.", lines={"F1": None})
    play.act(CLERK, "withdraw", at=noon(4, 9))
    play.refused(OFFICER, "conclude-refused", "refused", "No refusal to sign is recorded", at=OVER)
    play.act(OFFICER, "conclude", at=OVER)


def test_silence_is_concluded_only_after_proven_notice_and_its_days(play: Play) -> None:
    play.bring("signoff")
    words = "not proven that the person knows the result"
    play.refused(OFFICER, "conclude", "noticed", words, at=noon(5, 20))
    play.refused(OFFICER, "deliver", "witness", "Name a witness", at=ANSWERED, reason="Handed over.")
    play.act(OFFICER, "deliver", at=ANSWERED, reason="Handed over.", witness="Person 1009")
    play.refused(SYSTEM, "conclude", "window-over", "not over yet", at=noon(4, 14))
    play.refused(PERSONNEL, "conclude", "not-yours", "is for the HR officer, the approver or the clock", at=OVER)
    play.act(SYSTEM, "conclude", at=OVER)
    assert (play.appraisal().stage, play.appraisal().outcome) == ("closed", "silence")


def test_an_absence_stops_the_days_and_a_delivery_starts_them_anew(play: Play) -> None:
    play.bring("signoff")
    play.act(CLERK, "read", at=ANSWERED)
    play.refused(OFFICER, "no-access", "reason", "needs a reason", at=noon(4, 8))
    play.act(OFFICER, "no-access", at=noon(4, 8), reason="In hospital.")
    assert (play.item().noticed_at, play.item().due_at) == (None, None)
    play.refused(OFFICER, "conclude", "has-access", "An absence is recorded", at=noon(5, 20))
    play.act(OFFICER, "deliver", at=noon(5, 20), reason="Back at work.", witness="Person 1009")
    assert str(play.item().due_at).startswith("2026-05-27")
    play.act(OFFICER, "conclude", at=noon(5, 28))


def test_reading_ends_a_recorded_absence(play: Play) -> None:
    play.bring("signoff")
    play.act(OFFICER, "no-access", at=ANSWERED, reason="In hospital.")
    play.act(CLERK, "read", at=noon(4, 8))
    assert str(play.item().due_at).startswith("2026-04-15")
    play.act(SYSTEM, "conclude", at=noon(4, 16))


def test_a_second_delivery_gives_no_new_days(play: Play) -> None:
    play.bring("signoff")
    play.act(OFFICER, "deliver", at=ANSWERED, reason="Handed over.", witness="Person 1009")
    due = play.item().due_at
    play.act(OFFICER, "deliver", at=noon(4, 13), reason="Once more.", witness="Person 1009")
    assert play.item().due_at == due


@pytest.mark.parametrize("stage", ["draft", "scoring", "review", "signoff", "appeal"])
def test_hr_closes_an_appraisal_as_not_rated_from_every_stage(play: Play, stage: str) -> None:
    play.deduct("C3.1", 5)
    play.bring(stage, lines={"F1": None})
    play.refused(OFFICER, "exclude", "reason", "needs a reason", at=ANSWERED)
    play.refused(PERSONNEL, "exclude", "not-yours", "is for the HR officer or the approver", at=ANSWERED, reason="So.")
    play.act(OFFICER, "exclude", at=ANSWERED, reason="Long sick leave.")
    assert (play.appraisal().stage, play.appraisal().outcome) == ("closed", "not-rated")
    assert play.item() is None
    play.refused(OFFICER, "exclude", "ended", "The appraisal is closed", at=ANSWERED, reason="Again.")


@pytest.mark.parametrize("action", ["refuse", "deliver", "no-access", "conclude", "exclude"])
def test_hr_runs_no_move_of_his_own_appraisal_and_of_his_superiors(play: Play, action: str) -> None:
    for number in (OFFICER, PERSONNEL, DIRECTOR):
        play.bring("signoff", of=number)
    own = "This is your own appraisal"
    play.refused(OFFICER, action, "not-yours", own, of=OFFICER, at=OVER, **WITNESS)
    for number in (PERSONNEL, DIRECTOR):
        words = "one of your superiors'; another HR officer or the approver must do it."
        play.refused(OFFICER, action, "not-own-or-superior", words, of=number, at=OVER, **WITNESS)


def test_the_approver_does_for_hr_what_hr_cannot_do_for_himself(play: Play) -> None:
    play.bring("signoff", of=OFFICER)
    play.act(PRESIDENT, "refuse", of=OFFICER, at=ANSWERED, **WITNESS)
    play.act(PRESIDENT, "conclude-refused", of=OFFICER, at=OVER)
    assert play.appraisal(OFFICER).outcome == "refused"


def test_a_grant_counts_on_its_days_only(play: Play) -> None:
    grant(play, ESCORT, "hr", last=dt.date(2026, 4, 7))
    play.act(ESCORT, "exclude", of=CLERK, at=noon(4, 7), reason="Left the bank.")
    words = "There is no appraisal 2026Q1/1006, or it is not yours to see."

    play.refused(
        ESCORT, "exclude", "unknown-appraisal", words, error=NotFound, of=PERSONNEL, at=noon(4, 8), reason="Left."
    )


def test_an_entry_by_proxy_shows_both_people_its_reason_and_is_told_to_the_one_it_is_for(play: Play) -> None:
    grant(play, OFFICER, "proxy")
    proxy = play.office.proxy(ESCORT, typed_by=OFFICER)
    play.act(proxy, "state", of=ESCORT, at=noon(1, 6), reason="He told me.")
    row = play.moves(ESCORT)[0]
    assert (row.actor_id, row.on_behalf_of, row.role) == (
        play.office.people[OFFICER],
        play.office.people[ESCORT],
        "appraisee",
    )
    payload = json.loads(row.payload)
    assert play.rows("SELECT body FROM text_body WHERE id = :id", id=payload["proxy"][0])[0].body == "no desk"
    message = table_of(Message)
    with play.uow.read() as tx:
        told = tx.all(select(message).where(message.c.kind == "proxy-entry"))
    assert [row.person_id for row in told] == [play.office.people[ESCORT]]


def test_what_was_entered_by_proxy_is_the_persons_own_act_to_take_back(play: Play) -> None:
    grant(play, OFFICER, "proxy")
    play.act(play.office.proxy(ESCORT, typed_by=OFFICER), "state", of=ESCORT, at=noon(1, 6))
    play.act(ESCORT, "take-back", of=ESCORT, at=noon(1, 6))
    assert play.appraisal(ESCORT).stage == "draft"


def test_a_proxy_looking_is_not_the_holder_looking(play: Play) -> None:
    grant(play, OFFICER, "proxy")
    play.bring("review", of=ESCORT)
    proxy = play.office.proxy(DIRECTOR, typed_by=OFFICER)
    show(play.uow, actor=proxy, now=SUBMITTED, appraisal=f"{QUARTER}/{ESCORT}")
    assert play.item(ESCORT).seen_at is None


def test_an_entry_for_somebody_else_needs_the_grant_and_a_reason(play: Play) -> None:
    proxy = play.office.proxy(ESCORT, typed_by=CLERK)
    words = "Entering for somebody else needs the grant proxy."
    play.refused(proxy, "state", "not-granted", words, of=ESCORT, at=noon(1, 6))
    grant(play, CLERK, "proxy")
    for reason in (None, "  "):
        silent = Actor(proxy.person_id, proxy.typed_by, reason)
        play.refused(silent, "state", "reason", "needs a reason; say why", of=ESCORT, at=noon(1, 6))


@pytest.mark.parametrize(
    ("typed_by", "acts_as", "action"),
    [
        (ESCORT, SECURITY, "submit"),
        (ESCORT, DIRECTOR, "approve"),
        (SECURITY, ESCORT, "accept"),
        (DIRECTOR, SECURITY, "submit"),
        (VICE, ESCORT, "accept"),
    ],
)
def test_nobody_with_a_part_in_an_appraisal_enters_anything_in_it_for_another(
    play: Play, typed_by: str, acts_as: str, action: str
) -> None:
    grant(play, typed_by, "proxy")
    play.bring({"submit": "scoring", "approve": "review", "accept": "signoff"}[action], of=ESCORT)
    proxy = play.office.proxy(acts_as, typed_by=typed_by)
    words = "You have a part in 2026Q1/1009@escort, so you can enter nothing in it for somebody else."
    play.refused(proxy, action, "proxy-part", words, of=ESCORT, at=ANSWERED)


def test_nobody_types_the_judgement_of_his_superior(play: Play) -> None:
    grant(play, OFFICER, "proxy")
    play.bring("review", of=DIRECTOR)
    proxy = play.office.proxy(PRESIDENT, typed_by=OFFICER)
    play.refused(proxy, "approve", "own-or-superior", "is your superior's", of=DIRECTOR, at=ANSWERED)
    play.act(PRESIDENT, "approve", of=DIRECTOR, at=ANSWERED)
    own_answer = play.office.proxy(DIRECTOR, typed_by=OFFICER)
    play.act(own_answer, "accept", of=DIRECTOR, at=ANSWERED)


@pytest.mark.parametrize(("number", "other"), [(DIRECTOR, CLERK), (CLERK, DIRECTOR)])
def test_an_interest_that_is_declared_after_the_opening_recuses_too(play: Play, number: str, other: str) -> None:
    play.bring("review")
    people.declare_conflict(
        play.uow, actor=SYSTEM, now=SUBMITTED, number=number, other=other, first=dt.date(2026, 1, 1), reason="brothers"
    )
    words = "There is a recorded conflict of interest with 1008: somebody else must judge 2026Q1/1008@clerical."
    play.refused(DIRECTOR, "approve", "recused", words, at=APPROVED)
    assert show(play.uow, actor=play.who(DIRECTOR), now=APPROVED, appraisal=f"{QUARTER}/{CLERK}").actions == ()


def test_an_interest_recuses_from_one_of_many_too(play: Play) -> None:
    ids = []
    for of in (CLERK, ESCORT):
        play.bring("review", of=of)
        ids.append(play.appraisal(of).id)
    people.declare_conflict(
        play.uow,
        actor=SYSTEM,
        now=SUBMITTED,
        number=DIRECTOR,
        other=CLERK,
        first=dt.date(2026, 1, 1),
        reason="brothers",
    )
    batch = act_many(play.uow, actor=play.who(DIRECTOR), now=APPROVED, appraisals=ids, action="approve")
    assert [(code, "a recorded conflict of interest with 1008" in said) for code, said in batch.aside] == [
        (f"{QUARTER}/{CLERK}@clerical", True)
    ]
    assert [play.appraisal(of).stage for of in (CLERK, ESCORT)] == ["review", "signoff"]


def test_who_has_an_interest_types_no_judgement_for_another(play: Play) -> None:
    play.bring("review")
    grant(play, ESCORT, "proxy")
    people.declare_conflict(
        play.uow, actor=SYSTEM, now=SUBMITTED, number=ESCORT, other=CLERK, first=dt.date(2026, 1, 1), reason="brothers"
    )
    proxy = play.office.proxy(DIRECTOR, typed_by=ESCORT)
    play.refused(proxy, "approve", "recused", "a recorded conflict of interest with 1008", at=APPROVED)
