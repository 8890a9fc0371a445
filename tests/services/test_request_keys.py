"""A request under a key is done once, answered alike whenever it is said again, and nobody else's."""

import datetime as dt
from fractions import Fraction

import pytest

from services import documents, findings, linking, organisation_import, reminders
from services.actors import SYSTEM
from services.errors import Conflict, Environment, Malformed, Refused
from services.finding_checks import Entry
from services.finding_writing import Recorded
from services.request_keys import KEPT, LONGEST_KEY, Request
from services.unit_of_work import UnitOfWork
from tests.faults.breaking import Point, watched
from tests.faults.interleaving import Doing
from tests.services.builders import CLERK, ESCORT, OFFICER, PERSONNEL, SECURITY, noon
from tests.services.playing import FEBRUARY, Play

APRIL = noon(4, 1)


def deduct(play: Play, key: str | None, *, amount: int = 4, by: str = PERSONNEL, now: dt.datetime = APRIL) -> Recorded:
    """Let the clerk's assessor record a finding under a key."""
    return findings.add(
        play.uow.asked(key),
        actor=play.who(by),
        now=now,
        number=CLERK,
        rule="C3.1",
        happened=FEBRUARY,
        amount=Fraction(amount),
        reason="found at the weekly check",
    )


def register(
    play: Play, key: str | None, *, number: str = "2026-3", by: str = OFFICER, now: dt.datetime = APRIL
) -> str:
    """Let somebody register a circular under a key."""
    return documents.register(
        play.uow.asked(key), actor=play.who(by), now=now, kind="circular", number=number, day=FEBRUARY, issuer="A bank"
    )


def counted(play: Play, *tables: str) -> list[int]:
    """Return how many rows each of these tables has."""
    return [play.rows(f"SELECT count(*) AS n FROM {table}")[0].n for table in tables]  # noqa: S608 - names of ours


EVERYTHING = ("finding", "document", "reply", "event", "message", "text_body", "move", "request_key")


def test_said_again_it_is_answered_as_before_and_writes_nothing(play: Play) -> None:
    first = deduct(play, "k-1")
    assert first.amount == 4
    before = counted(play, *EVERYTHING)
    assert deduct(play, "k-1", now=APRIL + dt.timedelta(hours=1)) == first
    assert counted(play, *EVERYTHING) == before
    assert play.refusals() == []
    # Without a key, or under another, the same words are another finding.
    assert {deduct(play, key).code for key in (None, "k-2")}.isdisjoint({first.code})


def test_after_a_commit_that_nobody_heard_of_it_stands_once(play: Play) -> None:
    with watched(play.uow.engine, Point("committed", 1)) as watch, pytest.raises(Environment):
        deduct(play, "k-1")
    assert watch.reached
    (stored,) = play.rows("SELECT id FROM finding")
    assert deduct(play, "k-1").id == stored.id
    assert counted(play, "finding", "request_key") == [1, 1]


def test_a_commit_that_failed_leaves_no_key_and_is_done_when_it_is_said_again(play: Play) -> None:
    with watched(play.uow.engine, Point("commit", 1)) as watch, pytest.raises(Environment):
        deduct(play, "k-1")
    assert watch.reached
    assert counted(play, "finding", "request_key") == [0, 0]
    deduct(play, "k-1")
    assert counted(play, "finding", "request_key") == [1, 1]


def test_something_else_under_the_same_key_is_a_conflict(play: Play) -> None:
    deduct(play, "k-1")
    before = counted(play, *EVERYTHING)
    with pytest.raises(Conflict, match=r"^The request key k-1 stands for another request of yours, so nothing .*\.$"):
        deduct(play, "k-1", amount=5)
    with pytest.raises(Conflict) as told:
        findings.void(play.uow.asked("k-1"), actor=play.who(PERSONNEL), now=APRIL, finding="F1", reason="A mistake.")
    assert (told.value.code, told.value.exit_code) == ("other-request", 5)
    assert counted(play, *EVERYTHING) == before


