"""Keys of requests: the same request twice under one key is done once, and answered the second time as the first.

Who asks names his request by a key of his own: a program that repeats it because it never heard the answer, a person
who is told that the database broke off. The key is kept in the transaction of what was done, with a digest of what was
asked and the answer; it is the asker's own, so nobody learns from another's. What was refused leaves no key, and may be
tried again under the same. `services.unit_of_work` asks for all of this in one place, for every use case.
"""

import dataclasses
import datetime as dt
import functools
import hashlib
import typing
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.columns import UtcDateTime, table_of
from models.people import RequestKey
from scoring.canonical import canonical
from services.actors import Actor
from services.errors import Conflict, Malformed

T = TypeVar("T")
REQUEST_KEY = table_of(RequestKey)
KEPT = dt.timedelta(days=7)
"""How long a key is known; the first planning of a day forgets those that are older."""

LONGEST_KEY = 100

_MINE = (REQUEST_KEY.c.person_id == bindparam("asker"), REQUEST_KEY.c.key == bindparam("asked"))


def _claim(module: Any) -> Any:
    statement = module.insert(REQUEST_KEY).values(
        key=bindparam("asked"),
        person_id=bindparam("asker"),
        request_digest=bindparam("digest"),
        answer=None,
        created_at=bindparam("at", type_=UtcDateTime()),
    )
    return statement.on_conflict_do_nothing(index_elements=["person_id", "key"])


CLAIM = {"sqlite": _claim(sqlite), "postgresql": _claim(postgresql)}
"""Takes a key and touches a row, or touches none where it is taken; on PostgreSQL it waits for who is taking it."""

FIND = select(REQUEST_KEY.c.request_digest, REQUEST_KEY.c.answer).where(*_MINE)
ANSWER = update(REQUEST_KEY).where(*_MINE).values(answer=bindparam("answer"))
FORGET = delete(REQUEST_KEY).where(REQUEST_KEY.c.created_at < bindparam("before", type_=UtcDateTime()))


@dataclass(frozen=True, slots=True)
class Request:
    """One request under a key: who asks, a digest of what for, when."""

    key: str
    asker: int
    digest: str
    at: dt.datetime

    @classmethod
    def of(cls, kind: str, key: str, given: Mapping[str, Any]) -> Self:
        """Make the request to a use case from what it is given, `actor` and `now` among it.

        Raises:
            Malformed: the key is none, or nobody asks.
        """
        if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable() or key.isspace():
            raise Malformed(
                f"A request key has 1 to {LONGEST_KEY} characters, all of them to be seen; choose another.", "bad-key"
            )
        actor, now = given.get("actor"), given.get("now")
        if not isinstance(actor, Actor) or actor.actor_id is None or not isinstance(now, dt.datetime):
            raise Malformed("Only what a person asks for has a request key; leave it out.", "no-asker")
        # What is left out is the same as what is given as nothing; who asks when is no part of what he asks.
        asked = {name: value for name, value in given.items() if name not in {"actor", "now"} and value is not None}
        content = {"kind": kind, "for": actor.person_id, "asked": _exactly(asked)}
        return cls(key, actor.actor_id, hashlib.sha256(canonical(content)).hexdigest(), now)

    @property
    def values(self) -> dict[str, Any]:
        """What the statements above take."""
        return {"asked": self.key, "asker": self.asker, "digest": self.digest, "at": self.at}

    def answered(self, function: Callable[..., T], kept: Row[Any]) -> T:
        """Return again what `function` returned when this was first asked, from what `FIND` found.

        Raises:
            Conflict: something else was asked under this key.
        """
        if kept.request_digest != self.digest:
            raise Conflict(
                f"The request key {self.key} stands for another request of yours, so nothing was written; "
                "take a new key for a new request.",
                "other-request",
            )
        before: T = _returned(function).validate_json(kept.answer)
        return before

    def answer(self, function: Callable[..., Any], result: Any) -> str:
        """Return what `function` returned as it is kept, in JSON."""
        return _returned(function).dump_json(result).decode()


@functools.cache
def _returned(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """Return what reads and writes the results of a use case, by the type that it says it returns."""
    return TypeAdapter(typing.get_type_hints(function)["return"])


def _exactly(value: Any) -> Any:
    """Return an argument as JSON holds it, so that what is the same is written the same.

    Raises:
        TypeError: it is of a kind that no use case has taken so far.
    """
    if isinstance(value, Enum):
        return _exactly(value.value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Fraction | dt.date | Path):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value):
        return {field.name: _exactly(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _exactly(inner) for name, inner in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((_exactly(inner) for inner in value), key=canonical)
    if isinstance(value, list | tuple):
        return [_exactly(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} cannot be asked for under a request key")
