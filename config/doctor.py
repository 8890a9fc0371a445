"""The checks of `appraise doctor`: a table of what each is called, what it looks at, and how; it changes nothing."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from config import doctor_broker, doctor_copies, doctor_data, doctor_mail
from config.doctor_answers import Answer, Patient, State, fault, good
from config.settings import Settings, SettingsError
from services.errors import AppraiseError


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table. `needs` names the checks without which it cannot look."""

    name: str
    looks_at: str
    run: Callable[[Patient], Answer]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a check found: in order, to be known, not looked at, or a fault with what to do."""

    check: str
    looks_at: str
    state: State
    says: str
    mend: str


def _settings(patient: Patient) -> Answer:
    folder = patient.settings.data_dir
    if folder.exists() and not folder.is_dir():
        return fault(f"The data folder {folder} is no folder.", "Set APPRAISE_DATA_DIR to a folder.")
    return good(f"All settings can be used; the data folder is {folder}.")


_STORED = ("database", "migration")

CHECKS: tuple[Check, ...] = (
    Check("settings", "every APPRAISE_ variable, and the data folder", _settings),
    Check("database", "that it opens, on the one profile we rely on", doctor_data.database),
    Check("migration", "that the schema is the one of this program", doctor_data.migration, ("database",)),
    Check("guards", "tables, CHECKs and triggers against the list", doctor_data.guards, _STORED),
    Check("audit keys", "the key file, its rights, its copy, and the keys rows name", doctor_data.audit_keys, _STORED),
    Check("checkpoints", "the newest checkpoint, its key, and where it is kept", doctor_copies.checkpoints, _STORED),
    Check("definitions", "that each published text is the one published", doctor_data.definitions, _STORED),
    Check("clock", "zone, working calendar, and the machine's clock", doctor_data.clock, _STORED),
    Check("owed", "jobs and mails that wait, rest or failed", doctor_data.owed, _STORED),
    Check("sending", "whether this copy of the database may mail", doctor_copies.sending, _STORED),
    Check("broker", "what rings the workers, its password, settings and clock", doctor_broker.broker),
    Check("mail", "the mail server", doctor_mail.mail),
)


def examine(settings: Settings, *, now: dt.datetime) -> Iterator[Diagnosis]:
    """Run check after check; `now` is what the machine's clock says. One that cannot look says so."""
    patient = Patient(settings, now)
    failed: set[str] = set()
    for check in CHECKS:
        missing = next((name for name in check.needs if name in failed), None)
        if missing is not None:
            failed.add(check.name)
            yield _unseen(check, missing)
            continue
        try:
            answer = check.run(patient)
        except AppraiseError as error:
            answer = fault(error.sentence, "")
        if answer.state is State.FAULT:
            failed.add(check.name)
        yield Diagnosis(check.name, check.looks_at, answer.state, answer.says, answer.mend)


def refused(error: SettingsError) -> tuple[Diagnosis, ...]:
    """Return what is known when not even the settings can be used."""
    first, *others = CHECKS
    mend = "Mend them and ask again."
    return (
        Diagnosis(first.name, first.looks_at, State.FAULT, " ".join(error.problems), mend),
        *(_unseen(check, first.name) for check in others),
    )


def _unseen(check: Check, missing: str) -> Diagnosis:
    return Diagnosis(check.name, check.looks_at, State.UNSEEN, f"Not looked at: {missing} comes first.", "")
