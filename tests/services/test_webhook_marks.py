"""No move is passed over, whatever transactions are open while webhooks are planned."""

from sqlalchemy import text

from services import webhook_marks, webhook_planning
from tests.services.builders import OFFICER
from tests.services.playing import Play
from tests.services.test_webhooks import NOW, deliveries, plan, register


def last(play: Play) -> int:
    return int(play.rows("SELECT max(id) AS n FROM event")[0].n)


def mark(play: Play) -> int:
    return int(play.rows("SELECT event_id FROM webhook_mark")[0].event_id)


def test_nothing_waits_where_nothing_is_registered_or_new(play: Play) -> None:
    with play.uow.read() as tx:
        assert not webhook_marks.waiting(tx)
    register(play, "https://hr.example.org/")
    play.deduct("C3.1", 4)
    with play.uow.read() as tx:
        assert webhook_marks.waiting(tx)
    plan(play)
    with play.uow.read() as tx:
        assert not webhook_marks.waiting(tx)


def test_a_row_that_appears_below_a_higher_one_is_planned_too(play: Play) -> None:
    register(play, "https://hr.example.org/", "finding.recorded")
    play.deduct("C3.1", 4)
    if play.uow.engine.dialect.name == "sqlite":
        plan(play)
        assert mark(play) == last(play)
        return
    plan(play)
    before = mark(play)
    with play.uow.engine.connect() as slow, slow.begin():
        # A transaction that has written its row, and so has a number, and is not over yet.
        slow.execute(
            text(
                "INSERT INTO event (stream, seq, kind, at, payload, key_id, prev, mac)"
                " VALUES ('ledger:77', 1, 'finding.recorded', now(), :payload, 'k1', 'p', 'slow')"
            ),
            {"payload": '{"finding":1}'},
        )
        play.deduct("C3.1", 5)
        plan(play)
        assert len(deliveries(play)) == 2
        assert mark(play) == before, "the mark may not pass a row that can still appear"
        plan(play)
        assert mark(play) == before
    play.deduct("C3.1", 3)
    plan(play)
    plan(play)
    assert len(deliveries(play)) == 4
    assert mark(play) == last(play)


def test_a_page_that_is_full_is_followed_by_the_next(play: Play) -> None:
    register(play, "https://hr.example.org/", "appraisal.moved")
    play.bring("review")
    play.bring("review", of=OFFICER)
    with play.uow.write() as tx:
        there = webhook_marks.horizon(tx)
        held = webhook_marks.held(tx)
        assert held is not None
        assert webhook_marks.move_on(tx, held, there, moves=there.move - 1, events=there.event)
    assert webhook_planning.plan(play.uow, now=NOW) is False
    assert len(deliveries(play)) == 1
