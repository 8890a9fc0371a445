"""A quarter that HR has just opened and whose appraisals and mails are owed to whatever process comes to do them."""

from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from sqlalchemy import Engine, func, select, update

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
OPENED_AT = "2026-01-05T12:00"
CHUNK = 10
_NOTICES = select(func.count()).select_from(MESSAGE).where(MESSAGE.c.kind == "your-turn")
_DONE = (
    select(func.count()).select_from(APPRAISAL),
    select(func.count()).select_from(MESSAGE),
    select(func.count()).select_from(MESSAGE).where(MESSAGE.c.state == "sent"),
)
_OVER = (select(func.count()).select_from(APPRAISAL), _NOTICES, _NOTICES.where(MESSAGE.c.state == "sent"))
_LEFT = (
    select(func.count()).select_from(JOB).where(JOB.c.due_at.is_not(None)),
    select(func.count()).select_from(MESSAGE).where(MESSAGE.c.due_at.is_not(None)),
)
_HOLDERS = select(ITEM.c.id, ITEM.c.holder_id)


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
        """1 once every appraisal is opened, its notice promised and sent, and nothing is on its way any more."""
        with self.engine.connect() as connection:
            counts = [connection.scalar(statement) or 0 for statement in (*_OVER, *_LEFT)]
        opened, promised, sent, *left = counts
        return int(opened == promised == sent and not any(left))

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
        letters = [message_from_bytes(path.read_bytes()) for path in self.mails.glob("*.eml")]
        return [(str(one["Message-ID"]), tuple(sorted(str(one[NOTICES_HEADER]).split()))) for one in letters]


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
