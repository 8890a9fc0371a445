"""A sender that dies by `kill -9` at a named point of sending: what becomes of its mail, by the policy of its kind."""

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from services import nudging
from services.mail import send_due
from services.verification import verify
from tests.services.builders import CLERK, OFFICER, QUARTER, noon
from tests.services.closing import vouch
from tests.services.conftest import play, postgresql_office, sqlite_office
from tests.services.playing import Play
from tests.services.smtp import Server, running
from tests.waiting import until

__all__ = ["play", "postgresql_office", "sqlite_office"]
ROOT = Path(__file__).parents[2]
NOW = noon(4, 1)
LEASE = dt.timedelta(minutes=3)
"""Longer than a claim lasts."""
SENDER = """
import datetime as dt, os, signal, sys
from sqlalchemy import Engine, event
from models.database import open_database
from services.mail import send_due
from services.unit_of_work import UnitOfWork
from tests.faults.constants import KEYS
from tests.services.smtp import sender_to

url, port, point = sys.argv[1:]
handed_over = False

def reach(here):
    if here == point:
        os.kill(os.getpid(), signal.SIGKILL)

def heard(name, arguments):
    global handed_over
    if name == "smtplib.connect":
        reach("after the claim")
    elif name == "smtplib.send" and arguments[1] == b"DATA\\r\\n":
        reach("before the text")
    elif name == "smtplib.send" and arguments[1].endswith(b"\\r\\n.\\r\\n"):
        handed_over = True
    elif name == "smtplib.send" and handed_over:
        reach("after the commit")

def noting(*_):
    if handed_over:
        reach("after the text")

def committing(_):
    if handed_over:
        reach("before the commit")

sys.addaudithook(heard)
event.listen(Engine, "before_cursor_execute", noting)
event.listen(Engine, "commit", committing)
send_due(UnitOfWork(open_database(url), KEYS), sender_to(int(port)), now=dt.datetime(2026, 4, 1, 4, tzinfo=dt.UTC))
print("it lived")
"""
"""What it says on the wire is heard by the audit hook of `smtplib`, what it says to the database by SQLAlchemy's."""


class Count(NamedTuple):
    """What came of one mail: how many different ones arrived, how many rows are in doubt, how many came again."""

    delivered: int
    in_doubt: int
    doubled: int


ARRIVED, ARRIVED_TWICE, IN_DOUBT, NEVER_SENT = Count(1, 0, 0), Count(1, 0, 1), Count(1, 1, 0), Count(0, 1, 0)
POINTS = {
    "after the claim": (ARRIVED, ARRIVED),
    "before the text": (ARRIVED, NEVER_SENT),
    "after the text": (ARRIVED_TWICE, IN_DOUBT),
    "before the commit": (ARRIVED_TWICE, IN_DOUBT),
    "after the commit": (ARRIVED, ARRIVED),
}
"""What comes of a mail of the policy *resend*, and of one of the policy *hold*."""


def owe_resent(play: Play) -> None:
    """Record a finding, of which the clerk is told, twice if need be."""
    play.deduct("C3.1", 4)


def owe_held(play: Play) -> None:
    """Remind whoever holds the clerk's appraisal, and not again if it may have arrived."""
    nudging.remind(play.uow, actor=play.who(OFFICER), now=NOW, cycle=f"{QUARTER}/{CLERK}")


def count(play: Play, server: Server) -> Count:
    names = [letter["Message-ID"] for letter in server.letters()]
    doubted = play.rows("SELECT id FROM message WHERE state = 'in-doubt' AND digest_id IS NULL")
    return Count(len(set(names)), len(doubted), len(names) - len(set(names)))


@pytest.mark.parametrize("policy", [0, 1], ids=["resend", "hold"])
@pytest.mark.parametrize("point", POINTS)
def test_what_a_killed_sender_leaves_is_ended_by_the_next_as_its_policy_says(
    play: Play, tmp_path: Path, point: str, policy: int
) -> None:
    vouch(play.uow)
    owe: Callable[[Play], None] = (owe_resent, owe_held)[policy]
    owe(play)
    server = Server()
    with running(server, tmp_path) as sender:
        url = play.uow.engine.url.render_as_string(hide_password=False)
        words = (url, str(sender.server.port), point)
        killed = subprocess.run(
            [sys.executable, "-c", SENDER, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )
        assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, ""), killed.stderr
        assert send_due(play.uow, sender, now=NOW) == {}, "the claim of the one that died is not over yet"
        wall = dt.datetime.now(dt.UTC) + LEASE

        def settled() -> bool:
            send_due(play.uow, sender, now=NOW, wall=wall)
            return not play.rows("SELECT id FROM message WHERE due_at IS NOT NULL")

        # A server of databases takes a moment to see that a client is gone, and lets go of its rows then.
        until(settled)
        assert send_due(play.uow, sender, now=NOW, wall=wall + LEASE) == {}
    found = count(play, server)
    assert found == POINTS[point][policy]
    states = {row.state for row in play.rows("SELECT state FROM message")}
    assert states == ({"in-doubt"} if found.in_doubt else {"sent"})
    # What is in doubt for good is shown to an operator.
    assert len(play.rows("SELECT id FROM failure WHERE code = 'in-doubt'")) == found.in_doubt
    assert verify(play.uow).faults == ()
