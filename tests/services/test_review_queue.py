"""What waits for a reviewer: why a case needs an eye, in which order, and in how many statements."""

import datetime as dt
from fractions import Fraction

import pytest

from models.columns import table_of
from models.findings import Finding
from services import attachments, delegations, review_queue
from services.appraisals import act
from services.errors import NotFound
from services.review_queue import Case, Queue
from services.review_reasons import Advice
from services.stand_ins import StandsFor
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    noon,
    open_quarter,
)
from tests.services.closing import JUDGES
from tests.services.counting import sent
from tests.services.playing import Play

STAFF = (CLERK, ESCORT, OFFICER)


def queue(play: Play, by: str = DIRECTOR) -> Queue:
    return review_queue.queue(play.uow, actor=play.who(by), now=noon(4, 6))


def case(play: Play, of: str) -> Case:
    return next(one for one in queue(play).cases if f"/{of}@" in one.appraisal)


def codes(one: Case) -> list[str]:
    return [reason.code for reason in one.reasons]


def given(play: Play, rule: str, *amounts: int, of: str = ESCORT) -> None:
    """Write findings about somebody else by a rule, as an earlier period left them."""
    values = dict.fromkeys(table_of(Finding).c.keys()) | {
        "assignment_id": play.office.assignments[of],
        "rule": rule,
        "happened": dt.date(2025, 11, 3),
        "known": dt.date(2025, 11, 3),
        "counted_on": dt.date(2025, 11, 3),
        "sub_reasons": "[]",
        "claimed": False,
        "recorded_by": play.office.people[SECURITY],
        "recorded_at": noon(11, 3, 2025),
    }
    del values["id"]
    with play.uow.write() as tx:
        for amount in amounts:
            tx.insert(table_of(Finding), values | {"amount": Fraction(amount)})


def test_without_anything_to_look_at_a_case_is_clear(play: Play) -> None:
    play.bring("review")
    (one,) = queue(play).cases
    assert one.clear
    assert one.total == one.maximum == 100
    assert one.person == "Person 1008 (1008)"
    assert one.assessor == "Person 1006 (1006)"


def test_a_deduction_with_a_document_in_the_middle_of_its_range_is_not_clear_and_needs_no_eye(play: Play) -> None:
    play.deduct("C3.1", 4, document=play.document("2026-7", "inspection"))
    play.bring("review")
    (one,) = queue(play).cases
    assert one.reasons == ()
    assert not one.clear


def test_both_ends_of_a_range_and_what_rests_on_no_document_need_an_eye(play: Play) -> None:
    play.deduct("C3.1", 3)
    play.deduct("C3.1", 5, document=play.document("2026-7", "inspection"))
    play.bring("review")
    assert codes(case(play, CLERK)) == ["end-of-range", "end-of-range", "no-evidence"]


@pytest.mark.parametrize(("before", "unlike"), [((3, 3, 3), True), ((3, 3), False), ((3, 4, 3), False)])
def test_an_amount_outside_of_what_was_given_before_needs_an_eye(
    play: Play, before: tuple[int, ...], unlike: bool
) -> None:
    given(play, "C3.1", *before)
    play.deduct("C3.1", 4, document=play.document("2026-7", "inspection"))
    play.bring("review")
    assert ("unlike-before" in codes(case(play, CLERK))) == unlike
    look = review_queue.look(play.uow, actor=play.who(DIRECTOR), now=noon(4, 3), appraisal=f"2026Q1/{CLERK}")
    (line,) = look.lines.values()
    assert line.given is not None
    assert (line.given.count, line.given.low, line.given.usual) == (len(before), 3, 3)
    assert (line.least, line.most, line.step) == (3, 5, 1)


