"""Other systems are told that something happened, each event under one name, and never what was judged (webhooks)."""

import datetime as dt
from typing import Any

import pytest

from services import failures, sending, webhook_deliveries, webhook_planning, webhook_sending, webhooks
from services.actors import SYSTEM
from services.database_clock import wall_time
from services.errors import Malformed, NotFound, Refused
from services.outbox_jobs import claim_jobs, retry_job
from services.verification import verify
from services.webhook_planning import DELIVER
from services.webhook_sending import Courier
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, noon
from tests.services.closing import close_all, finalise, vouch
from tests.services.counting import sent
from tests.services.playing import APPROVED, SUBMITTED, Play
from tests.services.receiving import NOTHING, Receiver, receiver, status

NOW = noon(4, 1)
COURIER = Courier(private=True, seconds=5)


def register(play: Play, url: str, *kinds: str, by: str = OFFICER) -> int:
    return webhooks.add(play.uow, actor=play.who(by), now=NOW, url=url, kinds=kinds, private=True)


def wall(play: Play, *, later: int = 0) -> dt.datetime:
    with play.uow.read() as tx:
        return wall_time(tx) + dt.timedelta(minutes=later)


def deliver(play: Play, *, courier: Courier = COURIER, later: int = 0) -> int:
    """Deliver what is due now, or so many minutes later; how many were tried."""
    moment, count = wall(play, later=later), 0
    while webhook_sending.deliver_next(play.uow, courier, now=NOW, wall=moment):
        count += 1
    return count


def plan(play: Play) -> None:
    while webhook_planning.plan(play.uow, now=NOW):
        pass


def deliveries(play: Play, webhook: int = 1, **which: Any) -> list[webhook_deliveries.Delivery]:
    found = webhook_deliveries.list_deliveries(play.uow, actor=play.who(OFFICER), now=NOW, webhook=webhook, **which)
    return list(found)


def key(play: Play, webhook: int = 1) -> str:
    return webhooks.signing_key(play.uow, actor=play.who(OFFICER), now=NOW, webhook=webhook)


def test_it_is_told_of_moves_findings_cycles_and_results_by_names_of_things_alone(play: Play) -> None:
    vouch(play.uow)
    with receiver() as other:
        register(play, other.url)
        line = play.deduct("C3.1", 4)
        play.bring("review")
        close_all(play.uow, play.office, but=[CLERK])
        play.act(DIRECTOR, "approve", at=noon(4, 10), reason="A word of judgement.")
        play.act(CLERK, "accept", at=noon(4, 10))
        finalise(play.uow, play.office)
        plan(play)
        deliver(play)
        told = {one.told["type"]: one.told for one in other.got}
        moves = [one.told for one in other.got if one.told["type"] == "appraisal.moved"]
    assert set(told) == {"appraisal.moved", "finding.recorded", "results.final", "cycle.closed"}
    assert told["finding.recorded"]["data"] == {"finding": line}
    assert told["results.final"]["data"] == told["cycle.closed"]["data"] == {"cycle": "2026Q1"}
    mine = [one["data"] for one in moves if one["data"]["appraisal"] == f"2026Q1/{CLERK}@clerical"]
    assert [one["version"] for one in mine] == list(range(1, len(play.moves()) + 1))
    everything = " ".join(one.body.decode() for one in other.got)
    words = ("Person", "judgement", "accept", "review", "signoff", "C3.1", "grade", "total", '"96"', ":96")
    assert [word for word in words if word in everything] == []
    assert all(set(one) == {"data", "id", "timestamp", "type"} for one in told.values())
    assert verify(play.uow).faults == ()


def test_what_goes_out_is_signed_with_the_key_that_was_shown(play: Play) -> None:
    with receiver() as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        assert deliver(play) == 1
        (one,) = other.got
        assert one.line == "POST /hook?from=appraise HTTP/1.1"
        assert one.headers["host"] == f"127.0.0.1:{other.port}"
        assert one.signed_by(key(play))
        one.body += b" "
        assert not one.signed_by(key(play))
    assert key(play).startswith("whsec_")
    with pytest.raises(Refused, match="Only who registered"):
        webhooks.signing_key(play.uow, actor=SYSTEM, now=NOW, webhook=1)
    stored = " ".join(str(row) for row in play.rows("SELECT * FROM webhook"))
    assert key(play).removeprefix("whsec_") not in stored


