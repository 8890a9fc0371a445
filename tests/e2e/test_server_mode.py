"""The same quarter on SQLite in one process and on PostgreSQL with Redis and two worker processes: the same results."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from cli import play, play_judgement
from cli.demo import FIRST_MOMENT, ZONE
from cli.theatre import Theatre, prepare
from models.columns import table_of
from models.outbox import Failure, Job, Message
from services import exports, verification
from tests.e2e.server_theatre import ServerTheatre
from tests.servers import postgresql, redis_server

JOB, MESSAGE, FAILURE = table_of(Job), table_of(Message), table_of(Failure)
pytestmark = pytest.mark.faults
SCENES = (*play.SCENES, *(scene for scene in play_judgement.SCENES if scene is not play_judgement.the_audit))
"""The last scene tampers with a copy of a database file."""

DATABASES = postgresql.installations()
BROKERS = redis_server.installations()
PAIRS = [pytest.param(DATABASES[0], BROKERS[0], marks=pytest.mark.long), (DATABASES[-1], BROKERS[-1])]
"""The oldest of what is here, in a long run, and the newest."""


@contextmanager
def database(found: postgresql.Installation) -> Iterator[str]:
    server = postgresql.start(found=found)
    databases = postgresql.Databases(server.url)
    databases.make_role()
    name = databases.create()
    yield databases.address(name)
    databases.leave(name)
    databases.close()
    server.stop()


@contextmanager
def broker(found: redis_server.Installation) -> Iterator[redis_server.Server]:
    server = redis_server.Server(found).start()
    yield server
    server.close()


def outcome(stage: Theatre, said: io.StringIO) -> tuple[str, str]:
    """Play to the end; return the exported table, and where the points come from, line by line.

    Which mails go out differs a little: these workers do not wait for the end of a scene, and who was quick is spared.
    """
    for scene in SCENES:
        scene(stage)
    stage.work_off()
    path = stage.folder / "results.csv"
    exports.export(stage.uow, actor=stage.person(play.PRESIDENT), now=stage.now, cycle=play.CYCLE, path=path)
    assert verification.verify(stage.uow).faults == ()
    with stage.uow.read() as tx:
        # What waits for the next morning's digest waits alike everywhere; what goes in one is sent with it.
        rows = tx.all(select(MESSAGE.c.state, MESSAGE.c.due_at, MESSAGE.c.digest_id))
        done = Counter(row.state for row in tx.all(select(JOB.c.state)))
        failures = tx.all(select(FAILURE.c.code))
    states = Counter(row.state for row in rows if row.state != "queued" or row.due_at is not None)
    letters = [row for row in rows if row.state == "sent" and row.digest_id is None]
    assert set(states) <= {"sent", "cancelled", "listed"}
    assert len(letters) == len(list(stage.sink.folder.glob("*.eml")))
    assert set(done) == {"done"}
    assert failures == []
    return path.read_text("utf-8"), said.getvalue().partition("Where the points come from")[2]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("embedded") / "data"
    prepare(folder, fresh=False)
    said = io.StringIO()
    with Theatre(folder, Console(file=said, width=160), FIRST_MOMENT, ZONE) as stage:
        return outcome(stage, said)


@pytest.mark.parametrize(("found", "bell"), PAIRS, ids=lambda one: str(one).replace(" from the wheel ", "-"))
def test_the_quarter_ends_alike_on_servers(
    tmp_path: Path, embedded: tuple[str, str], found: postgresql.Installation, bell: redis_server.Installation
) -> None:
    folder = tmp_path / "data"
    prepare(folder, fresh=False)
    said = io.StringIO()
    console = Console(file=said, width=160)
    with (
        database(found) as address,
        broker(bell) as redis,
        ServerTheatre(folder, console, FIRST_MOMENT, ZONE, database=address, broker=redis) as stage,
    ):
        result = outcome(stage, said)
        with redis.client() as client:
            rung = client.info("commandstats")["cmdstat_lpush"]["calls"]

    assert result == embedded
    assert rung > 0
