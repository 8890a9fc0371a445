"""Passwords: what one must be like, its Argon2 hash, and whether a typed one fits."""

import functools

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from services.errors import Malformed

SHORTEST, LONGEST = 10, 200
"""Characters of a password."""


@functools.cache
def _hasher() -> PasswordHash:
    # The second choice of the OWASP cheat sheet: 19 MiB each, so that many at once do not fill the memory.
    return PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


@functools.cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")


def hashed(password: str, *, number: str, name: str) -> str:
    """Return the hash of a new password.

    Raises:
        Malformed: it is too short, too long, or is the person's number or name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Malformed(
            f"A password has {SHORTEST} to {LONGEST} characters and this one has {len(password)}; "
            "three or four words make a good one.",
            "password-length",
        )
    if password.casefold() in {number.casefold(), name.casefold()} or len(set(password)) <= SHORTEST // 3:
        raise Malformed(
            "This password is guessed at once; take three or four words that are not about you.", "password"
        )
    return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one of a hash; where there is none it takes just as long and is not."""
    try:
        fitting = _hasher().verify(password[: LONGEST + 1], kept or _nobodys())
    except PwdlibError:
        return False
    return fitting and kept is not None
