"""The floors: what a benchmark writes, as a fixed list of statements sent by the bare driver.

Nothing of the product is imported here, and no rule is known: what to write is in the plan or in the rows read. The
statements are the fewest that leave the rows that the product leaves; keyed digests and salts are constants of the
same length. Each floor is a side as `benchmarks.table` says.
"""

import datetime as dt
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

Values = Mapping[str, Any]
DIGEST = "0" * 64
SALT = "0" * 32
PRAGMAS = ("busy_timeout=30000", "journal_mode=DELETE", "synchronous=FULL", "foreign_keys=ON")

TEXT = """
INSERT INTO text_body (salt, body, digest) VALUES (%(salt)s, %(body)s, %(digest)s) RETURNING id"""
APPRAISAL = """
SELECT a.workflow_id, a.rubric_id, a.assignment_id, a.stage, a.version, a.round, a.score_id, a.ledger_version,
       c.period_from, c.period_to, m.mac, w.id
FROM appraisal a
JOIN cycle c ON c.id = a.cycle_id
JOIN move m ON m.appraisal_id = a.id AND m.seq = a.version
JOIN work_item w ON w.appraisal_id = a.id AND w.closed_at IS NULL
WHERE a.id = %(id)s"""
PARTIES = """
SELECT person_id, role, seat, to_at FROM party WHERE appraisal_id = %(id)s"""
MOVE = """
INSERT INTO move (appraisal_id, seq, workflow_id, action, from_stage, to_stage, round, role, actor_id, at, comment_id,
                  score_id, payload, key_id, prev, mac)
VALUES (%(id)s, %(seq)s, %(workflow)s, %(action)s, %(stage)s, %(to)s, %(round)s, %(role)s, %(actor)s, %(at)s,
        %(comment)s, %(score)s, %(payload)s, 'k1', %(prev)s, %(digest)s)"""
ADVANCE = """
UPDATE appraisal SET stage = %(to)s, version = %(seq)s, score_id = %(score)s, entered_at = %(at)s
WHERE id = %(id)s AND version = %(version)s AND stage = %(stage)s AND ledger_version = %(ledger)s"""
CLOSE = """
UPDATE work_item SET closed_at = %(at)s, closed_by_seq = %(seq)s, next_action_at = NULL
WHERE id = %(item)s AND closed_at IS NULL"""
OPEN = """
INSERT INTO work_item (appraisal_id, stage, round, role, seat, holder_id, action, opened_at, due_at, next_action_at)
VALUES (%(id)s, %(to)s, %(round)s, %(next)s, 1, %(holder)s, %(action)s, %(at)s, %(due)s, %(at)s)"""

HELD = """
SELECT a.valid_from, a.valid_to, p.code, s.code, s.closed_months
FROM assignment a JOIN post p ON p.id = a.post_id LEFT JOIN duty_site s ON TRUE WHERE a.id = %(assignment)s"""
FINDINGS = """
SELECT f.*, i.code FROM finding f LEFT JOIN incident i ON i.id = f.incident_id
WHERE f.assignment_id = %(assignment)s AND f.counted_on BETWEEN %(first)s AND %(last)s"""
DUTIES = """
SELECT * FROM duty_record WHERE assignment_id = %(assignment)s"""
REVISIONS = """
SELECT r.*, m.role FROM finding_revision r JOIN move m ON m.appraisal_id = r.appraisal_id AND m.seq = r.move_seq
WHERE r.appraisal_id = %(id)s"""
CLOSURES = """
SELECT day, kind FROM closure_day"""
SHEET = """
INSERT INTO sheet (appraisal_id, person_id, seat, kind, round, at)
VALUES (%(id)s, %(actor)s, 1, %(role)s, %(round)s, %(at)s) RETURNING id"""
SCORE = """
INSERT INTO score (sheet_id, rubric_id, arithmetic, ledger_digest, as_of, total, maximum, grade, steps)
VALUES (%(sheet)s, %(rubric)s, %(arithmetic)s, %(ledger_digest)s, %(as_of)s, %(total)s, %(maximum)s, %(grade)s,
        %(steps)s) RETURNING id"""
