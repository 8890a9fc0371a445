"""The stage of the demonstration: a database of its own, a real worker, a real mail conversation, time that is set."""

import datetime as dt
import shutil
import threading
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.output import words
from config.clock import SimulatedClock
from config.logs import say_only_faults
from config.mail_sink import MailSink
from config.settings import IN_MEMORY, Settings, load_settings
from config.upgrading import upgrade_database
from config.wiring import Wiring, wire
from services import appraisals, desk, findings, naming
from services.actors import Actor
from services.appraisals import Moved, Words
from services.errors import AppraiseError, Environment, Refused
from services.finding_checks import Entry
from services.finding_writing import Recorded
from tasks.embedded import Embedded

MARKER = "this-is-a-demonstration"
MAILS = "mails"
_LOOK_SECONDS = 1.0


class Theatre:
    """Everything a scene needs. Use it in a `with`; leaving it stops the worker and the mail sink."""

    def __init__(self, folder: Path, console: Console, opening_night: dt.datetime, zone: str) -> None:
        self.folder = folder
        self.console = console
        self.zone = zoneinfo.ZoneInfo(zone)
        self.sink = MailSink(folder / MAILS)
        self.clock = SimulatedClock(opening_night)
        self.settings: Settings = load_settings(
            {
                "data_dir": folder,
                "database_url": f"sqlite:///{folder.absolute() / 'appraise.sqlite3'}",
                "broker_url": IN_MEMORY,
                "smtp_host": "127.0.0.1",
                "smtp_port": self.sink.port,
                "smtp_tls": "none",
                "sweep_seconds": 60,
            }
        )
        self._wiring: Wiring | None = None
        self._embedded: Embedded | None = None
        self._people: dict[str, int] = {}
        self._read = 0

    def __enter__(self) -> Self:
        say_only_faults()
        upgrade_database(self.settings)
        self.sink.start()
        self._wiring = wire(self.settings, clock=self.clock, make_key=True)
        self.begin_work(self._wiring)
        return self

    def __exit__(self, *_: object) -> None:
        self.end_work()
        if self._wiring is not None:
            self._wiring.close()
        self.sink.stop()

    def begin_work(self, wiring: Wiring) -> None:
        """Start the worker."""
        # A worker that looks while the play acts or moves the time would make it chance which mails have gone.
        self._embedded = Embedded(self.settings, wiring, clock=False).start()

    def end_work(self) -> None:
        """Stop the worker."""
        if self._embedded is not None:
            self._embedded.stop()

    @property
    def uow(self) -> Any:
        """The unit of work of the demonstration's database."""
        if self._wiring is None:
            raise Environment("The demonstration has not begun.", "not-begun")
        return self._wiring.uow

    @property
    def now(self) -> dt.datetime:
        """The moment the play has reached."""
        return self.clock.now()

    def day(self, day: dt.date, hour: int = 9, minute: int = 0) -> None:
        """Go to a moment of the organisation's zone, once the worker has done what was owed till then."""
        self.work_off()
        self.clock.set(dt.datetime.combine(day, dt.time(hour, minute), self.zone))

    def scene(self, title: str) -> None:
        """Announce what comes."""
        moment = self.now.astimezone(self.zone)
        self.console.print(f"\n[bold]{title}[/bold]  [dim]{moment:%a %d %b %Y, %H:%M}[/dim]")

    def tell(self, text: str) -> None:
        """Say one line."""
        self.console.print(f"  {text}", soft_wrap=True)

    def person(self, number: str) -> Actor:
        """Return somebody as an actor."""
        if number not in self._people:
            with self.uow.read() as tx:
                self._people[number] = naming.person(tx, number).id
        return Actor(self._people[number])

    def act(
        self,
        number: str,
        action: str,
        appraisal: str,
        comment: str | None = None,
        *,
        lines: Mapping[str, str | None] | None = None,
        witness: str | None = None,
        ratings: Mapping[str, Fraction] | None = None,
    ) -> Moved:
        """Let somebody move an appraisal."""
        return appraisals.act(
            self.uow,
            actor=self.person(number),
            now=self.now,
            appraisal=appraisal,
            action=action,
            words=Words(comment, witness, lines, ratings),
        )

    def record(self, number: str, entry: Entry) -> Recorded:
        """Let an assessor record a finding."""
        return findings.add(
            self.uow,
            actor=self.person(number),
            now=self.now,
            number=entry.number,
            rule=entry.rule,
            happened=entry.happened,
            amount=entry.amount,
            units=entry.units,
            reason=entry.reason,
            sub_reasons=entry.sub_reasons,
        )

    def lines(self, viewer: str, appraisal: str) -> list[dict[str, str]]:
        """Return the findings that a score counts, as somebody sees them."""
        score, _ = desk.explain(self.uow, actor=self.person(viewer), now=self.now, appraisal=appraisal)
        return [step for step in score["steps"] if step["code"] == "finding"]

    def open_house(self, host: str, port: int, stop: threading.Event, opened: Callable[[str], None]) -> None:
        """Serve the pages of the finished play until it is stopped; the clock stands, the worker is rung by every act.

        `opened` is told the address once they answer.

        Raises:
            Environment: the address is taken, or the pages ended by themselves.
        """
        from web.app import create_app
        from web.server import PageServer

        if self._wiring is None or self._embedded is None:
            raise Environment("The demonstration has not begun.", "not-begun")
        self._wiring.bell.connect(self._embedded.ring)
        with PageServer(create_app(self._wiring), host=host, port=port) as pages:
            opened(pages.address)
            while not stop.wait(_LOOK_SECONDS):
                if not (pages.alive and self._embedded.alive):
                    raise Environment("The pages ended by themselves; see the log lines above and start again.")

    def refused(self, trying: str, attempt: Callable[[], object]) -> str:
        """Show an attempt that must be refused, with the sentence; return its code.

        Raises:
            Refused: it was not refused, so the demonstration shows a fault.
        """
        try:
            attempt()
        except AppraiseError as error:
            self.tell(f"{trying}: [red]refused[/red]. {escape(error.sentence)}")
            return error.code
        raise Refused(f"The demonstration shows a fault: {trying} was not refused.", "not-refused")

    def work_off(self) -> None:
        """Wait until the worker has done all that is owed; with the worker off this ends in one sentence."""
        if self._embedded is not None:
            self._embedded.drain()

    def new_mails(self) -> list[EmailMessage]:
        """Return the mails that arrived at the sink since the last look."""
        files = sorted(self.sink.folder.glob("*.eml"))
        fresh = files[self._read :]
        self._read = len(files)
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(file.read_bytes()) for file in fresh]

    def mail_to(self, number: str) -> EmailMessage:
        """Return the last of the new mails to somebody; of those of one moment the last by its subject.

        Raises:
            Refused: none came, so the demonstration shows a fault.
        """
        found = [mail for mail in self.new_mails() if f"p{number}@" in str(mail["To"])]
        if not found:
            raise Refused(f"The demonstration shows a fault: no mail came to {number}.", "no-mail")
        # Several workers send at once, so the order of arrival says nothing.
        return max(found, key=lambda mail: (parsedate_to_datetime(str(mail["Date"])), str(mail["Subject"])))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table."""
        drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            drawn.add_column(column, no_wrap=column in {"number", "post"})
        for row in rows:
            drawn.add_row(*(words(value) for value in row))
        self.console.print(drawn)

    @staticmethod
    def fault(what: str) -> None:
        """End the play: it showed something that must not be.

        Raises:
            Refused: always.
        """
        raise Refused(f"The demonstration shows a fault: {what}.", "demonstration")

    def show_mail(self, mail: EmailMessage, most_lines: int = 12) -> None:
        """Print a mail as its reader sees it."""
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        self.console.print(
            f"    [cyan]To: {mail['To']}   Subject: {escape(str(mail['Subject']))}[/cyan]", soft_wrap=True
        )
        for line in text.strip().splitlines()[:most_lines]:
            self.console.print(f"    [cyan]│[/cyan] {escape(line)}", soft_wrap=True)


def prepare(folder: Path, *, fresh: bool) -> None:
    """Make the folder of the demonstration; an existing one is refused, or with `fresh` removed if it is one.

    Raises:
        Refused: the folder exists and `fresh` was not asked for, or it is no demonstration's.
    """
    if folder.exists():
        if not fresh:
            raise Refused(
                f"{folder} exists already; add --fresh to play anew, or --dir to play elsewhere. Nothing was touched.",
                "exists",
            )
        if not (folder / MARKER).is_file():
            raise Refused(f"{folder} is no demonstration's folder, so --fresh leaves it alone.", "not-a-demo")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    (folder / MARKER).write_text("Everything in this folder was made by `appraise demo` and may be deleted.\n")
