from fractions import Fraction

import pytest
from sqlalchemy import select

from services import final_rows, late_entries, verification
from services.appraisals import Words
from services.errors import Conflict, Refused
from services.person_results import FINAL, PERSON_RESULT
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    DIRECTOR,
    ESCORT,
    OFFICER,
    PRESIDENT,
    QUARTER,
    VICE,
    TinyOffice,
    build_office,
    move,
    open_quarter,
)
from tests.services.closing import END, close_all, deduct, finalise, put, release, sign, vouch, write


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    """A quarter in which everybody is closed but the escort, who objected to his one deduction."""
    built = build_office(uow)
    vouch(uow)
    open_quarter(uow, built)
    finding = deduct(uow, built, ESCORT, "E1.3", 3)
    close_all(uow, built, but=[ESCORT])
    release(uow, built, ESCORT)
    words = Words(comment="It was not my turn.", lines={finding: None})
    move(uow, built, END, number=ESCORT, by=ESCORT, action="object", words=words)
    return built


def decide(uow: UnitOfWork, office: TinyOffice, finding: str = "F1", decision: str = "2") -> None:
    words = Words(comment="He is right in part.", lines={finding: decision})
    move(uow, office, END, number=ESCORT, by=VICE, action="decide", words=words)


def own_results(uow: UnitOfWork, office: TinyOffice) -> list[tuple[int, Fraction | None]]:
    with uow.read() as tx:
        found = tx.all(select(PERSON_RESULT).where(PERSON_RESULT.c.person_id == office.people[ESCORT]))
    return [(row.revision, row.total) for row in found]


def test_an_appeal_does_not_stop_the_proposal_and_enters_later_as_a_revision_of_the_table(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    hr, president = office.actor(OFFICER), office.actor(PRESIDENT)
    proposal = put(uow, office)
    assert (proposal.rows, proposal.carried, proposal.persons) == (5, 1, 5)
    decide(uow, office)
    done = write(uow, sign(uow, office))
    assert (done.rows, done.persons) == (5, 5)
    assert own_results(uow, office) == []

    late = late_entries.propose_late(uow, actor=hr, now=END, cycle=QUARTER)
    entered = late_entries.enter_late(uow, actor=president, now=END, cycle=QUARTER, digest=late.digest)

    assert (late.number, late.rows, entered.rows, entered.persons) == (2, 1, 1, 1)
    assert own_results(uow, office) == [(2, Fraction(98))]
    with uow.read() as tx:
        last = tx.all(select(FINAL).order_by(FINAL.c.id))[-1]
    assert (last.revision, last.supersedes_id, last.outcome, last.total) == (2, None, "decided", 98)
    assert verification.verify(uow).faults == ()


def test_nothing_enters_late_without_two_people_or_twice(uow: UnitOfWork, office: TinyOffice) -> None:
    hr, president = office.actor(OFFICER), office.actor(PRESIDENT)
    with pytest.raises(Refused, match="enters once it is final"):
        late_entries.propose_late(uow, actor=hr, now=END, cycle=QUARTER)
    finalise(uow, office)
    with pytest.raises(Refused, match="Nothing of 2026Q1 has closed"):
        late_entries.propose_late(uow, actor=hr, now=END, cycle=QUARTER)
    with pytest.raises(Refused, match="Nothing of 2026Q1 is put forward"):
        late_entries.enter_late(uow, actor=president, now=END, cycle=QUARTER)
    decide(uow, office)
    with pytest.raises(Refused, match="grant hr"):
        late_entries.propose_late(uow, actor=office.actor(DIRECTOR), now=END, cycle=QUARTER)
    late_entries.propose_late(uow, actor=hr, now=END, cycle=QUARTER)
    with pytest.raises(Refused, match="grant approver"):
        late_entries.enter_late(uow, actor=hr, now=END, cycle=QUARTER)
    with pytest.raises(Refused, match="You proposed"):
        late_entries.enter_late(uow, actor=office.proxy(PRESIDENT, OFFICER), now=END, cycle=QUARTER)
    with pytest.raises(Conflict, match="is not the one proposed"):
        late_entries.enter_late(uow, actor=president, now=END, cycle=QUARTER, digest="f" * 64)

    late_entries.enter_late(uow, actor=president, now=END, cycle=QUARTER)

    with pytest.raises(Refused, match="Nothing of 2026Q1 is put forward"):
        late_entries.enter_late(uow, actor=president, now=END, cycle=QUARTER)


def test_what_is_decided_between_proposal_and_signature_stays_out_of_the_signed_table(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    proposal = put(uow, office)
    decide(uow, office)
    approved = sign(uow, office)

    done = write(uow, approved)

    assert (approved.digest, done.digest) == (proposal.digest, proposal.digest)
    assert done == final_rows.Completed(5, 5, proposal.digest, new=True)
