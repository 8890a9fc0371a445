"""A mail server that keeps every mail as a file and sends nothing on: for the demonstration, trials and tests."""

import hashlib
import itertools
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"


class Folder:
    """Writes each mail it takes into a folder, as `0001-DIGEST.eml`, with the envelope's recipients on top."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._numbers = itertools.count(1 + len(list(folder.glob("*.eml"))))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep the mail and accept it."""
        content = envelope.original_content or b""
        name = f"{next(self._numbers):04}-{hashlib.sha256(content).hexdigest()[:8]}.eml"
        draft = self.folder / f".{name}"
        recipients = "".join(f"X-Envelope-To: {address}\r\n" for address in envelope.rcpt_tos)
        draft.write_bytes(recipients.encode() + content)
        draft.rename(self.folder / name)
        return "250 Kept"


class MailSink:
    """A running sink, by default on the loopback; use it in a `with`."""

    def __init__(self, folder: Path, port: int | None = None, handler: Any = None, host: str = LOOPBACK) -> None:
        self.folder = folder
        self.port = port if port is not None else free_port()
        self.host = host
        self._handler = handler or Folder(folder)
        self._controller: Controller | None = None

    def start(self) -> Self:
        """Listen; return at once when it answers.

        Raises:
            OSError: the port is taken.
        """
        # Asked here, since the library waits for seconds before it says that it cannot listen.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((self.host, self.port))
        self._controller = Controller(self._handler, hostname=self.host, port=self.port)
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stop listening."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now; the server library cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
