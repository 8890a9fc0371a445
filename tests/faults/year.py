"""One simulated year of an office: the clock of the product beside a reference, day by day, while things break.

Nothing runs by itself: on every day the clock looks twice and people act in between, all in this process. A seed says
who acts, what breaks, and when nothing looks at all for days.
"""

import contextlib
import datetime as dt
import hashlib
import hmac
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from models.history import Move
from models.outbox import Message
from models.workitems import WorkItem
from services import mail, mail_desk, missed, opening, plan_clock, reminders
from services.actors import Actor
from services.errors import AppraiseError
from services.mail import Sender
from services.outbox_jobs import Retry, claim_jobs, finish_job
from tests.faults.breaking import Point, watched
from tests.faults.constants import KEYS
from tests.faults.reference_days import DAY
from tests.faults.reference_obligations import HOLDERS
from tests.faults.reference_rows import Item, Mail
from tests.faults.year_acts import Acts
from tests.faults.year_office import YEAR, Office
from tests.services.smtp import Server

LOOKS = (dt.time(8, 5), dt.time(18, 5))
"""When the clock looks: after reminders go out, and after the days of a stage end."""
JOBS: dict[str, Callable[..., object]] = {
    "cycle.open-chunk": opening.open_chunk,
    "deadlines.run-out": missed.run_out,
}
ITEM, APPRAISAL, CYCLE, MOVE, MESSAGE = (table_of(one) for one in (WorkItem, Appraisal, Cycle, Move, Message))
LEASE = dt.timedelta(minutes=2)
STATES = {"in-doubt": "queued", "claimed": "queued"}


