"""What an organisation does when people move, act for others, are away, leave, or have no address (domain.md, 5b).

The defaults are those of the domain. What is a right of the person concerned is no setting: that silence makes no
score, the days to answer, that an absence under protection is never late, recusal, and what follows from a death.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, update

from services import naming
from services.actors import Actor
from services.audit import append_event, digest
from services.errors import Malformed
from services.grants import demand
from services.organisation_write import row_content
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

SETTING = "lives"
"""The setting of the organisation that keeps them."""

PASS_ON, KEEP = "pass-on", "keep"
COME_BACK, STAY = "come-back", "stay"
RATED, NOT_RATED = "rated", "not-rated"
WARN, STOP = "warn", "stop"


@dataclass(frozen=True, slots=True)
class LifeSettings:
    """The settings; each has its words in `TABLE`."""

    minimum_working_days: int = 10
    away_percent: int = 50
    moved: str = PASS_ON
    acting: str = PASS_ON
    returned: str = COME_BACK
    leavers: str = RATED
    no_address: str = WARN

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of them."""
        return {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Words:
    """What a setting is for and what it accepts: a whole number from `least` to `most`, or one of some words."""

    text: str
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()

    @property
    def accepts(self) -> str:
        """What it accepts, in words."""
        return " or ".join(self.words) or f"a whole number from {self.least} to {self.most}"

    def admits(self, value: Any) -> bool:
        """Tell whether it accepts a value."""
        if self.words:
            return value in self.words
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most


TABLE: Mapping[str, Words] = MappingProxyType(
    {
        "minimum-working-days": Words("Working days in a post below which its appraisal is not rated.", 0, 250),
        "away-percent": Words(
            "Of the working days held, how many percent may be spent away under protection; beyond, it is not rated.",
            1,
            99,
        ),
        "moved": Words("What somebody judges by his old main post when he moves to another.", words=(PASS_ON, KEEP)),
        "acting": Words("What the holder of a post judges when somebody begins to act in it.", words=(PASS_ON, KEEP)),
        "returned": Words(
            "What was passed on for an absence under protection, and is still open, when the person is back.",
            words=(COME_BACK, STAY),
        ),
        "leavers": Words(
            "Whether the part served is assessed of whoever leaves before the period ends.", words=(RATED, NOT_RATED)
        ),
        "no-address": Words(
            "Whether a cycle opens with people who have no e-mail address, whose notices HR prints.", words=(WARN, STOP)
        ),
    }
)

_KEEP = update(naming.ORGANISATION).values(settings=bindparam("kept"))


def settings_from(kept: Mapping[str, Any]) -> LifeSettings:
    """Return the settings that a mapping holds, with the defaults where it holds none.

    Raises:
        Malformed: there is no such setting, or a value is none of its kind; the sentence says which.
    """
    for name, value in kept.items():
        words = TABLE.get(name)
        if words is None:
            raise Malformed(f"There is no setting {name!r} of people; there are {', '.join(TABLE)}.", "unknown-setting")
        if not words.admits(value):
            raise Malformed(f"{name} is {words.accepts}, and not {value!r}.", "bad-setting")
    return LifeSettings(**{name.replace("-", "_"): value for name, value in kept.items()})


def of(tx: Transaction) -> LifeSettings:
    """Return the settings of the organisation; the defaults where it has set none, or is not there yet."""
    row = next(iter(tx.once(naming.ANY_ORGANISATION)), None)
    return LifeSettings() if row is None else settings_from(json.loads(row.settings).get(SETTING, {}))


@use_case("person.settings")
def set_life_settings(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, changes: Mapping[str, Any]) -> LifeSettings:
    """Change what follows when people move, act, are away or leave; return all of it. Nothing changes with none.

    `changes` has the names of `TABLE`. What has been done already stays; cycles planned but not opened are drawn up
    by what holds when they open.

    Raises:
        Malformed: there is no such setting, or a value is none of its kind.
        Refused: the actor neither runs cycles nor operates Appraise.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR, Role.OPERATOR), "set what follows from changes of people")
        row = naming.organisation(tx)
        settings = json.loads(row.settings)
        found = settings_from({**settings.get(SETTING, {}), **changes})
        if not changes:
            return found
        settings[SETTING] = found.to_json()
        kept = json.dumps(settings, sort_keys=True)
        tx.run(_KEEP, {"kept": kept})
        content = row_content({**row._asdict(), "settings": kept})
        payload = {"organisation": row.id, "digest": digest(content), "lives": found.to_json()}
        append_event(tx, "org", "person.settings", actor=actor, at=now, payload=payload)
    return found
