import datetime as dt
import json
from fractions import Fraction

import pytest
from sqlalchemy import select

from services import document_lists, documents, findings
from services.actors import SYSTEM
from services.audit import EVENT, TEXT_BODY, digest
from services.errors import Conflict, Malformed, NotFound, Refused
from services.finding_pages import linked
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PRESIDENT,
    SECURITY,
    VICE,
    TinyOffice,
    build_office,
    noon,
)

SHA = "ab" * 32


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    return build_office(uow)


def register(uow: UnitOfWork, office: TinyOffice, *, by: str = CLERK, **changes: object) -> str:
    values: dict[str, object] = {
        "kind": "circular",
        "number": "2026-14",
        "day": dt.date(2026, 2, 9),
        "issuer": "the superior bank",
        "title": "On three hazards",
        "file_name": "circular.pdf",
        "file_sha256": SHA,
    }
    return documents.register(uow, actor=office.actor(by), now=noon(2, 10), **(values | changes))  # type: ignore[arg-type]


def test_the_clerk_registers_a_document_and_people_type_its_code(uow: UnitOfWork, office: TinyOffice) -> None:
    code = register(uow, office)
    shown = documents.show_document(uow, actor=office.actor(CLERK), now=noon(2, 11), document=code)
    assert (shown.code, shown.kind, shown.number, shown.issuer) == (code, "circular", "2026-14", "the superior bank")
    assert (shown.title, shown.file_name, shown.file_sha256) == ("On three hazards", "circular.pdf", SHA)
    assert (shown.day, shown.registered_by, shown.registered_at) == (dt.date(2026, 2, 9), CLERK, noon(2, 10))


def test_hr_registers_documents_too_and_nobody_else_does(uow: UnitOfWork, office: TinyOffice) -> None:
    assert register(uow, office, by=OFFICER).startswith("D")
    with pytest.raises(Refused, match="Only somebody with the grant hr or clerk may register documents"):
        register(uow, office, by=DIRECTOR, number="2026-15")


def test_the_system_registers_nothing(uow: UnitOfWork, office: TinyOffice) -> None:
    assert office.people
    with pytest.raises(Refused, match="Only a person registers a document"):
        documents.register(
            uow, actor=SYSTEM, now=noon(2, 10), kind="case", number="1", day=dt.date(2026, 2, 1), issuer="us"
        )


def test_a_document_is_registered_once(uow: UnitOfWork, office: TinyOffice) -> None:
    code = register(uow, office)
    with pytest.raises(Conflict, match=f"circular 2026-14 of the superior bank is registered already, as {code}"):
        register(uow, office, by=OFFICER, title="The same again")
    assert register(uow, office, kind="inspection") != code


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "rumour"}, "There is no kind of document 'rumour'; choose one of circular, inspection"),
        ({"number": " "}, "A document needs its number"),
        ({"issuer": ""}, "A document needs its issuer"),
        ({"file_sha256": "ABC"}, "The digest of the file is not a SHA-256"),
        ({"file_name": "folder/circular.pdf"}, "names a folder"),
    ],
)
def test_a_malformed_document_is_refused_with_what_to_do(
    uow: UnitOfWork, office: TinyOffice, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Malformed, match=sentence):
        register(uow, office, **changes)


def test_a_document_does_not_bear_a_day_to_come(uow: UnitOfWork, office: TinyOffice) -> None:
    with pytest.raises(Refused, match="2026-02-11 lies in the future"):
        register(uow, office, day=dt.date(2026, 2, 11))


def test_a_refused_registration_is_recorded(uow: UnitOfWork, office: TinyOffice) -> None:
    with pytest.raises(Refused):
        register(uow, office, by=ESCORT)
    with uow.read() as tx:
        row = tx.first(select(EVENT).where(EVENT.c.stream == "refusals"))
    assert row is not None
    assert (row.kind, row.actor_id) == ("document.register", office.people[ESCORT])
    assert '"not-granted"' in row.payload


def test_the_event_vouches_for_the_row(uow: UnitOfWork, office: TinyOffice) -> None:
    code = register(uow, office)
    with uow.read() as tx:
        row = documents.document_row(tx, code)
        event = tx.first(select(EVENT).where(EVENT.c.kind == "document.registered"))
    assert event is not None
    content = digest(documents.document_content(row._asdict()))
    with uow.read() as tx:
        words = tx.scalar(select(TEXT_BODY.c.digest).where(TEXT_BODY.c.id == row.title_id))
    assert json.loads(event.payload) == {"digest": content, "document": row.id, "title": [row.title_id, words]}
    assert content != digest(documents.document_content(row._asdict() | {"issuer": "somebody else"}))


def test_who_judges_somebody_picks_from_all_documents(uow: UnitOfWork, office: TinyOffice) -> None:
    code = register(uow, office)
    other = register(uow, office, kind="meeting", number="7")
    for number in (DIRECTOR, SECURITY, PRESIDENT, OFFICER, CLERK):
        listed = document_lists.list_documents(uow, actor=office.actor(number), now=noon(2, 11))
        assert [one.code for one in listed] == [code, other]
    meetings = document_lists.list_documents(uow, actor=office.actor(DIRECTOR), now=noon(2, 11), kind="meeting")
    assert [one.code for one in meetings] == [other]


def test_everybody_else_sees_a_document_once_it_concerns_him(uow: UnitOfWork, office: TinyOffice) -> None:
    code = register(uow, office, kind="report", number="9")
    escort = office.actor(ESCORT)
    assert document_lists.list_documents(uow, actor=escort, now=noon(2, 11)) == ()
    with pytest.raises(NotFound, match=f"There is no document {code}"):
        documents.show_document(uow, actor=escort, now=noon(2, 11), document=code)
    findings.add(
        uow,
        actor=office.actor(SECURITY),
        now=noon(2, 11),
        number=ESCORT,
        rule="E1.3",
        happened=dt.date(2026, 2, 9),
        amount=Fraction(3),
        reason="came late",
        document=code,
    )
    assert documents.show_document(uow, actor=escort, now=noon(2, 12), document=code).code == code


def test_a_document_shows_whom_it_is_linked_to_only_as_far_as_the_viewer_sees_them(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    code = register(uow, office)
    findings.add(
        uow,
        actor=office.actor(VICE),
        now=noon(2, 11),
        number=DIRECTOR,
        rule="D1.1",
        happened=dt.date(2026, 2, 9),
        amount=Fraction(4),
        reason="shirked",
        document=code,
    )
    seen = linked(uow, actor=office.actor(VICE), now=noon(2, 12), document=code)
    assert [one.number for one in seen.rows] == [DIRECTOR]
    assert linked(uow, actor=office.actor(SECURITY), now=noon(2, 12), document=code).rows == ()


@pytest.mark.parametrize("name", ["D0", "12", "D-1", "F1"])
def test_a_document_is_named_by_d_and_its_number(uow: UnitOfWork, office: TinyOffice, name: str) -> None:
    with pytest.raises(Malformed, match="does not name a document"):
        documents.show_document(uow, actor=office.actor(CLERK), now=noon(2, 11), document=name)