SCORE_ITEM = """
INSERT INTO score_item (score_id, item, points, recorded, counted, reward, score)
VALUES (%(id)s, %(item)s, %(points)s, %(recorded)s, %(counted)s, %(reward)s, %(score)s)"""

# A batch is set-based: the rows never come to the client. {ids} is the list of the appraisals, spelt by the dialect.
MOVES = """
INSERT INTO move (appraisal_id, seq, workflow_id, action, from_stage, to_stage, round, role, actor_id, at, comment_id,
                  score_id, payload, key_id, prev, mac)
SELECT a.id, a.version + 1, a.workflow_id, 'approve', a.stage, 'signoff', a.round, 'reviewer', %(actor)s, %(at)s,
       %(comment)s, a.score_id, '{{}}', 'k1', m.mac, %(digest)s
FROM appraisal a JOIN move m ON m.appraisal_id = a.id AND m.seq = a.version
WHERE a.id IN {ids} AND a.stage = 'review'"""
ADVANCES = """
UPDATE appraisal SET stage = 'signoff', version = version + 1, entered_at = %(at)s
WHERE id IN {ids} AND stage = 'review'"""
CLOSES = """
UPDATE work_item
SET closed_at = %(at)s, next_action_at = NULL,
    closed_by_seq = (SELECT a.version FROM appraisal a WHERE a.id = work_item.appraisal_id)
WHERE appraisal_id IN {ids} AND closed_at IS NULL"""
OPENS = """
INSERT INTO work_item (appraisal_id, stage, round, role, seat, holder_id, action, opened_at, next_action_at)
SELECT a.id, a.stage, a.round, 'appraisee', 1, p.person_id, 'approve', a.entered_at, a.entered_at
FROM appraisal a JOIN party p ON p.appraisal_id = a.id AND p.role = 'appraisee' AND p.to_at IS NULL
WHERE a.id IN {ids}"""

# A planner's page: its items are known by their ids, the rest happens in the database.
DUE_PAGE = """
SELECT w.id, a.workflow_id, c.state FROM work_item w
JOIN appraisal a ON a.id = w.appraisal_id JOIN cycle c ON c.id = a.cycle_id
WHERE w.next_action_at IS NOT NULL AND w.next_action_at <= %(now)s
ORDER BY w.next_action_at, w.id LIMIT %(page)s"""
REMIND = """
INSERT INTO message (dedupe_key, kind, person_id, work_item_id, appraisal_id, payload, state, policy, created_at,
                     attempt, fence)
SELECT 'work-item/' || id || '/person/' || holder_id || '/due-soon/' || %(last_day)s, 'due-soon', holder_id, id,
       appraisal_id, '{{}}', 'queued', 'hold', %(now)s, 0, 0
FROM work_item WHERE id IN {ids}
ON CONFLICT (dedupe_key) DO NOTHING"""
LOOK_AGAIN = """
UPDATE work_item SET next_action_at = %(next)s WHERE id IN {ids} AND closed_at IS NULL"""
DIGESTS = """
INSERT INTO message (dedupe_key, kind, person_id, payload, state, policy, created_at, due_at, attempt, fence)
SELECT DISTINCT 'digest/person/' || person_id || '/' || %(day)s, 'digest', person_id,
       %(occasion)s, 'queued', 'hold', %(now)s, %(now)s, 0, 0
FROM message WHERE state = 'queued' AND due_at IS NULL AND digest_id IS NULL
ON CONFLICT (dedupe_key) DO NOTHING"""
MARK = """
INSERT INTO planner_mark (name, at) VALUES (%(name)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE planner_mark.at < excluded.at"""

# The tables of the peers, which are none of the product's.
PEER_APPROVAL = """
SELECT state, reviewer_id, appraisee_id FROM peer_approval WHERE id = %(id)s"""
PEER_ADVANCE = """
UPDATE peer_approval SET state = %(state)s WHERE id = %(id)s"""
PEER_HISTORY = """
INSERT INTO peer_history (approval_id, action, from_state, to_state, actor_id, at, comment)
VALUES (%(id)s, 'approve', %(from)s, %(to)s, %(actor)s, %(at)s, %(comment)s)"""
PEER_OUTBOX = """
INSERT INTO peer_outbox (approval_id, recipient_id, template, at) VALUES (%(id)s, %(recipient)s, 'turn', %(at)s)"""


