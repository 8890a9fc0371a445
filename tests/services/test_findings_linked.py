import datetime as dt
from fractions import Fraction

import pytest

from services import linking
from services.errors import Malformed, NotFound, Refused
from services.finding_checks import Entry
from services.finding_pages import linked
from services.unit_of_work import UnitOfWork
from tests.services.builders import DIRECTOR, PERSONNEL, SECURITY, build_office, noon, open_quarter, submit
from tests.services.recording import HAPPENED, TODAY, Book

SECURITY_ENTRY = Entry(SECURITY, "A1.7", HAPPENED)
PERSONNEL_ENTRY = Entry(PERSONNEL, "B1.1", HAPPENED, amount=Fraction(4), reason="No plan was made.")


@pytest.fixture
def book(uow: UnitOfWork) -> Book:
    found = Book(uow, build_office(uow))
    open_quarter(uow, found.office)
    return found


def link(book: Book, document: str, *entries: Entry, by: str = DIRECTOR) -> list[str]:
    done = linking.link(book.uow, actor=book.office.actor(by), now=TODAY, document=document, entries=entries)
    return [one.code for one in done]


def preview(book: Book, document: str, *entries: Entry) -> tuple[linking.Effect, ...]:
    actor = book.office.actor(DIRECTOR)
    return linking.preview_link(book.uow, actor=actor, now=TODAY, document=document, entries=entries)


def test_one_act_links_a_document_to_many_people_and_each_is_owed_a_notice(book: Book) -> None:
    document = book.document()
    codes = link(book, document, SECURITY_ENTRY, PERSONNEL_ENTRY)
    assert [book.seen(code, by=DIRECTOR).document for code in codes] == [document, document]
    people = book.office.people
    assert [person for person, _ in book.messages("finding-recorded")] == [people[SECURITY], people[PERSONNEL]]
    seen = linked(book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, document=document)
    assert [one.number for one in seen.rows] == [SECURITY, PERSONNEL]


def test_the_preview_shows_the_effect_on_each_and_writes_nothing(book: Book) -> None:
    effects = preview(book, book.document(), SECURITY_ENTRY, PERSONNEL_ENTRY)
    # In mid-February January was missed: 10 points of the deputy for security are gone already.
    assert [(one.number, one.amount, one.before, one.after, one.already) for one in effects] == [
        (SECURITY, 10, 90, 80, ()),
        (PERSONNEL, 4, 100, 96, ()),
    ]
    assert book.count() == 0


def test_the_preview_says_what_was_already_deducted_for_this_document(book: Book) -> None:
    document = book.document()
    (code,) = link(book, document, SECURITY_ENTRY)
    (effect,) = preview(book, document, SECURITY_ENTRY)
    assert (effect.already, effect.before, effect.after) == ((code,), 80, 80)


def test_several_clauses_for_one_person_add_up_in_the_preview(book: Book) -> None:
    first = Entry(SECURITY, "A1.2", HAPPENED, incident="the inspection")
    second = Entry(SECURITY, "A1.3", HAPPENED, incident="the inspection")
    effects = preview(book, book.document(), SECURITY_ENTRY, first, second)
    # A1.2 and A1.3 are of one incident, so the second counts nothing.
    assert [(one.before, one.after) for one in effects] == [(90, 80), (80, 70), (70, 70)]


def test_all_or_none_are_linked_and_the_sentence_says_whose_finding_is_refused(book: Book) -> None:
    bad = Entry(PERSONNEL, "B1.1", HAPPENED, amount=Fraction(9), reason="No plan was made.")
    with pytest.raises(Refused, match=f"{PERSONNEL}: B1.1 takes 3 to 5 points; 9 is outside"):
        link(book, book.document(), SECURITY_ENTRY, bad)
    assert book.count() == 0
    assert book.messages("finding-recorded") == []


def test_one_closed_ledger_refuses_the_whole_link(book: Book) -> None:
    submit(book.uow, book.office, noon(4, 2), number=PERSONNEL, by=DIRECTOR)
    with pytest.raises(Refused, match="The ledger of 2026-02-03 is closed"):
        linking.link(
            book.uow,
            actor=book.office.actor(DIRECTOR),
            now=noon(4, 2),
            document=book.document(),
            entries=[SECURITY_ENTRY, PERSONNEL_ENTRY],
        )
    assert book.count() == 0


def test_who_links_is_the_assessor_of_everybody_named(book: Book) -> None:
    document = book.document()
    with pytest.raises(Refused, match=f"Only the assessor of {PERSONNEL} may record a finding"):
        link(book, document, PERSONNEL_ENTRY, by=SECURITY)
    with pytest.raises(Refused, match="for himself or one of his superiors"):
        link(book, document, Entry(DIRECTOR, "D1.1", HAPPENED, amount=Fraction(3), reason="Late."))


def test_a_link_names_somebody_once_and_a_document_that_is_there(book: Book) -> None:
    document = book.document()
    with pytest.raises(Malformed, match="Name at least one person"):
        link(book, document)
    with pytest.raises(Malformed, match=r"1005 is named twice with A1\.7"):
        link(book, document, SECURITY_ENTRY, SECURITY_ENTRY)
    with pytest.raises(NotFound, match="There is no document D99"):
        link(book, "D99", SECURITY_ENTRY)


def test_a_document_from_the_future_is_linked_to_nobody(book: Book) -> None:
    document = book.document(day=dt.date(2026, 2, 20))
    with pytest.raises(Refused, match=f"{document} bears the day 2026-02-20, which lies in the future"):
        link(book, document, SECURITY_ENTRY)
