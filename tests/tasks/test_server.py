"""The worker of the server mode on a real Redis, and on one that is away, full, flushed, or fed with rubbish."""

import base64
import io
import json
import pickle
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from config.logs import set_up_logs
from config.settings import load_settings
from services.reminders import planned_until
from services.verification import verify
from tasks.app import make_app, ring, try_ring
from tasks.beat import Beat
from tasks.jobs import RELAY
from tasks.server import Server
from tasks.unfinished import unfinished
from tests.servers import redis_server
from tests.tasks.conftest import Works
from tests.waiting import until

pytestmark = pytest.mark.faults
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def redis() -> Iterator[redis_server.Server]:
    """A Redis that the tests of this file share."""
    server = redis_server.Server(redis_server.installations()[0]).start()
    yield server
    server.close()


@contextmanager
def serving(works: Works, url: str) -> Iterator[Server]:
    """Run a worker on the office's database that is rung for at this address."""
    settings = load_settings({**works.settings.model_dump(), "broker_url": url, "sweep_seconds": 0.1})
    with Server(settings, works.wiring) as server:
        yield server


def finished(works: Works) -> bool:
    """Whether nothing is owed any more, also no mail that rests because the busy machine took too long with it."""
    return not unfinished(works.wiring) and "queued" not in {state for _, state in works.messages()}


def done(works: Works) -> None:
    """Expect that all was done once, every notice went out once, alone or in a digest, and the audit verifies."""
    assert {state for _, state in works.jobs()} == {"done"}
    assert {state for _, state in works.messages()} == {"sent"}
    assert len(works.mails()) == len(set(works.mails()))
    assert len(works.notices()) == len(set(works.notices())) == len(works.messages()) > 0
    assert works.failures() == []
    assert verify(works.wiring.uow).faults == ()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_what_is_owed_is_rung_for_over_redis_done_and_mailed(works: Works, redis: redis_server.Server) -> None:
    with serving(works, redis.url) as server:
        works.open_quarter()
        until(lambda: finished(works))
        assert server.alive
    done(works)
    with redis.client() as client:
        assert client.info("commandstats")["cmdstat_brpop"]["calls"] > 0


@POSTGRESQL
def test_without_any_redis_the_worker_goes_on_by_itself(works: Works) -> None:
    away = redis_server.Server(redis_server.installations()[0])
    with serving(works, away.url):
        works.open_quarter()
        until(lambda: finished(works))
    done(works)
    away.close()


@SQLITE
def test_a_redis_that_comes_later_is_found(works: Works) -> None:
    late = redis_server.Server(redis_server.installations()[0])
    with serving(works, late.url):
        until(lambda: finished(works))
        late.start()
        with late.client() as client:
            until(lambda: client.info("commandstats").get("cmdstat_brpop", {"calls": 0})["calls"] > 0)
        works.open_quarter()
        until(lambda: finished(works))
    done(works)
    late.close()


@POSTGRESQL
def test_a_redis_that_is_full_takes_no_ring_and_stops_nothing(works: Works) -> None:
    full = redis_server.Server(redis_server.installations()[0], settings={"maxmemory": "1"}).start()
    with serving(works, full.url) as server:
        assert not try_ring(server.app)
        works.open_quarter()
        until(lambda: finished(works))
    done(works)
    full.close()


@SQLITE
def test_a_redis_that_is_killed_and_forgets_all_and_one_that_is_flushed_lose_nothing(works: Works) -> None:
    server = redis_server.Server(redis_server.installations()[0], settings={"appendonly": "no"}).start()
    with serving(works, server.url):
        until(lambda: finished(works))
        server.stop()
        server.forget()
        works.open_quarter()
        server.start()
        with server.client() as client:
            client.flushall()
        until(lambda: finished(works))
    done(works)
    server.close()


def envelope(body: bytes, *, kind: str, task: str) -> str:
    """Return a message as Celery puts it on Redis, with a body of our choice."""
    tag = str(uuid.uuid4())
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "binary" if kind.endswith("python-serialize") else "utf-8",
            "content-type": kind,
            "headers": {"lang": "py", "task": task, "id": tag, "root_id": tag, "parent_id": None, "group": None},
            "properties": {
                "correlation_id": tag,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "appraise"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": tag,
            },
        }
    )


class Bomb:
    """What writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


@SQLITE
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("pickled", "Refusing to deserialize"),
        ("unknown task", "Received unregistered task"),
        ("arguments that no job takes", "raised unexpected"),
        ("no json", "decode message body"),
    ],
)
def test_a_message_that_is_not_ours_runs_nothing_and_stops_nothing(
    works: Works, redis: redis_server.Server, caplog: pytest.LogCaptureFixture, what: str, said: str
) -> None:
    trap = works.settings.data_dir / "unpickled"
    nothing = json.dumps([[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]).encode()
    messages = {
        "pickled": envelope(
            pickle.dumps(Bomb(str(trap))), kind="application/x-python-serialize", task="appraise.outbox.relay"
        ),
        "unknown task": envelope(nothing, kind="application/json", task="os.system"),
        "arguments that no job takes": envelope(
            json.dumps([["rm"], {}, {}]).encode(), kind="application/json", task="appraise.outbox.relay"
        ),
        "no json": envelope(b"{", kind="application/json", task="appraise.outbox.relay"),
    }
    with serving(works, redis.url) as server:
        with redis.client() as client:
            client.lpush("appraise", messages[what])
            until(lambda: client.llen("appraise") == 0)
        works.open_quarter()
        until(lambda: finished(works))
        assert server.alive
    assert not trap.exists()
    assert said in caplog.text
    done(works)


@SQLITE
def test_a_beat_rings_and_several_change_nothing(works: Works, redis: redis_server.Server) -> None:
    settings = load_settings({**works.settings.model_dump(), "broker_url": redis.url, "sweep_seconds": 60})
    with redis.client() as client:
        client.delete("appraise")
        hasty = settings.model_copy(update={"sweep_seconds": 0.05})
        with Beat(hasty), Beat(hasty):
            until(lambda: client.llen("appraise") > 8)
    works.open_quarter()
    with Server(settings.model_copy(update={"sweep_seconds": 0.5}), works.wiring):
        until(lambda: finished(works))
    done(works)


@SQLITE
def test_a_worker_looks_at_once_and_plans_without_any_beat(works: Works, redis: redis_server.Server) -> None:
    with serving(works, redis.url):
        until(lambda: finished(works))
        with works.wiring.uow.read() as tx:
            assert planned_until(tx) == works.clock.now()


def test_a_ring_to_a_broker_that_is_away_fails_fast_and_is_said_once(works: Works) -> None:
    settings = works.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    app = make_app(settings, lambda: works.wiring)
    lines = io.StringIO()
    set_up_logs("info", "text", lines)
    assert [try_ring(app) for _ in range(3)] == [False, False, False]
    assert lines.getvalue().count("the broker takes no rings; the workers look for themselves") == 1
    with pytest.raises(Exception, match="Connection refused"):
        ring(app, RELAY)
    structlog.reset_defaults()
