"""`appraise up` killed in the middle of an opening and its mails: started again, it ends as if it had run through."""

import shutil
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from config.mail_sink import MailSink
from config.settings import load_settings
from config.wiring import wire
from models.appraisals import Appraisal
from models.columns import table_of
from models.database import open_database
from models.migrate import upgrade
from models.outbox import Job, Message
from services import cycles, launch, verification
from tests.faults import killer
from tests.faults.crowd import hire
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.faults.staging import LONG_AGO
from tests.services.builders import OFFICER, QUARTER, RUBRIC, build_office, noon
from tests.services.closing import vouch
from tests.services.playing import Play

JOB, MESSAGE, APPRAISAL = table_of(Job), table_of(Message), table_of(Appraisal)
OPENED_AT = "2026-01-05T12:00"
CHUNK = 10
_DONE = (
    select(func.count()).select_from(APPRAISAL),
    select(func.count()).select_from(MESSAGE),
    select(func.count()).select_from(MESSAGE).where(MESSAGE.c.state == "sent"),
)
_LEFT = (
    select(func.count()).select_from(JOB).where(JOB.c.due_at.is_not(None)),
    select(func.count()).select_from(MESSAGE).where(MESSAGE.c.due_at.is_not(None)),
)


@dataclass(frozen=True)
class Office:
    """A data folder, the mails that left it, and an engine to look at its database with."""

    folder: Path
    mails: Path
    engine: Engine

    def done(self) -> int:
        """How many appraisals are opened, messages promised and messages sent."""
        with self.engine.connect() as connection:
            return sum(connection.scalar(statement) or 0 for statement in _DONE)

    def over(self) -> int:
        """1 once everything is opened, promised and sent."""
        with self.engine.connect() as connection:
            counts = [connection.scalar(statement) or 0 for statement in (*_DONE, *_LEFT)]
        opened, promised, sent, *left = counts
        return int(opened == promised == sent and not any(left))

    def let_leases_end(self) -> None:
        """Let the time pass that a claim of a dead process lasts, by the clock of the database."""
        with self.engine.begin() as connection:
            for table in (JOB, MESSAGE):
                connection.execute(update(table).where(table.c.due_at.is_not(None)).values(due_at=LONG_AGO))

    def letters(self) -> Counter[str]:
        """How often each mail arrived, by its Message-ID."""
        return Counter(str(message_from_bytes(path.read_bytes())["Message-ID"]) for path in self.mails.glob("*.eml"))


@pytest.mark.parametrize(("people", "kills", "seed"), [(20, 2, 1), pytest.param(300, 12, 2, marks=pytest.mark.long)])
def test_killed_at_seeded_points_of_an_opening_and_its_mails_it_ends_like_the_clean_run(
    tmp_path: Path, people: int, kills: int, seed: int
) -> None:
    prepared = tmp_path / "prepared"
    prepare(prepared, people)
    clean, letters, most = run_through(copy(prepared, tmp_path / "clean"), [])
    left, after, _ = run_through(copy(prepared, tmp_path / "killed"), killer.points(seed, kills, most - 1))

    assert difference(clean, left) == []
    assert set(letters.values()) == {1}
    assert after.keys() == letters.keys()
    # A mail that was being handed over at a kill comes again under the same Message-ID; nothing else does.
    assert sum(after.values()) - len(after) <= kills


def prepare(folder: Path, people: int) -> None:
    """Make a data folder where HR has just opened the quarter and every appraisal is owed to a worker."""
    folder.mkdir()
    settings = load_settings({"data_dir": folder})
    engine = open_database(settings.database_url)
    upgrade(engine)
    engine.dispose()
    with wire(settings) as wiring:
        play = Play(wiring.uow, build_office(wiring.uow))
        hire(play, people)
        vouch(wiring.uow)
        hr = play.who(OFFICER)
        cycles.new(wiring.uow, actor=hr, now=noon(1, 5), code=QUARTER, rubrics=[RUBRIC])
        launch.open_cycle(wiring.uow, actor=hr, now=noon(1, 5), cycle=QUARTER, chunk=CHUNK)


def copy(prepared: Path, folder: Path) -> Office:
    """Copy the data folder."""
    shutil.copytree(prepared, folder / "data")
    database = load_settings({"data_dir": folder / "data"}).database_url
    return Office(folder / "data", folder / "mails", open_database(database))


def run_through(office: Office, points: list[int]) -> tuple[Snapshot, Counter[str], int]:
    """Run until nothing is owed, killed at each point; return what is left, the mails, and how far it came."""
    with MailSink(office.mails) as sink:
        variables = {
            "APPRAISE_SMTP_HOST": "127.0.0.1",
            "APPRAISE_SMTP_PORT": str(sink.port),
            "APPRAISE_SMTP_TLS": "none",
        }
        command = (killer.APPRAISE, "--dir", office.folder, "--at", OPENED_AT, "up")
        for point in points:
            with killer.started(command, office.folder, variables) as process:
                killer.wait_for(process, office.done, point)
            office.let_leases_end()
        with killer.started(command, office.folder, variables) as process:
            killer.wait_for(process, office.over, 1)
    with wire(load_settings({"data_dir": office.folder})) as wiring:
        assert verification.verify(wiring.uow).faults == ()
    left, far = snapshot(office.engine, times=False), office.done()
    office.engine.dispose()
    return left, office.letters(), far
