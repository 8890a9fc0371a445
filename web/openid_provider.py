"""An OpenID provider as it is spoken to: its description, its keys, and the exchange of a code for an identity token.

OpenID Connect Core and Discovery 1.0, RFC 6749, 7636 (PKCE) and 9207. It knows nothing of the database. Each answer is
bounded in size and time; redirects are not followed, and no proxy of the environment is used.
"""

import base64
import datetime as dt
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from services.errors import Environment, Refused

KEPT = dt.timedelta(minutes=10)
"""How long description and keys are used before they are asked for again; an unknown key is asked for at once."""
PAUSE = dt.timedelta(seconds=5)
"""How long nobody asks again a provider that did not answer: each would wait for the time-out."""
LARGEST = 1024 * 1024
"""Bytes of an answer."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_WELL_KNOWN = "/.well-known/openid-configuration"
_FORM = "application/x-www-form-urlencoded"
_NOT_HERE = frozenset({"invalid_client", "unauthorized_client"})
"""What it answers when the settings are wrong and nobody can log in (RFC 6749, 5.2)."""


@dataclass(frozen=True, slots=True)
class Client:
    """What we are to a provider. `name` is how people know it, `claim` says who somebody is; `timeout` in seconds."""

    issuer: str
    client: str
    secret: str | None = field(repr=False)
    name: str
    claim: str = "email"
    scopes: str = "openid email"
    timeout: float = 5.0
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What a provider says of itself."""

    login: str
    token: str
    keys: str
    names_itself: bool
    takes_basic: bool


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: an answer comes from the place that was asked, or there is none."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse."""


class Provider:
    """One provider. What it said is remembered for a while, in this process; threads may share it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        context = ssl.create_default_context(cafile=client.ca_file)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _Straight()
        )
        # Each is a whole that is put in place at once: two threads at the same moment ask twice and agree.
        self._described: tuple[dt.datetime, Description] | None = None
        self._keys: tuple[dt.datetime, tuple[Mapping[str, Any], ...]] | None = None
        self._silent_since: dt.datetime | None = None

    def description(self, wall: dt.datetime) -> Description:
        """Return what the provider says of itself.

        Raises:
            Environment: it does not answer, or says something that cannot be used.
        """
        if self._described is None or wall - self._described[0] > KEPT:
            self._described = (wall, self._read(self._ask(self.client.issuer.rstrip("/") + _WELL_KNOWN, wall)))
        return self._described[1]

    def names_itself(self, wall: dt.datetime) -> bool:
        """Tell whether each of its answers to a browser says from whom it is (RFC 9207).

        Raises:
            Environment: it does not answer, or says something that cannot be used.
        """
        return self.description(wall).names_itself

    def keys(self, wall: dt.datetime, *, anew: bool = False) -> tuple[Mapping[str, Any], ...]:
        """Return its public keys (RFC 7517); `anew` when one is missing that a token names.

        Raises:
            Environment: it does not answer, or says something that cannot be used.
        """
        if anew or self._keys is None or wall - self._keys[0] > KEPT:
            found = self._ask(self.description(wall).keys, wall).get("keys")
            if not isinstance(found, list):
                raise self._unusable("its keys")
            self._keys = (wall, tuple(key for key in found if isinstance(key, dict)))
        return self._keys[1]

    def login_address(self, wall: dt.datetime, **asked: str) -> str:
        """Return where a browser logs in.

        Raises:
            Environment: the provider does not answer, or says something that cannot be used.
        """
        place = self.description(wall).login
        values = {"response_type": "code", "client_id": self.client.client, "scope": self.client.scopes, **asked}
        return f"{place}{'&' if '?' in place else '?'}{urlencode(values)}"

    def exchange(self, wall: dt.datetime, *, code: str, verifier: str, redirect: str) -> str:
        """Return the identity token for a code, which then works no more.

        Raises:
            Refused: the provider does not take the code.
            Environment: it does not answer, does not know us, or says something that cannot be used.
        """
        described = self.description(wall)
        values = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        headers = {"content-type": _FORM}
        name, secret = self.client.client, self.client.secret
        if secret is not None and described.takes_basic:
            pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            values |= {"client_id": name} | ({} if secret is None else {"client_secret": secret})
        token = self._ask(described.token, wall, urlencode(values).encode(), headers).get("id_token")
        if not isinstance(token, str):
            raise self._unusable("its answer to a login")
        return token

    def _read(self, said: Mapping[str, Any]) -> Description:
        if said.get("issuer") != self.client.issuer:
            raise self._unusable("its own name, which is not that of the setting APPRAISE_OPENID_ISSUER,")
        places = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        login, token, keys = (self._demand_safe(place) for place in places)
        ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        names_itself = said.get("authorization_response_iss_parameter_supported") is True
        return Description(login, token, keys, names_itself, isinstance(ways, list) and "client_secret_basic" in ways)

    def _demand_safe(self, place: object) -> str:
        if not isinstance(place, str) or not safe(place) or (place[:5] == "http:" != self.client.issuer[:5]):
            raise self._unusable("one of its addresses")
        return place

    def _ask(
        self, place: str, wall: dt.datetime, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Ask and return the object that is answered; `place` is a setting or was looked at."""
        if self._silent_since is not None and wall - self._silent_since < PAUSE:
            raise self._silent()
        asked = urllib.request.Request(place, body, {"accept": "application/json", **(headers or {})})  # noqa: S310
        try:
            with self._opener.open(asked, timeout=self.client.timeout) as answer:
                content = answer.read(LARGEST + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error, wall, of_code=body is not None) from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise self._unusable("its certificate") from error
            self._silent_since = wall
            raise self._silent() from error
        self._silent_since = None
        return self._object(content)

    def _object(self, content: bytes) -> Mapping[str, Any]:
        try:
            said = json.loads(content) if len(content) <= LARGEST else None
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise self._unusable("its answer")
        return said

    def _refusal(self, error: urllib.error.HTTPError, wall: dt.datetime, *, of_code: bool) -> Refused | Environment:
        if error.code not in range(400, 500):
            self._silent_since = wall
            return self._silent()
        try:
            said = json.loads(error.read(LARGEST)).get("error")
        except (ValueError, AttributeError, OSError, RecursionError):
            said = None
        if not of_code or said in _NOT_HERE:
            return self._unusable("a refusal: the settings APPRAISE_OPENID_* do not fit it; its answer")
        return Refused(f"{self.client.name} does not take this login any more; begin it again.", "openid-code")

    def _silent(self) -> Environment:
        return Environment(
            f"{self.client.name} does not answer at the moment, so nobody can log in by it; try again in a minute.",
            "openid-silent",
        )

    def _unusable(self, what: str) -> Environment:
        return Environment(
            f"{self.client.name} cannot be used to log in: {what} is not as it must be; tell whoever runs Appraise "
            "here.",
            "openid-unusable",
        )


def safe(place: str) -> bool:
    """Tell whether an address goes over https, or stays on this machine; without user, fragment or space."""
    try:
        parts = urlsplit(place)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.fragment or parts.username is not None or not place.isprintable() or " " in place:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
