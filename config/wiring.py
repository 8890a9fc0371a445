"""From settings to what use cases are given: the database, the audit keys, the clock, the sender, the bell."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from config.audit_keys import create_audit_keys, read_audit_keys
from config.clock import Clock, SystemClock
from config.lookout import Lookout
from config.settings import Settings
from config.upgrading import demand_database
from models.columns import table_of
from models.database import DatabaseRefused, open_database
from models.history import Event
from models.migrate import check
from services.audit import AuditKeys
from services.errors import Environment
from services.mail import Sender
from services.mail_server import MailServer
from services.unit_of_work import UnitOfWork, database_error
from services.webhook_sending import Courier

EVENT = table_of(Event)
_EVENTS = select(func.count()).select_from(EVENT)


class Bell:
    """What a commit rings when something became due. A ring that fails is forgotten: the sweep comes by anyway (G1)."""

    def __init__(self) -> None:
        self._ring: Callable[[], object] | None = None

    def connect(self, ring: Callable[[], object] | None) -> None:
        """Say what ringing does from now on; None makes it mute."""
        self._ring = ring

    def __call__(self) -> None:
        """Ring; never raises."""
        ring = self._ring
        if ring is None:
            return
        try:
            ring()
        except Exception as error:  # noqa: BLE001 - whatever a broker raises, the commit stands and the sweep follows
            structlog.get_logger(__name__).warning("the bell failed", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything one process works with. Close it when done."""

    settings: Settings
    engine: Engine
    uow: UnitOfWork
    clock: Clock
    sender: Sender | None
    bell: Bell = field(default_factory=Bell)

    @property
    def courier(self) -> Courier:
        """How webhooks are told."""
        return Courier(
            self.settings.webhook_private,
            self.settings.webhook_timeout_seconds,
            self.settings.webhook_ca_file,
            dt.timedelta(seconds=self.settings.lease_seconds),
        )

    def now(self) -> dt.datetime:
        """Return the business time."""
        return self.clock.now()

    def close(self) -> None:
        """Give the database connections back."""
        self.bell.connect(None)
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wire(settings: Settings, *, clock: Clock | None = None, make_key: bool | None = None) -> Wiring:
    """Open what the settings name.

    An audit key that is not there is made where nothing was signed and `make_key` is true; by default it is for an
    embedded database only, since on a server each machine would make one of its own.

    Raises:
        Environment: the database is missing, refused, or has the schema of another version; or the audit keys are
            missing though rows were signed with them, exposed or malformed.
    """
    demand_database(settings)
    try:
        engine = open_database(settings.database_url)
    except DatabaseRefused as error:
        raise Environment(str(error), error.code) from error
    try:
        check(engine)
        wanted = engine.dialect.name == "sqlite" if make_key is None else make_key
        keys = _keys(settings, engine, make=wanted)
    except DatabaseRefused as error:
        engine.dispose()
        raise Environment(str(error), error.code) from error
    except Exception as error:
        engine.dispose()
        if isinstance(error, DBAPIError):
            raise database_error(error) from error
        raise
    bell = Bell()
    uow = UnitOfWork(engine, keys, bell, Lookout())
    return Wiring(settings, engine, uow, clock or SystemClock(), sender_of(settings), bell)


def sender_of(settings: Settings) -> Sender | None:
    """Return how mails are sent, or None while no mail server is set: then they wait."""
    if settings.smtp_host is None:
        return None
    server = MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_tls,
        settings.smtp_user,
        settings.mail_password(),
        settings.smtp_timeout_seconds,
        settings.smtp_ca_file,
    )
    lease = dt.timedelta(seconds=settings.lease_seconds)
    return Sender(server, settings.mail_from, settings.base_url, lease, settings.mail_per_minute)


def _keys(settings: Settings, engine: Engine, *, make: bool) -> AuditKeys:
    if settings.audit_key_file.exists() or not make:
        return read_audit_keys(settings.audit_key_file)
    with engine.connect() as connection:
        signed = connection.scalar(_EVENTS)
    # A new key beside rows signed with another would make all of them look tampered with.
    return read_audit_keys(settings.audit_key_file) if signed else create_audit_keys(settings.audit_key_file)
