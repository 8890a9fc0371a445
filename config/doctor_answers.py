"""What a check of the doctor is given and what it answers."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from config.settings import Settings


class State(StrEnum):
    """What a check found. Only a fault makes `appraise doctor` end with 1."""

    GOOD = "good"
    NOTE = "note"
    FAULT = "fault"
    UNSEEN = "not looked at"


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: the settings, and the moment by the machine's clock."""

    settings: Settings
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """One sentence of what was found, and what to do."""

    state: State
    says: str
    mend: str = ""


def good(says: str) -> Answer:
    """Answer that all is well."""
    return Answer(State.GOOD, says)


def note(says: str, mend: str) -> Answer:
    """Answer with something to know that stops nothing."""
    return Answer(State.NOTE, says, mend)


def fault(says: str, mend: str) -> Answer:
    """Answer with what is wrong."""
    return Answer(State.FAULT, says, mend)
