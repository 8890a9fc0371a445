"""One benchmark on one kind of database: subject and floor take turns, each in a process of its own.

This module imports nothing of the product where the process of a floor would load it, too: its memory is told.
"""

import multiprocessing
import resource
import statistics
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.table import Contest, Plan, Side, Work

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

    from benchmarks.databases import Databases

SIDES = ("subject", "floor")
UNLIKE = frozenset({"move.mac", "move.prev", "event.mac", "event.prev", "text_body.salt", "text_body.digest"})
"""Columns that are never alike, because they hang on a key or on chance: only their length is compared."""
POINTING = {"appraisal.score_id": "score"}
"""Columns that hold the id of a row without a foreign key, and the table of the row."""
MICROSECONDS = 1_000_000
_WRAP = 1 << 128


class Differs(Exception):  # noqa: N818 - it is a finding, and the reason why there is no figure
    """Subject and floor did not do the same; the message is one sentence."""


class Broke(Exception):  # noqa: N818 - as above
    """A side ended in an error; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured: microseconds for each unit, the median over the rounds; memory in MiB, the peak of a process.

    `size` is how much was prepared.
    """

    name: str
    database: str
    size: int
    rounds: int
    subject_us: float
    floor_us: float
    subject_mib: float
    floor_mib: float

    @property
    def ratio(self) -> float:
        """How many times the floor the subject takes."""
        return self.subject_us / self.floor_us


def run(
    name: str, contest: Contest, databases: "Databases", *, kind: str, size: int, tell: Callable[[str], None]
) -> Result:
    """Prepare one database, copy it, let both sides take turns, compare what they leave, and return the figures.

    `tell` is given a few words whenever something new begins.

    Raises:
        Differs: the rows, the answers or the numbers of rounds of the two sides are not the same.
        Broke: a side ended in an error.
    """
    tell("preparing")
    source = databases.fresh()
    plan = contest.prepare(source, size)
    tables = contest.tables()
    before = _analyse(source, tables)
    tell("copying")
    urls = {side: databases.copy(source) for side in SIDES}
    taken, peaks = _take_turns(contest, urls, plan, tell)
    tell("comparing")
    _demand_same(urls, before, tables, contest.apart)
    databases.drop(source, *urls.values())
    counted = {side: taken[side][contest.warm_up :] for side in SIDES}
    if not counted["subject"]:
        raise Differs(f"{name} has {len(taken['subject'])} rounds and all of them are warm-up; ask for a larger size.")
    units = contest.units(size)
    medians = {side: statistics.median(counted[side]) * MICROSECONDS / units for side in SIDES}
    return Result(
        name=name,
        database=kind,
        size=size,
        rounds=len(counted["subject"]),
        subject_us=medians["subject"],
        floor_us=medians["floor"],
        subject_mib=peaks["subject"],
        floor_mib=peaks["floor"],
    )


def _take_turns(
    contest: Contest, urls: Mapping[str, str], plan: Plan, tell: Callable[[str], None]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the seconds of every round and the peak memory in MiB of both sides."""
    taken: dict[str, list[float]] = {side: [] for side in SIDES}
    with ExitStack() as stack:
        lines = {side: stack.enter_context(_process(getattr(contest, side), urls[side], plan)) for side in SIDES}
        number = 0
        while True:
            number += 1
            tell(f"round {number}")
            answers = {}
            for side in SIDES if number % 2 else reversed(SIDES):
                lines[side].send("go")
                answers[side] = _heard(lines[side], side)
            kinds = {answer[0] for answer in answers.values()}
            if kinds == {"end"}:
                return taken, {side: answers[side][1] for side in SIDES}
            if kinds != {"took"}:
                raise Differs(f"Subject and floor do not have equally many rounds: one ended after {number - 1}.")
            if answers["subject"][2] != answers["floor"][2]:
                raise Differs(
                    f"Subject and floor answer differently in round {number}: "
                    f"{answers['subject'][2]!r} and {answers['floor'][2]!r}."
                )
            for side in SIDES:
                taken[side].append(answers[side][1])


@contextmanager
def _process(side: Side, url: str, plan: Plan) -> Iterator[Connection]:
    """Start a process that does the rounds of a side as it is told, and yield the line to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, side, url, plan), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(timeout=10)
        if process.is_alive():
            process.kill()
            process.join()


