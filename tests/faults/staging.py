"""Databases that stand at the same point as often as one likes, and a worker that goes on until nothing is owed."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from config.clock import SimulatedClock
from config.settings import load_settings
from config.wiring import Wiring
from models.columns import table_of
from models.database import open_database
from models.outbox import Job
from services.errors import Environment
from services.unit_of_work import UnitOfWork
from tasks.jobs import run_job
from tests.conftest import sqlite_file
from tests.faults.constants import KEYS
from tests.servers import postgresql
from tests.services.builders import TinyOffice, build_office
from tests.services.closing import vouch
from tests.services.playing import Play

JOB = table_of(Job)
SETTINGS = load_settings({"data_dir": Path("unused"), "database_url": "sqlite:///unused"})
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PATIENCE = 20
"""Rounds after which a worker that still finds something owed has found a fault."""


class Stage:
    """A database that somebody left at some point, and one engine on copies of it, one after the other."""

    def __init__(self, office: TinyOffice, engine: Engine, renew: Callable[[], None]) -> None:
        self._office = office
        self._engine = engine
        self._renew = renew

    def again(self) -> Play:
        """Go back to that point; what was done since is gone."""
        self._engine.dispose()
        self._renew()
        return Play(UnitOfWork(self._engine, KEYS), self._office)


@contextmanager
def staged(database: str, request: pytest.FixtureRequest, prepare: Callable[[Play], object]) -> Iterator[Stage]:
    """Let `prepare` bring the office to some point, and leave it there."""
    template, office = request.getfixturevalue(f"{database}_built")
    if database == "sqlite":
        with sqlite_file(request) as start, sqlite_file(request) as path:
            shutil.copyfile(template, start)
            office = _prepared(f"sqlite:///{start}", office, prepare)
            engine = open_database(f"sqlite:///{path}")
            yield Stage(office, engine, lambda: _copy(start, path))
            engine.dispose()
        return
    databases: postgresql.Databases = request.getfixturevalue("postgresql_databases")
    with staged_on(databases, template, office, prepare) as stage:
        yield stage


@contextmanager
def staged_on(
    databases: postgresql.Databases, template: str, office: TinyOffice, prepare: Callable[[Play], object]
) -> Iterator[Stage]:
    """Do the same on a server of PostgreSQL, where the database `template` has the office."""
    name = databases.create(template)
    office = _prepared(databases.address(name), office, prepare)
    engine = open_database(databases.url)
    current = [name]

    def renew() -> None:
        databases.leave(*current[1:])
        current[1:] = [databases.create(name)]

    def connect(_dialect: object, _record: object, _words: object, named: dict[str, Any]) -> None:
        named["dbname"] = current[-1]

    # One engine, so that each statement is compiled once; the copies have names of their own.
    event.listen(engine, "do_connect", connect)
    yield Stage(office, engine, renew)
    engine.dispose()
    databases.leave(*current)


def _copy(template: Path, path: Path) -> None:
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    shutil.copyfile(template, path)


def built(url: str) -> TinyOffice:
    """Build the office in a migrated database; nobody is connected afterwards."""
    engine = open_database(url)
    try:
        return build_office(UnitOfWork(engine, KEYS))
    finally:
        engine.dispose()


def _prepared(url: str, office: TinyOffice, prepare: Callable[[Play], object]) -> TinyOffice:
    engine = open_database(url)
    try:
        play = Play(UnitOfWork(engine, KEYS), office)
        prepare(play)
        vouch(play.uow)
    finally:
        engine.dispose()
    return play.office


def work(play: Play, now: dt.datetime, *names: str) -> None:
    """Do what the jobs of these names owe, as a worker does that is started anew whenever the database breaks.

    Each lease and each rest is over at once: what is still due or claimed is moved back in the database's own time.
    """
    wiring = Wiring(SETTINGS, play.uow.engine, play.uow, SimulatedClock(now), None)
    mine = JOB.c.name.in_(names), JOB.c.due_at.is_not(None)
    for _ in range(PATIENCE):
        try:
            for name in names:
                run_job(wiring, name)
            broke = False
        except Environment:
            broke = True
        with play.uow.engine.begin() as connection:
            owed = connection.execute(update(JOB).where(*mine).values(due_at=LONG_AGO)).rowcount
        if not owed and not broke:
            return
    raise AssertionError(f"After {PATIENCE} rounds something is still owed.")
