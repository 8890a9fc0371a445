"""Making the database of the settings, bringing it to this program's version, and comparing it with what it must be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError

from config.settings import Settings
from models import grants, migrate
from models.database import DatabaseRefused, open_database, schema_version
from services.errors import Environment
from services.unit_of_work import database_error


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which revision to which a schema was brought; `before` is None where there was none."""

    before: str | None
    after: str


def database_file(url: str) -> Path | None:
    """Return the file of an embedded database, or None for one on a server."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def is_missing(url: str) -> bool:
    """Return whether the embedded database is not there yet; one on a server is somebody else's to make."""
    file = database_file(url)
    return file is not None and not (file.is_file() and file.stat().st_size)


@contextmanager
def opened(url: str, *, read_only: bool = False) -> Iterator[Engine]:
    """Open a database for a moment, whatever its schema.

    Raises:
        Environment: it cannot be opened, or what is done with it fails.
    """
    try:
        engine = open_database(url, read_only=read_only)
        try:
            yield engine
        finally:
            engine.dispose()
    except DatabaseRefused as error:
        raise Environment(str(error), error.code) from error
    except DBAPIError as error:
        raise database_error(error) from error


def upgrade_database(settings: Settings) -> Upgraded:
    """Bring the schema to this program's version, as the owner of the tables; make an embedded database and its folder.

    Whole or not at all, and a second time it changes nothing.

    Raises:
        Environment: the folder or the database cannot be written, or a newer program upgraded it.
    """
    file = database_file(settings.database_owner_url)
    if file is not None:
        make_folder(file.parent)
    with opened(settings.database_owner_url) as engine:
        before = schema_version(engine)
        after = migrate.upgrade(engine)
        grant_application(engine, settings)
        return Upgraded(before, after)


def grant_application(engine: Engine, settings: Settings) -> None:
    """Give the application's role on PostgreSQL what it needs and no more, where it is not the owner itself.

    Raises:
        Environment: the server has no such role.
    """
    role = make_url(settings.database_url).username
    if engine.dialect.name != "postgresql" or role in {None, make_url(settings.database_owner_url).username}:
        return
    if not grants.grant_all(engine, str(role)):
        raise Environment(
            f"The server has no role {role}, which APPRAISE_DATABASE_URL names; make it with CREATE ROLE ... LOGIN and "
            "run `appraise db upgrade` again.",
            "no-role",
        )


def make_folder(folder: Path) -> None:
    """Make the folder of an embedded database.

    Raises:
        Environment: it cannot be made.
    """
    try:
        # Names, addresses and scores lie there: nobody else on the machine may look in.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Environment(
            f"The folder {folder} cannot be made ({error.strerror}); choose another with --dir or APPRAISE_DATA_DIR.",
            "no-folder",
        ) from error


def differences(settings: Settings) -> tuple[str, ...]:
    """Return, a sentence each, what the database has otherwise than this program's tables, CHECKs and triggers.

    Raises:
        Environment: there is no database, or its schema is that of another version.
    """
    demand_database(settings)
    with opened(settings.database_url, read_only=True) as engine:
        migrate.check(engine)
        # What a damaged file says about its tables means nothing.
        return damage(engine) or migrate.differences(engine)


def damage(engine: Engine) -> tuple[str, ...]:
    """Return what SQLite finds wrong with its own file; a server looks after itself."""
    if engine.dialect.name != "sqlite":
        return ()
    with engine.connect() as connection:
        try:
            said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(5)")]
        except DatabaseError as error:
            said = [str(error.orig)]
    return () if said == ["ok"] else tuple(f"the file is damaged: {line}." for line in said)


def demand_database(settings: Settings) -> None:
    """Let pass when there is a database to open; opening would make an empty file.

    Raises:
        Environment: the embedded database is not there.
    """
    if is_missing(settings.database_url):
        file = database_file(settings.database_url)
        raise Environment(f"There is no database {file} yet; make one with `appraise db upgrade`.", "no-database")
