import datetime as dt
import threading

import pytest

from services import outbox_messages as states
from services.errors import Malformed
from services.outbox import due_jobs, due_messages, owe_job, promise
from services.outbox_jobs import ClaimedJob, Retry, claim_jobs, fail_job, finish_job, retry_job
from services.outbox_messages import ClaimedMessage, claim_messages
from services.unit_of_work import UnitOfWork
from tests.services.owed import Desk, set_desk, shanghai

NOW = shanghai(3, 6)
LEASE = dt.timedelta(minutes=2)
RETRY = Retry(attempts=3, first_rest=dt.timedelta(seconds=10), longest_rest=dt.timedelta(seconds=15))
LATER = dt.timedelta(hours=1)


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet."""
    return set_desk(uow)


@pytest.fixture
def wall() -> dt.datetime:
    """A moment by the database's clock after everything that the test has promised."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)


def owe(desk: Desk, *keys: str, name: str = "cycle.open-chunk") -> None:
    """Owe a run of a job for each key."""
    with desk.uow.write() as tx:
        for key in keys:
            owe_job(tx, name=name, args={"key": key}, dedupe_key=key, now=NOW)


def owe_mail(desk: Desk, *keys: str, kind: str = "returned") -> None:
    """Promise a message for each key."""
    with desk.uow.write() as tx:
        for key in keys:
            promise(tx, kind=kind, person_id=desk.people[0], dedupe_key=key, now=NOW)


def claim(desk: Desk, wall: dt.datetime, limit: int = 10) -> list[ClaimedJob]:
    """Claim runs of the one job of these tests."""
    return claim_jobs(desk.uow, name="cycle.open-chunk", now=NOW, limit=limit, lease=LEASE, retry=RETRY, wall=wall)


def claim_mail(desk: Desk, wall: dt.datetime) -> list[ClaimedMessage]:
    """Claim every due message."""
    return claim_messages(desk.uow, now=NOW, limit=10, lease=LEASE, retry=RETRY, wall=wall)


def test_what_is_owed_twice_under_one_key_is_owed_once(desk: Desk) -> None:
    owe(desk, "a", "a", "b")
    owe_mail(desk, "m", "m")

    with desk.uow.read() as tx:
        assert due_jobs(tx) == {"cycle.open-chunk": 2}
        assert due_messages(tx) == 1


def test_a_promise_that_is_rolled_back_was_never_made(desk: Desk) -> None:
    def promise_and_fail() -> None:
        with desk.uow.write() as tx:
            promise(tx, kind="passed-on", person_id=desk.people[0], dedupe_key="m", now=NOW)
            raise LookupError

    with pytest.raises(LookupError):
        promise_and_fail()

    assert desk.messages() == []


def test_an_unknown_kind_of_message_is_refused_with_those_that_exist(desk: Desk) -> None:
    with pytest.raises(Malformed, match=r"no kind of message 'birthday'; there are your-turn, "):
        owe_mail(desk, "m", kind="birthday")


def test_the_bell_rings_once_after_the_commit_and_not_after_a_rollback(desk: Desk) -> None:
    rings: list[int] = []

    def bell() -> None:
        rings.append(len(desk.jobs()))

    belled = Desk(type(desk.uow)(desk.uow.engine, desk.uow.keys, bell), desk.people, desk.assignments, desk.cycle, ())
    owe(belled, "a", "b")
    with pytest.raises(Malformed):
        owe_mail(belled, "m", kind="birthday")

    assert rings == [2]


def test_a_claimed_run_is_not_claimed_again_before_its_lease_is_over(desk: Desk, wall: dt.datetime) -> None:
    owe(desk, "a")

    first = claim(desk, wall)
    assert [(job.attempt, job.args) for job in first] == [(1, {"key": "a"})]
    assert claim(desk, wall + LEASE - dt.timedelta(seconds=1)) == []
    assert [job.attempt for job in claim(desk, wall + LEASE)] == [2]


def test_a_worker_that_slept_through_its_lease_changes_nothing(desk: Desk, wall: dt.datetime) -> None:
    owe(desk, "a")
    (slow,) = claim(desk, wall)
    (fast,) = claim(desk, wall + LEASE)

    assert not finish_job(desk.uow, slow, now=NOW)
    assert not fail_job(desk.uow, slow, code="late", now=NOW, retry=RETRY, final=True)
    assert desk.jobs() == [("cycle.open-chunk", "claimed", 2)]
    assert finish_job(desk.uow, fast, now=NOW)
    assert not finish_job(desk.uow, fast, now=NOW)
    assert desk.jobs() == [("cycle.open-chunk", "done", 2)]
    assert desk.failures() == []


