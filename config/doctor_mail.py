"""The doctor's check of the mail server."""

from config.doctor_answers import Answer, Patient, fault, good, note
from config.wiring import sender_of
from services.mail_server import Conversation, NotTaken


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
