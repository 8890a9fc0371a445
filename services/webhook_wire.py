"""One HTTP request over a connection of its own: the body of a webhook goes out, the status line comes back.

Of the answer nothing but its status counts, so nothing more of it is read. From the connection on all of it together
has one time-out, so that a receiver that answers a byte at a time holds nobody up. No redirect is followed.
"""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.webhook_addresses import NotReachable, Target, resolved

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_LARGEST_ANSWER = 16 * 1024
"""Bytes in which the status must have come."""
_INTERIM = range(100, 200)


class NoAnswer(Exception):  # noqa: N818 - it is what became of a delivery, and read as such
    """Nothing that can be read came back after the request went out: only the receiver knows whether he took it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def post(
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    *,
    private: bool,
    seconds: float,
    ca_file: Path | None = None,
) -> int:
    """Send `body` to an address and return the status of the answer.

    Args:
        target: where to.
        headers: what goes with it; names and values without line breaks.
        body: the bytes.
        private: whether addresses of private networks and of this machine may be used.
        seconds: how long the connection may take, and then all the rest together.
        ca_file: certificates that are trusted beside none of the machine's, where a file is given.

    Raises:
        NotReachable: no connection was made, or none may be made; nothing was sent.
        NoAnswer: the request went out, at least in part, and no status came back.
    """
    number = resolved(target, private=private)
    try:
        connection = _connected(target, number, seconds=seconds, ca_file=ca_file)
    except TimeoutError as error:
        raise NotReachable("timeout") from error
    except OSError as error:
        raise NotReachable("no-connection") from error
    with connection, _limited(connection, seconds) as over:
        if isinstance(connection, ssl.SSLSocket):
            try:
                connection.do_handshake()
            except OSError as error:
                late = over.is_set() or isinstance(error, TimeoutError)
                raise NotReachable("timeout" if late else "bad-certificate") from error
        try:
            connection.sendall(_request(target, headers, body))
            return _status(connection)
        except (OSError, NoAnswer) as error:
            if over.is_set() or isinstance(error, TimeoutError):
                raise NoAnswer("timeout") from error
            raise error if isinstance(error, NoAnswer) else NoAnswer("broken-off") from error


@contextmanager
def _limited(connection: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Break a connection off after so many seconds, whatever it is doing; yield what says whether that happened."""
    over = threading.Event()

    def break_off() -> None:
        over.set()
        with contextlib.suppress(OSError):
            # That of the plain socket: a TLS connection would first say goodbye.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def _connected(target: Target, number: str, *, seconds: float, ca_file: Path | None) -> socket.socket:
    context = ssl.create_default_context(cafile=ca_file) if target.scheme == "https" else None
    plain = socket.create_connection((number, target.port), timeout=seconds)
    if context is None:
        return plain
    return context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _status(connection: socket.socket) -> int:
    """Read up to the status of the answer, past those that only say that there will be one.

    Raises:
        NoAnswer: what comes is no HTTP, or too much of it.
        OSError: the connection broke.
    """
    got = b""
    while len(got) < _LARGEST_ANSWER:
        part = connection.recv(4096)
        got += part
        status, got = _first_of(got, whole=not part)
        if status is not None:
            return status
        if not part:
            break
    raise NoAnswer("nonsense" if got else "broken-off")


def _first_of(got: bytes, *, whole: bool) -> tuple[int | None, bytes]:
    """Return the first status that is an answer, and what is left to read; None while there is none.

    Raises:
        NoAnswer: what came is no HTTP.
    """
    while True:
        line, mark, _ = got.partition(b"\n")
        if not mark and not whole and len(line) < _LARGEST_ANSWER // 4:
            return None, got
        match = _STATUS.match(line + mark)
        if match is None:
            raise NoAnswer("nonsense" if got else "broken-off")
        status = int(match[1])
        if status not in _INTERIM:
            return status, got
        _, mark, rest = got.partition(b"\r\n\r\n")
        if not mark:
            return None, got
        got = rest
