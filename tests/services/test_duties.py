import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.people import Absence, Assignment, Grant
from services import duties, duty_calendar
from services.actors import SYSTEM
from services.audit import digest
from services.duty_calendar import DutyWarning
from services.errors import AppraiseError, Malformed, NotFound, Refused
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECURITY,
    VICE,
    assignment,
    build_office,
    granted,
    noon,
    open_quarter,
    site,
    submit,
)
from tests.services.recording import TODAY, Book

FEBRUARY = dt.date(2026, 2, 10)


@pytest.fixture
def book(uow: UnitOfWork) -> Book:
    found = Book(uow, build_office(uow))
    open_quarter(uow, found.office)
    return found


def record(book: Book, *, by: Any = SECURITY, now: dt.datetime = TODAY, **changes: Any) -> int:
    values: dict[str, Any] = {
        "number": SECURITY,
        "rule": "A1.1",
        "month": "2026-02",
        "day": FEBRUARY,
        "evidence": "page 3 of the log",
    }
    if "sites" not in changes:
        values["coverage"] = Fraction(1)
    return duties.record(book.uow, actor=book.who(by), now=now, **(values | changes))


def decide(
    book: Book, kind: str, *, by: str = DIRECTOR, month: str = "2026-01", now: dt.datetime = TODAY, **more: Any
) -> int:
    act = {"confirm": duties.confirm, "excuse": duties.excuse}[kind]
    values: dict[str, Any] = {"number": SECURITY, "rule": "A1.1", "month": month, "reason": "He was in hospital."}
    return act(book.uow, actor=book.office.actor(by), now=now, **(values | more))


def stored(book: Book, record_id: int) -> Any:
    with book.uow.read() as tx:
        return tx.first(select(duties.DUTY).where(duties.DUTY.c.id == record_id))


def grid(book: Book, *, by: str = SECURITY, now: dt.datetime = TODAY, **more: Any) -> dict[str, str]:
    months = duty_calendar.show_duties(
        book.uow, actor=book.office.actor(by), now=now, number=more.pop("number", SECURITY), **more
    )
    return {one.month: one.state for one in months}


def test_the_person_records_what_was_done_with_evidence_and_the_event_vouches_for_it(book: Book) -> None:
    row = stored(book, record(book, file_sha256="cd" * 32))
    assert (row.kind, row.month, row.day, row.coverage) == ("done", "2026-02", FEBRUARY, 1)
    assert row.recorded_by == book.office.people[SECURITY]
    kind, payload = book.events(f"ledger:{book.office.assignments[SECURITY]}")[-1]
    assert (kind, payload["duty"]) == ("duty.done", row.id)
    assert payload["digest"] == digest(duties.duty_content(row._asdict()))
    with book.uow.read() as tx:
        proof = tx.first(select(duties.EVIDENCE))
    assert proof is not None
    assert (proof.owner_kind, proof.owner_id, proof.file_sha256) == ("duty", row.id, "cd" * 32)


def test_the_month_becomes_met_and_a_late_entry_is_possible_until_the_submission(book: Book) -> None:
    record(book)
    assert grid(book) == {"2026-01": "missed", "2026-02": "met", "2026-03": "pending"}
    record(book, month="2026-01", day=dt.date(2026, 1, 20))
    assert grid(book)["2026-01"] == "met"
    record(book, month="2026-03", day=dt.date(2026, 3, 20), now=noon(4, 1))
    submit(book.uow, book.office, noon(4, 2), number=SECURITY, by=DIRECTOR)
    with pytest.raises(Refused, match="The ledger of 2026-03-25 is closed"):
        record(book, month="2026-03", day=dt.date(2026, 3, 25), now=noon(4, 2))


BAD: list[tuple[dict[str, Any], type[AppraiseError], str, str]] = [
    ({"month": "2026-13"}, Malformed, "bad-month", "'2026-13' is not a month; write it like 2026-02"),
    ({"month": "0000-01"}, Malformed, "bad-month", "is not a month"),
    ({"month": "february"}, Malformed, "bad-month", "is not a month"),
    ({"coverage": Fraction(0)}, Malformed, "coverage", "lies above 0 and goes up to 1; 0 does not"),
    ({"coverage": Fraction(3, 2)}, Malformed, "coverage", r"goes up to 1; 1\.5 does not"),
    ({"coverage": None}, Malformed, "extent", "Say either which share was inspected or which sites"),
    ({"sites": ("north",), "coverage": Fraction(1)}, Malformed, "extent", "not both and not neither"),
    ({"file_sha256": "no"}, Malformed, "bad-digest", "is not a SHA-256"),
    ({"evidence": " "}, Malformed, "missing", "This needs words"),
    ({"sites": ("moon",)}, NotFound, "unknown-site", "There is no site moon; there are north, south"),
    ({"sites": ("north",)}, Refused, "closed-site", "The site north was closed in 2026-02"),
    ({"day": dt.date(2026, 2, 17)}, Refused, "future", "2026-02-17 lies in the future"),
    ({"day": dt.date(2026, 1, 20)}, Refused, "other-month", "2026-01-20 is not in 2026-02"),
    ({"rule": "A1.2"}, Refused, "unknown-duty", r"A1\.2 is no scheduled duty of deputy-security; it has A1\.1"),
    ({"by": DIRECTOR}, Refused, "not-yours", "Everybody records his own duties"),
    ({"by": SYSTEM}, Refused, "not-a-person", "Only a person writes into a ledger"),
    ({"number": "4711"}, NotFound, "unknown-person", "Nobody has the employee number 4711"),
]


