import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from sqlalchemy import Engine, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from models.columns import table_of
from models.findings import DutyRecord, FindingRevision
from models.history import Move
from scoring.ledger import Revision
from scoring.score import score
from services import documents, duties, findings, ledgers
from services.appraisals import Words
from services.calendars import NO_CLOSURES
from services.definitions import rubric_of
from services.errors import AppraiseError, NotFound, Refused
from services.judging import SCORE
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
    TinyOffice,
    build_office,
    move,
    noon,
    open_quarter,
    site,
    submit,
)
from tests.services.counting import sent

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    return build_office(uow)


def record(uow: UnitOfWork, office: TinyOffice, *, day: dt.date, amount: int = 4, rule: str = "D1.1") -> str:
    return findings.add(
        uow,
        actor=office.actor(VICE),
        now=dt.datetime.combine(day, dt.time(9), dt.UTC),
        number=DIRECTOR,
        rule=rule,
        happened=day,
        amount=Fraction(amount),
        reason="shirked",
    ).code


def load(uow: UnitOfWork, office: TinyOffice, number: str, appraisal: int | None = None) -> ledgers.Loaded:
    with uow.read() as tx:
        return ledgers.load(
            tx,
            assignment_id=office.assignments[number],
            period_from=FIRST,
            period_to=LAST,
            calendar="CN",
            appraisal_id=appraisal,
            closed_days=NO_CLOSURES,
        )


def version(uow: UnitOfWork, office: TinyOffice, number: str) -> int:
    with uow.read() as tx:
        return ledgers.state(tx, office.assignments[number], LAST).version


