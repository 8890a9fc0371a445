"""PostgreSQL restarted again and again while people work: each hears a sentence at most, nothing is lost or doubled."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from services import verification
from services.access import APPRAISAL
from services.errors import AppraiseError, Environment
from tests.conftest import migrated
from tests.faults.crowd import hire
from tests.faults.interleaving import SECONDS
from tests.faults.snapshot import difference, snapshot
from tests.faults.staging import built, staged_on
from tests.servers import postgresql
from tests.services.builders import DIRECTOR, PERSONNEL, noon, open_quarter
from tests.services.playing import APPROVED, SUBMITTED, Play

WAY = ((PERSONNEL, "start", noon(4, 1)), (PERSONNEL, "submit", SUBMITTED), (DIRECTOR, "approve", APPROVED))
PEOPLE_AT_ONCE = 4
SENTENCES = {"The database broke off in the middle", "The database cannot be reached at the moment"}
"""How what people are told begins."""


@pytest.fixture
def server() -> Iterator[postgresql.Server]:
    """A server of the test's own, which it may harm; what it has committed is in the log, as it is in earnest."""
    own = postgresql.start_own()
    with psycopg.connect(own.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET synchronous_commit = on")
        admin.execute("SELECT pg_reload_conf()")
    yield own
    own.stop()


@pytest.mark.parametrize(
    ("people", "restarts", "pause"), [(10, 3, 0.3), pytest.param(334, 1000, 3.0, marks=pytest.mark.long)]
)
def test_restarted_during_moves_nothing_is_lost_or_doubled_and_each_hears_one_clear_sentence(
    server: postgresql.Server, people: int, restarts: int, pause: float
) -> None:
    numbers: list[str] = []

    def prepare(play: Play) -> None:
        numbers.extend(hire(play, people))
        open_quarter(play.uow, play.office)

    databases = postgresql.Databases(server.url)
    template = databases.create()
    migrated(databases.address(template))
    with staged_on(databases, template, built(databases.address(template)), prepare) as stage:
        play = stage.again()
        assert work(play, numbers) == []
        clean = snapshot(play.uow.engine)

        play = stage.again()
        databases.close()
        told, count = worked_through(play, numbers, server, restarts, pause)

        sys.stdout.write(
            f"\n{len(WAY) * people} moves, {count} restarts, {len(told)} times somebody was told to look\n"
        )
        assert count > 0
        assert {re.split("[;,]", error.sentence)[0] for error in told} <= SENTENCES
        assert difference(clean, snapshot(play.uow.engine), but=("refusals",)) == []
        assert verification.verify(play.uow).faults == ()
        play.uow.engine.dispose()


def worked_through(
    play: Play, numbers: list[str], server: postgresql.Server, restarts: int, pause: float
) -> tuple[list[AppraiseError], int]:
    """Let people work while the server restarts, gracefully and by crashing in turn, until they are done."""
    over = threading.Event()
    with ThreadPoolExecutor(PEOPLE_AT_ONCE) as people:
        shares = [people.submit(work, play, numbers[share::PEOPLE_AT_ONCE]) for share in range(PEOPLE_AT_ONCE)]
        count = 0
        while count < restarts and not all(share.done() for share in shares):
            server.restart("fast" if count % 2 else "immediate")
            count += 1
            over.wait(pause)
        return [error for share in shares for error in share.result()], count


def work(play: Play, numbers: list[str]) -> list[AppraiseError]:
    """Move the appraisals of some people to the sign-off; return what was told besides success."""
    told = []
    for number in numbers:
        for version, (who, action, at) in enumerate(WAY):

            def move(number: str = number, version: int = version, act: tuple[Any, ...] = (who, action, at)) -> None:
                if seen(play, number) == version:
                    play.act(act[0], act[1], of=number, at=act[2], seen=version)

            told += insist(move)
    return told


def insist(move: Callable[[], None]) -> Iterator[AppraiseError]:
    """Do one act as a person does it: told that the database is away, he looks, and does it again if it is not done."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            move()
        except Environment as error:
            yield error
            threading.Event().wait(0.05)
        else:
            return
    raise AssertionError(f"The database was away for {SECONDS:g} seconds.")


def seen(play: Play, number: str) -> int:
    """Return the version of a person's appraisal."""
    with play.uow.read() as tx:
        return int(tx.scalar(select(APPRAISAL.c.version).where(APPRAISAL.c.person_id == play.office.people[number])))
