"""Backing the database of the settings up into one file, and restoring it from one into an empty place (G10, G13).

Both look at what they wrote: the file's integrity, and the audit. The audit key is never in a backup; a backup without
it is not complete, so both say where it lies. A restored copy mails nobody before it is told to.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, inspect

from config.audit_keys import read_audit_keys
from config.backup_forms import POSTGRESQL, SQLITE, copy_sqlite, dump_postgresql, form_of, restore_postgresql
from config.postgresql_programs import find_programs
from config.settings import Settings
from config.upgrading import damage, database_file, demand_database, grant_application, is_missing, make_folder, opened
from models import migrate
from models.database import schema_version
from services.audit import AuditKeys
from services.errors import AppraiseError, Environment, Refused
from services.sending import begin_copy
from services.unit_of_work import UnitOfWork
from services.verification import Report, verify, verify_in
from services.whole_files import demand_free, whole_file

_SERVER_VERSION = "SELECT current_setting('server_version_num')::int"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was written: of which database, at which schema, how large (bytes), and what its audit says."""

    path: Path
    database: str
    schema: str
    size: int
    audit: Report


@dataclass(frozen=True, slots=True)
class Restored:
    """A copy that was restored: into which database, from and to which schema, and what its audit says."""

    database: str
    before: str
    schema: str
    audit: Report


def key_words(settings: Settings) -> str:
    """Return a sentence that says where the audit key lies and where its copy is."""
    copy = settings.audit_key_copy
    kept = f"its copy: {copy}" if copy else "nothing says where its copy is, say it in APPRAISE_AUDIT_KEY_COPY"
    return (
        "The audit key is not in a backup, and without it none is complete: it lies in "
        f"{settings.audit_key_file}; {kept}."
    )


def back_up(settings: Settings, path: Path) -> BackedUp:
    """Write the database into one new file while others go on writing, and look at the copy.

    The file appears whole or not at all. On SQLite the copy itself is checked and its audit verified; on PostgreSQL the
    archive is read through and the audit verified as of the very snapshot that it holds.

    Raises:
        Refused: something bears the file's name already.
        Environment: there is no database, no key or no fitting program, or the file cannot be written.
        AppraiseError: the copy is damaged; nothing is kept.
    """
    demand_database(settings)
    demand_free(path)
    keys = read_audit_keys(settings.audit_key_file)
    source = database_file(settings.database_owner_url)
    with opened(settings.database_owner_url, read_only=True) as engine:
        migrate.check(engine)
        with whole_file(path, replace=False) as out:
            beside = Path(out.name)
            if source is None:
                report = _dump(settings, engine, keys, beside)
            else:
                copy_sqlite(source, beside)
                report = _examined(beside, keys)
            size = beside.stat().st_size
    return BackedUp(path, engine.dialect.name, migrate.head(), size, report)


def restore(settings: Settings, path: Path, *, now: dt.datetime) -> Restored:
    """Restore a backup into the database of the settings, which must be empty; an older schema is brought up.

    `now` is by the machine's clock. Nothing is mailed from the copy before `appraise mail resume`.

    Raises:
        Malformed: the file is no backup.
        Refused: the target is not empty, or the backup is of the other kind of database.
        Environment: there is no key or no fitting program, or it cannot be read or written; the target is as before.
        AppraiseError: the file is damaged; the target is as before.
    """
    form = form_of(path)
    target = database_file(settings.database_owner_url)
    if form != (POSTGRESQL if target is None else SQLITE):
        raise Refused(
            f"{path} is a backup of {form} and the settings name the other kind of database; correct "
            "APPRAISE_DATABASE_URL.",
            "other-database",
        )
    keys = read_audit_keys(settings.audit_key_file)
    if target is None:
        return _restore_server(settings, path, keys, now)
    if not is_missing(settings.database_owner_url):
        raise Refused(f"{target} is there already and is not written over; move it away first.", "not-empty")
    make_folder(target.parent)
    # An empty file, as SQLite makes it on opening, holds nothing.
    target.unlink(missing_ok=True)
    with whole_file(target, replace=False) as out:
        beside = Path(out.name)
        copy_sqlite(path, beside)
        with opened(f"sqlite:///{beside}") as engine:
            _demand_whole(engine, path)
            before = _brought_up(engine, path)
            _begin(engine, keys, now)
        report = _examined(beside, keys)
    return Restored(SQLITE, before, migrate.head(), report)


def _dump(settings: Settings, engine: Engine, keys: AuditKeys, target: Path) -> Report:
    with UnitOfWork(engine, keys).read(one_moment=True) as tx:
        run = tx.connection.exec_driver_sql
        # This transaction keeps the snapshot while pg_dump works.
        run("SET LOCAL idle_in_transaction_session_timeout = 0")
        programs = find_programs(int(run(_SERVER_VERSION).scalar_one()))
        snapshot = str(run("SELECT pg_export_snapshot()").scalar_one())
        dump_postgresql(programs, settings.database_owner_url, target, snapshot)
        return verify_in(tx)


def _restore_server(settings: Settings, path: Path, keys: AuditKeys, now: dt.datetime) -> Restored:
    url = settings.database_owner_url
    with opened(url) as engine:
        with engine.connect() as connection:
            if inspect(connection).get_table_names():
                raise Refused(
                    f"The database {engine.url.database} is not empty and is not written over; make a new one.",
                    "not-empty",
                )
            programs = find_programs(int(connection.exec_driver_sql(_SERVER_VERSION).scalar_one()))
            schema = str(connection.exec_driver_sql("SELECT current_schema()").scalar_one())
        restore_postgresql(programs, url, path, schema=schema, now=now)
        before = _brought_up(engine, path)
        _begin(engine, keys, now)
        grant_application(engine, settings)
        return Restored(POSTGRESQL, before, migrate.head(), verify(UnitOfWork(engine, keys)))


def _examined(file: Path, keys: AuditKeys) -> Report:
    """Look at a copy; one that SQLite finds damaged is an error."""
    with opened(f"sqlite:///{file}", read_only=True) as engine:
        _demand_whole(engine, file)
        return verify(UnitOfWork(engine, keys))


def _demand_whole(engine: Engine, file: Path) -> None:
    found = damage(engine)
    if found:
        raise AppraiseError(
            f"The copy is not kept, for it is damaged, as what it was made from must be: {found[0]} Look at "
            f"`appraise db check` and take another backup than {file.name}.",
            "damaged",
        )


def _brought_up(engine: Engine, path: Path) -> str:
    """Bring a copy to this program's schema; return the one it had."""
    before = schema_version(engine)
    if before is None:
        raise Environment(f"{path} has no tables of Appraise; name a backup of it.", "no-backup")
    if before != migrate.head():
        migrate.upgrade(engine)
    return before


def _begin(engine: Engine, keys: AuditKeys, now: dt.datetime) -> None:
    with UnitOfWork(engine, keys).write() as tx:
        begin_copy(tx, now=now)
