import datetime as dt
from fractions import Fraction

import pytest

from services import findings
from services.actors import SYSTEM
from services.appraisals import Words
from services.errors import Malformed, NotFound
from services.finding_shapes import redact
from services.finding_views import list_findings, show_finding
from services.unit_of_work import UnitOfWork
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
    build_office,
    move,
    noon,
    open_quarter,
    submit,
)
from tests.services.recording import TODAY, Book


@pytest.fixture
def book(uow: UnitOfWork) -> Book:
    found = Book(uow, build_office(uow))
    open_quarter(uow, found.office)
    return found


def codes(book: Book, *, by: str, of: str | None) -> list[str]:
    views = list_findings(book.uow, actor=book.office.actor(by), now=noon(4, 8), number=of)
    return [one.code for one in views]


def test_the_facts_of_a_finding_reach_the_person_at_once_and_the_judgement_does_not(book: Book) -> None:
    code = book.add().code
    seen = book.seen(code, by=DIRECTOR)
    assert (seen.amount, seen.hidden, seen.ranged) == (None, True, True)
    assert (seen.rule, seen.happened, seen.recorded_by) == ("D1.1", dt.date(2026, 2, 3), VICE)
    assert "shirk" in seen.clause
    assert seen.reason == "The branch waited two weeks."
    assert book.seen(code, by=VICE).amount == 4


def test_an_amount_that_the_rule_fixes_is_a_fact(book: Book) -> None:
    code = book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None).code
    seen = book.seen(code, by=SECURITY)
    assert (seen.amount, seen.hidden, seen.award) == (10, False, False)


def test_the_amount_and_the_reviewers_change_are_seen_from_the_release_on(book: Book) -> None:
    code = book.add(amount=Fraction(5)).code
    submit(book.uow, book.office, noon(4, 2), number=DIRECTOR, by=VICE)
    words = Words(comment="It was his first time.", lines={code: "3"})
    move(book.uow, book.office, noon(4, 3), number=DIRECTOR, by=PRESIDENT, action="change", words=words)
    before = book.seen(code, by=DIRECTOR, now=noon(4, 3))
    assert (before.amount, before.revisions) == (None, ())
    assert [(one.kind, one.amount) for one in book.seen(code, by=VICE).revisions] == [("change", 3)]
    move(book.uow, book.office, noon(4, 3), number=DIRECTOR, by=PRESIDENT, action="approve")
    after = book.seen(code, by=DIRECTOR, now=noon(4, 7))
    assert (after.amount, after.hidden) == (5, False)
    assert [(one.kind, one.amount, one.reason) for one in after.revisions] == [("change", 3, "It was his first time.")]


def test_a_list_shows_each_viewer_what_is_his_to_see(book: Book) -> None:
    own = book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None).code
    assert codes(book, by=SECURITY, of=None) == [own]
    for viewer in (DIRECTOR, PRESIDENT, OFFICER):
        assert codes(book, by=viewer, of=SECURITY) == [own]
    for viewer in (PERSONNEL, CLERK, ESCORT, SECRETARY, VICE):
        assert codes(book, by=viewer, of=SECURITY) == []
        with pytest.raises(NotFound, match=f"There is no finding {own}, or it is not yours to see"):
            book.seen(own, by=viewer)


def test_before_any_cycle_the_line_says_who_sees(uow: UnitOfWork) -> None:
    book = Book(uow, build_office(uow))
    code = book.add().code
    assert book.seen(code, by=VICE).amount == 4
    assert book.seen(code, by=PRESIDENT).amount == 4
    assert book.seen(code, by=DIRECTOR).amount is None
    assert book.seen(code, by=OFFICER).amount is None
    for viewer in (SECURITY, CLERK):
        with pytest.raises(NotFound):
            book.seen(code, by=viewer)


def test_hr_sees_of_a_superior_no_more_than_he_does_himself(book: Book) -> None:
    code = book.add().code
    assert book.seen(code, by=OFFICER).amount is None
    own = book.add(by=PERSONNEL, number=OFFICER, rule="P1.1", amount=Fraction(3)).code
    assert book.seen(own, by=OFFICER).amount is None
    other = book.add(by=SECURITY, number=ESCORT, rule="E1.3", amount=Fraction(2)).code
    assert book.seen(other, by=OFFICER).amount == 2


def test_redaction_takes_out_the_judgement_and_leaves_the_facts(book: Book) -> None:
    code = book.add().code
    full = book.seen(code, by=VICE)
    assert redact(full, judgement=True) == full
    bare = redact(full, judgement=False)
    assert (bare.amount, bare.hidden, bare.reason, bare.clause) == (None, True, full.reason, full.clause)


def test_a_reply_is_seen_by_all_who_see_the_finding(book: Book) -> None:
    code = book.add().code
    findings.reply(book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, finding=code, text="I was away.")
    for viewer in (DIRECTOR, VICE, PRESIDENT):
        assert [one.text for one in book.seen(code, by=viewer).replies] == ["I was away."]


def test_the_system_has_no_findings_of_its_own(book: Book) -> None:
    with pytest.raises(Malformed, match="Say whose findings"):
        list_findings(book.uow, actor=SYSTEM, now=TODAY)


@pytest.mark.parametrize("name", ["12", "F0", "D3", "F"])
def test_a_finding_is_named_by_f_and_its_number(book: Book, name: str) -> None:
    with pytest.raises(Malformed, match="does not name a finding"):
        show_finding(book.uow, actor=book.office.actor(VICE), now=TODAY, finding=name)
