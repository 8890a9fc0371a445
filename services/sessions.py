"""Sessions: logging in by employee number and password, who is at the other end, and logging out (G15).

The secret lies with the browser and only its digest here. Moments are those of the database's clock: the clock of a
practice may stand still. Rights are looked up at each request and never remembered.
"""

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, bindparam, select, true, update

from models.columns import UtcDateTime, table_of
from models.people import Account, Grant, Organisation, Person, Session
from services import login_throttle, naming, passwords
from services.access import granted_roles
from services.actors import SYSTEM, Actor
from services.audit import append_event
from services.database_clock import database_now, wall_time
from services.errors import Refused
from services.standing import local_day
from services.tokens import ALL, TOKEN, digest_of
from services.unit_of_work import Transaction, UnitOfWork

ACCOUNT = table_of(Account)
PERSON = table_of(Person)
SESSION = table_of(Session)
ORGANISATION = table_of(Organisation)
GRANT = table_of(Grant)
STREAM = "logins"
"""The stream of the audit that tells of logins, let in or not."""

_SEEN_EVERY = dt.timedelta(minutes=1)

_ORGANISED = (
    ORGANISATION.c.name.label("organisation"),
    ORGANISATION.c.kind.label("organisation_kind"),
    ORGANISATION.c.zone.label("organisation_zone"),
    ORGANISATION.c.calendar.label("organisation_calendar"),
)
_GRANTED = (
    GRANT.c.role.label("granted"),
    GRANT.c.valid_from.label("granted_from"),
    GRANT.c.valid_to.label("granted_to"),
)
_ACCOUNT = (
    select(ACCOUNT, PERSON.c.number)
    .join(PERSON, PERSON.c.id == ACCOUNT.c.person_id)
    .where(PERSON.c.number == bindparam("number"), PERSON.c.erased_at.is_(None))
)
_SESSION = (
    select(
        SESSION,
        ACCOUNT.c.person_id,
        ACCOUNT.c.disabled_at,
        ACCOUNT.c.password_hash.is_not(None).label("has_password"),
        PERSON.c.number,
        PERSON.c.name,
        PERSON.c.language,
        database_now().label("wall"),
        *_ORGANISED,
        *_GRANTED,
    )
    .join(ACCOUNT, ACCOUNT.c.id == SESSION.c.account_id)
    .join(PERSON, PERSON.c.id == ACCOUNT.c.person_id)
    .join(ORGANISATION, true())
    .outerjoin(GRANT, GRANT.c.person_id == PERSON.c.id)
    .where(SESSION.c.token_digest == bindparam("digest"))
)
"""A row for each grant of the person, or one without: who asks is known in one statement."""
_TOKEN = (
    select(
        TOKEN.c.person_id,
        TOKEN.c.scope,
        TOKEN.c.expires_at,
        TOKEN.c.revoked_at,
        PERSON.c.number,
        PERSON.c.name,
        PERSON.c.language,
        *_ORGANISED,
        *_GRANTED,
    )
    .join(PERSON, PERSON.c.id == TOKEN.c.person_id)
    .join(ORGANISATION, true())
    .outerjoin(GRANT, GRANT.c.person_id == PERSON.c.id)
    .where(TOKEN.c.digest == bindparam("digest"), PERSON.c.erased_at.is_(None))
)
_AT = bindparam("at", type_=UtcDateTime())
_TOUCH = update(SESSION).where(SESSION.c.id == bindparam("session"), SESSION.c.seen_at < _AT).values(seen_at=_AT)
_END = update(SESSION).where(SESSION.c.token_digest == bindparam("digest"), SESSION.c.ended_at.is_(None))
_END_ALL = update(SESSION).where(SESSION.c.account_id == bindparam("account"), SESSION.c.ended_at.is_(None))


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lives without a request, and altogether."""

    idle: dt.timedelta
    longest: dt.timedelta


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is at the other end of a session, and the organisation he looks at. `roles` are his grants now."""

    person_id: int
    number: str
    name: str
    language: str
    roles: frozenset[str]
    organisation: str
    kind: str
    zone: str
    calendar: str
    scopes: frozenset[str] | None = None
    """What a limited token opens; None for a session and for a token without limits."""
    has_password: bool = True
    """Whether he can show by a password who he is; of sessions only."""

    @property
    def actor(self) -> Actor:
        """As whom the viewer acts: as himself."""
        return Actor(self.person_id)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new session: its secret, and whether the one before it, which the browser named, was the same person's."""

    secret: str
    person_id: int
    same_person: bool


