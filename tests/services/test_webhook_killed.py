"""A worker that is killed while a receiver has its request and no answer yet: the same is told again by the next."""

import os
import signal
import subprocess
import sys
import threading

from services.verification import verify
from tests.services.closing import vouch
from tests.services.playing import Play
from tests.services.receiving import receiver
from tests.services.test_webhooks import deliver, deliveries, plan, register

WORKER = """
import datetime as dt, sys
from models.database import open_database
from services.audit import AuditKeys
from services.unit_of_work import UnitOfWork
from services.webhook_sending import Courier, deliver_next

uow = UnitOfWork(open_database(sys.argv[1]), AuditKeys("k1", {"k1": b"a key that only the tests use"}))
deliver_next(uow, Courier(private=True), now=dt.datetime(2026, 4, 1, 4, tzinfo=dt.UTC))
print("it lived")
"""


def test_what_was_sent_and_not_written_down_is_told_again_under_the_same_name(play: Play) -> None:
    vouch(play.uow)
    with receiver() as other:
        register(play, other.url)
        play.bring("scoring")
        plan(play)
        worker: list[int] = []
        started = threading.Event()

        def kill() -> None:
            started.wait(60)
            os.kill(worker[0], signal.SIGKILL)
            other.meanwhile = lambda: None

        other.meanwhile = kill
        url = play.uow.engine.url.render_as_string(hide_password=False)
        process = subprocess.Popen([sys.executable, "-c", WORKER, url], stdout=subprocess.PIPE, text=True)
        worker.append(process.pid)
        started.set()
        said, _ = process.communicate(timeout=120)
        assert (process.returncode, said) == (-signal.SIGKILL, "")
        (row,) = deliveries(play)
        assert (row.state, row.tried, row.delivered_at) == ("in-doubt", 1, None)
        assert deliver(play) == 0, "the claim of the one that died is not over yet"
        assert deliver(play, later=3) == 1
        assert (deliveries(play)[0].state, deliveries(play)[0].tried) == ("delivered", 2)
        assert len(other.names()) == 2
        assert len(set(other.names())) == 1
    assert verify(play.uow).faults == ()