def test_planning_again_plans_nothing_more_and_only_what_is_new_is_told(play: Play) -> None:
    play.bring("scoring")
    with receiver() as other:
        register(play, other.url)
        plan(play)
        assert deliver(play) == 0
        play.act(PERSONNEL, "submit", at=SUBMITTED)
        for _ in range(3):
            plan(play)
        assert deliver(play) == 1
        assert other.got[0].told["data"] == {"appraisal": f"2026Q1/{CLERK}@clerical", "version": 2}
        with play.uow.write() as tx:
            tx.connection.exec_driver_sql("UPDATE webhook_mark SET move_id = 0, event_id = 0")
        plan(play)
        assert deliver(play) == 0


def test_each_is_told_of_the_kinds_it_wants(play: Play) -> None:
    with receiver() as one, receiver() as two:
        register(play, one.url, "finding.recorded")
        register(play, two.url, "appraisal.moved", "results.final")
        play.deduct("C3.1", 4)
        play.bring("scoring")
        plan(play)
        deliver(play)
        assert (one.kinds(), two.kinds()) == (["finding.recorded"], ["appraisal.moved"])


def test_an_act_costs_nothing_more_and_without_a_webhook_planning_is_one_statement(play: Play) -> None:
    with sent(play.uow.engine) as before:
        play.act(PERSONNEL, "start", at=NOW)
    with sent(play.uow.engine) as planned:
        assert webhook_planning.plan(play.uow, now=NOW) is False
    assert len(planned) == 1
    with receiver() as other:
        register(play, other.url)
        with sent(play.uow.engine) as after:
            play.act(PERSONNEL, "submit", at=SUBMITTED)
        assert not any("webhook" in statement for statement in (*before, *after))


@pytest.mark.parametrize("answer", [NOTHING, b"HELO what is this\r\n\r\n", b"\x00" * 20_000])
def test_what_got_no_answer_stays_in_doubt_and_is_told_again_under_the_same_name(play: Play, answer: bytes) -> None:
    with receiver(answer) as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        assert deliver(play) == 1
        (row,) = deliveries(play)
        assert (row.state, row.status) == ("in-doubt", None)
        assert row.said in {"broken-off", "nonsense"}
        assert deliver(play) == 0
        assert deliver(play, later=30) == 1
        assert len(set(other.names())) == 1
        assert (deliveries(play)[0].state, deliveries(play)[0].tried) == ("delivered", 2)


def test_a_slow_receiver_is_left_after_its_time_and_comes_to_its_turn_again(play: Play) -> None:
    with receiver(None) as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        assert deliver(play, courier=Courier(private=True, seconds=0.2)) == 1
        assert (deliveries(play)[0].state, deliveries(play)[0].said) == ("in-doubt", "timeout")
        other.over.set()
        assert deliver(play, later=30) == 1
        assert len(set(other.names())) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(500), "http-500"),
        (status(302, "Location: http://127.0.0.1:1/elsewhere"), "http-302"),
        (status(404), "http-404"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + status(503), "http-503"),
    ],
)
def test_what_is_refused_waits_and_a_redirect_is_not_followed(play: Play, answer: bytes, said: str) -> None:
    with receiver(answer) as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        assert deliver(play) == 1
        (row,) = deliveries(play)
        assert (row.state, row.said) == ("waiting", said)
        assert deliver(play, later=30) == 1
        assert deliveries(play)[0].state == "delivered"
        assert len(other.got) == 2