def login(
    uow: UnitOfWork, *, now: dt.datetime, number: str, password: str, address: str, before: str | None = None
) -> LoggedIn:
    """Begin a session by employee number and password; the one before, if the browser names one, ends.

    `address` is where the request came from. A refusal tells nobody whether there is such a person.

    Raises:
        Refused: they do not fit (`bad-login`), or too many failed before (`throttled`).
    """
    with uow.write() as tx:
        wall = wall_time(tx)
        attempt = login_throttle.take(tx, number=number, address=address, wall=wall)
        account = tx.first(_ACCOUNT, {"number": number.strip()})
    if attempt is None:
        raise login_throttle.throttled()
    open_ = account is not None and account.disabled_at is None
    # Hashing takes long on purpose: no transaction is open meanwhile.
    fits = passwords.fits(password, account.password_hash if account is not None and open_ else None)
    if account is None or not fits:
        deny(uow, now=now, person=None if account is None else account.person_id)
        raise Refused("The employee number or the password is not right.", "bad-login")
    return _begin(uow, account, attempt, before, now)


def _begin(uow: UnitOfWork, account: Row[Any], attempt: int, before: str | None, now: dt.datetime) -> LoggedIn:
    with uow.write() as tx:
        again = tx.first(_ACCOUNT, {"number": account.number})
        if again is None or again.password_hash != account.password_hash or again.disabled_at is not None:
            raise Refused("The account was changed at this moment; log in again.", "bad-login")
        login_throttle.forget(tx, attempt)
        return open_session(tx, int(account.id), int(account.person_id), before=before, now=now)


def open_session(
    tx: Transaction, account_id: int, person_id: int, *, before: str | None, now: dt.datetime, by: str | None = None
) -> LoggedIn:
    """Begin a session of who has shown who he is; the one before it, if the browser names one, ends.

    `by` tells the audit how he has, where it was not by a password.
    """
    secret = secrets.token_urlsafe(32)
    wall = wall_time(tx)
    earlier = None if before is None else tx.first(_SESSION, {"digest": digest_of(before)})
    if before is not None:
        tx.run(_END.values(ended_at=_AT), {"digest": digest_of(before), "at": wall})
    granted = granted_roles(tx, person_id, local_day(now, naming.organisation(tx).zone))
    tx.insert(
        SESSION,
        {
            "account_id": account_id,
            "token_digest": digest_of(secret),
            "created_at": wall,
            "seen_at": wall,
            "ended_at": None,
            "roles": _kept(granted),
        },
    )
    payload = {"person": person_id} | ({} if by is None else {"by": by})
    append_event(tx, STREAM, "login", actor=Actor(person_id), at=now, payload=payload)
    return LoggedIn(secret, person_id, earlier is not None and earlier.account_id == account_id)


def deny(uow: UnitOfWork, *, now: dt.datetime, person: int | None, **said: str) -> None:
    """Write into the audit that a login was denied; of whom, if that is known, and what else is `said` of it."""
    with uow.write() as tx:
        # Never what was typed: it may be a password in the wrong field.
        append_event(tx, STREAM, "login-denied", actor=SYSTEM, at=now, payload={"person": person, **said})


def was_of(uow: UnitOfWork, *, viewer: Viewer, name: str) -> bool:
    """Tell whether a session, named by its digest, was one of the viewer's."""
    with uow.read() as tx:
        row = tx.first(_SESSION, {"digest": name})
        return row is not None and row.person_id == viewer.person_id


