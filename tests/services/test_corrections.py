from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Row, select

from services import corrections, desk, proving, verification
from services.access import GRANT
from services.audit import EVENT
from services.errors import Conflict, Malformed, Refused
from services.final_rows import FINAL_ITEM
from services.person_results import APPRAISAL, FINAL, PERSON_RESULT
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PRESIDENT,
    QUARTER,
    SECURITY,
    TinyOffice,
    build_office,
    granted,
    open_quarter,
)
from tests.services.closing import END, close_all, deduct, finalise, vouch

CODE = f"{QUARTER}/{CLERK}"


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    """A final quarter in which the clerk lost 4 and 5 points and the director 4."""
    built = build_office(uow)
    vouch(uow)
    open_quarter(uow, built)
    deduct(uow, built, CLERK, "C3.1", 4)
    deduct(uow, built, CLERK, "C3.1", 5, day=4)
    deduct(uow, built, DIRECTOR, "D1.1", 4)
    close_all(uow, built)
    finalise(uow, built)
    return built


def propose(
    uow: UnitOfWork, office: TinyOffice, lines: dict[str, str | None], *, code: str = CODE, reason: str = "Misread."
) -> corrections.Difference:
    actor = office.actor(OFFICER)
    return corrections.propose_correction(uow, actor=actor, now=END, appraisal=code, lines=lines, reason=reason)


def approve(uow: UnitOfWork, office: TinyOffice, digest: str | None = None) -> corrections.Difference:
    actor = office.actor(PRESIDENT)
    return corrections.approve_correction(uow, actor=actor, now=END, appraisal=CODE, digest=digest)


def rows(uow: UnitOfWork, table: Any, *where: Any) -> Sequence[Row[Any]]:
    with uow.read() as tx:
        return tx.all(select(table).where(*where).order_by(table.c.id))


def of_clerk(office: TinyOffice, uow: UnitOfWork) -> Any:
    return FINAL.c.appraisal_id == rows(uow, APPRAISAL, APPRAISAL.c.person_id == office.people[CLERK])[0].id


