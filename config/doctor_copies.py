"""The doctor's checks of what leaves the machine, and of what a copy of the database may do: checkpoints, sending."""

from config.checkpoint_keys import public_file, read_signing_key
from config.doctor_answers import Answer, Patient, fault, good, note
from config.doctor_data import reading
from services.checkpoints import newest
from services.outbox_messages import sending_paused


def checkpoints(patient: Patient) -> Answer:
    """Say when the last checkpoint was made, look at the key that signed it, and ask where both are kept."""
    settings = patient.settings
    with reading(patient) as tx:
        last = newest(tx)
    if last is None:
        return note(
            "No checkpoint was ever made, so nobody could tell that the end of a chain was cut off.",
            "Run `appraise audit checkpoint` and take the file away from this machine.",
        )
    said = f"The newest checkpoint is {last.fingerprint[:16]} of {last.at:%Y-%m-%d %H:%M} UTC."
    path = settings.checkpoint_key_file
    if not path.exists():
        return note(
            f"{said} The key that signed it, {path}, is missing; what it signed can be verified all the same.",
            "Put it back, or begin a new one with `appraise audit checkpoint --new-key`.",
        )
    if read_signing_key(path).public.fingerprint != last.key:
        return fault(
            f"{said} It was signed with another key than {path}.",
            f"Put the key back, or give {public_file(settings)} to whoever checks and make a checkpoint with it.",
        )
    if settings.checkpoint_place is None:
        return note(
            f"{said} Nothing says where it is kept, and on this machine it proves nothing.",
            "Keep it and the public key elsewhere and say where in APPRAISE_CHECKPOINT_PLACE.",
        )
    return good(f"{said} Kept: {settings.checkpoint_place}.")


def sending(patient: Patient) -> Answer:
    """Say whether this copy of the database mails people."""
    with reading(patient) as tx:
        paused = sending_paused(tx)
    if paused:
        return note(
            "This copy of the database mails nobody until it is told to.",
            "When it is the real one, run `appraise mail resume`.",
        )
    return good("This copy of the database mails people.")
