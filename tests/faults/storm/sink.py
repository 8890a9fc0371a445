"""A mail server that keeps what it takes and misbehaves as it is told: `python -m tests.faults.storm.sink FOLDER PORT`.

How it behaves stands in the file `manner` of the folder, which it reads anew at each command, so that whoever writes
the file needs no connection. Each mail that it takes becomes a file before it is answered: these are its record, and
they outlive it. It imports nothing of the product.
"""

import asyncio
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

GOOD = "good"
BEFORE_TEXT = {"refuse": "421 Not now", "busy": "450 Mailbox busy", "never": "550 No such mailbox"}
"""Manners that answer before the text, and how."""
KEPT = {"kept-mute", "kept-gone", "kept-left"}
"""Manners that take the mail and then never answer, close without an answer, or answer 250 and close."""
MANNERS = (GOOD, *BEFORE_TEXT, "hangs", "full", "gone", "nonsense", *sorted(KEPT))
NOTICES = "X-Appraise-Notices"


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail that the sink took: under which Message-ID, what notices it held, and when (nanoseconds)."""

    name: str
    notices: tuple[str, ...]
    at: int


def behave(folder: Path, manner: str) -> None:
    """Let the sink of a folder behave in some manner from its next command on."""
    draft = folder / "manner.new"
    draft.write_text(manner)
    draft.replace(folder / "manner")


def record(folder: Path) -> list[Taken]:
    """Return every mail that the sink of a folder has taken, oldest first."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        letter = message_from_bytes(path.read_bytes())
        name = str(letter["Message-ID"]).strip("<>").partition("@")[0]
        notices = tuple(str(letter[NOTICES] or "").split()) or (name,)
        found.append(Taken(name, notices, int(path.stem.partition("-")[0])))
    return found


def count(folder: Path) -> int:
    """Return how many mails the sink of a folder has taken."""
    return sum(1 for _ in folder.glob("*.eml"))


class Moody:
    """What aiosmtpd asks at each command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def _manner(self) -> str:
        return (self._folder / "manner").read_text()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender, or say 421."""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return BEFORE_TEXT["refuse"] if self._manner() == "refuse" else "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, refuse him, or never answer."""
        manner = self._manner()
        if manner == "hangs":
            await asyncio.Event().wait()
        if manner in BEFORE_TEXT:
            return BEFORE_TEXT[manner]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep the text and say so, or do one of the two, or neither."""
        manner = self._manner()
        if manner in KEPT | {GOOD}:
            self._keep(envelope.original_content or b"")
        if manner == "full":
            return "452 No room"
        if manner == "nonsense":
            return "999 Perhaps"
        if manner == "kept-mute":
            await asyncio.Event().wait()
        if manner in {"gone", "kept-gone"}:
            server.transport.abort()
        if manner == "kept-left":
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return "250 Kept"

    def _keep(self, text: bytes) -> None:
        name = f"{time.time_ns():020}-{os.getpid()}-{next(self._numbers)}"
        draft = self._folder / f".{name}"
        draft.write_bytes(text)
        draft.rename(self._folder / f"{name}.eml")


def main(arguments: Iterable[str]) -> None:
    """Listen until a signal comes."""
    folder, port = arguments
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    controller = Controller(Moody(Path(folder)), hostname="127.0.0.1", port=int(port))
    controller.start()
    stop.wait()
    controller.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
