"""One of several processes that write into one database: `python -m tests.faults.writer URL SHARE OFFICE`.

SHARE is like 2/4, OFFICE the ids of the office as JSON. It records one finding about every clerk of the crowd, then
starts and states the appraisals of its own share of them, and prints whatever it was told that was no success.
"""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from fractions import Fraction

from models.database import open_database
from services import findings
from services.appraisals import Words, act
from services.errors import AppraiseError
from services.unit_of_work import UnitOfWork
from tests.faults.constants import FIRST, KEYS
from tests.services.builders import PERSONNEL, QUARTER, TinyOffice, noon


def write(uow: UnitOfWork, office: TinyOffice, share: int, shares: int) -> Iterator[str]:
    """Do one process's part; yield every sentence it was told."""
    numbers = [number for number in office.people if int(number) >= FIRST]
    for number in numbers:
        try:
            findings.add(
                uow, actor=office.actor(PERSONNEL), now=noon(2, 20), number=number, rule="C3.1",
                happened=dt.date(2026, 2, 2 + share), amount=Fraction(3), reason="Found at the weekly check.",
            )  # fmt: skip
        except AppraiseError as error:
            yield error.sentence
    for number in numbers[share::shares]:
        for who, action in ((PERSONNEL, "start"), (number, "state")):
            words = Words(comment="My quarter.") if action == "state" else None
            try:
                act(uow, actor=office.actor(who), now=noon(4, 1), appraisal=f"{QUARTER}/{number}", action=action,
                    words=words)  # fmt: skip
            except AppraiseError as error:
                yield error.sentence


def main() -> None:
    """Read the command line, wait for a line of input so that all begin at once, write, report."""
    url, part, given = sys.argv[1:]
    share, shares = map(int, part.split("/"))
    office = TinyOffice(**json.loads(given))
    uow = UnitOfWork(open_database(url), KEYS)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for sentence in write(uow, office, share, shares):
        sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    main()
