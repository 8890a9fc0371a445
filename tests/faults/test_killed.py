"""`appraise up` killed in the middle of what is owed and its mails: started again, it ends as if it had run through."""

import shutil
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.mail_sink import MailSink
from config.settings import load_settings
from config.wiring import wire
from models.database import open_database
from models.migrate import upgrade
from services import verification
from tests.faults import killer
from tests.faults.mailed_opening import OPENING, Course, Office
from tests.faults.mailed_signing import SIGNING
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.services.builders import ZONE


@pytest.mark.parametrize("course", [OPENING, SIGNING], ids=str)
@pytest.mark.parametrize(("people", "kills", "seed"), [(20, 2, 1), pytest.param(300, 12, 2, marks=pytest.mark.long)])
def test_killed_at_seeded_points_of_what_is_owed_and_its_mails_it_ends_like_the_clean_run(
    tmp_path: Path, course: Course, people: int, kills: int, seed: int
) -> None:
    prepared = tmp_path / "prepared"
    prepare(prepared, course, people)
    clean, letters, most = run_through(copy(prepared, course, tmp_path / "clean"), [])
    left, after, _ = run_through(copy(prepared, course, tmp_path / "killed"), killer.points(seed, kills, most - 1))

    assert difference(clean, left) == []
    assert set(letters.values()) == {1}
    assert after.keys() == letters.keys()
    # A mail that was being handed over at a kill comes again under the same Message-ID; nothing else does.
    assert sum(after.values()) - len(after) <= kills


def prepare(folder: Path, course: Course, people: int) -> None:
    """Make a data folder where all that a course is made of is owed to a worker."""
    folder.mkdir()
    settings = load_settings({"data_dir": folder})
    engine = open_database(settings.database_url)
    upgrade(engine)
    engine.dispose()
    with wire(settings) as wiring:
        course.owe(wiring.uow, people)


def copy(prepared: Path, course: Course, folder: Path) -> Office:
    """Copy the data folder."""
    shutil.copytree(prepared, folder / "data")
    database = load_settings({"data_dir": folder / "data"}).database_url
    return Office(folder / "data", folder / "mails", open_database(database), course)


def run_through(office: Office, points: list[int]) -> tuple[Snapshot, Counter[str], int]:
    """Run until nothing is owed, killed at each point; return what is left, the mails, and how far it came."""
    at = office.course.at.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M")
    with MailSink(office.mails) as sink:
        variables = {
            "APPRAISE_SMTP_HOST": "127.0.0.1",
            "APPRAISE_SMTP_PORT": str(sink.port),
            "APPRAISE_SMTP_TLS": "none",
        }
        command = (killer.APPRAISE, "--dir", office.folder, "--at", at, "up", "--port", "0")
        for point in points:
            with killer.started(command, office.folder, variables) as process:
                killer.wait_for(process, office.done, point)
            office.let_leases_end()
        with killer.started(command, office.folder, variables) as process:
            killer.wait_for(process, office.over, 1)
    with wire(load_settings({"data_dir": office.folder})) as wiring:
        assert verification.verify(wiring.uow).faults == ()
        # Nothing is missing and nothing is told in two mails, by the mail server's own record.
        assert office.notices() == office.course.owed_notices(wiring.uow)
    left, far = snapshot(office.engine, times=False), office.done()
    office.engine.dispose()
    return left, office.letters(), far