def test_a_receiver_that_fails_rests_as_a_whole_and_keeps_nobody_waiting(play: Play) -> None:
    with receiver(status(500)) as ill, receiver() as well:
        register(play, ill.url)
        register(play, well.url)
        play.bring("review")
        play.bring("review", of=OFFICER)
        plan(play)
        deliver(play)
        assert (len(ill.got), len(well.got)) == (1, 4)
        assert webhooks.list_webhooks(play.uow, actor=play.who(OFFICER), now=NOW)[0].rests_until is not None
        play.act(DIRECTOR, "approve", at=APPROVED)
        plan(play)
        deliver(play)
        assert (len(ill.got), len(well.got)) == (1, 5)
        deliver(play, later=30)
        assert len(set(ill.names())) == 5
        assert webhooks.list_webhooks(play.uow, actor=play.who(OFFICER), now=NOW)[0].rests_until is None


def test_an_event_that_is_refused_holds_no_other_up_and_ends_where_an_operator_sees_it(play: Play) -> None:
    with receiver(*[status(422)] * webhook_sending.RETRY.attempts) as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        hours = 0
        for _ in range(webhook_sending.RETRY.attempts):
            assert deliver(play, later=60 * hours) == 1
            hours += 7
        assert deliver(play, later=60 * hours) == 0
        assert deliveries(play)[0].state == "failed"
        (failed,) = failures.list_failures(play.uow, actor=play.who(OFFICER), now=NOW)
        assert (failed.source, failed.said) == ("job", "http-422")
        assert retry_job(play.uow, int(failed.about.removeprefix("job ")), now=NOW)
        assert deliver(play) == 1
        assert deliveries(play)[0].state == "delivered"
        assert failures.list_failures(play.uow, actor=play.who(OFFICER), now=NOW) == ()


def test_gone_ends_the_webhook_for_good(play: Play) -> None:
    vouch(play.uow)
    with receiver(status(410)) as other:
        register(play, other.url)
        play.bring("review")
        plan(play)
        deliver(play)
        assert len(other.got) == 1
        assert {row.state for row in deliveries(play)} == {"failed", "cancelled"}
        play.act(DIRECTOR, "approve", at=APPROVED)
        plan(play)
        assert deliver(play) == 0
    shown = webhooks.show(play.uow, actor=play.who(OFFICER), now=NOW, webhook=1)
    assert shown.ended == "gone"
    assert webhooks.list_webhooks(play.uow, actor=play.who(OFFICER), now=NOW) == ()
    assert verify(play.uow).faults == ()


def test_a_worker_that_died_after_the_request_went_out_is_followed_by_one_that_tells_it_again(play: Play) -> None:
    with receiver() as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        died(play, other)
        assert deliver(play) == 0
        assert (deliveries(play)[0].state, deliveries(play)[0].tried) == ("in-doubt", 1)
        assert deliver(play, later=3) == 1
        assert len(other.names()) == 2
        assert len(set(other.names())) == 1
        assert deliveries(play)[0].state == "delivered"


def died(play: Play, other: Receiver) -> None:
    """Do what a worker does up to the moment at which it is killed: the request went out, nothing was written."""
    (job,) = claim_jobs(
        play.uow, name=DELIVER, now=NOW, limit=1, lease=COURIER.lease, retry=webhook_sending.RETRY, wall=wall(play)
    )
    letter = webhook_sending._prepared(play.uow, job, now=NOW, wall=None)
    assert letter is not None
    assert webhook_sending._handed_over(COURIER, letter).status == 204
    assert len(other.got) == 1


def test_a_worker_that_slept_through_its_lease_changes_nothing(play: Play) -> None:
    with receiver(status(500)) as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        (job,) = claim_jobs(
            play.uow, name=DELIVER, now=NOW, limit=1, lease=COURIER.lease, retry=webhook_sending.RETRY, wall=wall(play)
        )
        letter = webhook_sending._prepared(play.uow, job, now=NOW, wall=None)
        assert letter is not None
        other.answers.clear()
        assert deliver(play, later=3) == 1
        failed = webhook_sending._Outcome(500, "http-500", lasting=True)
        webhook_sending._note(play.uow, job, letter, failed, now=NOW, wall=None)
        assert webhook_sending._prepared(play.uow, job, now=NOW, wall=None) is None
        assert (deliveries(play)[0].state, deliveries(play)[0].status) == ("delivered", 204)


