"""The doctor before a real Redis: each thing that can be wrong with it is made wrong, and the sentence says what."""

import datetime as dt
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.doctor_answers import Answer, Patient
from config.doctor_broker import broker
from config.mail_sink import free_port
from config.settings import load_settings
from tests.servers import redis_server
from tests.servers.redis_server import Installation, Server


@contextmanager
def running(found: Installation | None = None, *, password: bool = True, **settings: str) -> Iterator[Server]:
    changed = {name.replace("_", "-"): value for name, value in settings.items()}
    server = Server(found or redis_server.installations()[0], settings=changed, password=password).start()
    try:
        yield server
    finally:
        server.close()


def asked(url: str, ahead: dt.timedelta = dt.timedelta()) -> Answer:
    settings = load_settings({"data_dir": Path("data"), "broker_url": url})
    return broker(Patient(settings, dt.datetime.now(dt.UTC) + ahead))


@pytest.mark.parametrize("found", redis_server.installations(), ids=str)
def test_a_sound_redis_is_good(found: Installation) -> None:
    with running(found) as server:
        answer = asked(server.url)
    assert answer.state.value == "good"
    assert answer.says.endswith(
        f"at 127.0.0.1:{server.port} answers. It asks for a password, keeps what it is given and throws nothing away."
    )


@pytest.mark.parametrize(
    ("name", "value", "says", "mend"),
    [
        ("appendonly", "no", "With appendonly no it forgets every ring when it is killed.", "appendonly yes"),
        ("appendfsync", "no", "With appendfsync no it leaves it to chance what it keeps.", "appendfsync everysec"),
        (
            "maxmemory_policy",
            "allkeys-lru",
            "With maxmemory-policy allkeys-lru it throws rings away when it is full.",
            "maxmemory-policy noeviction",
        ),
    ],
)
def test_a_redis_that_forgets_or_throws_away(name: str, value: str, says: str, mend: str) -> None:
    with running(**{name: value}) as server:
        answer = asked(server.url)
    assert answer.state.value == "fault"
    assert says in answer.says
    assert answer.mend == f"Set `{mend}` in redis.conf."


def test_clocks_that_differ_by_an_hour() -> None:
    with running() as server:
        ahead = asked(server.url, dt.timedelta(hours=1))
        behind = asked(server.url, dt.timedelta(hours=-1))
    assert "The machine's clock is 3600 seconds ahead of its clock." in ahead.says
    assert "The machine's clock is 3600 seconds behind its clock." in behind.says
    assert ahead.mend == "Let all machines take the time from one server (NTP)."


def test_without_a_password_it_is_a_note_on_this_machine_and_a_fault_on_a_network() -> None:
    with running(password=False) as server:
        here = asked(server.url)
    assert here.state.value == "note"
    assert here.says.endswith("answers. It asks for no password.")
    with running(password=False, bind="0.0.0.0", protected_mode="no") as server:  # noqa: S104 - the case
        there = asked(f"redis://{_own_address()}:{server.port}/0")
    assert there.state.value == "fault"
    assert "It asks for no password, so anybody who reaches it may ring, or fill it." in there.says
    assert there.mend == "Set requirepass."


def _own_address() -> str:
    """Return an address of this machine that is not the loopback; asking for the way sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def test_a_wrong_password_a_wrong_address_and_something_else() -> None:
    with running() as server:
        wrong = asked(f"redis://:no@127.0.0.1:{server.port}/0")
        none = asked(f"redis://127.0.0.1:{server.port}/0")
    for answer in (wrong, none):
        assert answer.says == f"The broker at 127.0.0.1:{server.port} does not take our password."
        assert answer.mend == "Correct it in APPRAISE_BROKER_URL."
    port = free_port()
    away = asked(f"redis://127.0.0.1:{port}")
    assert away.says.startswith(f"The broker at 127.0.0.1:{port} does not answer (")
    assert away.mend == "Start Redis, or correct APPRAISE_BROKER_URL."
    with _web_server() as other:
        answer = asked(f"redis://127.0.0.1:{other}")
    assert answer.says == f"What answers at 127.0.0.1:{other} is no Redis."


@contextmanager
def _web_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
