"""A webhook leads to another system and never behind our own walls, however its address is written."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from services.errors import Malformed, Refused
from services.webhook_addresses import NotReachable, Target, demand_allowed, is_public, resolved, target_of
from services.webhook_wire import NoAnswer, post
from tests.services.certificates import make_certificate
from tests.services.receiving import TOOK, receiver


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hr.example.org",
        "ftp://hr.example.org/",
        "file:///etc/passwd",
        "https://",
        "https://who:secret@hr.example.org/",
        "https://hr.example.org@127.0.0.1/",
        "https://hr.example.org/#part",
        "https://hr.example.org:port/",
        "https://hr.example.org:99999/",
        "https://[::1/",
        "https://hr.example.org/a b",
        "https://hr.example.org/\r\nHost: other",
        "https://hr.example.org/ü",
        "https://hr.example.org/" + "a" * 2000,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Malformed, match="no address that a webhook can have"):
        target_of(url)


def test_an_address_is_taken_apart() -> None:
    assert target_of("https://hr.example.org") == Target("https", "hr.example.org", 443, "/")
    assert target_of("http://[::1]:8080/a?b=c") == Target("http", "::1", 8080, "/a?b=c")
    assert target_of("http://[::1]:8080/a").authority == "[::1]:8080"
    assert target_of("https://hr.example.org:443/a").authority == "hr.example.org"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - it is refused
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_an_address_of_this_machine_or_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Refused, match="APPRAISE_WEBHOOK_PRIVATE"):
        demand_allowed(target_of(f"https://{host}/"), private=False)
    demand_allowed(target_of(f"http://{host}/"), private=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_an_address_of_the_public_network_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_without_https_only_private_addresses_are_told() -> None:
    with pytest.raises(Refused, match="https://"):
        demand_allowed(target_of("http://hr.example.org/"), private=False)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1", "017700000001"])
def test_a_name_or_a_number_that_leads_to_this_machine_is_found_out_when_it_is_used(host: str) -> None:
    with receiver() as other:
        target = Target("http", host, other.port, "/")
        with pytest.raises(NotReachable) as raised:
            post(target, {}, b"{}", private=False, seconds=5)
        assert raised.value.code in {"private-address", "unknown-host"}
        assert other.got == []


def test_a_name_that_nobody_knows_is_not_reachable() -> None:
    with pytest.raises(NotReachable) as raised:
        resolved(Target("https", "no-such-host.invalid", 443, "/"), private=False)
    assert raised.value.code == "unknown-host"


def test_who_takes_no_connection_or_no_handshake_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotReachable) as raised:
        post(Target("http", "127.0.0.1", port, "/"), {}, b"{}", private=True, seconds=5)
    assert raised.value.code == "no-connection"


def test_the_certificate_must_be_good_for_the_name_and_signed_by_whom_we_trust(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener, context), daemon=True)
        thread.start()
        here = Target("https", "127.0.0.1", listener.getsockname()[1], "/")
        assert post(here, {}, b"{}", private=True, seconds=5, ca_file=certificate) == 204
        for target, trusted in ((here, None), (Target("https", "localhost", here.port, "/"), certificate)):
            with pytest.raises(NotReachable) as raised:
                post(target, {}, b"{}", private=True, seconds=5, ca_file=trusted)
            assert raised.value.code == "bad-certificate"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(30)


def greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Answer whoever comes, over TLS, until nobody is let in any more."""
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(TOOK)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2"])
def test_an_answer_that_comes_in_drops_has_one_time_for_all_of_it(said: bytes) -> None:
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(said)
            while said and not over.wait(0.01):
                connection.sendall(b"0")
            over.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        target = Target("http", "127.0.0.1", listener.getsockname()[1], "/")
        began = time.monotonic()
        with pytest.raises(NoAnswer) as raised:
            post(target, {}, b"{}", private=True, seconds=0.3)
        assert raised.value.code == "timeout"
        assert time.monotonic() - began < 5
        over.set()
    thread.join(30)
