"""The doctor's check of Redis: that it answers, asks for a password, keeps what it is given, throws nothing away."""

import datetime as dt
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Silent

from config.doctor_answers import Answer, Patient, fault, good, note

FLOOR = (6, 2)
SKEW = dt.timedelta(minutes=1)
_SECONDS = 5.0
_PORT = 6379
_WANTED = (
    ("appendonly", {"yes"}, "forgets every ring when it is killed", "appendonly yes"),
    ("appendfsync", {"everysec", "always"}, "leaves it to chance what it keeps", "appendfsync everysec"),
    ("maxmemory-policy", {"noeviction"}, "throws rings away when it is full", "maxmemory-policy noeviction"),
)
"""A setting, its right values, what it does with any other, and the line that mends it (G18)."""


def broker(patient: Patient) -> Answer:
    """Ask Redis for an answer and for its settings; a broker in memory needs none."""
    settings = patient.settings
    if settings.embedded:
        if settings.worker:
            return good("The workers are threads of `appraise up`; no broker is needed.")
        return note("No worker runs in this process, since APPRAISE_WORKER is off.", "Set it to on to run jobs here.")
    address = urlsplit(settings.broker_url)
    place = f"{address.hostname}:{address.port or _PORT}"
    try:
        with _connected(settings.broker_url) as client:
            return _examined(client, place, patient.now, is_open=not address.password)
    except (AuthenticationError, NoPermissionError):
        return fault(f"The broker at {place} does not take our password.", "Correct it in APPRAISE_BROKER_URL.")
    except ResponseError as error:
        if "auth" in str(error).lower():
            return fault(f"The broker at {place} does not take our password.", "Correct it in APPRAISE_BROKER_URL.")
        return fault(f"The broker at {place} refuses to answer ({error}).", "Correct APPRAISE_BROKER_URL.")
    except (Unreachable, Silent) as error:
        return fault(f"The broker at {place} does not answer ({_reason(error)}).", _START)
    except RedisError:
        return fault(f"What answers at {place} is no Redis.", "Correct APPRAISE_BROKER_URL.")


_START = "Start Redis, or correct APPRAISE_BROKER_URL."


@contextmanager
def _connected(url: str) -> Iterator[Redis]:
    client = Redis.from_url(url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS, retry=None)
    try:
        yield client
    finally:
        client.close()


def _examined(client: Redis, place: str, now: dt.datetime, *, is_open: bool) -> Answer:
    client.ping()
    facts = client.info("server")
    version = str(facts["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < FLOOR:
        return fault(f"The broker at {place} is Redis {version}.", "Install Redis 6.2 or newer.")
    said = f"Redis {version} at {place} answers."
    wrong = [*_skewed(client, now), *_unsafe(client)]
    if is_open and not _is_loopback(place):
        wrong.append(("It asks for no password, so anybody who reaches it may ring, or fill it.", "Set requirepass."))
    if wrong:
        return fault(" ".join((said, *(text for text, _ in wrong))), " ".join(mend for _, mend in wrong))
    if is_open:
        return note(
            f"{said} It asks for no password.", "Set requirepass in redis.conf and put it in APPRAISE_BROKER_URL."
        )
    return good(f"{said} It asks for a password, keeps what it is given and throws nothing away.")


def _unsafe(client: Redis) -> Iterator[tuple[str, str]]:
    """Yield what is set otherwise than it must be; a server that shows no settings is believed."""
    try:
        shown = cast("dict[str, str]", client.config_get("*"))
    except ResponseError:
        return
    for name, right, does, line in _WANTED:
        value = shown.get(name)
        if value is not None and value not in right:
            yield f"With {name} {value} it {does}.", f"Set `{line}` in redis.conf."


def _skewed(client: Redis, now: dt.datetime) -> Iterator[tuple[str, str]]:
    seconds, micros = client.time()
    skew = now - dt.datetime.fromtimestamp(seconds, dt.UTC) - dt.timedelta(microseconds=micros)
    if abs(skew) > SKEW:
        ahead = "ahead of" if skew > dt.timedelta() else "behind"
        text = f"The machine's clock is {abs(round(skew.total_seconds()))} seconds {ahead} its clock."
        yield text, "Let all machines take the time from one server (NTP)."


def _is_loopback(place: str) -> bool:
    host = place.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: BaseException) -> str:
    """Return the system's word for what happened, where it has one."""
    cause = error.__cause__ or error.__context__
    return (cause.strerror if isinstance(cause, OSError) else None) or str(error) or type(error).__name__
