"""What a viewer sees by proxy: typing for somebody else opens nobody's eyes to himself or to his superiors."""

import datetime as dt
import functools
from fractions import Fraction
from typing import Any

import pytest

from services import audit_trail, desk, duties, finding_views, findings, results
from services.actors import SYSTEM
from services.errors import NotFound, Refused
from services.people import grant
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    BEFORE,
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PRESIDENT,
    QUARTER,
    SECURITY,
    build_office,
    noon,
    site,
)
from tests.services.playing import SUBMITTED, Play
from tests.services.recording import Book

RANGE = "E3.1"


@pytest.fixture
def judged(play: Play) -> Play:
    """Two appraisals scored and not yet released, with the right of proxy for an escort and the HR officer."""
    for number in (ESCORT, OFFICER):
        grant(play.uow, actor=SYSTEM, now=noon(1, 5), number=number, role="proxy", first=dt.date(2026, 1, 1))
    play.deduct(RANGE, 5, of=ESCORT)
    play.bring("review", of=ESCORT)
    play.bring("review", of=DIRECTOR)
    return play


def explained(play: Play, viewer: str, typist: str, of: str) -> Any:
    proxy = play.office.proxy(viewer, typed_by=typist)
    return desk.explain(play.uow, actor=proxy, now=SUBMITTED, appraisal=f"{QUARTER}/{of}")


@pytest.mark.parametrize(
    ("viewer", "typist", "of"),
    [
        (DIRECTOR, ESCORT, ESCORT),
        (SECURITY, ESCORT, ESCORT),
        (PRESIDENT, ESCORT, ESCORT),
        (OFFICER, ESCORT, ESCORT),
        (PRESIDENT, OFFICER, DIRECTOR),
        (PRESIDENT, ESCORT, DIRECTOR),
    ],
)
def test_nobody_reads_his_own_or_his_superiors_judgement_through_the_eyes_of_another(
    judged: Play, viewer: str, typist: str, of: str
) -> None:
    with pytest.raises(Refused, match="is not released yet"):
        explained(judged, viewer, typist, of)
    proxy = judged.office.proxy(viewer, typed_by=typist)
    shown = desk.show(judged.uow, actor=proxy, now=SUBMITTED, appraisal=f"{QUARTER}/{of}")
    assert (shown.total, shown.items) == (None, ())
    moves = audit_trail.show(judged.uow, viewer=proxy, now=SUBMITTED, name=f"{QUARTER}/{of}")
    assert {entry.payload for entry in moves} == {None}
    table = results.results(judged.uow, viewer=proxy, now=SUBMITTED, cycle=QUARTER)
    assert {row.total for row in table if row.number == of} == {None}


def test_by_proxy_one_reads_of_others_what_the_one_acted_for_may_read(judged: Play) -> None:
    assert explained(judged, DIRECTOR, OFFICER, ESCORT)[0]["total"] == "95"
    assert explained(judged, PRESIDENT, OFFICER, ESCORT)[0]["total"] == "95"


def test_an_amount_is_not_read_through_the_eyes_of_the_assessor(judged: Play) -> None:
    proxy = judged.office.proxy(SECURITY, typed_by=ESCORT)
    (seen,) = finding_views.list_findings(judged.uow, actor=proxy, now=SUBMITTED, number=ESCORT)
    assert (seen.amount, seen.hidden) == (None, True)


def test_before_any_cycle_the_same_holds(uow: UnitOfWork) -> None:
    book = Book(uow, build_office(uow))
    grant(uow, actor=SYSTEM, now=BEFORE, number=DIRECTOR, role="proxy", first=dt.date(2026, 1, 1))
    code = book.add().code
    for viewer in (PRESIDENT, OFFICER, "1002"):
        proxy = book.office.proxy(viewer, typed_by=DIRECTOR)
        assert finding_views.show_finding(uow, actor=proxy, now=noon(2, 16), finding=code).amount is None
    assert book.seen(code, by="1002").amount == Fraction(4)


def test_who_types_for_the_approver_reads_nothing_of_himself_in_the_streams(judged: Play) -> None:
    ledger = f"ledger:{judged.office.assignments[ESCORT]}"
    proxy = judged.office.proxy(PRESIDENT, typed_by=ESCORT)
    with pytest.raises(NotFound, match="not yours to see"):
        audit_trail.show(judged.uow, viewer=proxy, now=SUBMITTED, name=ledger)
    assert audit_trail.show(judged.uow, viewer=judged.office.actor(PRESIDENT), now=SUBMITTED, name=ledger)


def test_hr_reads_no_refused_attempt_about_himself_or_a_superior(play: Play) -> None:
    """What somebody tried to record about HR is no more HR's to read than what he recorded."""
    own = play.deduct("P1.1", 3, of=OFFICER)
    for number, rule in ((OFFICER, "P1.1"), (CLERK, "C1.1"), (DIRECTOR, "D1.1")):
        with pytest.raises(Refused):
            play.deduct(rule, 99, of=number)
    for number in (OFFICER, DIRECTOR):
        play.refused(SECURITY, "approve", "unknown-appraisal", "yours", error=NotFound, of=number)
    with pytest.raises(NotFound):
        findings.void(play.uow, actor=play.who(ESCORT), now=SUBMITTED, finding=own, reason="x")

    def read(number: str) -> list[str | None]:
        entries = audit_trail.show(play.uow, viewer=play.who(number), now=SUBMITTED, name="refusals")
        return [None if entry.payload is None else entry.payload.get("number", "?") for entry in entries]

    assert read(OFFICER) == [None, CLERK, None, None, None, None]
    assert None not in read(PRESIDENT)


def test_who_may_not_see_a_finding_is_not_told_by_a_refusal_whom_it_is_about(judged: Play) -> None:
    """Numbers are counted up, so a refusal that tells more than "there is none" would list who was found wanting."""
    for act in (findings.confirm, functools.partial(findings.void, reason="x")):
        for finding in ("F1", "F99"):
            with pytest.raises(NotFound, match=f"There is no finding {finding}, or it is not yours to see."):
                act(judged.uow, actor=judged.who(CLERK), now=SUBMITTED, finding=finding)
    with pytest.raises(Refused, match="Only the assessor of 1009 may void a finding"):
        findings.void(judged.uow, actor=judged.who(DIRECTOR), now=SUBMITTED, finding="F1", reason="x")


def test_who_may_not_see_a_duty_is_not_told_by_a_refusal_whose_it_is(play: Play) -> None:
    site(play.uow, "north")
    done = dt.date(2026, 1, 8)
    record = duties.record(
        play.uow,
        actor=play.who(SECURITY),
        now=noon(1, 9),
        number=SECURITY,
        rule="A1.1",
        month="2026-01",
        day=done,
        evidence="the sheet",
        sites=("north",),
    )
    for number in (record, 99):
        with pytest.raises(NotFound, match=f"There is no duty entry {number}, or it is not yours to see."):
            duties.void(play.uow, actor=play.who(CLERK), now=noon(1, 9), record=number, reason="x")