class _Rounds:
    """The rounds of a side, and afterwards the memory that it told itself, if it did."""

    def __init__(self, side: Iterator[Work]) -> None:
        self._side = side
        self.told: float | None = None

    def __iter__(self) -> Iterator[Work]:
        while True:
            try:
                work = next(self._side)
            except StopIteration as end:
                self.told = end.value
                return
            yield work


def serve(line: Connection, side: Side, url: str, plan: Plan) -> None:
    """Do one round of a side each time the line says so, and say how long it took and what it returned."""
    try:
        rounds = _Rounds(side(url, plan))
        for work in rounds:
            line.recv()
            began = time.perf_counter()
            answer = work()
            line.send(("took", time.perf_counter() - began, answer))
        line.recv()
        line.send(("end", peak() if rounds.told is None else rounds.told))
    except EOFError:
        return  # whoever measures has ended
    except Exception:  # noqa: BLE001 - it is told to whoever measures
        line.send(("broke", traceback.format_exc()))


def _heard(line: Connection, side: str) -> tuple[Any, ...]:
    try:
        said: tuple[Any, ...] = line.recv()
    except EOFError:
        raise Broke(f"The process of the {side} ended without a word.") from None
    if said[0] == "broke":
        raise Broke(f"The {side} ended in an error:\n{said[1]}")
    return said


def peak() -> float:
    """Return the most memory this process has had, in MiB.

    Linux keeps the peak that getrusage tells across the start of a program, so the peak of its own is read.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _analyse(url: str, tables: Sequence["Table"]) -> dict[str, int]:
    """Refresh what the planner knows of a prepared database; return the highest id of each table."""
    with _engine(url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        return {
            table.name: connection.exec_driver_sql(f'SELECT coalesce(max(id), 0) FROM "{table.name}"').scalar() or 0
            for table in tables
            if "id" in table.c
        }


def _demand_same(
    urls: Mapping[str, str], before: Mapping[str, int], tables: Sequence["Table"], apart: frozenset[str]
) -> None:
    """Compare every table, row for row and in any order, as `_normal` sees the rows.

    Raises:
        Differs: a table is not the same; the sentence has one row that only one side has.
    """
    with _engine(urls["subject"]) as subject, _engine(urls["floor"]) as floor:
        for table in tables:
            if _sum(subject, table, before, apart) != _sum(floor, table, before, apart):
                ours, theirs = (Counter(_rows(engine, table, before, apart)) for engine in (subject, floor))
                more = [next(iter((one - other).elements()), None) for one, other in ((ours, theirs), (theirs, ours))]
                raise Differs(
                    f"Subject and floor leave different rows in {table.name}: only the subject has {more[0]}, "
                    f"only the floor has {more[1]}."
                )


def _sum(engine: "Engine", table: "Table", before: Mapping[str, int], apart: frozenset[str]) -> tuple[int, int]:
    """Return how many rows a table has and the sum of their digests, which knows no order."""
    count = total = 0
    for row in _rows(engine, table, before, apart):
        count += 1
        total = (total + int.from_bytes(blake2b(row.encode(), digest_size=16).digest())) % _WRAP
    return count, total


def _rows(engine: "Engine", table: "Table", before: Mapping[str, int], apart: frozenset[str]) -> Iterator[str]:
    """Yield each row as text: new ids are `new`, what is unlike is its length, what is apart is left out."""
    names = table.c.keys()
    normal = [_normal(table, name, before, apart) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    with engine.connect() as connection:
        streaming = connection.execution_options(yield_per=5000)
        for row in streaming.exec_driver_sql(f'SELECT {columns} FROM "{table.name}"'):
            yield repr([see(value) for see, value in zip(normal, row, strict=True)])


def _normal(table: "Table", name: str, before: Mapping[str, int], apart: frozenset[str]) -> Callable[[Any], Any]:
    """Return how a column is seen when rows are compared."""
    where = f"{table.name}.{name}"
    if where in apart:
        return lambda _value: None
    if where in UNLIKE:
        return lambda value: None if value is None else len(value)
    keys = [key.column.table.name for key in table.c[name].foreign_keys if key.column.name == "id"]
    target = table.name if name == "id" else POINTING.get(where, keys[0] if keys else None)
    if target is None or target not in before:
        return lambda value: value  # no id, or one of a table that nobody writes
    known = before[target]
    return lambda value: value if value is None or value <= known else "new"


@contextmanager
def _engine(url: str) -> Iterator["Engine"]:
    from models.database import open_database

    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()
