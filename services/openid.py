"""Logging in by an OpenID provider, and showing again there who one is (OpenID Connect Core 1.0, code flow with PKCE).

Between the two halves of a login the browser keeps a random secret, sealed; state, nonce and verifier are made from it.
Nobody gets an account by it: the provider says who somebody is, and the directory who that is here.
"""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row, bindparam, func, or_, select

from models.columns import table_of
from models.people import Account, Contact, Person
from services import login_throttle, sessions
from services.actors import Actor
from services.audit import append_event
from services.database_clock import wall_time
from services.errors import Environment, Refused
from services.grants import today
from services.openid_tokens import Expected, Untrusted, believed
from services.sealed import seal, unsealed
from services.sessions import LoggedIn
from services.tokens import digest_of
from services.unit_of_work import Transaction, UnitOfWork

ACCOUNT = table_of(Account)
CONTACT = table_of(Contact)
PERSON = table_of(Person)
LOGIN_MINUTES = 10
"""How long somebody may take at the provider."""
CONFIRMED_MINUTES = 5
"""How long it counts that somebody has shown again who he is."""
EMAIL = "email"
"""The claim that is looked up among the addresses; any other is an employee number."""
_FLOW, _CONFIRMED = "openid-login", "openid-confirmed"

_BY_EMAIL = (
    select(CONTACT.c.person_id)
    .where(
        func.lower(CONTACT.c.email) == bindparam("email"),
        CONTACT.c.valid_from <= bindparam("on"),
        or_(CONTACT.c.valid_to.is_(None), CONTACT.c.valid_to >= bindparam("on")),
    )
    .distinct()
    .limit(2)
)
_BY_NUMBER = select(PERSON.c.id.label("person_id")).where(PERSON.c.number == bindparam("number"))
_ACCOUNT = (
    select(ACCOUNT.c.id, ACCOUNT.c.person_id, ACCOUNT.c.disabled_at, PERSON.c.left, PERSON.c.erased_at)
    .join(PERSON, PERSON.c.id == ACCOUNT.c.person_id)
    .where(PERSON.c.id == bindparam("person"))
)


class Known(Protocol):
    """What we are to a provider: see `web.openid_provider.Client`."""

    @property
    def issuer(self) -> str:
        """Its name, an address."""

    @property
    def client(self) -> str:
        """Our name there."""

    @property
    def name(self) -> str:
        """How people know it."""

    @property
    def claim(self) -> str:
        """The claim that says who somebody is."""


class Provider(Protocol):
    """An OpenID provider, as `web.openid_provider` speaks to it. Each may end in `Environment`."""

    @property
    def client(self) -> Known:
        """What we are to it."""

    def login_address(self, wall: dt.datetime, **asked: str) -> str:
        """Return where a browser logs in."""

    def names_itself(self, wall: dt.datetime) -> bool:
        """Tell whether each of its answers says from whom it is (RFC 9207)."""

    def exchange(self, wall: dt.datetime, *, code: str, verifier: str, redirect: str) -> str:
        """Return the identity token for a code."""

    def keys(self, wall: dt.datetime, *, anew: bool = False) -> Sequence[Mapping[str, Any]]:
        """Return its public keys."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that has begun: where the browser goes, and what it keeps meanwhile."""

    address: str
    kept: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A login that is done: the new session, or the confirmation that the browser keeps; and where to go on."""

    target: str
    session: LoggedIn | None = None
    confirmed: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider sent back by the browser, and the browser itself: what it kept, its session, its address."""

    said: Mapping[str, str]
    kept: str | None
    secret: str | None
    address: str


