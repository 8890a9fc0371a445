from sqlalchemy import text

from models.guards import remove
from services import proving
from services.outbox import JOB
from services.outbox_jobs import FAILURE
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, QUARTER, build_office, open_quarter
from tests.services.closing import END, close_all, deduct, finalise
from tests.services.owning import as_owner


def finished(uow: UnitOfWork) -> int:
    office = build_office(uow)
    cycle_id = open_quarter(uow, office)
    deduct(uow, office, CLERK, "C3.1", 4)
    close_all(uow, office)
    finalise(uow, office)
    return cycle_id


def tamper(uow: UnitOfWork, statement: str) -> None:
    with as_owner(uow) as connection:
        remove(connection)
        connection.execute(text(statement))


def test_every_closed_score_comes_out_again_as_it_is_stored(uow: UnitOfWork) -> None:
    cycle_id = finished(uow)
    told: list[int] = []

    assert proving.prove(uow, cycle=QUARTER, progress=told.append) == proving.Proof(QUARTER, 5, ())
    assert told == [1, 2, 3, 4, 5]
    assert proving.prove(uow, cycle=cycle_id, first=1, last=3).checked == 2


def test_a_score_that_comes_out_otherwise_is_reported_with_both_figures(uow: UnitOfWork) -> None:
    cycle_id = finished(uow)
    tamper(uow, "UPDATE finding SET amount = 5000000")

    proof = proving.prove(uow, cycle=QUARTER)

    assert proof.checked == 5
    assert [difference.what for difference in proof.differences] == ["ledger", "total", "C3"]
    total = proof.differences[1]
    assert str(total) == f"{QUARTER}/{CLERK}@clerical: total is stored as 96 and comes to 95."
    assert proof.differences[2].stored == "points 25 recorded 4 counted 4 reward 0 score 21"

    proving.prove_chunk(uow, now=END, cycle_id=cycle_id, first=1, last=99)

    with uow.read() as tx:
        failure = tx.first(FAILURE.select())
    assert failure is not None
    assert (failure.source, failure.source_id, failure.code) == ("finalising", cycle_id, "not-proven")
    assert failure.details == '{"cycle": "2026Q1", "appraisals": [5]}'


def test_a_stored_item_and_a_finding_that_breaks_its_rule_are_differences_too(uow: UnitOfWork) -> None:
    finished(uow)
    tamper(uow, "UPDATE score_item SET recorded = 5000000 WHERE recorded > 0")
    assert [difference.what for difference in proving.prove(uow, cycle=QUARTER).differences] == ["C3"]
    tamper(uow, "UPDATE finding SET amount = 90000000")

    assert [difference.what for difference in proving.prove(uow, cycle=QUARTER).differences] == ["ledger", "score"]


def test_scores_whose_ledger_is_open_are_not_proved(uow: UnitOfWork) -> None:
    open_quarter(uow, build_office(uow))

    assert proving.prove(uow, cycle=QUARTER) == proving.Proof(QUARTER, 0, ())


def test_proofs_are_owed_in_ranges(uow: UnitOfWork) -> None:
    finished(uow)

    owed = proving.owe_proof(uow, now=END, cycle=QUARTER, chunk=4)

    with uow.read() as tx:
        args = [row.args for row in tx.all(JOB.select().where(JOB.c.name == "scores.prove").order_by(JOB.c.id))]
    assert owed == 2
    assert args == ['{"cycle_id":1,"first":1,"last":4}', '{"cycle_id":1,"first":5,"last":6}']
