"""Bringing the schema to this program's version, back, and saying where it stands; Alembic run from Python."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError

from models import guards
from models.database import WRITE_OPTION, DatabaseRefused, schema_version
from models.metadata import METADATA

SCRIPTS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 4_207_318_004
"""Any number, the same for everybody: two upgrades of one PostgreSQL database wait for each other."""
_VERSION = "SELECT version_num FROM alembic_version"
_NO_TABLE = ("no such table", 'relation "alembic_version" does not exist')


class NewerDatabase(DatabaseRefused):
    """The database was upgraded by a newer version of the program than this one."""

    code = "newer-schema"


class OlderDatabase(DatabaseRefused):
    """The database has no schema yet, or that of an older version."""

    code = "older-schema"


class GuardsDiffer(DatabaseRefused):
    """The triggers and CHECKs of the database are not those of the list."""


@functools.cache
def head() -> str:
    """Return the revision this program works with."""
    found = _scripts(_config()).get_current_head()
    if found is None:
        raise DatabaseRefused("The program was installed without its migration scripts; install it again.")
    return found


def upgrade(engine: Engine) -> str:
    """Bring the schema to this program's version, install the guards and compare them; return the revision.

    One transaction on both databases: it happens whole or not at all. To run it again changes nothing.

    Raises:
        NewerDatabase: the database was upgraded by a newer version of the program.
        GuardsDiffer: the CHECKs of the database are not those of the list.
    """
    _refuse_newer(schema_version(engine))
    with _exclusive(engine) as connection:
        guards.remove(connection)
        command.upgrade(_config(connection), "head")
        guards.install(connection)
        _refuse_broken(connection)
    return head()


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the schema back to `revision`, or away; data of the steps undone is lost.

    The triggers are taken away with it: the older program's own upgrade installs those it knows.

    Raises:
        NewerDatabase: the database was upgraded by a newer version of the program.
    """
    _refuse_newer(schema_version(engine))
    with _exclusive(engine) as connection:
        guards.remove(connection)
        command.downgrade(_config(connection), revision)


def check(engine: Engine) -> None:
    """Return quietly when the schema is the one this program works with.

    Raises:
        NewerDatabase: the database was upgraded by a newer version of the program.
        OlderDatabase: there is no schema yet, or an older one.
    """
    _demand_head(schema_version(engine))


def watch(connection: Connection) -> None:
    """Look at the schema in the transaction that is about to work with it: a process may outlive its schema.

    An upgrade waits for every transaction that has looked, and who looks during an upgrade waits for its end; so no
    transaction of one version ever meets the tables of another. One statement, on PostgreSQL one round trip.

    Raises:
        NewerDatabase: the database was upgraded by a newer version of the program.
        OlderDatabase: there is no schema any more, or an older one, as after a restore.
    """
    if not connection.in_transaction():
        connection.begin()
    # The driver's own cursor: this is done in every transaction, and SQLAlchemy's costs as much as a statement of ours.
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_VERSION)
        row = cursor.fetchone()
    except connection.dialect.loaded_dbapi.Error as error:
        if not any(words in str(error) for words in _NO_TABLE):
            raise OperationalError(_VERSION, None, error) from error
        row = None
    finally:
        cursor.close()
    version = None if row is None else str(row[0])
    if version != head():
        _demand_head(version)


def _demand_head(version: str | None) -> None:
    _refuse_newer(version)
    if version is None:
        raise OlderDatabase("The database has no tables yet; run `appraise db upgrade`.")
    if version != head():
        raise OlderDatabase(
            f"The database's schema stands at {version} and this program needs {head()}; run `appraise db upgrade`."
        )


def differences(engine: Engine) -> tuple[str, ...]:
    """Return, a sentence each, what the database has otherwise than tables and guards say; nothing if all is well."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        tables = tuple(f"the tables differ: {difference}." for difference in compare_metadata(context, METADATA))
        return tables + guards.compare(connection)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


@functools.cache
def _revisions() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts(_config()).walk_revisions())


def _refuse_newer(version: str | None) -> None:
    if version is not None and version not in _revisions():
        raise NewerDatabase(
            f"The database was upgraded to {version} by a newer version of Appraise, which this one does not know; "
            "install that version or restore a backup from before the upgrade."
        )


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(**{WRITE_OPTION: True}) as connection:
        if engine.dialect.name == "sqlite":
            with _without_foreign_keys(connection), connection.begin():
                yield connection
        else:
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
                if inspect(connection).has_table("alembic_version"):
                    # Whoever works with the old schema has read this table (see `watch`) and ends first.
                    connection.exec_driver_sql("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
                yield connection


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Switch the keys off outside the transaction, where SQLite heeds it: a rebuilt table is dropped and renamed."""
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _refuse_broken(connection: Connection) -> None:
    found = guards.compare(connection)
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        found += tuple(f"a row of {row[0]} refers to a missing row of {row[2]}." for row in broken)
    if found:
        raise GuardsDiffer(f"The upgrade was undone, because the database differs from the list: {' '.join(found)}")