def test_a_failed_run_rests_longer_each_time_and_ends_where_an_operator_sees_it(desk: Desk, wall: dt.datetime) -> None:
    owe(desk, "a")
    at = wall
    for rest in (10, 15):
        (job,) = claim(desk, at)
        assert fail_job(desk.uow, job, code="busy", now=NOW, retry=RETRY, wall=at)
        assert claim(desk, at + dt.timedelta(seconds=rest - 1)) == []
        at += dt.timedelta(seconds=rest)
    (job,) = claim(desk, at)
    assert fail_job(desk.uow, job, code="busy", now=NOW, retry=RETRY, wall=at)

    assert claim(desk, at + LATER) == []
    assert desk.jobs() == [("cycle.open-chunk", "failed", 3)]
    assert desk.failures() == [("job", "busy", False)]

    assert retry_job(desk.uow, job.id, now=NOW, wall=at)
    assert not retry_job(desk.uow, job.id, now=NOW, wall=at)
    assert [again.attempt for again in claim(desk, at)] == [1]
    assert desk.failures() == [("job", "busy", True)]


def test_a_run_that_kills_every_worker_is_given_up_and_the_others_are_done(desk: Desk, wall: dt.datetime) -> None:
    owe(desk, "poison", "good")
    for attempt in range(RETRY.attempts):
        poison, *rest = claim(desk, wall + attempt * LEASE)
        assert poison.args == {"key": "poison"}
        for job in rest:
            finish_job(desk.uow, job, now=NOW)

    assert claim(desk, wall + LATER) == []
    assert [state for _, state, _ in desk.jobs()] == ["failed", "done"]
    assert desk.failures() == [("job", "worker-lost", False)]


def test_claims_at_the_same_moment_never_share_a_row(desk: Desk, wall: dt.datetime) -> None:
    owe(desk, *(f"k{number}" for number in range(40)))
    taken: list[int] = []
    together = threading.Barrier(4)

    def run() -> None:
        together.wait()
        while claimed := claim(desk, wall, limit=3):
            taken.extend(job.id for job in claimed)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 40
    assert len(set(taken)) == 40


def test_a_message_goes_through_doubt_to_sent_and_only_once(desk: Desk, wall: dt.datetime) -> None:
    owe_mail(desk, "m")
    (message,) = claim_mail(desk, wall)
    with desk.uow.write() as tx:
        assert not states.mark_sent(tx, message, now=NOW)
        assert states.put_in_doubt(tx, message, now=NOW)
        assert not states.put_in_doubt(tx, message, now=NOW)
    assert desk.messages() == [("returned", "in-doubt", None)]
    with desk.uow.write() as tx:
        assert states.mark_sent(tx, message, now=NOW)
        assert not states.mark_sent(tx, message, now=NOW)

    assert desk.messages() == [("returned", "sent", None)]
    assert claim_mail(desk, wall + LATER) == []


def test_after_a_sender_died_in_doubt_resend_sends_again_and_hold_waits_for_an_operator(
    desk: Desk, wall: dt.datetime
) -> None:
    owe_mail(desk, "r", kind="returned")
    owe_mail(desk, "h", kind="passed-on")
    for message in claim_mail(desk, wall):
        with desk.uow.write() as tx:
            assert states.put_in_doubt(tx, message, now=NOW)

    again = claim_mail(desk, wall + LEASE)

    assert [(message.kind, message.attempt) for message in again] == [("returned", 2)]
    assert desk.messages() == [("returned", "claimed", None), ("passed-on", "in-doubt", None)]
    assert desk.failures() == [("message", "in-doubt", False)]
    assert claim_mail(desk, wall + LEASE) == []


def test_the_late_word_of_the_sender_settles_a_doubt(desk: Desk, wall: dt.datetime) -> None:
    owe_mail(desk, "h", kind="passed-on")
    (message,) = claim_mail(desk, wall)
    with desk.uow.write() as tx:
        states.put_in_doubt(tx, message, now=NOW)
    assert claim_mail(desk, wall + LEASE) == []

    with desk.uow.write() as tx:
        assert states.mark_sent(tx, message, now=NOW)

    assert desk.messages() == [("passed-on", "sent", None)]
    assert desk.failures() == [("message", "in-doubt", True)]


@pytest.mark.parametrize(("decision", "due"), [("queued", 1), ("sent", 0), ("cancelled", 0)])
def test_an_operator_settles_a_doubt(desk: Desk, wall: dt.datetime, decision: str, due: int) -> None:
    owe_mail(desk, "h", kind="passed-on")
    (message,) = claim_mail(desk, wall)
    with desk.uow.write() as tx:
        states.put_in_doubt(tx, message, now=NOW)
        assert states.leave_in_doubt(tx, message, "closed", now=NOW, wall=wall)

    assert states.decide_message(desk.uow, message.id, decision, now=NOW, wall=wall)

    assert desk.messages() == [("passed-on", decision, "closed")]
    assert desk.failures() == [("message", "in-doubt", True)]
    assert len(claim_mail(desk, wall)) == due
    assert not states.decide_message(desk.uow, message.id, decision, now=NOW)


def test_a_restored_copy_mails_nobody_before_it_is_told_to(desk: Desk, wall: dt.datetime) -> None:
    owe_mail(desk, "m")
    row = {"code": "copy", "sending_paused": True, "created_at": NOW}
    with desk.uow.write() as tx:
        tx.insert(states.INSTANCE, row)
    assert claim_mail(desk, wall) == []

    with desk.uow.write() as tx:
        tx.run(states.INSTANCE.update().values(sending_paused=False))
    assert len(claim_mail(desk, wall)) == 1
