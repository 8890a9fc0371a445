"""A quarter that HR has just opened and whose appraisals and mails are owed to whatever process comes to do them.

And what any such course of things is, and the place where it takes its course.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Letter
from pathlib import Path

from sqlalchemy import Engine, Select, func, select, update

from models.appraisals import Appraisal
from models.columns import table_of
from models.outbox import Job, Message
from models.workitems import WorkItem
from services import cycles, launch
from services.mail_letters import NOTICES_HEADER, keyed_name
from services.unit_of_work import UnitOfWork
from tests.faults.crowd import hire
from tests.faults.staging import LONG_AGO
from tests.services.builders import OFFICER, QUARTER, RUBRIC, build_office, noon
from tests.services.closing import vouch
from tests.services.playing import Play

JOB, MESSAGE, APPRAISAL, ITEM = table_of(Job), table_of(Message), table_of(Appraisal), table_of(WorkItem)
CHUNK = 10
_NOTICES = select(func.count()).select_from(MESSAGE).where(MESSAGE.c.kind == "your-turn")
_OPENED = select(func.count()).select_from(APPRAISAL)
_PROMISED = select(func.count()).select_from(MESSAGE)
SENT = _PROMISED.where(MESSAGE.c.state == "sent")
_LEFT = (
    select(func.count()).select_from(JOB).where(JOB.c.due_at.is_not(None)),
    select(func.count()).select_from(MESSAGE).where(MESSAGE.c.due_at.is_not(None)),
)
_HOLDERS = select(ITEM.c.id, ITEM.c.holder_id)


@dataclass(frozen=True)
class Course:
    """What is owed to processes, and how one sees from outside how far they are.

    `owe` builds an office with so many clerks and brings it there; `at` is where the clock stands then. `done` are
    counts that only grow; those in `alike` are the same when all is done. `owed_notices` tells how often each notice
    is to arrive, by its name, without looking at the outbox.
    """

    name: str
    at: dt.datetime
    owe: Callable[[UnitOfWork, int], None]
    done: tuple[Select[tuple[int]], ...]
    alike: tuple[Select[tuple[int]], ...]
    owed_notices: Callable[[UnitOfWork], Counter[str]]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Office:
    """A data folder, the mails that left it, an engine to look at its database with, and what takes its course."""

    folder: Path
    mails: Path
    engine: Engine
    course: Course

    def done(self) -> int:
        """How many rows were written, messages promised and messages sent of what the course counts."""
        with self.engine.connect() as connection:
            return sum(connection.scalar(statement) or 0 for statement in self.course.done)

    def over(self) -> int:
        """1 once everybody is written down, promised his notice and sent it, and nothing is on its way any more."""
        with self.engine.connect() as connection:
            alike = {connection.scalar(statement) or 0 for statement in self.course.alike}
            left = [connection.scalar(statement) or 0 for statement in _LEFT]
        return int(len(alike) == 1 and not any(left))

    def let_leases_end(self) -> None:
        """Let the time pass that a claim of a dead process lasts, by the clock of the database."""
        with self.engine.begin() as connection:
            for table in (JOB, MESSAGE):
                connection.execute(update(table).where(table.c.due_at.is_not(None)).values(due_at=LONG_AGO))

    def letters(self) -> Counter[str]:
        """How often each mail arrived, by its Message-ID."""
        return Counter(message_id for message_id, _ in self._kept())

    def notices(self) -> Counter[str]:
        """In how many mails each notice arrived, by what the mail server kept; a mail that came again is one mail."""
        return Counter(name for _, names in set(self._kept()) for name in names)

    def _kept(self) -> list[tuple[str, tuple[str, ...]]]:
        """Message-ID of every mail, and the names of the notices in it."""
        return [_told(message_from_bytes(path.read_bytes())) for path in self.mails.glob("*.eml")]


def _told(letter: Letter) -> tuple[str, tuple[str, ...]]:
    """Return the Message-ID of a mail and the names of its notices; a mail that lists none is one itself."""
    name = str(letter["Message-ID"])
    return name, tuple(sorted(str(letter[NOTICES_HEADER] or name[1:].partition("@")[0]).split()))


def owed_notices(uow: UnitOfWork) -> Counter[str]:
    """The notices that are owed, each once: to whoever holds the work of an appraisal; told without the outbox."""
    with uow.read() as tx:
        keys = [f"work-item/{row.id}/person/{row.holder_id}/your-turn/1" for row in tx.all(_HOLDERS)]
        return Counter(keyed_name(tx, key) for key in keys)


def owe(uow: UnitOfWork, people: int) -> None:
    """Let HR open the quarter of an office with so many clerks more; every appraisal is owed to a worker."""
    play = Play(uow, build_office(uow))
    hire(play, people)
    vouch(uow)
    hr = play.who(OFFICER)
    cycles.new(uow, actor=hr, now=noon(1, 5), code=QUARTER, rubrics=[RUBRIC])
    launch.open_cycle(uow, actor=hr, now=noon(1, 5), cycle=QUARTER, chunk=CHUNK)


OPENING = Course(
    name="opening",
    at=noon(1, 5),
    owe=owe,
    done=(_OPENED, _PROMISED, SENT),
    alike=(_OPENED, _NOTICES, _NOTICES.where(MESSAGE.c.state == "sent")),
    owed_notices=owed_notices,
)
