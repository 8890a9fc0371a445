"""Verifying everything that the audit chains vouch for, and showing a chain (G13).

What verification finds: a row of a chain changed, removed or put in between; an appraisal that stands elsewhere than
its moves say; a row that is not what its event vouches for, or that no event vouches for; a missing stream. What it
cannot find without a checkpoint kept elsewhere: the cut tail of a stream of which nothing else tells, and what was
rewritten by somebody who has the key.
"""

import re
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select

from models.columns import table_of
from models.cycles import Cycle
from models.metadata import METADATA
from models.people import Person
from services.chain_checks import Fault, Faults, Progress, Told, Walk
from services.checkpoint_checks import Checkpoint, compare
from services.content_checks import Contents
from services.cycle_checks import check_cycle, check_streams
from services.errors import Malformed
from services.person_results import APPRAISAL, ASSIGNMENT, POST
from services.unit_of_work import Transaction, UnitOfWork

CYCLE = table_of(Cycle)
PERSON = table_of(Person)

_CODES = (
    select(APPRAISAL.c.id, CYCLE.c.code, PERSON.c.number, POST.c.code.label("post"))
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(APPRAISAL.c.id == bindparam("appraisal"))
)
_NAMED = re.compile(r"^(move|appraisal) ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification looked at and found. `faults` are the first ones, `count` is all of them."""

    events: int
    moves: int
    texts: int
    rows: int
    faults: tuple[Fault, ...]
    count: int
    missing_keys: tuple[str, ...]
    heads: int = 0
    """Chains that were compared with a checkpoint."""

    @property
    def first(self) -> Fault | None:
        """The first bad row, or None."""
        return self.faults[0] if self.faults else None

    @property
    def exit_code(self) -> int:
        """What a command ends with: 0 nothing found, 1 a fault, 6 a key that is needed is not at hand."""
        if self.missing_keys:
            return 6
        return 1 if self.count else 0


def verify(uow: UnitOfWork, *, progress: Progress | None = None, checkpoint: Checkpoint | None = None) -> Report:
    """Verify every chain and every row that the chains vouch for, in one reading of the database, row by row.

    With a `checkpoint` every chain must still have what it had then. `progress` is told now and then what is looked at
    and how many rows of it are done.

    Raises:
        Environment: the database cannot be read.
    """
    with uow.read(one_moment=True) as tx:
        return verify_in(tx, progress=progress, checkpoint=checkpoint)


def verify_in(tx: Transaction, *, progress: Progress | None = None, checkpoint: Checkpoint | None = None) -> Report:
    """Verify as `verify` does, in a reading transaction of the caller's that sees one moment."""
    faults = Faults()
    walk = Walk(tx, faults, progress or _silent)
    contents = Contents(tx, faults)
    try:
        _look(walk, contents)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, Malformed) as error:
        where = _unreadable(tx)
        if where is None and not faults.count:
            raise
        sentence = f"what it holds cannot be read ({error}); nothing after it was looked at."
        faults.add("unreadable", where or "a row named above", sentence)
    heads = 0 if checkpoint is None else compare(tx, faults, checkpoint, walk.progress)
    return Report(
        walk.events,
        walk.moves,
        walk.texts,
        contents.rows,
        tuple(_named(tx, fault) for fault in faults.kept),
        faults.count,
        tuple(sorted(faults.missing_keys)),
        heads,
    )


def _look(walk: Walk, contents: Contents) -> None:
    corrected = _walk_streams(walk, contents)
    contents.end_streams()
    walk.progress("events", walk.events)
    for appraisal, moves in walk.appraisals():
        contents.take_appraisal(appraisal, moves)
    contents.flush()
    walk.progress("moves", walk.moves)
    walk.check_texts()
    walk.progress("texts", walk.texts)
    contents.check_unvouched(corrected)
    contents.check_workflows()


def _unreadable(tx: Transaction) -> str | None:
    """Return the first row with a value that is none of its column's, such as a moment that is no moment."""
    for table in METADATA.sorted_tables:
        for (key,) in tx.all(select(table.primary_key.columns.values()[0])):
            try:
                tx.first(select(table).where(table.primary_key.columns.values()[0] == key))
            except (ValueError, TypeError):
                return f"{table.name} {key}"
    return None


def _walk_streams(walk: Walk, contents: Contents) -> list[int]:
    """Walk all streams; return the ids of the scores that corrections made."""
    corrected: list[int] = []
    cycles: list[int] = []
    for stream, events in walk.streams():
        kind, _, number = stream.partition(":")
        told = contents.take_stream(events)
        if kind != "cycle":
            for _ in told:
                pass
            continue
        cycles.append(int(number))
        for score_id, content, where in _cycle(walk, int(number), list(told)):
            contents.take_score(score_id, content, where)
            corrected.append(score_id)
    check_streams(walk.tx, walk.faults, cycles)
    return corrected


def _cycle(walk: Walk, cycle_id: int, events: list[Told]) -> list[tuple[int, str, str]]:
    """Look at one cycle; what its events no longer say because somebody wrote over them is a fault, not a crash."""
    try:
        return check_cycle(walk.tx, walk.faults, cycle_id, events)
    except (KeyError, TypeError, ValueError, AttributeError):
        walk.faults.add("payload", f"stream cycle:{cycle_id}", "an event does not say what its kind must say.")
        return []


def _named(tx: Transaction, fault: Fault) -> Fault:
    """Say the code that people type instead of an appraisal's id."""
    match = _NAMED.match(fault.where)
    row = None if match is None else tx.first(_CODES, {"appraisal": int(match[2])})
    if match is None or row is None:
        return fault
    code = f"{row.code}/{row.number}@{row.post}"
    return replace(fault, where=f"{match[1]} {code}{fault.where[match.end() :]}")


def _silent(_what: str, _done: int) -> None:
    """Tell nobody."""