@pytest.mark.parametrize(
    ("changes", "error", "code", "sentence"), BAD, ids=[f"{one[2]}-{i}" for i, one in enumerate(BAD)]
)
def test_what_is_no_record_of_a_duty_is_refused_and_leaves_nothing(
    book: Book, changes: dict[str, Any], error: type[AppraiseError], code: str, sentence: str
) -> None:
    site(book.uow, "north", closed_months='["2026-02"]')
    site(book.uow, "south")
    with pytest.raises(error, match=sentence) as raised:
        record(book, **changes)
    assert raised.value.code == code
    assert stored(book, 1) is None


def test_inspections_of_a_month_add_up_by_site_and_a_closed_site_is_not_expected(book: Book) -> None:
    site(book.uow, "north")
    site(book.uow, "south")
    site(book.uow, "east", closed_months='["2026-02"]')
    record(book, sites=("north",))
    (_, february, _) = show(book)
    assert (february.state, february.coverage) == ("pending", Fraction(1, 2))
    assert dict(february.sites) == {"east": "closed", "north": "done", "south": "open"}
    record(book, sites=("south",), day=dt.date(2026, 2, 12))
    assert show(book)[1].state == "met"


def show(book: Book) -> tuple[duty_calendar.DutyMonthView, ...]:
    return duty_calendar.show_duties(book.uow, actor=book.office.actor(SECURITY), now=TODAY, number=SECURITY)


def test_the_assessor_excuses_a_month_with_a_reason(book: Book) -> None:
    row = stored(book, decide(book, "excuse"))
    assert (row.kind, row.month, row.recorded_by) == ("excused", "2026-01", book.office.people[DIRECTOR])
    assert grid(book)["2026-01"] == "excused"
    with pytest.raises(Malformed, match="Excusing a month needs a reason"):
        decide(book, "excuse", month="2026-02", reason=" ")
    with pytest.raises(Refused, match=r"A1\.1:2026-01 of 1005 is excused already"):
        decide(book, "excuse")


def test_the_assessor_confirms_a_missed_month_and_only_a_missed_one(book: Book) -> None:
    decide(book, "confirm", reason=None)
    assert [(one.state, one.confirmed) for one in show(book)] == [
        ("missed", True),
        ("pending", False),
        ("pending", False),
    ]
    with pytest.raises(Refused, match=r"A1\.1:2026-01 of 1005 is confirmed already"):
        decide(book, "confirm")
    with pytest.raises(Refused, match=r"A1\.1:2026-02 of 1005 is not missed"):
        decide(book, "confirm", month="2026-02")


@pytest.mark.parametrize("kind", ["excuse", "confirm"])
@pytest.mark.parametrize("by", [SECURITY, ESCORT, PRESIDENT, OFFICER, CLERK])
def test_nobody_but_the_assessor_decides_about_a_month(book: Book, kind: str, by: str) -> None:
    with pytest.raises(Refused) as raised:
        decide(book, kind, by=by)
    assert raised.value.code in {"own-or-superior", "not-assessor"}
    assert grid(book)["2026-01"] == "missed"


def test_nothing_is_excused_or_confirmed_on_a_closed_ledger(book: Book) -> None:
    for month in ("2026-01", "2026-02", "2026-03"):
        decide(book, "confirm", month=month, now=noon(4, 1))
    submit(book.uow, book.office, noon(4, 2), number=SECURITY, by=DIRECTOR)
    with pytest.raises(Refused, match="The ledger of 2026-01-31 is closed"):
        decide(book, "excuse", now=noon(4, 2))