def test_a_correction_supersedes_the_result_yields_the_difference_and_changes_nothing_that_was_written(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    finals, items, people = rows(uow, FINAL), rows(uow, FINAL_ITEM), rows(uow, PERSON_RESULT)
    appraisals = rows(uow, APPRAISAL)

    proposed = propose(uow, office, {"F1": "3", "F2": "strike"})

    assert rows(uow, FINAL) == finals
    assert (proposed.before, proposed.after) == (91, 97)
    assert proposed.items == (corrections.ItemDifference("C3", Fraction(16), Fraction(22)),)
    assert approve(uow, office, proposed.digest) == proposed
    assert rows(uow, FINAL)[:-1] == finals
    assert rows(uow, FINAL_ITEM)[: len(items)] == items
    assert rows(uow, PERSON_RESULT)[:-1] == people
    assert rows(uow, APPRAISAL) == appraisals
    old, new = rows(uow, FINAL, of_clerk(office, uow))
    assert (new.revision, new.supersedes_id, old.total, new.total) == (2, old.id, 91, 97)
    changed = {row.item: row.score for row in rows(uow, FINAL_ITEM, FINAL_ITEM.c.final_id == new.id)}
    assert changed["C3"] == 22
    score, sentences = desk.explain(uow, actor=office.actor(CLERK), now=END, appraisal=CODE)
    assert score["total"] == "97"
    assert any("F2" in sentence and "correction" in sentence.lower() for sentence in sentences)
    person = rows(uow, PERSON_RESULT)[-1]
    assert (person.person_id, person.revision, person.total) == (office.people[CLERK], 2, 97)
    assert verification.verify(uow).faults == ()
    assert proving.prove(uow, cycle=QUARTER).differences == ()


def test_a_second_correction_builds_on_the_first(uow: UnitOfWork, office: TinyOffice) -> None:
    propose(uow, office, {"F1": "3"})
    approve(uow, office)

    second = propose(uow, office, {"F1": "5"})
    approve(uow, office)

    assert (second.before, second.after) == (92, 90)
    revisions = [(row.revision, row.total) for row in rows(uow, FINAL, of_clerk(office, uow))]
    assert revisions == [(1, 91), (2, 92), (3, 90)]
    assert verification.verify(uow).faults == ()
    assert proving.prove(uow, cycle=QUARTER).differences == ()


def test_a_correction_proposed_once_more_word_for_word_is_not_written_again(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    first = propose(uow, office, {"F1": "3"})
    assert propose(uow, office, {"F1": "3"}) == first
    assert len(rows(uow, EVENT, EVENT.c.kind == "correction-proposed")) == 1

    propose(uow, office, {"F1": "3"}, reason="Misread, as the log shows.")
    propose(uow, office, {"F1": "5"}, reason="Misread, as the log shows.")
    propose(uow, office, {"F1": "3"}, reason="Misread, as the log shows.")
    assert len(rows(uow, EVENT, EVENT.c.kind == "correction-proposed")) == 4


def test_a_correction_that_changes_nothing_cannot_be_read_or_breaks_a_rule_is_refused(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    with pytest.raises(Refused, match="would change no figure"):
        propose(uow, office, {"F1": "4"})
    with pytest.raises(Refused, match="has no line F3"):
        propose(uow, office, {"F3": "strike"})
    with pytest.raises(Refused, match="9"):
        propose(uow, office, {"F1": "9"})
    with pytest.raises(Malformed, match="strike, or its right amount"):
        propose(uow, office, {"F1": "half"})
    with pytest.raises(Malformed, match="needs a reason"):
        propose(uow, office, {"F1": "3"}, reason=" ")
    with pytest.raises(Refused, match="was not rated"):
        propose(uow, office, {"F1": "3"}, code=f"{QUARTER}/{SECURITY}")

    assert rows(uow, EVENT, EVENT.c.kind == "correction-proposed") == []


def test_nobody_corrects_his_own_result_or_a_superiors_and_it_takes_two(uow: UnitOfWork, office: TinyOffice) -> None:
    with uow.write() as tx:
        tx.insert(GRANT, granted(office.people[OFFICER], "approver"))
    for code in (f"{QUARTER}/{OFFICER}", f"{QUARTER}/{DIRECTOR}"):
        with pytest.raises(Refused, match="for himself or for one of his superiors"):
            propose(uow, office, {"F3": "strike"}, code=code)
    with pytest.raises(Refused, match="grant hr"):
        corrections.propose_correction(
            uow, actor=office.actor(ESCORT), now=END, appraisal=CODE, lines={"F1": "3"}, reason="Misread."
        )
    with pytest.raises(Refused, match="No correction of"):
        approve(uow, office)
    propose(uow, office, {"F1": "3"})
    for actor in (office.actor(OFFICER), office.proxy(PRESIDENT, OFFICER)):
        with pytest.raises(Refused, match="You proposed this correction"):
            corrections.approve_correction(uow, actor=actor, now=END, appraisal=CODE)
    with pytest.raises(Refused, match="grant approver"):
        corrections.approve_correction(uow, actor=office.actor(DIRECTOR), now=END, appraisal=CODE)

    assert len(rows(uow, FINAL, of_clerk(office, uow))) == 1


def test_the_approver_signs_only_the_difference_he_saw_and_may_refuse(uow: UnitOfWork, office: TinyOffice) -> None:
    first = propose(uow, office, {"F1": "3"})
    propose(uow, office, {"F1": "strike"})

    with pytest.raises(Conflict, match="is not the one proposed"):
        approve(uow, office, first.digest)
    president = office.actor(PRESIDENT)
    with pytest.raises(Malformed, match="needs a reason"):
        corrections.refuse_correction(uow, actor=president, now=END, appraisal=CODE, reason="")
    corrections.refuse_correction(uow, actor=president, now=END, appraisal=CODE, reason="It was right.")
    with pytest.raises(Refused, match="No correction of"):
        approve(uow, office)

    assert len(rows(uow, FINAL, of_clerk(office, uow))) == 1
    assert verification.verify(uow).faults == ()


def test_a_result_that_is_not_final_is_not_corrected(uow: UnitOfWork) -> None:
    office = build_office(uow)
    open_quarter(uow, office)
    deduct(uow, office, CLERK, "C3.1", 4)
    close_all(uow, office)

    with pytest.raises(Refused, match="only a final result is corrected"):
        propose(uow, office, {"F1": "3"})
