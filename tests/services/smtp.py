"""Real mail servers that misbehave as told, for tests of the sender."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.mail_sink import LOOPBACK, MailSink
from services.mail import Sender
from services.mail_server import MailServer


class Server:
    """Takes mails into `mails`; answers each next command with what the test put into `answers`, by command.

    Before it answers a command it calls what the test put into `before`, once each.
    """

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.answers: dict[str, list[str]] = {}
        self.before: dict[str, list[Callable[[], None]]] = {}

    def _answer(self, command: str) -> str | None:
        for act in self.before.pop(command, ()):
            act()
        told = self.answers.get(command)
        return told.pop(0) if told else None

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer("MAIL") or "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._answer("RCPT")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        answer = self._answer("DATA")
        if answer is None or answer == "disconnect":
            self.mails.append(envelope.original_content or b"")
            self.recipients.append(list(envelope.rcpt_tos))
        if answer == "disconnect":
            assert server.transport is not None
            server.transport.abort()
        return answer or "250 Taken"

    def letters(self) -> list[EmailMessage]:
        """The mails taken, parsed."""
        return [message_from_bytes(mail, policy=policy.default) for mail in self.mails]  # type: ignore[misc]


@contextmanager
def running(server: Server, folder: Path) -> Iterator[Sender]:
    """Yield a sender that hands its mails to this server."""
    with MailSink(folder, handler=server) as sink:
        yield sender_to(sink.port)


def sender_to(port: int) -> Sender:
    """A sender to a port of the loopback."""
    server = MailServer(LOOPBACK, port, timeout=5)
    return Sender(server, "appraise@bank.example", "https://appraise.bank.example")
