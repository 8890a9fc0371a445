"""What verification finds: every kind of tampering, done to a copy of one finished quarter on each database."""

import datetime as dt
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text

from models.database import open_database
from services import corrections, cycles, documents, findings, late_entries, launch, verification
from services.actors import Actor
from services.appraisals import Words
from services.audit import EVENT, MOVE, TEXT_BODY, AuditKeys
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.conftest import DATABASES
from tests.servers import postgresql
from tests.services.builders import (
    CLERK,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    RUBRIC,
    VICE,
    TinyOffice,
    build_office,
    move,
    noon,
    open_quarter,
)
from tests.services.closing import END, close_all, deduct, finalise, release, vouch
from tests.services.owning import address

KEYS = AuditKeys("k1", {"k1": b"a key that only the tests use"})


def play(uow: UnitOfWork) -> TinyOffice:
    """A quarter with all that leaves a trace: findings, a reply, a void, an appeal, a late entry, a correction."""
    office = build_office(uow)
    vouch(uow)
    open_quarter(uow, office)
    documents.register(
        uow,
        actor=office.actor(OFFICER),
        now=noon(2, 2),
        kind="circular",
        number="2026-3",
        day=dt.date(2026, 2, 1),
        issuer="The superior bank",
        title="On the archives",
    )
    first = deduct(uow, office, CLERK, "C3.1", 4)
    wrong = deduct(uow, office, CLERK, "C3.1", 5, day=4)
    findings.void(uow, actor=office.actor(PERSONNEL), now=noon(2, 21), finding=wrong, reason="Another file.")
    findings.reply(uow, actor=office.actor(CLERK), now=noon(2, 23), finding=first, text="It was filed the day after.")
    contested = deduct(uow, office, ESCORT, "E1.3", 3)
    close_all(uow, office, but=[ESCORT])
    release(uow, office, ESCORT)
    words = Words(comment="It was not my turn.", lines={contested: None})
    move(uow, office, END, number=ESCORT, by=ESCORT, action="object", words=words)
    finalise(uow, office)
    words = Words(comment="He is right in part.", lines={contested: "2"})
    move(uow, office, END, number=ESCORT, by=VICE, action="decide", words=words)
    hr, president = office.actor(OFFICER), office.actor(PRESIDENT)
    late_entries.propose_late(uow, actor=hr, now=END, cycle=QUARTER)
    late_entries.enter_late(uow, actor=president, now=END, cycle=QUARTER)
    corrections.propose_correction(
        uow, actor=hr, now=END, appraisal=f"{QUARTER}/{CLERK}", lines={first: "3"}, reason="Misread."
    )
    corrections.approve_correction(uow, actor=president, now=END, appraisal=f"{QUARTER}/{CLERK}")
    return office


Copies = Callable[[], AbstractContextManager[UnitOfWork]]


@pytest.fixture(scope="module", params=DATABASES)
def copies(request: pytest.FixtureRequest, sqlite_folder: Path) -> Iterator[Copies]:
    """Fresh copies of the finished quarter."""
    if request.param == "sqlite":
        path = sqlite_folder / "finished.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        with opened(f"sqlite:///{path}") as uow:
            play(uow)
        yield lambda: sqlite_copy(path)
        path.unlink()
        return
    databases: postgresql.Databases = request.getfixturevalue("postgresql_databases")
    name = databases.create(request.getfixturevalue("postgresql_template"))
    with opened(databases.address(name)) as uow:
        play(uow)
    yield lambda: postgresql_copy(databases, name)
    databases.leave(name)


@contextmanager
def opened(url: str) -> Iterator[UnitOfWork]:
    engine = open_database(url)
    try:
        yield UnitOfWork(engine, KEYS)
    finally:
        engine.dispose()


@contextmanager
def sqlite_copy(path: Path) -> Iterator[UnitOfWork]:
    copy = path.with_name("copy.db")
    shutil.copyfile(path, copy)
    with opened(f"sqlite:///{copy}") as uow:
        yield uow
    copy.unlink()