def test_a_ledger_is_read_in_four_statements_whatever_it_holds(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    for day in range(10, 16):
        record(uow, office, day=dt.date(2026, 2, day))
    with uow.read() as tx:
        appraisal = ledgers.state(tx, office.assignments[DIRECTOR], LAST).appraisal_id
    with sent(uow.engine) as found:
        loaded = load(uow, office, DIRECTOR, appraisal)
    assert len(loaded.ledger.findings) == 6
    assert len(found) <= 4, found


def test_the_ledger_scores_as_the_vector_says(uow: UnitOfWork, office: TinyOffice) -> None:
    """Vector s2 of domain.md: D1.1 = 4 and D2.1 = 7 give 89."""
    record(uow, office, day=dt.date(2026, 2, 3), amount=4)
    record(uow, office, day=dt.date(2026, 2, 4), amount=7, rule="D2.1")
    ledger = load(uow, office, DIRECTOR).ledger
    with uow.read() as tx:
        rubric = rubric_of(tx, tx.scalar(text("SELECT id FROM definition WHERE kind = 'rubric'")))
    assert score(rubric, "director", ledger).total == 89


def test_a_void_finding_comes_along_and_counts_nothing(uow: UnitOfWork, office: TinyOffice) -> None:
    code = record(uow, office, day=dt.date(2026, 2, 3))
    findings.void(uow, actor=office.actor(VICE), now=noon(2, 5), finding=code, reason="the wrong person")
    ledger = load(uow, office, DIRECTOR).ledger
    assert [(one.id, one.voided) for one in ledger.findings] == [(code, True)]
    with uow.read() as tx:
        rubric = rubric_of(tx, tx.scalar(text("SELECT id FROM definition WHERE kind = 'rubric'")))
    assert score(rubric, "director", ledger).total == 100


def test_a_finding_of_another_period_is_not_in_the_ledger(uow: UnitOfWork, office: TinyOffice) -> None:
    record(uow, office, day=dt.date(2026, 4, 2))
    assert load(uow, office, DIRECTOR).ledger.findings == ()


def test_days_sites_and_post_are_those_of_the_records(uow: UnitOfWork, office: TinyOffice) -> None:
    site(uow, "north", closed_months='["2026-02"]')
    site(uow, "south")
    ledger = load(uow, office, SECURITY).ledger
    assert ledger.post == "deputy-security"
    assert ledger.assignment_from == dt.date(2020, 1, 1)
    assert ledger.sites == {"north", "south"}
    assert ledger.closed["north"] == {"2026-02"}
    assert len(ledger.working_days) == 59


def test_nobody_has_a_ledger_without_an_assignment(uow: UnitOfWork, office: TinyOffice) -> None:
    assert office.assignments
    with uow.read() as tx, pytest.raises(NotFound, match="no such assignment"):
        ledgers.load_ledger(tx, assignment_id=9_999, period_from=FIRST, period_to=LAST, calendar="CN")


def test_the_digest_follows_what_can_touch_a_figure(uow: UnitOfWork, office: TinyOffice) -> None:
    before = load(uow, office, DIRECTOR).ledger
    code = record(uow, office, day=dt.date(2026, 2, 3))
    after = load(uow, office, DIRECTOR).ledger
    assert before.digest != after.digest
    assert replace(after, findings=()).digest == before.digest
    assert after.finding(code).amount == 4


def test_every_entry_raises_the_version_of_the_ledger(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    code = record(uow, office, day=dt.date(2026, 2, 3))
    assert version(uow, office, DIRECTOR) == 1
    findings.void(uow, actor=office.actor(VICE), now=noon(2, 5), finding=code, reason="the wrong person")
    assert version(uow, office, DIRECTOR) == 2


def test_an_entry_before_the_opening_locks_the_assignment(uow: UnitOfWork, office: TinyOffice) -> None:
    record(uow, office, day=dt.date(2026, 2, 3))
    with uow.read() as tx:
        locks = tx.scalar(
            select(ledgers.ASSIGNMENT.c.ledger_lock).where(ledgers.ASSIGNMENT.c.id == office.assignments[DIRECTOR])
        )
    assert locks == 1
    open_quarter(uow, office)
    assert [one.rule for one in load(uow, office, DIRECTOR).ledger.findings] == ["D1.1"]


def test_an_opening_waits_for_an_entry_that_found_no_appraisal(uow: UnitOfWork, office: TinyOffice) -> None:
    """Inserting an appraisal takes this lock on PostgreSQL; on SQLite any writer waits for any other."""
    person = office.assignments[DIRECTOR]
    with uow.write() as tx:
        assert ledgers.touch(tx, person, LAST).appraisal_id is None
        with pytest.raises(DBAPIError, match="lock"):
            refer_to(uow.engine, person)


def refer_to(engine: Engine, person: int) -> None:
    """Do to an assignment what inserting an appraisal of it does, without waiting."""
    with engine.connect() as other:
        if engine.dialect.name == "sqlite":
            other.connection.cursor().execute("PRAGMA busy_timeout=0")
            other.execution_options(appraise_write=True).begin()
            return
        other.execute(text("SELECT 1 FROM assignment WHERE id = :id FOR KEY SHARE NOWAIT"), {"id": person})


def test_nothing_enters_after_the_submission(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    submit(uow, office, noon(4, 2), number=DIRECTOR, by=VICE)
    with uow.write() as tx, pytest.raises(Refused, match="The ledger of 2026-03-31 is closed"):
        ledgers.touch(tx, office.assignments[DIRECTOR], LAST)


def test_after_a_return_the_ledger_is_open_again(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    submit(uow, office, noon(4, 2), number=DIRECTOR, by=VICE)
    move(uow, office, noon(4, 3), number=DIRECTOR, by=PRESIDENT, action="return", words=Words(comment="Look again."))
    with uow.write() as tx:
        assert ledgers.touch(tx, office.assignments[DIRECTOR], LAST).open


def test_a_reviewers_decision_applies_to_the_ledger_of_its_appraisal_only(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    code = record(uow, office, day=dt.date(2026, 2, 3), amount=5)
    submitted = submit(uow, office, noon(4, 2), number=DIRECTOR, by=VICE)
    words = Words(comment="Less than that.", lines={code: "3"})
    move(uow, office, noon(4, 3), number=DIRECTOR, by=PRESIDENT, action="change", words=words)
    words = Words(comment="Not his.", lines={code: None})
    move(uow, office, noon(4, 3), number=DIRECTOR, by=PRESIDENT, action="strike", words=words)
    judged = load(uow, office, DIRECTOR, submitted.appraisal_id).ledger.finding(code)
    assert judged.amount == 5
    assert judged.revision == Revision("strike", by="review", previous=Revision("change", Fraction(3), by="review"))
    assert load(uow, office, DIRECTOR).ledger.finding(code).revision is None


def test_missed_months_stay_open_until_confirmed_or_excused(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    for month, day in (("2026-01", 20), ("2026-03", 20)):
        duties.record(
            uow,
            actor=office.actor(SECURITY),
            now=noon(4, 1),
            number=SECURITY,
            rule="A1.1",
            month=month,
            day=dt.date(2026, int(month[-2:]), day),
            coverage=Fraction(1),
            evidence="the log of inspections",
        )
    assert open_lines(uow, office, LAST) == ("A1.1:2026-02",)
    assert open_lines(uow, office, dt.date(2026, 2, 27)) == ()
    duties.confirm(uow, actor=office.actor(DIRECTOR), now=noon(4, 1), number=SECURITY, rule="A1.1", month="2026-02")
    assert open_lines(uow, office, LAST) == ()


def open_lines(uow: UnitOfWork, office: TinyOffice, as_of: dt.date) -> tuple[str, ...]:
    loaded = load(uow, office, SECURITY)
    with uow.read() as tx:
        rubric = rubric_of(tx, tx.scalar(text("SELECT id FROM definition WHERE kind = 'rubric'")))
    return ledgers.open_months(rubric, loaded, as_of)


def test_a_claim_counts_only_once_it_is_confirmed(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    document = documents.register(
        uow,
        actor=office.actor(CLERK),
        now=noon(2, 10),
        kind="commendation",
        number="2026-7",
        day=dt.date(2026, 2, 9),
        issuer="the superior bank",
    )
    code = findings.claim(
        uow,
        actor=office.actor(SECURITY),
        now=noon(2, 11),
        number=SECURITY,
        rule="A1.8",
        happened=dt.date(2026, 2, 9),
        document=document,
    ).code
    assert load(uow, office, SECURITY).ledger.findings == ()
    findings.confirm(uow, actor=office.actor(DIRECTOR), now=noon(2, 12), finding=code)
    assert [one.key for one in load(uow, office, SECURITY).ledger.findings] == [document]


def test_the_database_closes_the_ledger_to_direct_writes_too(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    submit(uow, office, noon(4, 2), number=DIRECTOR, by=VICE)
    row = {
        "assignment_id": office.assignments[DIRECTOR],
        "rule": "D1.1",
        "month": "2026-02",
        "kind": "excused",
        "sites": "[]",
        "recorded_by": office.people[OFFICER],
        "recorded_at": noon(4, 3),
    }
    with pytest.raises(Refused, match="ledger of this period is closed"), uow.write() as tx:
        tx.insert(table_of(DutyRecord), row)


def test_a_revision_without_its_move_does_not_enter(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    code = record(uow, office, day=dt.date(2026, 2, 3))
    with uow.read() as tx:
        appraisal = ledgers.state(tx, office.assignments[DIRECTOR], LAST).appraisal_id
        assert tx.first(select(table_of(Move)).where(table_of(Move).c.appraisal_id == appraisal)) is None
    row = {
        "appraisal_id": appraisal,
        "move_seq": 1,
        "finding_id": int(code[1:]),
        "rule": "D1.1",
        "kind": "strike",
        "by_id": office.people[PERSONNEL],
        "at": noon(4, 3),
    }
    with pytest.raises(Refused), uow.write() as tx:
        tx.insert(table_of(FindingRevision), row)


RIVALS = (
    (DIRECTOR, VICE, "D1.1"),
    (PERSONNEL, DIRECTOR, "B1.1"),
    (CLERK, PERSONNEL, "C3.1"),
    (ESCORT, SECURITY, "E1.3"),
)


def test_of_an_entry_and_a_submit_at_the_same_moment_the_score_tells_the_truth(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    """Unguarded, a score of 96 was stored while the ledger said 91."""
    open_quarter(uow, office)
    for number, by, rule in RIVALS:
        move(uow, office, noon(4, 1), number=number, by=number, action="state", words=Words(comment="My quarter."))
        at_once(
            lambda number=number, by=by: move(uow, office, noon(4, 2), number=number, by=by, action="submit"),
            lambda number=number, by=by, rule=rule: enter(uow, office, number, by, rule),
        )
        with uow.read() as tx:
            stored = tx.first(_STORED, {"person": office.people[number]})
            rubric = rubric_of(tx, tx.scalar(text("SELECT id FROM definition WHERE kind = 'rubric'")))
        ledger = load(uow, office, number).ledger
        now = score(rubric, ledger.post or "", ledger)
        assert stored is not None
        assert stored.stage == "scoring" or (stored.total, stored.ledger_digest) == (now.total, ledger.digest)


def enter(uow: UnitOfWork, office: TinyOffice, number: str, by: str, rule: str) -> None:
    findings.add(
        uow,
        actor=office.actor(by),
        now=noon(4, 2),
        number=number,
        rule=rule,
        happened=dt.date(2026, 2, 3),
        amount=Fraction(3),
        reason="at the last moment",
    )


def at_once(*acts: Callable[[], object]) -> None:
    """Run acts in threads that start together; a refusal or a conflict is one of the answers."""
    gate = threading.Barrier(len(acts))
    answers: list[str] = []

    def run(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
        except AppraiseError as error:
            answers.append(error.code)
        except BaseException as error:  # noqa: BLE001 - what goes wrong in a thread must reach the test
            answers.append(repr(error))

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {"ledger-closed", "faster", "busy"}, answers


_STORED = (
    select(ledgers.APPRAISAL.c.stage, SCORE.c.total, SCORE.c.ledger_digest)
    .outerjoin(SCORE, SCORE.c.id == ledgers.APPRAISAL.c.score_id)
    .where(ledgers.APPRAISAL.c.person_id == bindparam("person"))
)
