"""One SMTP conversation: connect, name sender and recipient, hand the text over. It knows nothing of the database."""

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_OK = range(200, 300)
_GO_ON = 354
_FOR_GOOD = 5
_REFUSALS = (4, _FOR_GOOD)
"""First digits of an answer that certainly refuses: for now, and for good (RFC 5321, 4.2.1)."""
_ABOUT_THE_LOGIN = frozenset({530, 534, 535, 538})
"""Answers that refuse us and not the mail (RFC 4954, 6): with the settings mended it is taken."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes the mails, and how it is spoken to.

    `timeout` is in seconds, for each of its answers. Its certificate must be good for `host` and signed by somebody the
    machine trusts, or by one of those in `ca_file`.
    """

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"] = "none"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    ca_file: Path | None = None


class NotTaken(Exception):  # noqa: N818 - it is what became of a mail, and read as such
    """The server certainly did not take the mail. `final` when it would refuse it again (5xx)."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


class InDoubt(Exception):  # noqa: N818 - as above
    """The connection was lost after the text was handed over: only the server knows."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Conversation:
    """A connection that several mails go through, one after the other; made when it is first needed."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def hand_over(self, sender: str, recipient: str, text: bytes, ready: Callable[[], bool]) -> bool:
        """Hand one mail over. `ready` is called when nothing but the text is missing; False from it calls it off.

        Raises:
            NotTaken: the server or the network refused before the text was handed over, or the server refused it.
            InDoubt: the connection was lost between the text and the server's answer.
        """
        smtp = self._before_text(sender, recipient)
        if not ready():
            self._reset()
            return False
        self._command(smtp, "DATA", _GO_ON)
        try:
            smtp.send(_dotted(text))
            code, _ = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise InDoubt(type(error).__name__) from error
        if code in _OK:
            return True
        if code // 100 not in _REFUSALS:
            # What is neither a yes nor a no leaves open whether it took the text.
            self.close()
            raise InDoubt(_code(code))
        self._reset()
        raise NotTaken(_code(code), final=_is_final(code))

    def greet(self) -> None:
        """Connect and log in as a mail would, and hand nothing over.

        Raises:
            NotTaken: the server or the network refused.
        """
        self._connected()

    def close(self) -> None:
        """End the conversation; whatever goes wrong now changes nothing."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._smtp.close()
            self._smtp = None

    def _before_text(self, sender: str, recipient: str) -> smtplib.SMTP:
        smtp = self._connected()
        self._command(smtp, f"MAIL FROM:<{sender}>")
        self._command(smtp, f"RCPT TO:<{recipient}>")
        return smtp

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None:
            try:
                if self._smtp.noop()[0] in _OK:
                    return self._smtp
            except (OSError, smtplib.SMTPException):
                pass  # an idle connection that the server closed is made anew
            self.close()
        server = self._server
        try:
            if server.tls == "implicit":
                context = _trust(server)
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
            else:
                smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
            self._smtp = smtp
            if server.tls == "starttls":
                smtp.starttls(context=_trust(server))
            smtp.ehlo_or_helo_if_needed()
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except smtplib.SMTPResponseException as error:
            self.close()
            # The server refuses us, not this mail: a mend of the settings or of the server lets all of them through.
            raise NotTaken(_code(error.smtp_code), final=False) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a login it did not ask for rightly
            self.close()
            raise NotTaken(type(error).__name__, final=False) from error
        return smtp

    def _command(self, smtp: smtplib.SMTP, line: str, wanted: int | None = None) -> None:
        try:
            code, _ = smtp.docmd(line)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise NotTaken(type(error).__name__, final=False) from error
        if code == wanted or (wanted is None and code in _OK):
            return
        self._reset()
        raise NotTaken(_code(code), final=_is_final(code))

    def _reset(self) -> None:
        if self._smtp is None:
            return
        try:
            code, _ = self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            code = 0
        if code not in _OK:
            self.close()


def _trust(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_file)


def _code(code: int) -> str:
    """Return the code of an answer; smtplib gives -1 for what is no answer of SMTP at all."""
    return "smtp-nonsense" if code < 0 else f"smtp-{code}"


def _is_final(code: int) -> bool:
    return code // 100 == _FOR_GOOD and code not in _ABOUT_THE_LOGIN


def _dotted(text: bytes) -> bytes:
    """Return the text as it goes over the wire: a leading dot doubled, ended by a dot alone."""
    body = re.sub(rb"(?m)^\.", b"..", text)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"