@contextmanager
def postgresql_copy(databases: postgresql.Databases, name: str) -> Iterator[UnitOfWork]:
    copy = databases.create(name)
    with opened(databases.address(copy)) as uow:
        yield uow
    databases.leave(copy)


def tamper(uow: UnitOfWork, *statements: str) -> None:
    """Write past everything that guards the database: triggers, CHECKs and foreign keys."""
    if uow.engine.dialect.name == "sqlite":
        driver = sqlite3.connect(str(uow.engine.url.database))
        driver.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in driver.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            driver.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            driver.execute(statement)
        driver.commit()
        driver.close()
        return
    with psycopg.connect(postgresql.plain(address(uow))) as driver:
        driver.execute("SET session_replication_role = replica")
        for statement in statements:
            driver.execute(statement.encode())


GRANT_TO_CLERK = (
    "INSERT INTO access_grant (person_id, role, valid_from)"
    " SELECT id, 'approver', '2020-01-01' FROM person WHERE number = '1008'"
)
FINDING_OF_NOBODY = (
    "INSERT INTO finding (assignment_id, rule, happened, known, counted_on, amount, sub_reasons, claimed, recorded_by,"
    " recorded_at) SELECT assignment_id, rule, happened, known, counted_on, amount, sub_reasons, claimed, recorded_by,"
    " recorded_at FROM finding WHERE id = 1"
)
SCORE_OF_NOBODY = (
    "INSERT INTO score (sheet_id, rubric_id, arithmetic, ledger_digest, as_of, total, maximum, steps)"
    " SELECT sheet_id, rubric_id, arithmetic, ledger_digest, as_of, total, maximum, steps FROM score WHERE id = 1"
)
BACK_DOOR = (
    "INSERT INTO workflow_move (definition_id, action, from_stage, to_stage, outcome)"
    " SELECT id, 'wave', 'draft', 'closed', 'accepted' FROM definition WHERE kind = 'workflow'"
)
PART_OF_NOBODY = (
    "INSERT INTO party (appraisal_id, person_id, role, seat, source, from_at)"
    " SELECT appraisal_id, 3, 'assessor', 2, 'escalation', from_at FROM party WHERE appraisal_id = 5 AND seat = 1"
    " AND role = 'decider'"
)
DECISION_TWICE = (
    "INSERT INTO finding_revision (appraisal_id, move_seq, finding_id, rule, kind, amount, reason_id, by_id, at)"
    " SELECT appraisal_id, move_seq, finding_id, rule, kind, amount, reason_id, by_id, at FROM finding_revision"
)
TAMPERINGS: dict[str, tuple[str, str, str]] = {
    "what an event says": (
        "UPDATE event SET payload = replace(payload, '\"rows\":5', '\"rows\":4') WHERE kind = 'proposed'",
        "mac",
        "event cycle:1 #3",
    ),
    "who an event is by": ("UPDATE event SET actor_id = 1 WHERE kind = 'proposed'", "mac", "event cycle:1 #3"),
    "an event taken out": ("DELETE FROM event WHERE kind = 'approved'", "gap", "event cycle:1 #5"),
    "a whole stream taken out": ("DELETE FROM event WHERE stream = 'cycle:1'", "missing-stream", "cycle 2026Q1"),
    "the stream of a ledger taken out": ("DELETE FROM event WHERE stream LIKE 'ledger:%'", "no-event", "finding 1"),
    "an event put in a stream of its own": (
        "UPDATE event SET stream = 'cycle:9', seq = 1 WHERE kind = 'final'",
        "gap",
        "event cycle:1 #6",
    ),
    "when a move was made": (
        "UPDATE move SET at = (SELECT min(at) FROM event) WHERE seq = 2 AND appraisal_id = 5",
        "mac",
        "move 2026Q1/1008@clerical #2",
    ),
    "the words of a move": ("UPDATE text_body SET body = 'Yes.' WHERE body = 'It was not my turn.'", "text", "text "),
    "the words of a move with their digest": (
        "UPDATE text_body SET digest = 'abc' WHERE body = 'It was not my turn.'",
        "mac",
        "move 2026Q1/1009@escort #4",
    ),
    "a move taken out": (
        "DELETE FROM move WHERE seq = 1 AND appraisal_id = 5",
        "gap",
        "move 2026Q1/1008@clerical #2",
    ),
    "the last move taken out": (
        "DELETE FROM move WHERE seq = 4 AND appraisal_id = 5",
        "standing",
        "appraisal 2026Q1/1008@clerical",
    ),
    "all moves taken out": (
        "DELETE FROM move WHERE appraisal_id = 5",
        "missing-stream",
        "appraisal 2026Q1/1008@clerical",
    ),
    "where an appraisal stands": (
        "UPDATE appraisal SET stage = 'signoff' WHERE id = 5",
        "standing",
        "appraisal 2026Q1/1008@clerical",
    ),
    "how an appraisal ended": (
        "UPDATE appraisal SET outcome = 'silence' WHERE id = 5",
        "standing",
        "appraisal 2026Q1/1008@clerical",
    ),
    "which score is in force": (
        "UPDATE appraisal SET score_id = 1 WHERE id = 5",
        "standing",
        "appraisal 2026Q1/1008@clerical",
    ),
    "whose rubric an appraisal has": ("UPDATE appraisal SET unit_no = 9 WHERE id = 5", "roster", "appraisal"),
    "a finding's amount": ("UPDATE finding SET amount = 3000000 WHERE id = 1", "content", "finding 1"),
    "a finding revived": (
        "UPDATE finding SET voided_by = NULL, voided_at = NULL, void_reason_id = NULL WHERE id = 2",
        "content",
        "finding 2",
    ),
    "a finding taken out": ("DELETE FROM finding WHERE id = 3", "missing-row", "event ledger:9 #1"),
    "a finding put in": (FINDING_OF_NOBODY, "no-event", "finding 4"),
    "the reason of a finding": (
        "UPDATE finding SET reason_id = (SELECT min(id) FROM text_body) WHERE id = 1",
        "content",
        "finding 1",
    ),
    "a document's number": ("UPDATE document SET number = '2026-4'", "content", "document 1"),
    "a reply taken out": ("DELETE FROM reply", "missing-row", "event ledger:8 #"),
    "a grant put in": (GRANT_TO_CLERK, "no-event", "grant 4"),
    "an assignment's superior": (
        "UPDATE assignment SET manager_id = 1 WHERE id = 8",
        "content",
        "assignment 8",
    ),
    "a score's total": ("UPDATE score SET total = 99000000 WHERE id = 4", "score", "score 4"),
    "an item of a score": ("UPDATE score_item SET counted = 0 WHERE score_id = 4 AND item = 'C3'", "score", "score 4"),
    "a score that nobody made": (
        SCORE_OF_NOBODY,
        "no-event",
        "score 8",
    ),
    "the decision of an appeal": (
        "UPDATE finding_revision SET amount = 1000000",
        "lines",
        "move 2026Q1/1009@escort #5",
    ),
    "a contested line taken out": ("DELETE FROM contested_line", "lines", "move 2026Q1/1009@escort #4"),
    "a move that the workflow does not have": (BACK_DOOR, "workflow", "workflow 2"),
    "the text of a rubric": (
        "UPDATE definition SET text = replace(text, '\"10\"', '\"11\"') WHERE kind = 'rubric'",
        "content",
        "definition 1",
    ),
    "a holder in the roster": ("UPDATE roster SET assessor_id = 1 WHERE person_id = 8", "roster", "roster "),
    "a holder in the roster with its digest": (
        "UPDATE roster SET assessor_id = 1, digest = 'abc' WHERE person_id = 8",
        "roster",
        "roster ",
    ),
    "who has a part": (
        "UPDATE party SET person_id = 3 WHERE role = 'reviewer' AND appraisal_id = 5",
        "roster",
        "appraisal 2026Q1/1008@clerical",
    ),
    "what part somebody has": (
        "UPDATE party SET role = 'decider' WHERE role = 'reviewer' AND appraisal_id = 5",
        "roster",
        "appraisal 2026Q1/1008@clerical",
    ),
    "a part put in": (PART_OF_NOBODY, "roster", "appraisal 2026Q1/1008@clerical"),
    "a part ended": (
        "UPDATE party SET to_at = from_at WHERE role = 'assessor' AND appraisal_id = 5",
        "roster",
        "appraisal 2026Q1/1008@clerical",
    ),
    "a part taken out": (
        "DELETE FROM party WHERE role = 'decider' AND appraisal_id = 5",
        "roster",
        "appraisal 2026Q1/1008@clerical",
    ),
    "whose flow an appraisal has": ("UPDATE appraisal SET workflow_id = 1 WHERE id = 5", "roster", "appraisal"),
    "whose rubric a post has": (
        "UPDATE cycle_rubric SET definition_id = 2 WHERE id = 1",
        "content",
        "cycle 2026Q1 rubric of ",
    ),
    "why a rubric was let through": (
        "UPDATE cycle_rubric SET override_reason_id = 1 WHERE id = 1",
        "content",
        "cycle 2026Q1 rubric of ",
    ),
    "who decided about a line": ("UPDATE finding_revision SET by_id = 1", "lines", "move 2026Q1/1009@escort #5"),
    "a decision put in a second time, to govern": (DECISION_TWICE, "lines", "move 2026Q1/1009@escort #5"),
    "a result shown from another's score": (
        "UPDATE final SET score_id = 1, supersedes_id = id WHERE appraisal_id = 4",
        "result",
        "appraisal 2026Q1/",
    ),
    "a rubric published earlier than it was": (
        "UPDATE definition SET published_at = '2024-01-01T00:00:00.000000Z' WHERE kind = 'rubric'",
        "content",
        "definition 1",
    ),
    "who proposed the table": ("UPDATE proposal SET proposed_by = 1", "proposal", "cycle 2026Q1 proposal 1"),
    "why a line was contested": (
        "UPDATE contested_line SET reason_id = NULL",
        "lines",
        "move 2026Q1/1009@escort #4",
    ),
    "a contested line put beside a decision": (
        "UPDATE contested_line SET move_seq = 5",
        "lines",
        "move 2026Q1/1009@escort #5",
    ),
    "what a final row rests on": ("UPDATE final SET score_id = 1 WHERE id = 5", "result", "appraisal 2026Q1/"),
    "what a corrected row rests on": (
        "UPDATE final SET score_id = 1 WHERE supersedes_id IS NOT NULL",
        "result",
        "event cycle:1 #",
    ),
    "the words of a void taken out": (
        "DELETE FROM text_body WHERE body = 'Another file.'",
        "text",
        "finding 2",
    ),
    "an appraisal taken out": (
        "DELETE FROM appraisal WHERE id = 6",
        "missing-stream",
        "roster ",
    ),
    "the state of a cycle": ("UPDATE cycle SET state = 'open'", "standing", "cycle 2026Q1"),
    "the period of a cycle": ("UPDATE cycle SET period_to = '2026-04-30'", "content", "cycle 2026Q1"),
    "a proposal": ("UPDATE proposal SET rows = 9 WHERE number = 1", "proposal", "cycle 2026Q1 proposal 1"),
    "a final total": ("UPDATE final SET total = 99000000 WHERE id = 1", "result", "cycle 2026Q1"),
    "a final item": ("UPDATE final_item SET reward = 1000000 WHERE id = 1", "result", "cycle 2026Q1"),
    "a final row taken out": ("DELETE FROM final WHERE id = 1", "result", "cycle 2026Q1"),
    "a person's result": ("UPDATE person_result SET total = 99000000 WHERE id = 1", "result", "cycle 2026Q1"),
    "a late row": ("UPDATE final SET grade = NULL WHERE revision = 2 AND supersedes_id IS NULL", "result", "event cyc"),
    "a corrected row": (
        "UPDATE final SET total = 90000000 WHERE supersedes_id IS NOT NULL",
        "result",
        "event cycle:1 #",
    ),
    "a person's corrected result": (
        "UPDATE person_result SET total = 90000000 WHERE supersedes_id IS NOT NULL",
        "result",
        "cycle 2026Q1 person 8",
    ),
    "a revision of a result taken out": (
        "DELETE FROM person_result WHERE revision = 2 AND supersedes_id IS NULL",
        "missing-row",
        "cycle 2026Q1 person 9",
    ),
    "the score of a correction": ("UPDATE score SET total = 98000000 WHERE id = 7", "score", "score 7"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found_and_the_row_is_named(copies: Copies, what: str) -> None:
    statement, code, where = TAMPERINGS[what]
    with copies() as uow:
        tamper(uow, statement)
        report = verification.verify(uow)

    found = [fault for fault in report.faults if fault.code == code and fault.where.startswith(where)]
    assert found, report.faults
    assert report.exit_code == 1
    assert report.count == len(report.faults) >= 1


@pytest.mark.parametrize("table", ["event", "move"])
@pytest.mark.parametrize(
    "payload",
    [
        '{"finding": "x", "digest": "y"}',
        '{"grant": 99999999999999999999, "digest": "y"}',
        '{"grant": [1], "digest": 5}',
        '{"finding": 1e999, "digest": "y"}',
        '{"x": [1, 2], "sheet": 99999999999999999999}',
        '{"lines": 5, "score": 5, "sheet": "a"}',
        '{"x": ' + "[" * 5000 + "]" * 5000 + "}",
        "null",
    ],
    ids=range(8),
)
def test_garbage_written_over_a_row_is_a_fault_and_ends_no_verification(
    copies: Copies, table: str, payload: str
) -> None:
    """Whoever could make verification stumble would hide behind that what he changed elsewhere."""
    with copies() as uow:
        tamper(uow, f"UPDATE {table} SET payload = '{payload}' WHERE id = 3")  # noqa: S608
        tamper(uow, "UPDATE post SET name_en = 'x' WHERE id = 1")
        report = verification.verify(uow)

    assert report.exit_code == 1
    assert {"mac", "content"} <= {fault.code for fault in report.faults}


def test_a_quarter_that_nobody_tampered_with_verifies_and_says_what_it_looked_at(copies: Copies) -> None:
    told: dict[str, int] = {}
    with copies() as uow:
        report = verification.verify(uow, progress=told.__setitem__)
        with uow.read() as tx:
            counts = [tx.scalar(select(func.count()).select_from(table)) for table in (EVENT, MOVE, TEXT_BODY)]

    assert (report.faults, report.count, report.first, report.exit_code) == ((), 0, None, 0)
    assert (report.events, report.moves, report.texts) == tuple(counts)
    assert told == {"events": report.events, "moves": report.moves, "texts": report.texts}


def test_the_first_bad_row_is_named_first_and_all_are_counted(copies: Copies) -> None:
    with copies() as uow:
        tamper(uow, "UPDATE event SET kind = 'x' WHERE seq = 2", "UPDATE finding SET amount = 1000000")
        report = verification.verify(uow)

    assert report.first is not None
    assert (report.first.code, report.first.where) == ("mac", "event cycle:1 #2")
    assert str(report.first) == "event cycle:1 #2: its content is not what was written."
    assert report.count > 3


def test_without_the_key_verification_says_so_and_with_the_old_one_kept_it_passes(copies: Copies) -> None:
    with copies() as uow:
        stranger = verification.verify(replace(uow, keys=AuditKeys("k2", {"k2": b"another key"})))
        wrong = verification.verify(replace(uow, keys=AuditKeys("k1", {"k1": b"another key"})))
        rotated = replace(uow, keys=AuditKeys("k2", {"k2": b"another key", **KEYS.secrets}))
        with uow.read() as tx:
            clerk = Actor(tx.scalar(text("SELECT id FROM person WHERE number = '1008'")))
        findings.reply(rotated, actor=clerk, now=noon(2, 24), finding="F1", text="Once more.")
        kept = verification.verify(rotated)

    assert (stranger.missing_keys, stranger.exit_code) == (("k1",), 6)
    assert stranger.first is not None
    assert (stranger.first.code, "the key k1" in stranger.first.text) == ("no-key", True)
    assert stranger.count == 1
    assert (wrong.exit_code, {fault.code for fault in wrong.faults}) == (1, {"mac"})
    assert wrong.count == wrong.events + wrong.moves
    assert kept.faults == ()


def test_a_row_that_cannot_be_read_is_a_fault_that_names_it(copies: Copies) -> None:
    with copies() as uow:
        if uow.engine.dialect.name != "sqlite":
            # PostgreSQL takes no moment that is none.
            with pytest.raises(psycopg.DataError):
                tamper(uow, "UPDATE finding SET recorded_at = 'last week' WHERE id = 2")
            return
        tamper(uow, "UPDATE finding SET recorded_at = 'last week' WHERE id = 2")
        report = verification.verify(uow)

    assert (report.faults[-1].code, report.faults[-1].where, report.exit_code) == ("unreadable", "finding 2", 1)


def test_why_somebody_was_left_out_is_vouched_for(uow: UnitOfWork) -> None:
    office = build_office(uow)
    vouch(uow)
    open_quarter(uow, office, choices=Choices(leave_out={CLERK: "On loan to the branch."}))
    assert verification.verify(uow).faults == ()

    tamper(uow, "UPDATE roster SET reason_id = NULL WHERE reason_code = 'left-out'")

    assert [(fault.code, fault.where[:7]) for fault in verification.verify(uow).faults] == [("text", "roster ")]


def test_a_cycle_that_was_cancelled_before_it_opened_is_no_fault(uow: UnitOfWork) -> None:
    hr = build_office(uow).actor(OFFICER)
    vouch(uow)
    cycles.new(uow, actor=hr, now=END, code=QUARTER, rubrics=[RUBRIC])
    launch.dry_run(uow, actor=hr, now=END, cycle=QUARTER)
    cycles.cancel(uow, actor=hr, now=END, cycle=QUARTER, reason="Another workflow.")

    assert verification.verify(uow).faults == ()


def test_a_cycle_that_was_cancelled_while_it_opened_is_no_fault(uow: UnitOfWork) -> None:
    hr = build_office(uow).actor(OFFICER)
    vouch(uow)
    cycles.new(uow, actor=hr, now=END, code=QUARTER, rubrics=[RUBRIC])
    launch.open_cycle(uow, actor=hr, now=END, cycle=QUARTER, choices=Choices())
    cycles.cancel(uow, actor=hr, now=END, cycle=QUARTER, reason="Another workflow.")

    assert verification.verify(uow).faults == ()


def test_an_appraisal_taken_out_of_a_cancelled_cycle_is_a_fault(uow: UnitOfWork) -> None:
    office = build_office(uow)
    vouch(uow)
    open_quarter(uow, office)
    cycles.cancel(uow, actor=office.actor(OFFICER), now=END, cycle=QUARTER, reason="Another workflow.")
    with uow.write() as tx:
        tx.run(text("UPDATE job SET state = 'done' WHERE dedupe_key LIKE 'open/%'"))

    tamper(uow, "DELETE FROM work_item", "DELETE FROM party", "DELETE FROM appraisal WHERE id = 6")

    assert "missing-stream" in {fault.code for fault in verification.verify(uow).faults}
