"""Workers killed on PostgreSQL and Redis, and Redis with them: what is left equals a run in which nothing was.

So it is where Redis takes no ring, or is not there at all: the workers look for themselves.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.audit_keys import create_audit_keys
from config.mail_sink import MailSink
from models.database import open_database
from services import practice_clock, verification
from services.unit_of_work import UnitOfWork
from tests.faults import killer
from tests.faults.mailed_opening import OPENING, Course, Office
from tests.faults.mailed_signing import SIGNING
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.servers import postgresql, redis_server


@dataclass
class Works:
    """Two workers on one database and one Redis, and what becomes of them."""

    office: Office
    url: str
    broker: redis_server.Server
    smtp_port: int
    workers: list[killer.Process] = field(default_factory=list)

    def start(self, stack: ExitStack) -> None:
        """Start one more worker."""
        variables = {
            "APPRAISE_DATA_DIR": str(self.office.folder),
            "APPRAISE_DATABASE_URL": postgresql.as_application(self.url),
            "APPRAISE_BROKER_URL": self.broker.url,
            "APPRAISE_SMTP_HOST": "127.0.0.1",
            "APPRAISE_SMTP_PORT": str(self.smtp_port),
            "APPRAISE_SMTP_TLS": "none",
            "APPRAISE_SWEEP_SECONDS": "0.3",
        }
        command = (killer.APPRAISE, "worker")
        self.workers.append(stack.enter_context(killer.started(command, self.office.folder, variables)))

    def harm(self, number: int) -> None:
        """Kill a worker; every second time Redis is killed, too, and comes back without memory, or is flushed.

        A Redis that was never there stays away.
        """
        killer.kill(self.workers.pop(0))
        self.office.let_leases_end()
        if not self.broker.pid:
            return
        if number % 3 == 1:
            self.broker.stop()
            self.broker.forget()
            self.broker.start()
        elif number % 3 == 2:
            with self.broker.client() as client:
                client.flushall()


@pytest.fixture
def broker(redis: str) -> Iterator[redis_server.Server]:
    """A Redis that is sound, full or was never started."""
    settings = {"appendonly": "no"} | ({"maxmemory": "1"} if redis == "full" else {})
    server = redis_server.Server(redis_server.installations()[0], settings=settings)
    if redis != "never started":
        server.start()
    yield server
    server.close()


def run_through(
    url: str, folder: Path, broker: redis_server.Server, course: Course, *, people: int, points: list[int]
) -> tuple[Snapshot, Counter[str], int]:
    """Let a course be taken with two workers, harmed at each point; return what is left."""
    folder.mkdir()
    engine = open_database(url)
    uow = UnitOfWork(engine, create_audit_keys(folder / "audit.key"))
    course.owe(uow, people)
    practice_clock.set_clock(uow, now=course.at, at=course.at)
    office = Office(folder, folder / "mails", engine, course)
    with MailSink(office.mails) as sink, ExitStack() as stack:
        works = Works(office, url, broker, sink.port)
        works.start(stack)
        works.start(stack)
        for number, point in enumerate(points):
            killer.wait_for(works.workers[-1], office.done, point)
            works.harm(number)
            works.start(stack)
        killer.wait_for(works.workers[-1], office.over, 1)
    assert verification.verify(uow).faults == ()
    # Nothing is missing and nothing is told in two mails, by the mail server's own record.
    assert office.notices() == course.owed_notices(uow)
    left, far = snapshot(engine, times=False), office.done()
    engine.dispose()
    return left, office.letters(), far


@pytest.mark.parametrize(
    ("course", "redis", "people", "kills", "seed"),
    [
        (OPENING, "sound", 20, 3, 1),
        (SIGNING, "sound", 20, 3, 3),
        (SIGNING, "full", 20, 3, 4),
        (SIGNING, "never started", 20, 2, 5),
        pytest.param(OPENING, "sound", 300, 12, 2, marks=pytest.mark.long),
        pytest.param(SIGNING, "sound", 300, 12, 6, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_workers_killed_with_a_redis_that_fails_them_leave_what_a_clean_run_leaves(  # noqa: PLR0917 - sizes are the case
    tmp_path: Path,
    postgresql_databases: postgresql.Databases,
    postgresql_template: str,
    broker: redis_server.Server,
    course: Course,
    people: int,
    kills: int,
    seed: int,
) -> None:
    names = [postgresql_databases.create(postgresql_template) for _ in range(2)]
    one, other = (postgresql_databases.address(name) for name in names)
    clean, letters, most = run_through(one, tmp_path / "clean", broker, course, people=people, points=[])
    points = killer.points(seed, kills, most - 1)
    left, after, _ = run_through(other, tmp_path / "harmed", broker, course, people=people, points=points)
    postgresql_databases.leave(*names)

    assert difference(clean, left) == []
    assert set(letters.values()) == {1}
    # Ids, and the Message-IDs made with them, depend on which worker was first.
    assert len(after) == len(letters)
    # A mail that was being handed over at a kill comes again under the same Message-ID; nothing else does.
    assert sum(after.values()) - len(after) <= kills
