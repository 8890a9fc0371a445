"""What verification finds about sheets: whose a statement is, what was rated on it, and on what a score lies."""

import hashlib
from fractions import Fraction

import pytest

from services import documents, people, verification
from services.actors import SYSTEM
from tests.services.builders import CLERK, ESCORT, OFFICER, PERSONNEL, noon
from tests.services.closing import vouch
from tests.services.playing import FEBRUARY, SUBMITTED, Play
from tests.services.test_verification import tamper

FORGED = hashlib.sha256(b"s\nforged").hexdigest()
REWRITTEN = f"UPDATE text_body SET salt = 's', body = 'forged', digest = '{FORGED}' WHERE body"  # noqa: S608
ANOTHER_STATEMENT = (
    "INSERT INTO sheet (appraisal_id, person_id, seat, kind, round, at)"
    " SELECT appraisal_id, person_id, 1, 'self', 3, at FROM sheet WHERE id = 1"
)


@pytest.fixture
def stated(play: Play) -> Play:
    """An appraisal stated with a self score and submitted, another without; an interest and a document with words."""
    vouch(play.uow)
    play.act(CLERK, "state", at=noon(1, 6), reason="My quarter.", ratings={"C1": Fraction(9)})
    play.act(ESCORT, "state", of=ESCORT, at=noon(1, 6), reason="Mine.")
    play.act(PERSONNEL, "submit", at=SUBMITTED)
    words = {"number": PERSONNEL, "other": ESCORT, "first": FEBRUARY, "reason": "brothers"}
    people.declare_conflict(play.uow, actor=SYSTEM, now=SUBMITTED, **words)  # type: ignore[arg-type]
    documents.register(
        play.uow,
        actor=play.who(OFFICER),
        now=SUBMITTED,
        kind="circular",
        number="1",
        day=FEBRUARY,
        issuer="The bank",
        title="On keys",
    )
    return play


@pytest.mark.parametrize(
    ("statement", "code", "where"),
    [
        ("UPDATE rating SET value = 1000000", "sheet", "move 2026Q1/1008@clerical #1"),
        ("DELETE FROM rating", "sheet", "move 2026Q1/1008@clerical #1"),
        ("INSERT INTO rating (sheet_id, item, value) VALUES (2, 'E1', 1000000)", "sheet", "move 2026Q1/1009@escort #1"),
        ("UPDATE sheet SET person_id = 1 WHERE id = 1", "sheet", "move 2026Q1/1008@clerical #1"),
        ("UPDATE sheet SET round = 2 WHERE id = 1", "sheet", "move 2026Q1/1008@clerical #1"),
        ("UPDATE sheet SET kind = 'reviewer' WHERE kind = 'assessor'", "sheet", "move 2026Q1/1008@clerical #2"),
        ("UPDATE score SET sheet_id = 2", "sheet", "move 2026Q1/1008@clerical #2"),
        (ANOTHER_STATEMENT, "no-event", "sheet "),
        (f"{REWRITTEN} = 'brothers'", "text", "text "),
        (f"{REWRITTEN} = 'On keys'", "text", "text "),
    ],
)
def test_tampering_with_a_sheet_or_with_words_and_their_digest_is_found(
    stated: Play, statement: str, code: str, where: str
) -> None:
    assert verification.verify(stated.uow).faults == ()
    tamper(stated.uow, statement)
    report = verification.verify(stated.uow)
    assert [fault for fault in report.faults if fault.code == code and fault.where.startswith(where)], report.faults