def test_the_order_is_returned_then_ends_of_a_range_then_deductions_then_the_rest(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.deduct("E3.1", 7, of=ESCORT, document=play.document("2026-7", "inspection"))
    for of in STAFF:
        play.bring("review", of=of)
    assert [one.appraisal.split("/")[1][:4] for one in queue(play).cases] == [CLERK, ESCORT, OFFICER]
    play.act(DIRECTOR, "return", of=OFFICER, reason="One more look.")
    play.act(JUDGES[OFFICER][0], "submit", of=OFFICER)
    assert [one.appraisal.split("/")[1][:4] for one in queue(play).cases] == [OFFICER, CLERK, ESCORT]


def test_a_total_far_from_that_of_the_last_quarter_needs_an_eye(play: Play) -> None:
    play.bring("closed")
    open_quarter(play.uow, play.office, code="2026Q2", now=noon(4, 8))
    second = f"2026Q2/{CLERK}"
    for number in range(3):
        document = play.document(f"2026-{number}", "inspection")
        play.deduct("C3.1", 4, document=document, happened=dt.date(2026, 4, 8), at=noon(4, 9))
    for by, action in ((PERSONNEL, "start"), (PERSONNEL, "submit")):
        act(play.uow, actor=play.who(by), now=noon(7, 2), appraisal=second, action=action)
    (one,) = queue(play).cases
    assert one.last == 100
    assert one.total == 88
    assert codes(one) == ["far-from-last"]
    asked = {"actor": play.who(DIRECTOR), "now": noon(7, 2)}
    for percent, said in ((12, ["far-from-last"]), (13, [])):
        (one,) = review_queue.queue(play.uow, **asked, advice=Advice(far=Fraction(percent, 100))).cases
        assert codes(one) == said


def test_who_judges_sees_a_case_and_nobody_else(play: Play) -> None:
    play.bring("review")
    for by in (DIRECTOR, PERSONNEL):
        assert review_queue.look(play.uow, actor=play.who(by), now=noon(4, 3), appraisal=f"2026Q1/{CLERK}")
    for by in (CLERK, ESCORT, OFFICER, PRESIDENT):
        with pytest.raises(NotFound):
            review_queue.look(play.uow, actor=play.who(by), now=noon(4, 3), appraisal=f"2026Q1/{CLERK}")
        assert queue(play, by).cases == ()


def test_a_list_takes_the_same_few_statements_for_one_and_for_many(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("review")
    queue(play)  # the rubric is read once for the whole process
    with sent(play.uow.engine) as one:
        assert len(queue(play).cases) == 1
    play.deduct("E3.1", 7, of=ESCORT)
    for of in (ESCORT, OFFICER):
        play.bring("review", of=of)
    with sent(play.uow.engine) as many:
        assert len(queue(play).cases) == 3
    assert len(one) == len(many) == 7, many


def test_a_case_of_whom_one_stands_in_for_stands_in_the_list_and_says_so(play: Play) -> None:
    days = {"first": noon(4, 1).date(), "last": noon(4, 9).date()}
    delegations.delegate(play.uow, actor=play.who(DIRECTOR), now=noon(4, 1), number=SECRETARY, **days)
    play.bring("review")
    play.bring("review", of=OFFICER)
    found = queue(play, SECRETARY).cases
    assert sorted(one.appraisal.split("/")[1][:4] for one in found) == [OFFICER, CLERK]
    holder = StandsFor(f"Person {DIRECTOR} ({DIRECTOR})", days["last"])
    assert [one.stands_for for one in found] == [holder, holder]
    assert [one.stands_for for one in queue(play).cases] == [None, None]
    late = review_queue.queue(play.uow, actor=play.who(SECRETARY), now=noon(4, 10))
    assert late.cases == ()
    with sent(play.uow.engine) as statements:
        queue(play, SECRETARY)
    assert len(statements) <= 8, statements


def test_nobody_finds_in_his_list_what_he_may_not_decide_for_another(play: Play) -> None:
    days = {"first": noon(4, 1).date(), "last": noon(4, 9).date()}
    delegations.delegate(play.uow, actor=play.who(DIRECTOR), now=noon(4, 1), number=PERSONNEL, **days)
    play.bring("review")
    play.bring("review", of=ESCORT)
    # He scored the clerk himself; the escort was scored by somebody else.
    assert [one.appraisal.split("/")[1][:4] for one in queue(play, PERSONNEL).cases] == [ESCORT]


def test_a_file_of_who_recorded_it_is_evidence_and_one_of_the_person_is_not(play: Play) -> None:
    line = play.deduct("C3.1", 4)
    file = {"now": noon(4, 1), "item": line, "name": "a.txt"}
    attachments.attach(play.uow, actor=play.who(CLERK), content=b"mine", **file)
    play.bring("review")
    assert "no-evidence" in codes(case(play, CLERK))


def test_a_file_added_by_who_recorded_it_is_evidence(play: Play) -> None:
    line = play.deduct("C3.1", 4)
    file = {"now": noon(4, 1), "item": line, "name": "a.txt"}
    attachments.attach(play.uow, actor=play.who(PERSONNEL), content=b"the log", **file)
    play.bring("review")
    assert "no-evidence" not in codes(case(play, CLERK))
