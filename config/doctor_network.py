"""The doctor's checks of what lies across the network: the broker and the mail server."""

import socket
import ssl
from urllib.parse import unquote, urlsplit

from config.doctor_answers import Answer, Patient, fault, good, note
from config.wiring import sender_of
from services.mail_server import Conversation, NotTaken

_SECONDS = 5.0
_REDIS_PORT = 6379


def broker(patient: Patient) -> Answer:
    """Ask Redis for an answer; a broker in memory needs none."""
    settings = patient.settings
    if settings.embedded:
        if settings.worker:
            return good("The workers are threads of `appraise up`; no broker is needed.")
        return note("No worker runs in this process, since APPRAISE_WORKER is off.", "Set it to on to run jobs here.")
    address = urlsplit(settings.broker_url)
    place = f"{address.hostname}:{address.port or _REDIS_PORT}"
    try:
        said = _ping(settings.broker_url)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return fault(
            f"The broker at {place} does not answer ({reason}).", "Start Redis, or correct APPRAISE_BROKER_URL."
        )
    if said.startswith(b"+PONG"):
        return good(f"The broker at {place} answers.")
    if said.startswith((b"-NOAUTH", b"-WRONGPASS", b"-ERR invalid password", b"-ERR AUTH")):
        return fault(f"The broker at {place} does not take our password.", "Correct it in APPRAISE_BROKER_URL.")
    return fault(f"What answers at {place} is no Redis.", "Correct APPRAISE_BROKER_URL.")


def mail(patient: Patient) -> Answer:
    """Connect to the mail server and log in as a mail would, without sending anything."""
    settings = patient.settings
    sender = sender_of(settings)
    if sender is None:
        return note(
            "No mail server is set: mails wait in the database.", "Set APPRAISE_SMTP_HOST, or let HR print the notices."
        )
    place = f"{settings.smtp_host}:{settings.smtp_port}"
    conversation = Conversation(sender.server)
    try:
        conversation.greet()
    except NotTaken as error:
        return fault(
            f"The mail server {place} cannot be used with the protection {settings.smtp_tls!r} ({error.code}).",
            "Start it, or correct APPRAISE_SMTP_HOST, _PORT, _TLS, _USER and _PASSWORD.",
        )
    finally:
        conversation.close()
    return good(f"The mail server {place} takes our mails from {settings.mail_from}.")


def _ping(url: str) -> bytes:
    address = urlsplit(url)
    host = address.hostname or "localhost"
    with socket.create_connection((host, address.port or _REDIS_PORT), timeout=_SECONDS) as plain:
        if address.scheme != "rediss":
            return _asked(plain, address.username, address.password)
        with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as protected:
            return _asked(protected, address.username, address.password)


def _asked(connection: socket.socket, user: str | None, password: str | None) -> bytes:
    if password:
        words = ["AUTH", *([unquote(user)] if user else []), unquote(password)]
        connection.sendall(_command(*words))
        said = connection.recv(1024)
        if not said.startswith(b"+OK"):
            return said
    connection.sendall(_command("PING"))
    return connection.recv(1024)


def _command(*words: str) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
