"""What the commands of one run share: settings, the opened database, the clock, and as whom they act."""

import datetime as dt
import json
import zoneinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.speaking import speak
from services.errors import Malformed, Refused

# What is opened piece by piece is also imported piece by piece: `--help` answers in a moment.
if TYPE_CHECKING:
    from config.settings import Settings
    from config.wiring import Wiring
    from services.actors import Actor
    from services.unit_of_work import UnitOfWork


class Session:
    """Opened piece by piece, since `--help` needs none of it and `rubric score` no database."""

    def __init__(self, folder: Path | None, at: str | None) -> None:
        self._overrides: dict[str, Any] = {} if folder is None else {"data_dir": folder}
        self._at = at
        self._wiring: Wiring | None = None

    @cached_property
    def settings(self) -> "Settings":
        """The settings, read once."""
        from config.settings import load_settings

        settings = load_settings(self._overrides)
        speak(settings.language)
        return settings

    @property
    def language(self) -> Any:
        """The language of the terminal: `en` or `zh`."""
        return self.settings.language

    @property
    def told_when(self) -> bool:
        """Whether the command was told at which moment it acts."""
        return self._at is not None

    @property
    def wiring(self) -> "Wiring":
        """The database and what belongs to it, opened once."""
        if self._wiring is None:
            from config.clock import SimulatedClock
            from config.logs import say_only_faults
            from config.wiring import wire

            say_only_faults()
            self._wiring = wire(self.settings)
            moment = self._moment(self._wiring)
            if moment is not None:
                self._wiring.close()
                self._wiring = wire(self.settings, clock=SimulatedClock(moment))
        return self._wiring

    @property
    def uow(self) -> "UnitOfWork":
        """The unit of work of the opened database."""
        return self.wiring.uow

    def asked(self, request: str | None) -> "UnitOfWork":
        """Return the unit of work for the one act of a command that may be repeated under a key of the person's own."""
        return self.uow.asked(request)

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The organisation's zone, in which people read every moment."""
        from services import naming

        with self.uow.read() as tx:
            return zoneinfo.ZoneInfo(naming.organisation(tx).zone)

    def now(self) -> dt.datetime:
        """The moment commands act at."""
        return self.wiring.now()

    def local(self, moment: dt.datetime | None) -> str:
        """Return a moment as people of the organisation read it; nothing for none."""
        return "" if moment is None else moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def actor(self, as_number: str | None, reason: str | None = None) -> "Actor":
        """Return as whom the command acts; see `services.tokens.actor_for`."""
        from services import tokens

        return tokens.actor_for(
            self.uow, now=self.now(), as_number=as_number, token=self.settings.access_token(), reason=reason
        )

    def move_to(self, folder: Path) -> None:
        """Work in another data folder, named behind the command; nothing may be opened yet."""
        self._overrides = {"data_dir": folder}
        self.__dict__.pop("settings", None)

    def reopen(self) -> None:
        """Open the database anew, as after the clock of practice data was set."""
        self._at = None
        self.close()

    def close(self) -> None:
        """Give back what was opened."""
        if self._wiring is not None:
            self._wiring.close()
            self._wiring = None

    def _moment(self, wiring: "Wiring") -> dt.datetime | None:
        from services import naming, tokens

        with wiring.uow.read() as tx:
            row = tx.first(naming.ANY_ORGANISATION)
        if row is None or row.kind not in tokens.FREE_KINDS:
            if self._at is not None:
                raise Refused(
                    "--at works in demo and practice data only; elsewhere the clock is the machine's.", "no-at"
                )
            return None
        kept = self._at or json.loads(row.settings).get("stands-at")
        return None if kept is None else moment_of(kept, row.zone)


def moment_of(text: str, zone: str) -> dt.datetime:
    """Return the moment a person wrote, by default in the organisation's zone and at nine in the morning.

    Raises:
        Malformed: it is no day and no moment.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{text!r} is no moment; write 2026-04-01 or 2026-04-01T09:00.", "bad-moment") from error
    if len(text) == len("2026-04-01"):
        moment = moment.replace(hour=9)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return moment.astimezone(dt.UTC)


def session(context: typer.Context) -> Session:
    """Return the session of a command."""
    found: Session = context.obj
    return found
