import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Row, select, text, update

from catalog.shelf import rubric_text
from models.guards import remove
from services import final_rows, finalising
from services.access import GRANT
from services.actors import SYSTEM, Actor
from services.appraisals import Words
from services.audit import EVENT
from services.definitions import publish_rubric
from services.errors import Conflict, Refused
from services.final_rows import FINAL_ITEM, SCORE_ITEM
from services.outbox import JOB, MESSAGE
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, PERSON_RESULT
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECURITY,
    TinyOffice,
    assignment,
    build_office,
    granted,
    move,
    open_quarter,
)
from tests.services.closing import (
    END,
    RATED,
    close,
    close_all,
    deduct,
    exclude,
    finalise,
    put,
    release,
    sign,
    write,
)
from tests.services.counting import Counting
from tests.services.owning import as_owner


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    return build_office(uow)


def rows(uow: UnitOfWork, table: Any) -> Sequence[Row[Any]]:
    with uow.read() as tx:
        return tx.all(select(table).order_by(table.c.id))


def kinds(uow: UnitOfWork, stream: str) -> list[str]:
    with uow.read() as tx:
        return [row.kind for row in tx.all(select(EVENT.c.kind).where(EVENT.c.stream == stream).order_by(EVENT.c.seq))]


def state(uow: UnitOfWork) -> str:
    with uow.read() as tx:
        return str(tx.scalar(text("SELECT state FROM cycle")))


def test_the_signed_table_becomes_final_row_by_row_and_a_second_run_changes_nothing(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    cycle_id = open_quarter(uow, office)
    deduct(uow, office, CLERK, "C3.1", 4)
    close_all(uow, office)

    proposal = put(uow, office)
    approved = sign(uow, office, chunk=4)
    done = write(uow, approved)

    assert (proposal.rows, proposal.rated, proposal.persons, proposal.carried) == (6, 5, 6, 0)
    assert len(approved.ranges) == 2
    assert done == final_rows.Completed(6, 6, proposal.digest, new=True)
    finals = {row.appraisal_id: row for row in rows(uow, FINAL)}
    appraisals = {row.id: row for row in rows(uow, APPRAISAL)}
    assert finals.keys() == appraisals.keys()
    assert {finals[number].score_id for number in finals} == {row.score_id for row in appraisals.values()}
    assert sorted(row.total for row in finals.values() if row.total is not None) == [96, 100, 100, 100, 100]
    not_rated = [row for row in finals.values() if row.outcome == "not-rated"]
    assert [(row.total, row.maximum, row.grade, row.score_id) for row in not_rated] == [(None, None, None, None)]
    frozen = {(row.item, row.points, row.recorded, row.counted, row.reward, row.score) for row in rows(uow, FINAL_ITEM)}
    scored = {(row.item, row.points, row.recorded, row.counted, row.reward, row.score) for row in rows(uow, SCORE_ITEM)}
    assert frozen == scored
    assert len(rows(uow, FINAL_ITEM)) == len(rows(uow, SCORE_ITEM))
    assert kinds(uow, f"cycle:{cycle_id}") == ["created", "opened", "proposed", "approved", "final"]

    again = write(uow, approved)

    assert again == final_rows.Completed(6, 0, proposal.digest, new=False)
    assert len(rows(uow, FINAL)) == 6
    assert len(rows(uow, PERSON_RESULT)) == 6
    assert kinds(uow, f"cycle:{cycle_id}")[-1] == "final"
    told = [row.person_id for row in rows(uow, MESSAGE) if row.kind == "result-final"]
    assert sorted(told) == sorted(office.people[number] for number in RATED)


def test_proposing_early_is_refused_with_how_many_and_where_and_leaves_only_the_refusal(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    cycle_id = open_quarter(uow, office)
    close_all(uow, office, but=[CLERK, ESCORT])
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="start")
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="submit")

    with pytest.raises(Refused, match=r"2 appraisals are neither .*: 1 in “Own statement”, 1 in “Review”\.") as caught:
        put(uow, office)

    assert caught.value.code == "all-finished"
    assert kinds(uow, f"cycle:{cycle_id}") == ["created", "opened"]
    assert "cycle.propose" in kinds(uow, "refusals")


