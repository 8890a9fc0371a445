"""Whether an identity token may be believed: signed by the provider, for us, now, and for this one login.

The checks are those of OpenID Connect Core 1.0, 3.1.3.7, in its order; signatures, audience and moments by PyJWT.
"""

import datetime as dt
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

ALGORITHMS: Mapping[str, frozenset[str]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""How a token may be signed, by the kind of the key: neither `none` nor with a secret that a public key would be."""
LEEWAY = dt.timedelta(seconds=60)
"""How far the clocks of the provider and of this machine may lie apart."""
LONGEST_TOKEN = 64 * 1024
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


class Untrusted(Exception):  # noqa: N818 - it is what a token is
    """A token is not believed; `code` says which check it failed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say. `begun` is when this login began, `wall` is now.

    With `again` the person must have shown who he is since then, and not only be known to the provider from before.
    """

    issuer: str
    client: str
    nonce: str
    begun: dt.datetime
    wall: dt.datetime
    again: bool = False


Keys = Callable[[bool], Sequence[Mapping[str, Any]]]
"""What returns the public keys of the provider; asked with True it looks for new ones."""


def believed(token: str, expected: Expected, keys: Keys) -> Mapping[str, Any]:
    """Return the claims of an identity token.

    Raises:
        Untrusted: it fails a check.
    """
    if len(token) > LONGEST_TOKEN:
        raise Untrusted("size")
    try:
        header = jwt.get_unverified_header(token)
        key = _key(header, keys)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=expected.client,
            issuer=expected.issuer,
            leeway=LEEWAY,
            options={"require": REQUIRED, "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        raise Untrusted(_CODES.get(type(error), "token")) from error
    _demand_ours(claims, expected)
    return claims


_CODES: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not-yet",
    jwt.InvalidAudienceError: "audience",
    jwt.InvalidIssuerError: "issuer",
    jwt.InvalidAlgorithmError: "algorithm",
    jwt.InvalidSignatureError: "signature",
    jwt.MissingRequiredClaimError: "claim-missing",
}


def _key(header: Mapping[str, Any], keys: Keys) -> jwt.PyJWK:
    """Return the key that a token names, bound to the algorithm it names; the keys may be newer than those known."""
    algorithm = header.get("alg")
    if not any(algorithm in allowed for allowed in ALGORITHMS.values()):
        raise Untrusted("algorithm")
    for anew in (False, True):
        fitting = [key for key in keys(anew) if _fits(key, str(algorithm), header.get("kid"))]
        if len(fitting) == 1:
            return jwt.PyJWK(dict(fitting[0]), str(algorithm))
    raise Untrusted("key")


def _fits(key: Mapping[str, Any], algorithm: str, name: object) -> bool:
    return (
        (name is None or key.get("kid") == name)
        and algorithm in ALGORITHMS.get(str(key.get("kty")), ())
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and "d" not in key
    )


def _demand_ours(claims: Mapping[str, Any], expected: Expected) -> None:
    party = claims.get("azp")
    if party != expected.client and (party is not None or (isinstance(claims["aud"], list) and len(claims["aud"]) > 1)):
        raise Untrusted("party")
    if not hmac.compare_digest(str(claims.get("nonce")).encode(), expected.nonce.encode()):
        raise Untrusted("nonce")
    if not _within(claims["iat"], expected):
        raise Untrusted("issued-at")
    if expected.again and not _within(claims.get("auth_time"), expected):
        raise Untrusted("auth-time")


def _within(moment: object, expected: Expected) -> bool:
    """Tell whether a moment lies between the beginning of this login and now."""
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        return False
    return (expected.begun - LEEWAY).timestamp() <= moment <= (expected.wall + LEEWAY).timestamp()