class Postbox(Server):
    """A mail server that keeps what it takes, and refuses addresses in `broken` for good."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.broken:
            return "550 No such mailbox"
        return await super().handle_RCPT(_server, _session, envelope, address, options)


def name_of(key: str) -> str:
    """The name under which a mail or a notice goes out: told again here, since the test knows the key."""
    secret = next(iter(KEYS.secrets.values()))
    return hmac.new(secret, b"message-id\n" + key.encode(), hashlib.sha256).hexdigest()[:40]


def alike(found: Iterable[Any], told: Iterable[Any], what: str, now: dt.datetime) -> None:
    """Demand that rows or mails are those that the reference tells, and no other; say what differs."""
    rows, owed = Counter(found), Counter(told)
    more, less = list((rows - owed).elements()), list((owed - rows).elements())
    if more or less:
        raise AssertionError(f"{now}, {what}: not owed, but there: {more}; owed, and not there: {less}")


@dataclass
class Year:
    """A year to be played. `breaks` is how likely something breaks at each look of the clock."""

    office: Office
    sender: Sender
    postbox: Postbox
    seed: str
    breaks: float = 0.3
    pace: float = 1.0
    counts: Counter[str] = field(default_factory=Counter)
    _wall: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    _items: dict[int, Item] = field(default_factory=dict)
    _since: dt.datetime = dt.datetime(YEAR - 1, 1, 1, tzinfo=dt.UTC)
    _last_message: int = 0
    _last_move: int = 0
    _told: int = 0
    _clocked: int = 0
    _read: int = 0
    _in_doubt: bool = False

    def __post_init__(self) -> None:
        """Seed everything that is left to chance."""
        self._chance = random.Random(f"faults/{self.seed}")  # noqa: S311 - a seeded choice, not a secret
        self.acts = Acts(self.office, random.Random(f"acts/{self.seed}"), self.pace)  # noqa: S311 - as above

    def play(self, first: dt.date, last: dt.date) -> None:
        """Let the days pass, both inclusive; on each, what is owed is compared after every look of the clock."""
        day, down = first, 0
        while day <= last:
            if not down and self._chance.random() < 0.02 * (self.breaks > 0):
                down = self._chance.randrange(1, 4)
            if not down:
                self.look(self.office.days.at(day, LOOKS[0]))
            if self.office.days.works(day):
                self.acts.day(day)
            if down:
                down -= 1
                self.counts["days nothing looked"] += 1
            else:
                self.look(self.office.days.at(day, LOOKS[1]))
            self.counts["days"] += 1
            day += DAY

    def look(self, now: dt.datetime) -> None:
        """Let clock and postman work, with whatever breaks, and hold everything against the reference."""
        reference = self.office.reference
        self._dare(lambda: self._clock(now))
        reference.tick(now)
        self._compare_items(now)
        self._compare_notices(now)
        broken = self._break_mails()
        self._dare(lambda: self._post(now))
        self._compare_mails(reference.deliver(now, broken), now)
        self.postbox.broken.clear()
        self.postbox.answers.clear()
        self._note_bounces()
        self._compare_items(now)
        self._compare_moves(now)
        self._since = now
        self.counts["comparisons"] += 1

    # The product at work.

    def _dare(self, step: Callable[[], None]) -> None:
        """Run a step, sometimes with a fault in the middle of it; whoever comes next does the rest."""
        if self._chance.random() < self.breaks:
            kind = self._chance.choice(("statement", "commit", "committed"))
            number = self._chance.randrange(1, 60 if kind == "statement" else 20)
            with watched(self.office.uow.engine, Point(kind, number)) as watch, contextlib.suppress(AppraiseError):
                step()
            self.counts[f"broken: {kind}"] += watch.reached
            self._in_doubt |= watch.reached
        step()

    def _clock(self, now: dt.datetime) -> None:
        uow = self.office.uow
        while True:
            planned = reminders.tick(uow, now)
            worked = plan_clock.run(uow, now=now)
            if not (self._work_off(now) or planned.items or worked.made or worked.opened):
                return

    def _work_off(self, now: dt.datetime) -> int:
        uow, done = self.office.uow, 0
        for name, function in JOBS.items():
            self._wall += dt.timedelta(hours=1)
            while claimed := claim_jobs(uow, name=name, now=now, limit=1, lease=LEASE, retry=Retry(), wall=self._wall):
                for job in claimed:
                    function(uow, now=now, **job.args)
                    finish_job(uow, job, now=now)
                    done += 1
        return done

    def _post(self, now: dt.datetime) -> None:
        while True:
            self._wall += dt.timedelta(hours=6)
            ended = mail.send_due(self.office.uow, self.sender, now=now, wall=self._wall)
            if not ended and not self._settle(now):
                return

    def _settle(self, now: dt.datetime) -> int:
        """Let the operator look what became of mails in doubt: those that arrived are done, others go out again."""
        rows = self._rows(select(MESSAGE).where(MESSAGE.c.state == "in-doubt", MESSAGE.c.digest_id.is_(None)))
        arrived = {name for name, _, _ in self._arrived(0)} if rows else set()
        for row in rows:
            here = name_of(row.dedupe_key) in arrived
            hr = Actor(self.office.hr)
            mail_desk.release(self.office.uow, actor=hr, now=now, mail=f"M{row.id}", arrived=here)
            self.counts["settled by the operator"] += 1
        return len(rows)

    def _break_mails(self) -> frozenset[int]:
        """Break the mail server for a while, or one address for good; return whose."""
        if self._chance.random() >= self.breaks:
            return frozenset()
        what = self._chance.choice(("450", "451", "421", "disconnect", "550", "550"))
        if what == "550":
            alone = Counter(one.person for one in self.office.reference.outgoing)
            released = [
                one.person
                for one in self.office.reference.outgoing
                if one.kind == "released" and alone[one.person] == 1 and self.office.people[one.person].has_address
            ]
            if not released:
                return frozenset()
            person = self._chance.choice(released)
            self.postbox.broken = {self._address(person)}
            self.counts["mails that bounced"] += 1
            return frozenset({person})
        times = self._chance.randrange(1, 4)
        if what == "450":
            self.postbox.answers["RCPT"] = ["450 Try later"] * times
        elif what == "disconnect":
            self.postbox.answers["DATA"] = ["disconnect"] * times
            self._in_doubt = True
        else:
            self.postbox.answers["DATA"] = [f"{what} Try later"] * times
        self.counts[f"mail server: {what}"] += 1
        return frozenset()

    # Holding it against the reference.

    def _compare_items(self, now: dt.datetime) -> None:
        """Every turn that is open or changed since the last look: whose, since when, until when."""
        reference = self.office.reference
        rows = self._rows(
            select(ITEM, CYCLE.c.code, APPRAISAL.c.person_id)
            .join(APPRAISAL, APPRAISAL.c.id == ITEM.c.appraisal_id)
            .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
            .where(
                ITEM.c.closed_at.is_(None)
                | (ITEM.c.id > max(self._items, default=0))
                | (ITEM.c.closed_at >= self._since)
            )
            .order_by(ITEM.c.id)
        )
        cases = {(case.cycle, case.person): case for case in reference.cases}
        for row in rows:
            item = self._items.get(row.id)
            if item is None:
                case = cases[row.code, row.person_id]
                case.id = row.appraisal_id
                item = next(one for one in case.items if not one.id)
                item.id = row.id
                self._items[row.id] = item
            told = (item.stage, HOLDERS[item.stage], item.round, item.holder, item.action, item.opened)
            found = (row.stage, row.role, row.round, row.holder_id, row.action, row.opened_at)
            ends = (row.noticed_at, row.due_at, row.closed_at)
            alike([(row.id, *found, *ends)], [(row.id, *told, item.noticed, item.due, item.closed)], "a turn", now)
        opened = [(row.code, row.person_id) for row in rows if row.closed_at is None]
        alike(opened, [(case.cycle, case.person) for case in reference.open], "who has a turn", now)
        self.counts["turns compared"] += len(rows)

    def _compare_notices(self, now: dt.datetime) -> None:
        """Every notice that was promised since the last look, by the identity under which it is owed."""
        rows = self._rows(
            select(MESSAGE.c.id, MESSAGE.c.dedupe_key, MESSAGE.c.kind, MESSAGE.c.person_id)
            .where(MESSAGE.c.id > self._last_message)
            .order_by(MESSAGE.c.id)
        )
        told = self.office.reference.notices[self._told :]
        problems = [one for one in told if one.kind == "opening-problems"]
        for notice, row in zip(problems, [one for one in rows if one.kind == "opening-problems"], strict=False):
            # Under which identity a list is told depends on its words; that it is new is what the reference knows.
            assert f"/cycle/{notice.text.partition('/')[0]}/person/{notice.person}/" in row.dedupe_key
            notice.text = row.dedupe_key
        owed = [(one.key, one.kind, one.person) for one in told]
        alike([(row.dedupe_key, row.kind, row.person_id) for row in rows], owed, "what is to be told", now)
        self._told += len(told)
        self._last_message = max([self._last_message, *(row.id for row in rows)])
        self.counts["notices compared"] += len(rows)

    def _compare_moves(self, now: dt.datetime) -> None:
        """Every move that the clock made since the last look."""
        rows = self._rows(select(MOVE).where(MOVE.c.id > self._last_move).order_by(MOVE.c.id))
        told = self.office.reference.clock_moves[self._clocked :]
        made = [(row.appraisal_id, row.seq, row.action) for row in rows if row.role == "system"]
        alike(made, [(case.id, seq, action) for case, seq, action in told], "moves of the clock", now)
        self._clocked += len(told)
        self._last_move = max([self._last_move, *(row.id for row in rows)])
        for _, _, action in told:
            self.counts[f"clock: {action}"] += 1

    def _compare_mails(self, owed: list[Mail], now: dt.datetime) -> None:
        """Every mail that arrived since the last look, with the notices it holds."""
        arrived = self._arrived(self._read)
        self._read = len(self.postbox.mails)
        told = {(name_of(one.key), self._address(one.person), frozenset(map(name_of, one.lines))) for one in owed}
        alike(set(arrived), told, "mails", now)
        doubled = len(arrived) - len(told)
        assert doubled == 0 or self._in_doubt
        self._in_doubt = False
        self.counts["mails owed"] += len(told)
        self.counts["mails received"] += len(set(arrived))
        self.counts["mails twice, in doubt"] += doubled

    def across_the_clocks(self) -> Counter[str]:
        """How many turns were open while the clocks of the zone were changed, in spring and in autumn."""
        zone, end = self.office.days.zone, self._since
        found: Counter[str] = Counter()
        for item in self._items.values():
            first, last = item.opened.astimezone(zone), (item.closed or end).astimezone(zone)
            middle = dt.datetime(YEAR, 7, 1, tzinfo=zone)
            found["spring"] += first.utcoffset() != min(last, middle).utcoffset() and first < middle
            found["autumn"] += max(first, middle).utcoffset() != last.utcoffset() and last > middle
        return found

    def compare_states(self) -> None:
        """Say of every notice what became of it; and nobody waits for an operator, nothing is left half-way."""
        rows = self._rows(select(MESSAGE.c.dedupe_key, MESSAGE.c.state))
        found = {row.dedupe_key: STATES.get(row.state, row.state) for row in rows}
        owed = {one.key: one.state for one in self.office.reference.notices}
        alike(found.items(), owed.items(), "what became of each notice", self._since)
        self.counts.update(f"notices {state}" for state in found.values())

    def _note_bounces(self) -> None:
        for notice in self.office.reference.bounced:
            if notice.key not in self.acts.bounced_rows:
                row = self._rows(select(MESSAGE).where(MESSAGE.c.dedupe_key == notice.key))[0]
                assert (row.state, row.error) == ("failed", "smtp-550")
                self.acts.bounced_rows[notice.key] = row.id

    def _arrived(self, since: int) -> list[tuple[str, str, frozenset[str]]]:
        found = []
        for raw, recipients in zip(self.postbox.mails[since:], self.postbox.recipients[since:], strict=True):
            head = BytesHeaderParser().parsebytes(raw)
            lines = str(head["X-Appraise-Notices"] or "").split()
            found.append((str(head["Message-ID"])[1:].partition("@")[0], recipients[0], frozenset(lines)))
        return found

    def _address(self, person: int) -> str:
        return f"p{self.office.people[person].number}@example.org"

    def _rows(self, statement: Any) -> list[Any]:
        with self.office.uow.read() as tx:
            return list(tx.all(statement))
