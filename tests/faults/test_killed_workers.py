"""Workers killed on PostgreSQL and Redis, and Redis with them: what is left equals a run in which nothing was."""

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
from tests.faults.mailed_opening import Office, owe, owed_notices
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.servers import postgresql, redis_server
from tests.services.builders import noon


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
        """Kill a worker; every second time Redis is killed, too, and comes back without memory, or is flushed."""
        killer.kill(self.workers.pop(0))
        self.office.let_leases_end()
        if number % 3 == 1:
            self.broker.stop()
            self.broker.forget()
            self.broker.start()
        elif number % 3 == 2:
            with self.broker.client() as client:
                client.flushall()


@pytest.fixture
def broker() -> Iterator[redis_server.Server]:
    server = redis_server.Server(redis_server.installations()[0], settings={"appendonly": "no"}).start()
    yield server
    server.close()


def run_through(
    url: str, folder: Path, broker: redis_server.Server, *, people: int, points: list[int]
) -> tuple[Snapshot, Counter[str], int]:
    """Open the quarter and mail everybody with two workers, harmed at each point; return what is left."""
    folder.mkdir()
    engine = open_database(url)
    uow = UnitOfWork(engine, create_audit_keys(folder / "audit.key"))
    owe(uow, people)
    practice_clock.set_clock(uow, now=noon(1, 5), at=noon(1, 5))
    office = Office(folder, folder / "mails", engine)
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
    assert office.notices() == owed_notices(uow)
    left, far = snapshot(engine, times=False), office.done()
    engine.dispose()
    return left, office.letters(), far


@pytest.mark.parametrize(("people", "kills", "seed"), [(20, 3, 1), pytest.param(300, 12, 2, marks=pytest.mark.long)])
def test_workers_killed_and_a_redis_that_forgets_leave_what_a_clean_run_leaves(  # noqa: PLR0917 - sizes are the case
    tmp_path: Path,
    postgresql_databases: postgresql.Databases,
    postgresql_template: str,
    broker: redis_server.Server,
    people: int,
    kills: int,
    seed: int,
) -> None:
    names = [postgresql_databases.create(postgresql_template) for _ in range(2)]
    one, other = (postgresql_databases.address(name) for name in names)
    clean, letters, most = run_through(one, tmp_path / "clean", broker, people=people, points=[])
    points = killer.points(seed, kills, most - 1)
    left, after, _ = run_through(other, tmp_path / "harmed", broker, people=people, points=points)
    postgresql_databases.leave(*names)

    assert difference(clean, left) == []
    assert set(letters.values()) == {1}
    # Ids, and the Message-IDs made with them, depend on which worker was first.
    assert len(after) == len(letters)
    # A mail that was being handed over at a kill comes again under the same Message-ID; nothing else does.
    assert sum(after.values()) - len(after) <= kills