def begin(uow: UnitOfWork, provider: Provider, *, redirect: str, target: str, session: str | None = None) -> Begun:
    """Begin a login; `session` is the secret of the one in which somebody shows again who he is.

    Raises:
        Environment: the provider does not answer or cannot be used.
    """
    with uow.read() as tx:
        wall = wall_time(tx)
    secret = secrets.token_urlsafe(32)
    flow = {"secret": secret, "target": target, "begun": wall.timestamp(), "session": _digest(session)}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_made(secret, "verifier").encode()).digest())
    asked = {
        "redirect_uri": redirect,
        "state": _made(secret, "state"),
        "nonce": _made(secret, "nonce"),
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    if session is not None:
        asked |= {"prompt": "login", "max_age": "0"}
    return Begun(provider.login_address(wall, **asked), seal(uow.keys, _FLOW, flow))


def end(uow: UnitOfWork, provider: Provider, *, now: dt.datetime, redirect: str, answer: Answer) -> Ended:
    """End a login with what the provider answered: a session begins, or somebody has shown again who he is.

    A refusal is in the audit as any denied login is, with the check that failed, and counts towards too many.

    Raises:
        Refused: the answer is of no login of this browser, cannot be believed, or is of nobody who may log in here.
        Environment: the provider does not answer or cannot be used.
    """
    with uow.write() as tx:
        wall = wall_time(tx)
        attempt = login_throttle.take(tx, number=answer.kept or "", address=answer.address, wall=wall)
    if attempt is None:
        raise login_throttle.throttled()
    person: int | None = None
    try:
        flow = _flow_of(uow, answer, wall)
        claims = _claims(provider, flow, answer, wall, redirect)
        # Nobody waits for a database while the provider is asked.
        with uow.read() as tx:
            account = _account(tx, provider.client, claims, now)
        person = account.person_id
        return _done(uow, account, flow, answer, attempt=attempt, now=now)
    except Environment:
        with uow.write() as tx:
            login_throttle.forget(tx, attempt)
        raise
    except _Denied as denied:
        sessions.deny(uow, now=now, person=denied.person or person, by="openid", why=denied.why)
        raise Refused(denied.sentence, denied.code) from denied


class _Denied(Exception):  # noqa: N818 - it is what a login is
    """A login that is refused: the sentence for the person, its code, and what the audit says of the reason."""

    def __init__(self, sentence: str, code: str, why: str, person: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.code, self.why, self.person = sentence, code, why, person


def _flow_of(uow: UnitOfWork, answer: Answer, wall: dt.datetime) -> Mapping[str, Any]:
    flow = unsealed(uow.keys, _FLOW, answer.kept)
    fits = flow is not None and hmac.compare_digest(
        _made(flow["secret"], "state").encode(), answer.said.get("state", "").encode()
    )
    if flow is None or not fits or wall.timestamp() - flow["begun"] > LOGIN_MINUTES * 60:
        said = f"No login was begun in this browser in the last {LOGIN_MINUTES} minutes that this would end; begin it "
        raise _Denied(said + "again.", "openid-state", "state")
    return flow


def _claims(
    provider: Provider, flow: Mapping[str, Any], answer: Answer, wall: dt.datetime, redirect: str
) -> Mapping[str, Any]:
    known = provider.client
    names = answer.said.get("iss")
    if names != known.issuer and (names is not None or provider.names_itself(wall)):
        raise _unbelieved(known, "mixed-up")
    if "error" in answer.said or not answer.said.get("code"):
        raise _Denied(f"{known.name} has logged nobody in; try again.", "openid-denied", "denied")
    secret = flow["secret"]
    try:
        token = provider.exchange(wall, code=answer.said["code"], verifier=_made(secret, "verifier"), redirect=redirect)
    except Refused as error:
        raise _Denied(error.sentence, error.code, "code") from error
    expected = Expected(
        issuer=known.issuer,
        client=known.client,
        nonce=_made(secret, "nonce"),
        begun=dt.datetime.fromtimestamp(flow["begun"], dt.UTC),
        wall=wall,
        again=bool(flow["session"]),
    )
    try:
        return believed(token, expected, lambda anew: provider.keys(wall, anew=anew))
    except Untrusted as error:
        raise _unbelieved(known, error.code) from error


def _unbelieved(known: Known, why: str) -> _Denied:
    said = f"What {known.name} answered cannot be believed, so nobody was logged in; try again, and if it stays so, "
    return _Denied(said + "tell whoever runs Appraise here.", "openid-unbelieved", why)


def _account(tx: Transaction, known: Known, claims: Mapping[str, Any], now: dt.datetime) -> Row[Any]:
    """Return the account of who is named; only one that was made here before, of somebody who is still here."""
    on = today(tx, now)
    person = _person(tx, known.claim, claims, on)
    account = None if person is None else tx.first(_ACCOUNT, {"person": person})
    if account is None:
        why = "nobody" if person is None else "no-account"
    elif account.disabled_at is not None or account.erased_at is not None:
        why = "disabled"
    elif account.left is not None and account.left < on:
        why = "left"
    else:
        return account
    said = f"{known.name} knows you, but there is nobody here who may log in by that; ask HR for an account."
    raise _Denied(said, "openid-nobody", why, person)


def _person(tx: Transaction, claim: str, claims: Mapping[str, Any], on: dt.date) -> int | None:
    named = claims.get(claim)
    if not isinstance(named, str) or not named:
        return None
    if claim != EMAIL:
        rows = tx.all(_BY_NUMBER, {"number": named})
    elif claims.get("email_verified") is True:
        rows = tx.all(_BY_EMAIL, {"email": named.lower(), "on": on})
    else:
        rows = ()
    # An address that two people share says of neither who he is.
    return int(rows[0].person_id) if len(rows) == 1 else None


def _done(
    uow: UnitOfWork, account: Row[Any], flow: Mapping[str, Any], answer: Answer, *, attempt: int, now: dt.datetime
) -> Ended:
    with uow.write() as tx:
        again = tx.first(_ACCOUNT, {"person": account.person_id})
        if again is None or again.disabled_at is not None:
            raise _Denied("The account was changed at this moment; log in again.", "openid-nobody", "disabled")
        if not flow["session"]:
            login_throttle.forget(tx, attempt)
            begun = sessions.open_session(tx, account.id, account.person_id, before=answer.secret, now=now, by="openid")
            return Ended(flow["target"], session=begun)
        if _digest(answer.secret) != flow["session"] or sessions.holder(tx, answer.secret) != account.person_id:
            said = "This is another person, or another login, than the one that was asked; nothing was confirmed."
            raise _Denied(said, "openid-other", "other-person")
        login_throttle.forget(tx, attempt)
        person = {"person": account.person_id, "by": "openid"}
        append_event(tx, sessions.STREAM, "login-confirmed", actor=Actor(account.person_id), at=now, payload=person)
        fact = {"session": flow["session"], "at": wall_time(tx).timestamp()}
    return Ended(flow["target"], confirmed=seal(uow.keys, _CONFIRMED, fact))


def confirmed(uow: UnitOfWork, *, kept: str | None, session: str | None) -> bool:
    """Tell whether the holder of a session has just shown again who he is, by what his browser keeps."""
    fact = unsealed(uow.keys, _CONFIRMED, kept)
    if fact is None or not session or fact["session"] != _digest(session):
        return False
    with uow.read() as tx:
        return wall_time(tx).timestamp() - float(fact["at"]) <= CONFIRMED_MINUTES * 60


def _digest(session: str | None) -> str:
    return digest_of(session) if session else ""


def _made(secret: str, name: str) -> str:
    """Return one of the values that belong to a login: of 64 characters that nobody can guess."""
    return hmac.new(secret.encode(), name.encode(), "sha256").hexdigest()