class Bare:
    """A connection of the bare driver, set as the product sets its own, and the statements as its dialect spells them.

    Statements are written for psycopg; SQLite takes the same names behind a colon, moments as text, days as text, and
    a list as JSON.
    """

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite:///")
        self.connection: Any
        if self.sqlite:
            self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            for pragma in PRAGMAS:
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            self.connection = psycopg.connect(url, options="-c TimeZone=UTC")
        self.cursor: Any = self.connection.cursor()

    def spelt(self, statement: str) -> str:
        """Return a statement in the dialect of the connection."""
        if not self.sqlite:
            return statement.replace("{ids}", "(SELECT unnest(%(ids)s::bigint[]))").replace("{{}}", "{}")
        listed = statement.replace("{ids}", "(SELECT value FROM json_each(%(ids)s))").replace("{{}}", "{}")
        return re.sub(r"%\((\w+)\)s", r":\1", listed)

    def ids(self, ids: Sequence[int]) -> Any:
        """Return a list of ids as the driver takes it."""
        return f"[{','.join(map(str, ids))}]" if self.sqlite else list(ids)

    def moment(self, at: dt.datetime | None) -> Any:
        """Return a moment as the driver stores it."""
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if self.sqlite and at is not None else at

    def begin(self) -> None:
        """Begin to write; psycopg sends its BEGIN with the first statement by itself."""
        if self.sqlite:
            self.cursor.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit."""
        if self.sqlite:
            self.cursor.execute("COMMIT")
        else:
            self.connection.commit()

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()


def move(url: str, plan: dict[str, Any]) -> Iterator[Any]:
    """One approval with a comment: two reads, five writes, one commit."""
    yield from _one_by_one(url, plan, scored=False)


def submit(url: str, plan: dict[str, Any]) -> Iterator[Any]:
    """One submit with a comment: seven reads, eight writes, one commit. The score is a constant of the plan."""
    yield from _one_by_one(url, plan, scored=True)


def _one_by_one(url: str, plan: dict[str, Any], *, scored: bool) -> Iterator[Any]:
    bare = Bare(url)
    execute = bare.cursor.execute
    text, appraisal, parties, moved, advance, close, opened = map(
        bare.spelt, (TEXT, APPRAISAL, PARTIES, MOVE, ADVANCE, CLOSE, OPEN)
    )
    reads = [bare.spelt(one) for one in (HELD, FINDINGS, DUTIES, REVISIONS, CLOSURES)]
    sheet, score, score_item = map(bare.spelt, (SHEET, SCORE, SCORE_ITEM))
    fixed = {name: plan[name] for name in ("action", "to", "role", "actor", "next", "payload")}
    fixed |= {"at": bare.moment(plan["at"]), "due": plan["due"], "digest": DIGEST}
    said = {"salt": SALT, "body": plan["comment"], "digest": DIGEST}

    def work(number: int) -> None:
        bare.begin()
        execute(appraisal, {"id": number})
        found = bare.cursor.fetchone()
        workflow, rubric, assignment, stage, version, turn, score_id, ledger, first, last, mac, item = found
        execute(parties, {"id": number})
        holder = next(row[0] for row in bare.cursor.fetchall() if row[1] == plan["next"])
        row = {
            **fixed, "id": number, "seq": version + 1, "workflow": workflow, "stage": stage, "round": turn,
            "score": score_id, "version": version, "ledger": ledger, "prev": mac, "item": item, "holder": holder,
        }  # fmt: skip
        if scored:
            for read in reads:
                execute(read, {"assignment": assignment, "id": number, "first": first, "last": last})
                bare.cursor.fetchall()
        execute(text, said)
        row["comment"] = bare.cursor.fetchone()[0]
        if scored:
            execute(sheet, row)
            execute(score, {**plan["score"], "sheet": bare.cursor.fetchone()[0], "rubric": rubric})
            row["score"] = bare.cursor.fetchone()[0]
            bare.cursor.executemany(score_item, [{**one, "id": row["score"]} for one in plan["items"]])
        execute(moved, row)
        execute(advance, row)
        _demand_one(bare.cursor.rowcount)
        execute(close, row)
        _demand_one(bare.cursor.rowcount)
        execute(opened, row)
        bare.commit()

    for number in plan["appraisals"]:
        yield lambda number=number: work(number)
    bare.close()


def batch(url: str, plan: dict[str, Any]) -> Iterator[Any]:
    """Many approvals with one comment, set-based: five writes, one commit."""
    bare = Bare(url)
    text, *statements = map(bare.spelt, (TEXT, MOVES, ADVANCES, CLOSES, OPENS))
    at = bare.moment(plan["at"])

    def work(numbers: Sequence[int]) -> None:
        bare.begin()
        bare.cursor.execute(text, {"salt": SALT, "body": plan["comment"], "digest": DIGEST})
        values = {
            "ids": bare.ids(numbers), "at": at, "actor": plan["actor"], "digest": DIGEST,
            "comment": bare.cursor.fetchone()[0],
        }  # fmt: skip
        for statement in statements:
            bare.cursor.execute(statement, values)
        bare.commit()

    for numbers in plan["batches"]:
        yield lambda numbers=numbers: work(numbers)
    bare.close()


def tick(url: str, plan: dict[str, Any]) -> Iterator[Any]:
    """What a morning asks of a planner: three statements and a commit a page, then the digests and two marks."""
    bare = Bare(url)
    page, remind, again, digests, mark = map(bare.spelt, (DUE_PAGE, REMIND, LOOK_AGAIN, DIGESTS, MARK))
    locked = page if bare.sqlite else f"{page} FOR UPDATE OF w SKIP LOCKED"

    def work(one: Values) -> int:
        execute = bare.cursor.execute
        count = 0
        while True:
            bare.begin()
            execute(locked, one)
            found = [row[0] for row in bare.cursor.fetchall()]
            if not found:
                break
            execute(remind, {**one, "ids": bare.ids(found)})
            execute(again, {**one, "ids": bare.ids(found)})
            bare.commit()
            count += len(found)
        execute(digests, one)
        for name in ("reminders", "rounds"):
            execute(mark, {**one, "name": name})
        bare.commit()
        return count

    for given in plan["rounds"]:
        moments = {name: bare.moment(given[name]) for name in ("now", "next")}
        one = {**given, **moments, "page": plan["page"]}
        yield lambda one=one: work(one)
    bare.close()


def peer(url: str, plan: dict[str, Any]) -> Iterator[Any]:
    """One approval on the tables of a peer: one read, three writes, one commit."""
    bare = Bare(url)
    execute = bare.cursor.execute
    load, advance, history, outbox = map(bare.spelt, (PEER_APPROVAL, PEER_ADVANCE, PEER_HISTORY, PEER_OUTBOX))
    fixed = {"state": plan["after"], "from": "review", "to": "signoff", "actor": plan["actor"]}
    fixed |= {"at": peer_moment(bare, plan["at"]), "comment": plan["comment"]}

    def work(number: int) -> None:
        bare.begin()
        execute(load, {"id": number})
        state, reviewer, appraisee = bare.cursor.fetchone()
        if (state, reviewer) != (plan["before"], plan["actor"]):
            raise RuntimeError(f"Approval {number} is not as it was prepared.")
        row = {**fixed, "id": number, "recipient": appraisee}
        execute(advance, row)
        _demand_one(bare.cursor.rowcount)
        execute(history, row)
        execute(outbox, row)
        bare.commit()

    for number in plan["approvals"]:
        yield lambda number=number: work(number)
    bare.close()


def peer_moment(bare: Bare, at: dt.datetime) -> Any:
    """Return a moment as the peers store it: on SQLite as text in UTC without a zone."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f") if bare.sqlite else at


def _demand_one(touched: int) -> None:
    if touched != 1:
        raise RuntimeError(f"A statement of the floor touched {touched} rows instead of one.")