def test_a_copy_that_is_paused_tells_nobody(play: Play) -> None:
    with receiver() as other:
        register(play, other.url)
        sending.pause(play.uow, now=NOW)
        play.bring("scoring")
        plan(play)
        assert deliver(play) == 0
        sending.resume(play.uow, now=NOW)
        assert deliver(play) == 1
        assert len(other.got) == 1


def test_a_test_and_what_failed_are_told_again_under_their_names(play: Play) -> None:
    with receiver(status(422), status(422)) as other:
        register(play, other.url)
        number = webhook_deliveries.try_out(play.uow, actor=play.who(OFFICER), now=NOW, webhook=1)
        assert deliver(play) == 1
        assert other.got[0].told["type"] == "webhook.test"
        assert other.got[0].told["data"] == {}
        assert replay(play, delivery=number) == 1
        assert deliver(play) == 1
        assert replay(play, delivery=number) == 1
        assert deliver(play, later=30) == 1
        assert len(set(other.names())) == 1
        assert (deliveries(play)[0].state, deliveries(play)[0].tried) == ("delivered", 3)
        assert replay(play) == 0
        assert replay(play, since=noon(3, 1)) == 1
        assert replay(play, since=noon(5, 1)) == 0
        assert deliver(play, later=30) == 1
        with pytest.raises(NotFound, match="no delivery 99"):
            replay(play, delivery=99)
        with pytest.raises(Malformed, match="not both"):
            replay(play, delivery=number, since=NOW)


def replay(play: Play, **which: Any) -> int:
    return webhook_deliveries.replay(play.uow, actor=play.who(OFFICER), now=NOW, webhook=1, **which)


def test_who_does_not_operate_appraise_does_none_of_it(play: Play) -> None:
    with pytest.raises(Refused) as raised:
        register(play, "https://hr.example.org/", by=CLERK)
    assert raised.value.code == "not-granted"
    register(play, "https://hr.example.org/")
    for act in (webhooks.show, webhooks.remove, webhook_deliveries.try_out, webhook_deliveries.replay):
        with pytest.raises(Refused):
            act(play.uow, actor=play.who(CLERK), now=NOW, webhook=1)
    with pytest.raises(Refused):
        webhooks.list_webhooks(play.uow, actor=play.who(CLERK), now=NOW)
    with pytest.raises(Refused, match="already"):
        register(play, "https://hr.example.org/")
    with pytest.raises(Malformed, match="no kind of event 'everything'"):
        register(play, "https://other.example.org/", "everything")
    webhooks.remove(play.uow, actor=play.who(OFFICER), now=NOW, webhook=1)
    with pytest.raises(Refused, match="ended already"):
        webhooks.remove(play.uow, actor=play.who(OFFICER), now=NOW, webhook=1)
    with pytest.raises(Refused, match="register the address anew"):
        replay(play)
    with pytest.raises(NotFound, match="no webhook 7"):
        webhooks.show(play.uow, actor=play.who(OFFICER), now=NOW, webhook=7)


def test_an_address_that_was_changed_in_the_database_is_found(play: Play) -> None:
    vouch(play.uow)
    register(play, "https://hr.example.org/")
    with play.uow.write() as tx:
        tx.connection.exec_driver_sql("UPDATE webhook SET url = 'https://elsewhere.example.net/'")
    (fault,) = verify(play.uow).faults
    assert (fault.code, fault.where) == ("content", "webhook 1")


def test_a_row_that_nobody_can_read_rests_and_the_others_go_on(play: Play) -> None:
    with receiver() as other:
        register(play, other.url)
        play.bring("review")
        plan(play)
        with play.uow.write() as tx:
            tx.connection.exec_driver_sql("UPDATE webhook_delivery SET source_id = 999999 WHERE id = 1")
        assert deliver(play) == 2
        assert len(other.got) == 1
        (job,) = play.rows("SELECT state, error FROM job WHERE name = 'webhooks.deliver' AND state <> 'done'")
        assert (job.state, job.error) == ("due", "IndexError")