def holder(tx: Transaction, secret: str | None) -> int | None:
    """Return whose session it is that a browser names, alive or not; None where there is none."""
    row = None if secret is None else tx.first(_SESSION, {"digest": digest_of(secret)})
    return None if row is None else int(row.person_id)


def viewer_of(uow: UnitOfWork, *, now: dt.datetime, secret: str | None, limits: Limits) -> Viewer | None:
    """Return who holds a session, or None: there is none, it ended, ran out, or his account or grants changed."""
    if not secret:
        return None
    with uow.read() as tx:
        rows = tx.all(_SESSION, {"digest": digest_of(secret)})
        if not rows or rows[0].ended_at is not None or rows[0].disabled_at is not None:
            return None
        row = rows[0]
        if row.wall - row.seen_at > limits.idle or row.wall - row.created_at > limits.longest:
            return None
        viewer = replace(_viewer(rows, now), has_password=bool(row.has_password))
        if row.roles != _kept(viewer.roles):
            return None
    if row.wall - row.seen_at > _SEEN_EVERY:
        with uow.write() as tx:
            tx.run(_TOUCH, {"session": row.id, "at": row.wall})
    return viewer


def viewer_by_token(uow: UnitOfWork, *, now: dt.datetime, token: str) -> Viewer | None:
    """Return whose token this is, or None: there is none, it was revoked, or it is too old."""
    with uow.read() as tx:
        rows = tx.all(_TOKEN, {"digest": digest_of(token)})
    if not rows or rows[0].revoked_at is not None or (rows[0].expires_at is not None and rows[0].expires_at <= now):
        return None
    viewer, scope = _viewer(rows, now), rows[0].scope
    return viewer if scope == ALL else replace(viewer, scopes=frozenset(scope.split()))


def _viewer(rows: Sequence[Row[Any]], now: dt.datetime) -> Viewer:
    row = rows[0]
    day = local_day(now, row.organisation_zone)
    roles = frozenset(
        one.granted
        for one in rows
        if one.granted is not None and one.granted_from <= day and (one.granted_to is None or one.granted_to >= day)
    )
    return Viewer(
        int(row.person_id),
        row.number,
        row.name,
        row.language,
        roles,
        row.organisation,
        row.organisation_kind,
        row.organisation_zone,
        row.organisation_calendar,
    )


def logout(uow: UnitOfWork, *, now: dt.datetime, secret: str) -> None:
    """End a session; one that there is not is ended already."""
    with uow.write() as tx:
        row = tx.first(_SESSION, {"digest": digest_of(secret)})
        if row is not None and tx.run(_END.values(ended_at=_AT), {"digest": digest_of(secret), "at": row.wall}):
            append_event(tx, STREAM, "logout", actor=Actor(row.person_id), at=now, payload={"person": row.person_id})


def confirm(uow: UnitOfWork, *, now: dt.datetime, viewer: Viewer, password: str, address: str) -> None:
    """Ask for the password of who is logged in once more, before what cannot be undone; throttled as a login is.

    Raises:
        Refused: it does not fit, or too many failed before.
    """
    with uow.write() as tx:
        attempt = login_throttle.take(tx, number=viewer.number, address=address, wall=wall_time(tx))
        account = tx.first(_ACCOUNT, {"number": viewer.number})
    if attempt is None:
        raise login_throttle.throttled()
    if not passwords.fits(password, None if account is None else account.password_hash):
        deny(uow, now=now, person=None if account is None else account.person_id)
        raise Refused("The password is not right; nothing was done.", "bad-password")
    with uow.write() as tx:
        login_throttle.forget(tx, attempt)


def end_all(tx: Transaction, account_id: int, wall: dt.datetime) -> int:
    """End every session of an account; how many there were."""
    return tx.run(_END_ALL.values(ended_at=_AT), {"account": account_id, "at": wall})


def _kept(roles: Iterable[str]) -> str:
    return " ".join(sorted(roles))