def test_a_key_is_its_owners_alone(play: Play) -> None:
    mine = register(play, "k-1", by=OFFICER)
    theirs = register(play, "k-1", number="2026-4", by=CLERK)
    assert theirs != mine
    with pytest.raises(Refused):
        register(play, "k-1", by=ESCORT)


def test_who_is_typed_for_belongs_to_what_is_asked(play: Play) -> None:
    asked = {"appraisal": "2026Q1/1008", "action": "accept", "now": APRIL}
    own = Request.of("appraisal.act", "k", {**asked, "actor": play.who(OFFICER)})
    typed = Request.of("appraisal.act", "k", {**asked, "actor": play.office.proxy(CLERK, OFFICER)})
    assert typed.asker == own.asker == play.office.people[OFFICER]
    assert typed.digest != own.digest


def test_what_was_refused_leaves_no_key_and_is_tried_anew(play: Play) -> None:
    with pytest.raises(Refused):
        deduct(play, "k-1", by=SECURITY)
    with pytest.raises(Refused):
        deduct(play, "k-1", amount=99)
    assert counted(play, "finding", "request_key") == [0, 0]
    assert [kind for kind, _ in play.refusals()] == ["finding.add", "finding.add"]
    deduct(play, "k-1")
    assert counted(play, "finding", "request_key") == [1, 1]


def test_moves_replies_and_links_are_answered_again_too(play: Play) -> None:
    circular = register(play, "d")
    recorded = deduct(play, "f")

    def reply() -> int:
        return findings.reply(
            play.uow.asked("r"), actor=play.who(CLERK), now=APRIL, finding=recorded.code, text="I was elsewhere."
        )

    def link() -> tuple[Recorded, ...]:
        entry = Entry(CLERK, "C3.1", FEBRUARY, amount=Fraction(3), reason="By the circular.")
        return linking.link(
            play.uow.asked("l"), actor=play.who(PERSONNEL), now=APRIL, document=circular, entries=[entry]
        )

    def start() -> object:
        asking = Play(play.uow.asked("s"), play.office)
        return asking.act(PERSONNEL, "start", at=APRIL)

    for act in (reply, link, start):
        first, before = act(), counted(play, *EVERYTHING)
        assert act() == first
        assert counted(play, *EVERYTHING) == before
    assert play.appraisal().version == 1


@pytest.mark.parametrize("key", ["", " ", "a\nb", "k" * (LONGEST_KEY + 1)])
def test_a_key_that_is_none_is_malformed(play: Play, key: str) -> None:
    with pytest.raises(Malformed, match=r"^A request key has 1 to 100 characters"):
        deduct(play, key)
    assert counted(play, "finding", "request_key") == [0, 0]


def test_the_system_has_no_request_key(play: Play) -> None:
    with pytest.raises(Malformed, match="Only what a person asks for"):
        organisation_import.apply(play.uow.asked("k"), actor=SYSTEM, now=APRIL, data=b"", where="people.csv")


def test_two_at_once_under_one_key_are_answered_alike(play: Play) -> None:
    answers: list[Recorded] = []
    doing = [Doing(lambda: answers.append(deduct(play, "k-1"))) for _ in range(4)]
    for one in doing:
        one.start()
    assert [one.done() for one in doing] == [None] * 4
    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert counted(play, "finding", "request_key") == [1, 1]


def test_a_key_is_forgotten_after_a_week_by_the_first_planning_of_a_day(play: Play) -> None:
    deduct(play, "old")
    later = APRIL + KEPT
    register(play, "new", now=later - dt.timedelta(hours=1))
    reminders.tick(play.uow, later)
    assert counted(play, "request_key") == [2]
    # The same day again looks no more.
    reminders.tick(play.uow, later + dt.timedelta(minutes=1))
    assert counted(play, "request_key") == [2]
    reminders.tick(play.uow, later + dt.timedelta(days=1))
    assert [row.key for row in play.rows("SELECT key FROM request_key")] == ["new"]


def test_without_a_key_nothing_is_asked_of_the_table_of_keys(uow: UnitOfWork) -> None:
    assert uow.asked(None) is uow