def test_an_entry_is_voided_by_the_assessor_and_not_by_the_person(book: Book) -> None:
    record_id = record(book)
    director, own = book.office.actor(DIRECTOR), book.office.actor(SECURITY)
    with pytest.raises(Refused, match="Nobody may void a duty entry for himself"):
        duties.void(book.uow, actor=own, now=TODAY, record=record_id, reason="an error")
    duties.void(book.uow, actor=director, now=TODAY, record=record_id, reason="It was another month.")
    assert grid(book)["2026-02"] == "pending"
    row = stored(book, record_id)
    kind, payload = book.events(f"ledger:{book.office.assignments[SECURITY]}")[-1]
    assert (kind, payload["digest"]) == ("duty.voided", digest(duties.duty_content(row._asdict())))
    with pytest.raises(Refused, match="is void already"):
        duties.void(book.uow, actor=director, now=TODAY, record=record_id, reason="an error")
    with pytest.raises(NotFound, match="There is no duty entry 99"):
        duties.void(book.uow, actor=director, now=TODAY, record=99, reason="an error")


def test_a_voided_excuse_excuses_nothing_and_can_be_given_again(book: Book) -> None:
    record_id = decide(book, "excuse")
    duties.void(book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, record=record_id, reason="the wrong man")
    assert grid(book)["2026-01"] == "missed"
    decide(book, "excuse")
    assert grid(book)["2026-01"] == "excused"


def test_an_entry_for_somebody_without_a_desk_names_both(book: Book) -> None:
    with book.uow.write() as tx:
        tx.insert(table_of(Grant), granted(book.office.people[CLERK], "proxy"))
    record_id = record(book, by=book.office.proxy(SECURITY, CLERK))
    row = stored(book, record_id)
    assert (row.recorded_by, row.on_behalf_of) == (book.office.people[CLERK], book.office.people[SECURITY])
    assert book.messages("proxy-entry") == [(book.office.people[SECURITY], f"proxy-entry/duty/{record_id}")]


def test_duties_are_facts_that_the_person_and_his_judges_see(book: Book) -> None:
    for viewer in (SECURITY, DIRECTOR, PRESIDENT, OFFICER):
        assert len(grid(book, by=viewer)) == 3
    for viewer in (PERSONNEL, CLERK, ESCORT, VICE):
        with pytest.raises(NotFound, match="There are no duties of 1005, or they are not yours to see"):
            grid(book, by=viewer)


# --- warnings before a month ends ------------------------------------------------------------------------------------


def warned(book: Book, on: dt.date) -> tuple[DutyWarning, ...]:
    with book.uow.read() as tx:
        return duty_calendar.due_warnings(tx, on)


def test_the_holder_is_warned_five_working_days_before_a_month_ends_with_nothing_recorded(book: Book) -> None:
    # The last five working days of March 2026 are 25, 26, 27, 30 and 31.
    assert warned(book, dt.date(2026, 3, 24)) == ()
    expected = DutyWarning(
        book.office.assignments[SECURITY], book.office.people[SECURITY], "A1.1", "2026-03", dt.date(2026, 3, 31)
    )
    for day in (25, 28, 31):
        assert warned(book, dt.date(2026, 3, day)) == (expected,)
    assert warned(book, dt.date(2026, 4, 1)) == ()


def test_who_has_recorded_something_or_is_excused_is_not_warned(book: Book) -> None:
    record(book, coverage=Fraction(1, 2))
    assert warned(book, dt.date(2026, 2, 27)) == ()
    assert len(warned(book, dt.date(2026, 1, 30))) == 1
    decide(book, "excuse")
    assert warned(book, dt.date(2026, 1, 30)) == ()


def test_a_voided_record_does_not_spare_the_warning(book: Book) -> None:
    record_id = record(book)
    duties.void(book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, record=record_id, reason="an error")
    assert len(warned(book, dt.date(2026, 2, 27))) == 1


def test_who_is_protected_or_came_late_in_the_month_is_not_warned(book: Book) -> None:
    late = assignment(
        book.office.people[ESCORT], book.office.posts["deputy-security"], book.office.unit, first=dt.date(2026, 3, 20)
    )
    absence = {"person_id": book.office.people[SECURITY], "kind": "protected", "valid_from": dt.date(2026, 3, 30)}
    with book.uow.write() as tx:
        late_id = tx.insert(table_of(Assignment), late)
        tx.insert(table_of(Absence), absence)
    assert [one.assignment_id for one in warned(book, dt.date(2026, 3, 27))] == [book.office.assignments[SECURITY]]
    assert warned(book, dt.date(2026, 3, 30)) == ()
    assert [one.assignment_id for one in warned(book, dt.date(2026, 4, 28))] == [late_id]


def test_warnings_are_found_before_any_cycle_is_planned(uow: UnitOfWork) -> None:
    book = Book(uow, build_office(uow))
    assert [one.rule for one in warned(book, dt.date(2026, 1, 29))] == ["A1.1"]