def test_a_roster_row_that_was_never_opened_stops_the_proposal(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    close_all(uow, office)
    with uow.write() as tx:
        tx.insert(ASSIGNMENT, assignment(office.people[CLERK], office.posts["escort"], office.unit))
        tx.run(
            text(
                "INSERT INTO roster (cycle_id, assignment_id, person_id, post_id, unit_id, unit_no, rubric_id, status,"
                " assessor_id, reviewer_id, decider_id, sources, working_days, statement, digest)"
                " SELECT cycle_id, (SELECT max(id) FROM assignment), person_id, post_id, unit_id, unit_no, rubric_id,"
                " status, assessor_id, reviewer_id, decider_id, sources, working_days, statement, digest"
                " FROM roster WHERE person_id = :person"
            ),
            {"person": office.people[CLERK]},
        )

    with pytest.raises(Refused, match="1 assignment of the roster of 2026Q1 could not be opened") as caught:
        put(uow, office)

    assert caught.value.code == "not-opened"


def test_it_takes_two_hr_proposes_the_approver_signs_and_nobody_both(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    close_all(uow, office)
    with uow.write() as tx:
        tx.insert(GRANT, granted(office.people[OFFICER], "approver"))

    with pytest.raises(Refused, match="is for the HR officer"):
        finalising.propose(uow, actor=office.actor(PRESIDENT), now=END, cycle=QUARTER)
    put(uow, office)
    with pytest.raises(Refused, match="You proposed this result table; somebody else must sign it"):
        finalising.approve(uow, actor=office.actor(OFFICER), now=END, cycle=QUARTER)
    with pytest.raises(Refused, match="You proposed this result table"):
        finalising.approve(uow, actor=office.proxy(PRESIDENT, OFFICER), now=END, cycle=QUARTER)
    with pytest.raises(Refused, match="is for the approver"):
        finalising.approve(uow, actor=office.actor(DIRECTOR), now=END, cycle=QUARTER)
    with pytest.raises(Refused):
        finalising.approve(uow, actor=Actor(None), now=END, cycle=QUARTER)

    assert state(uow) == "proposed"


def test_a_refused_proposal_leaves_no_result_and_can_be_made_anew(uow: UnitOfWork, office: TinyOffice) -> None:
    cycle_id = open_quarter(uow, office)
    close_all(uow, office)
    first = put(uow, office)
    president = office.actor(PRESIDENT)

    with pytest.raises(Refused, match="needs a reason"):
        finalising.refuse(uow, actor=president, now=END, cycle=QUARTER, reason=" ")
    finalising.refuse(uow, actor=president, now=END, cycle=QUARTER, reason="Look at the escorts again.")

    assert state(uow) == "open"
    assert (rows(uow, FINAL), rows(uow, PERSON_RESULT)) == ([], [])
    with pytest.raises(Refused, match="is not possible now"):
        finalising.approve(uow, actor=president, now=END, cycle=QUARTER)
    second = put(uow, office)
    assert (second.number, second.digest) == (2, first.digest)
    assert kinds(uow, f"cycle:{cycle_id}")[2:] == ["proposed", "refused", "proposed"]


def test_only_the_table_that_was_proposed_and_seen_is_signed(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    close_all(uow, office)
    proposal = put(uow, office)
    president = office.actor(PRESIDENT)

    with pytest.raises(Conflict, match="is not the one proposed"):
        finalising.approve(uow, actor=president, now=END, cycle=QUARTER, digest="0" * 64)
    with as_owner(uow) as connection:
        remove(connection)
        connection.execute(text("UPDATE score_item SET score = score - 1000000, counted = 1000000 WHERE id = 1"))
    with pytest.raises(Conflict, match="no longer those that were proposed"):
        finalising.approve(uow, actor=president, now=END, cycle=QUARTER, digest=proposal.digest)

    assert state(uow) == "proposed"


def test_what_was_written_must_be_what_was_signed(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    close_all(uow, office)
    put(uow, office)
    approved = sign(uow, office)
    for first, last in approved.ranges:
        final_rows.finalise_chunk(uow, now=END, cycle_id=approved.cycle_id, first=first, last=last)
    with as_owner(uow) as connection:
        remove(connection)
        connection.execute(update(FINAL).where(FINAL.c.total.is_not(None)).values(total=Fraction(99)))

    with pytest.raises(Conflict, match="not the table that was signed"):
        final_rows.complete(uow, now=END, cycle_id=approved.cycle_id)

    assert state(uow) == "finalising"
    assert rows(uow, PERSON_RESULT) == []


def test_chunks_come_in_any_order_twice_and_at_once_and_the_last_owes_the_completion_once(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    open_quarter(uow, office)
    close_all(uow, office)
    put(uow, office)
    approved = sign(uow, office, chunk=1)
    assert len(approved.ranges) == 6

    def chunk(span: tuple[int, int]) -> final_rows.Written:
        return final_rows.finalise_chunk(uow, now=END, cycle_id=approved.cycle_id, first=span[0], last=span[1])

    assert chunk(approved.ranges[3]) == final_rows.Written(1, 5)
    with pytest.raises(Refused, match="5 of 6 rows of 2026Q1 are still to be written"):
        final_rows.complete(uow, now=END, cycle_id=approved.cycle_id)
    with ThreadPoolExecutor(4) as pool:
        done = [future.result() for future in [pool.submit(chunk, span) for span in approved.ranges]]

    assert sum(written.rows for written in done) == 5
    assert len(rows(uow, FINAL)) == 6
    assert [row.name for row in rows(uow, JOB)].count("cycle.complete") == 1
    assert final_rows.complete(uow, now=END, cycle_id=approved.cycle_id).new


def test_an_unsigned_cycle_gets_no_final_rows_by_any_road(uow: UnitOfWork, office: TinyOffice) -> None:
    cycle_id = open_quarter(uow, office)
    close_all(uow, office)
    put(uow, office)

    with pytest.raises(Refused, match="its table is not signed"):
        final_rows.finalise_chunk(uow, now=END, cycle_id=cycle_id, first=1, last=99)
    with pytest.raises(Refused, match="its table is not signed"):
        final_rows.complete(uow, now=END, cycle_id=cycle_id)
    with pytest.raises(Refused, match="results are written while their cycle is finalised"), uow.write() as tx:
        tx.insert(
            FINAL,
            {
                "cycle_id": cycle_id,
                "appraisal_id": 1,
                "revision": 1,
                "outcome": "accepted",
                "total": Fraction(100),
                "input_digest": "none",
                "at": END,
            },
        )


def test_the_statements_of_finalising_are_counted(uow: UnitOfWork, office: TinyOffice, statements: Counting) -> None:
    open_quarter(uow, office)
    close_all(uow, office)

    with statements() as proposing:
        put(uow, office)
    with statements() as finalising_all:
        approved = sign(uow, office, chunk=2)
        for span in approved.ranges:
            with statements() as chunk:
                final_rows.finalise_chunk(uow, now=END, cycle_id=approved.cycle_id, first=span[0], last=span[1])
            assert len(chunk) <= 8, chunk
        final_rows.complete(uow, now=END, cycle_id=approved.cycle_id)

    assert len(approved.ranges) == 3
    assert len(proposing) <= 20, proposing
    assert len(finalising_all) <= 20 + 8 * len(approved.ranges), finalising_all


def test_who_moved_in_the_quarter_gets_the_mean_of_both_posts_by_working_days(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    moved = dt.date(2026, 3, 2)
    with uow.write() as tx:
        tx.run(
            update(ASSIGNMENT)
            .where(ASSIGNMENT.c.id == office.assignments[ESCORT])
            .values(valid_to=moved - dt.timedelta(days=1))
        )
        superior = office.people[SECURITY]
        row = assignment(
            office.people[ESCORT],
            office.posts["clerical"],
            office.unit,
            manager=superior,
            in_charge=superior,
            first=moved,
        )
        tx.insert(ASSIGNMENT, row)
    open_quarter(uow, office)
    for amount, day in ((3, 3), (3, 4), (2, 5)):
        deduct(uow, office, ESCORT, "E1.3", amount, day=day, post="escort")
    close_all(uow, office, but=[ESCORT])
    close(uow, office, ESCORT, code=f"{ESCORT}@escort")
    close(uow, office, ESCORT, code=f"{ESCORT}@clerical")

    finalise(uow, office)

    result = next(row for row in rows(uow, PERSON_RESULT) if row.person_id == office.people[ESCORT])
    assert result.total == Fraction("94.98")
    assert '"weight":"37"' in result.steps
    assert '"weight":"22"' in result.steps
    totals = {row.total for row in rows(uow, FINAL) if row.total is not None}
    assert totals == {92, 100}


def test_who_was_not_rated_in_one_post_has_the_result_of_the_other(uow: UnitOfWork, office: TinyOffice) -> None:
    with uow.write() as tx:
        superior = office.people[SECURITY]
        row = assignment(
            office.people[ESCORT], office.posts["clerical"], office.unit, manager=superior, in_charge=superior
        )
        tx.insert(ASSIGNMENT, row | {"main": False})
    open_quarter(uow, office)
    deduct(uow, office, ESCORT, "E1.3", 3, post="escort")
    close_all(uow, office, but=[ESCORT])
    close(uow, office, ESCORT, code=f"{ESCORT}@escort")
    exclude(uow, office, f"{ESCORT}@clerical")

    finalise(uow, office)

    result = next(row for row in rows(uow, PERSON_RESULT) if row.person_id == office.people[ESCORT])
    assert result.total == 97


def test_a_cycle_with_nothing_but_appeals_is_signed_empty_and_completes(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    finding = deduct(uow, office, ESCORT, "E1.3", 3)
    close_all(uow, office, but=[ESCORT])
    release(uow, office, ESCORT)
    _object(uow, office, finding)
    with as_owner(uow) as connection:
        remove(connection)
        connection.execute(
            update(APPRAISAL).where(APPRAISAL.c.person_id != office.people[ESCORT]).values(stage="appeal")
        )

    proposal = put(uow, office)
    approved = sign(uow, office)

    assert (proposal.rows, proposal.carried, approved.ranges) == (0, 6, ())
    assert final_rows.complete(uow, now=END, cycle_id=approved.cycle_id).new


def _object(uow: UnitOfWork, office: TinyOffice, finding: str) -> None:
    words = Words(comment="It was not my turn.", lines={finding: None})
    move(uow, office, END, number=ESCORT, by=ESCORT, action="object", words=words)


def test_publishing_another_rubric_afterwards_changes_no_result(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    close_all(uow, office)
    before = put(uow, office).digest
    publish_rubric(uow, actor=SYSTEM, now=END, text=rubric_text("bank-office"), where="bank-office")

    assert sign(uow, office).digest == before
