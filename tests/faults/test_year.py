"""One simulated year: on every day what is owed, told again by a reference, is what the rows and the mails say."""

import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.database import open_database
from services.unit_of_work import UnitOfWork
from services.verification import verify
from tests.faults.constants import KEYS
from tests.faults.year import Postbox, Year
from tests.faults.year_office import YEAR, build
from tests.services.smtp import running

ZONES = {"Asia/Shanghai": 167, "Europe/Berlin": 167, "America/New_York": 166, "Europe/London": 166}
"""Offices of one bank, each in a database of its own; three of them, 499 people, where the clocks change twice a year.

All keep the holidays of China.
"""
WITHOUT_CHANGES = "Asia/Shanghai"
AUTUMN = dt.date(YEAR, 10, 14), dt.date(YEAR, 11, 25)
"""A cycle opens on 22 October; the clocks change on the 25th in Berlin and on 1 November in New York."""
WHOLE = dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31)
SMALL = 12


@pytest.fixture
def uow(application_url: str) -> Iterator[UnitOfWork]:
    """A unit of work on a fresh, migrated database, in the role of the application."""
    opened = open_database(application_url)
    yield UnitOfWork(opened, KEYS)
    opened.dispose()


def played(
    uow: UnitOfWork, folder: Path, zone: str, count: int, *, days: tuple[dt.date, dt.date], seed: int, pace: float = 1
) -> Year:
    """Play some days of an office in a zone, both inclusive, and look at everything once more at their end."""
    postbox = Postbox()
    with running(postbox, folder) as sender:
        year = Year(build(uow, zone, count, begins=days[0]), sender, postbox, f"{seed}/{zone}", pace=pace)
        year.play(*days)
    year.compare_states()
    assert [str(fault) for fault in verify(uow).faults] == []
    assert year.counts["mails received"] == year.counts["mails owed"] > 0
    assert sum(count for what, count in year.counts.items() if what.startswith("broken")) > 0
    return year


@pytest.mark.parametrize(
    ("database", "zone", "seed"),
    [("sqlite", "Europe/Berlin", 1), ("postgresql", "America/New_York", 2)],
    indirect=["database"],
)
def test_a_small_office_owes_and_mails_in_autumn_what_the_reference_says(
    uow: UnitOfWork, tmp_path: Path, zone: str, seed: int
) -> None:
    year = played(uow, tmp_path, zone, SMALL, days=AUTUMN, seed=seed, pace=20)
    assert year.across_the_clocks()["autumn"] > 0
    assert year.office.reference.lengthened > 0


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_year_of_an_office(uow: UnitOfWork, tmp_path: Path, zone: str) -> None:
    began = time.monotonic()
    year = played(uow, tmp_path, zone, ZONES[zone], days=WHOLE, seed=1)
    changes = year.across_the_clocks()
    if zone == WITHOUT_CHANGES:
        assert changes["spring"] == changes["autumn"] == 0
    else:
        assert min(changes["spring"], changes["autumn"]) > 0
    happened = year.counts + year.acts.counts
    happened["own days that ended later for an absence"] = year.office.reference.lengthened
    wanted = {"clock: skip", "clock: pass-on", "clock: conclude", "mails that bounced", "days nothing looked"}
    wanted |= {"leavers", "leaves", "protected absences", "delegations", "extensions", "object", "return", "deliver"}
    assert wanted <= set(happened)
    happened += Counter({f"turns open in a change of the clocks, {one}": changes[one] for one in changes})
    lines = [f"{count:8} {what}" for what, count in sorted(happened.items())]
    database = uow.engine.dialect.name
    head = f"\n{ZONES[zone]} people in {zone} on {database}, {time.monotonic() - began:.0f} s"
    sys.stdout.write("\n".join([head, *lines, ""]))
