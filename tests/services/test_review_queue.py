"""What waits for a reviewer: why a case needs an eye, in which order, and in how many statements."""

import datetime as dt
from fractions import Fraction

import pytest

from models.columns import table_of
from models.findings import Finding
from services import review_queue
from services.appraisals import act
from services.errors import NotFound
from services.review_queue import Case, Queue
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY, noon, open_quarter
from tests.services.closing import JUDGES
from tests.services.counting import sent
from tests.services.playing import Play

STAFF = (CLERK, ESCORT, OFFICER)


def queue(play: Play, by: str = DIRECTOR) -> Queue:
    return review_queue.queue(play.uow, actor=play.who(by))


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
    assert len(one) == len(many) == 5, many
