"""A receiver of webhooks on the loopback: it answers as it is told to and keeps what it was sent."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

TOOK = b"HTTP/1.1 204 No Content\r\n\r\n"
NOTHING = b""
"""An answer that closes the connection without a word."""


def status(number: int, *headers: str) -> bytes:
    """Return an answer with a status and no body."""
    return "\r\n".join([f"HTTP/1.1 {number} Said", "Content-Length: 0", *headers, "", ""]).encode()


@dataclass
class Request:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """What the body says."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def signed_by(self, key: str) -> bool:
        """Tell whether the signature is that of a key as its receiver is given it (Standard Webhooks 1.0)."""
        secret = base64.b64decode(key.removeprefix("whsec_"))
        said = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        mac = base64.b64encode(hmac.new(secret, said, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{mac}"


@dataclass
class Receiver:
    """The receiver: the address it listens at, what comes next as an answer, and all it was sent."""

    listener: socket.socket
    answers: list[bytes | None] = field(default_factory=list)
    got: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    meanwhile: Callable[[], object] = lambda: None
    """What happens between a request and its answer."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook?from=appraise"

    def names(self) -> list[str]:
        """Return the names of the events, in the order they came."""
        return [one.headers["webhook-id"] for one in self.got]

    def kinds(self) -> list[str]:
        """Return the kinds of the events, in the order they came."""
        return [one.told["type"] for one in self.got]

    def serve(self) -> None:
        """Take one request after the other until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.got.append(_read(connection))
                self.meanwhile()
                answer = self.answers.pop(0) if self.answers else TOOK
                if answer is None:
                    self.over.wait(30)  # it answers nothing for as long as the test goes on
                else:
                    connection.sendall(answer)


def _read(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in fields)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return Request(line, headers, body)


@contextmanager
def receiver(*answers: bytes | None) -> Iterator[Receiver]:
    """Yield a receiver that gives these answers, None for none at all, and from then on takes everything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = Receiver(listener, list(answers))
        thread = threading.Thread(target=one.serve, daemon=True)
        thread.start()
        try:
            yield one
        finally:
            one.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(30)
