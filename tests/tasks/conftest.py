"""A whole embedded mode: the tiny office in a database of its own, a real worker, a real mail sink, a set clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import select

from config.clock import SimulatedClock
from config.mail_sink import MailSink
from config.settings import Settings, load_settings
from config.wiring import Wiring, wire
from models.columns import table_of
from models.outbox import Failure, Job, Message
from services import cycles, launch
from services.mail_letters import NOTICES_HEADER
from services.messages import DIGEST
from services.roster import Choices
from tasks.embedded import Embedded
from tests.services import builders
from tests.services.builders import OFFICER, TinyOffice, noon
from tests.services.closing import vouch
from tests.tasks import faulty_broker

JOB, MESSAGE, FAILURE = table_of(Job), table_of(Message), table_of(Failure)
OPENING = noon(1, 5)
CHUNK = 2


@dataclass
class Works:
    """The embedded mode and everything around it."""

    settings: Settings
    wiring: Wiring
    clock: SimulatedClock
    office: TinyOffice
    sink: MailSink

    def embedded(self, faults: faulty_broker.Faults | None = None) -> Embedded:
        """Return an embedded mode, on a faulty broker if faults are given; not started."""
        embedded = Embedded(self.settings, self.wiring)
        if faults is not None:
            faulty_broker.Channel.faults = faults
            embedded.app.conf.broker_url = faulty_broker.ADDRESS
        return embedded

    def open_quarter(self) -> None:
        """Owe the opening of a quarter, in chunks of a few people."""
        hr = self.office.actor(OFFICER)
        cycles.new(self.wiring.uow, actor=hr, now=self.clock.now(), code="2026Q1", rubrics=[builders.RUBRIC])
        launch.open_cycle(
            self.wiring.uow, actor=hr, now=self.clock.now(), cycle="2026Q1", choices=Choices(), chunk=CHUNK
        )

    def jobs(self) -> list[tuple[str, str]]:
        """Name and state of every owed job."""
        with self.wiring.uow.read() as tx:
            return sorted((row.name, row.state) for row in tx.all(select(JOB)))

    def messages(self) -> list[tuple[str, str]]:
        """Dedupe key and state of every message but those that the calendar alone promises."""
        with self.wiring.uow.read() as tx:
            found = tx.all(select(MESSAGE).where(MESSAGE.c.kind.not_in((DIGEST, "monday-list"))))
        return sorted((row.dedupe_key, row.state) for row in found)

    def failures(self) -> list[tuple[str, str]]:
        """Source and code of every failure."""
        with self.wiring.uow.read() as tx:
            return sorted((row.source, row.code) for row in tx.all(select(FAILURE)))

    def notices(self) -> list[str]:
        """Name of every notice that the kept mails hold: those of a digest, else the mail's own."""
        kept = [message_from_bytes(path.read_bytes()) for path in self.sink.folder.glob("*.eml")]
        names = (letter[NOTICES_HEADER] or letter["Message-ID"] for letter in kept)
        return [name for named in names for name in named.split()]

    def mails(self) -> list[tuple[str, str]]:
        """Recipient and Message-ID of every mail that the sink keeps."""
        kept = [message_from_bytes(path.read_bytes()) for path in self.sink.folder.glob("*.eml")]
        return sorted((letter["To"], letter["Message-ID"]) for letter in kept)


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the caller's environment and working folder out of it, and the broker sound."""
    for name in ("APPRAISE_DATA_DIR", "APPRAISE_WORKER", "APPRAISE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    faulty_broker.Channel.faults = None


@pytest.fixture
def works(database_url: str, tmp_path: Path) -> Iterator[Works]:
    """The tiny office with nothing opened, and a mail sink that listens."""
    with prepared(database_url, tmp_path) as ready:
        yield ready


@contextmanager
def prepared(url: str, folder: Path) -> Iterator[Works]:
    """Build the tiny office in an empty database, and listen for its mails."""
    with MailSink(folder / "mails") as sink:
        settings = load_settings(
            {
                "data_dir": folder / "data",
                "database_url": url,
                "smtp_host": "127.0.0.1",
                "smtp_port": sink.port,
                "smtp_tls": "none",
                "sweep_seconds": 0.05,
            }
        )
        clock = SimulatedClock(OPENING)
        with wire(settings, clock=clock, make_key=True) as wiring:
            office = builders.build_office(wiring.uow)
            vouch(wiring.uow)
            yield Works(settings, wiring, clock, office, sink)
