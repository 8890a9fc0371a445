"""Importing an organisation: what a file would change is shown first, and written whole or not at all."""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.access import superiors_of
from services.actors import Actor
from services.audit import append_event, digest
from services.column_matching import Matched, matched, renamed
from services.errors import Conflict, Malformed, NotFound, Refused
from services.grants import demand, today
from services.organisation_cells import ImportProblem
from services.organisation_checks import check_whole
from services.organisation_merge import Change, Merged, merge
from services.organisation_rows import Reading, Record, read_rows
from services.organisation_state import State, Stored, snapshot
from services.organisation_write import NUMBERS, write_changes
from services.spreadsheets import Spreadsheet, read
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role, Severity

_KEEPERS = (Role.HR, Role.OPERATOR)
_LISTED = 20
_ENDING = frozenset({"assignments", "overrides", "absences", "grants", "conflicts"})
_LEFT_WITH = frozenset({"assignments", "grants"})


class ImportRefused(Malformed):
    """A file that cannot be imported; `problems` lists everything found in it."""

    def __init__(self, where: str, problems: tuple[ImportProblem, ...]) -> None:
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        listed = "".join(f"\n  {problem}" for problem in errors[:_LISTED])
        more = f"\n  and {len(errors) - _LISTED} more" if len(errors) > _LISTED else ""
        noun = "error" if len(errors) == 1 else "errors"
        super().__init__(f"{where} has {len(errors)} {noun} and nothing was written:{listed}{more}", errors[0].code)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would change. Nothing is written of it; `digest` names exactly these changes.

    `took` says how the file was read; `absent` are the numbers and names of people in the database and not in the
    file: they leave only when they are confirmed.
    """

    took: str
    changes: tuple[Change, ...]
    problems: tuple[ImportProblem, ...]
    digest: str
    columns: tuple[Matched, ...] = ()

    @property
    def errors(self) -> tuple[ImportProblem, ...]:
        """The problems that refuse the file."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def absent(self) -> tuple[tuple[str, str], ...]:
        """People whom the file leaves out, by number and name."""
        return tuple(
            (change.key[0], change.before.values["name"])
            for change in self.changes
            if change.kind == "absent" and change.sheet == "people" and change.before is not None
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows are new, changed and absent."""
        return {kind: sum(change.kind == kind for change in self.changes) for kind in ("new", "changed", "absent")}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote: rows new and changed, and those of people who were confirmed as leavers."""

    took: str
    new: int
    changed: int
    left: tuple[str, ...]
    problems: tuple[ImportProblem, ...]


@use_case("org.preview")
def preview(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    data: bytes,
    where: str,
    columns: Mapping[str, str] | None = None,
) -> Preview:
    """Return every change and problem of a file, xlsx or CSV; nothing is written. `columns` as in `apply`.

    Raises:
        Malformed: the file cannot be read at all.
        Refused: the actor may not import.
    """
    file = renamed(read(data, where=where), columns or {})
    with uow.read() as tx:
        _may_import(tx, actor, now)
        state = snapshot(tx)
        reading, changes = _changes(tx, file, state, actor, _today(tx, now, state))
    return Preview(file.took, changes, tuple(reading.problems), _digest(changes), matched(file))


@use_case("org.import")
def apply(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    data: bytes,
    where: str,
    leavers: Mapping[str, dt.date | None] | None = None,
    end_absent: bool = False,
    expected: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Imported:
    """Write what a file changes, in one transaction; a second time it changes nothing.

    Args:
        uow: the unit of work.
        actor: HR, the operator, or the system for the first import.
        now: the moment; its day in the organisation's zone is when changes of addresses begin.
        data: the file.
        where: its name, for messages.
        leavers: people absent from the file who left, each with the last day (None: today). Nobody else leaves.
        end_absent: end the assignments, absences, grants and the like of people in the file that it no longer has.
        expected: the digest of the preview that was agreed to.
        columns: what columns are whose titles say nothing: the title in the file to the id of ours.

    Raises:
        Malformed: the file has errors; nothing is written.
        Refused: the actor may not import, or a row is about himself and not his to decide.
        NotFound: a leaver is not absent from the file.
        Conflict: the changes are no longer those of the preview.
    """
    file = renamed(read(data, where=where), columns or {})
    with uow.write() as tx:
        _may_import(tx, actor, now)
        state = snapshot(tx)
        day = _today(tx, now, state)
        reading, changes = _changes(tx, file, state, actor, day)
        problems = tuple(reading.problems)
        if any(problem.severity is Severity.ERROR for problem in problems):
            raise ImportRefused(where, problems)
        if expected is not None and expected != _digest(changes):
            raise Conflict(f"The organisation changed since {where} was looked at; look at it again.", "changed-since")
        left = _leavers(changes, leavers or {}, day)
        written = [change for change in changes if change.kind != "absent"]
        written = list(_ended(written, changes, state, left, day, end_absent=end_absent))
        if any(_decides_own(change, near) for near in _nearness(tx, actor, state, day) for change in written):
            sentence = "would end something of your own or of a superior: another officer or the operator imports it."
            raise Refused(f"{where} {sentence}", "own-or-superior")
        if written:
            write_changes(tx, written, state, actor=actor, now=now, today=day)
            counts = {kind: sum(change.kind == kind for change in written) for kind in ("new", "changed")}
            payload = {"file": hashlib.sha256(data).hexdigest(), **counts}
            append_event(tx, "org", "org.imported", actor=actor, at=now, payload=payload)
    new = sum(change.kind == "new" for change in written)
    return Imported(file.took, new, len(written) - new, tuple(left), problems)


def _may_import(tx: Transaction, actor: Actor, now: dt.datetime) -> None:
    demand(tx, actor, now, _KEEPERS, "import the organisation")


def _today(tx: Transaction, now: dt.datetime, state: State) -> dt.date:
    # Before the first import there is no zone yet; its day only dates the addresses.
    return today(tx, now) if state.of("organisation") else now.date()


def _changes(
    tx: Transaction, file: Spreadsheet, state: State, actor: Actor, day: dt.date
) -> tuple[Reading, tuple[Change, ...]]:
    reading = read_rows(file)
    if _wrong(reading):
        return reading, ()
    merged = merge(reading, state, day)
    if not _wrong(reading):
        check_whole(reading, state, merged)
    if not _wrong(reading):
        _not_about_oneself(reading, merged, _nearness(tx, actor, state, day))
    return reading, tuple(merged.changes)


def _wrong(reading: Reading) -> bool:
    return any(problem.severity is Severity.ERROR for problem in reading.problems)


@dataclass(frozen=True, slots=True)
class _Near:
    """Who imports, or types for him, and what is too near to him: his superiors, his units and those above them."""

    own: str | None
    superiors: frozenset[str | None]
    units: frozenset[str]


def _nearness(tx: Transaction, actor: Actor, state: State, day: dt.date) -> Iterator[_Near]:
    if actor.person_id is None:
        return
    numbers: dict[int, str] = {row.id: row.number for row in tx.all(NUMBERS)}
    for one in {actor.person_id, actor.typed_by or actor.person_id}:
        own = numbers.get(one)
        superiors = frozenset(numbers.get(person) for person in superiors_of(tx, one, day))
        waiting = [row.values["unit"] for key, row in state.of("assignments").items() if key[0] == own]
        units: set[str] = set()
        while waiting:
            code = waiting.pop()
            if code not in units and (unit := state.of("units").get((code,))) is not None:
                units.add(code)
                waiting.append(unit.values["parent"])
        yield _Near(own, superiors, frozenset(units))


def _not_about_oneself(reading: Reading, merged: Merged, nearness: Iterable[_Near]) -> None:
    """Who imports may not decide by a file what he may not decide otherwise (domain.md, section 5)."""
    for near in nearness:
        for change in merged.changes:
            if change.kind != "absent" and _decides_own(change, near):
                record = merged.records.get((change.sheet, change.key), Record(change.sheet, change.key, {}, "-"))
                text = "nobody may decide this for himself or a superior; another officer or the operator imports it."
                reading.error("own-or-superior", record, None, text)


def _decides_own(change: Change, near: _Near) -> bool:
    """Tell whether a change is about whoever imports: his powers, his posts, his days, who may judge him."""
    if not change.key:
        return False
    about, fields = change.key[0], {name for name, _, _ in change.fields}
    own: bool = about == near.own
    match change.sheet:
        case "grants":
            return own
        case "assignments":
            return own and bool(fields)
        case "people":
            return own and not fields.isdisjoint({"joined", "left"})
        case "absences":
            return own and change.key[1] == "protected"
        case "overrides":
            return own or about in near.superiors
        case "conflicts":
            return any(number == near.own or number in near.superiors for number in change.key[:2])
        case "units":
            return about in near.units and not fields.isdisjoint({"head", "parent"})
    return False


def _leavers(changes: Iterable[Change], leavers: Mapping[str, dt.date | None], day: dt.date) -> dict[str, dt.date]:
    absent = {change.key[0] for change in changes if change.kind == "absent" and change.sheet == "people"}
    for number in leavers:
        if number not in absent:
            raise NotFound(f"{number} is not absent from the file, so there is nothing to confirm.", "not-absent")
    return {number: last or day for number, last in leavers.items()}


def _ended(
    written: Collection[Change],
    changes: Iterable[Change],
    state: State,
    left: Mapping[str, dt.date],
    day: dt.date,
    *,
    end_absent: bool,
) -> Iterator[Change]:
    touched = {(change.sheet, change.key) for change in written}
    for change in written:
        yield change
    for number, last in left.items():
        yield _changed("people", (number,), state.of("people")[number,], {"left": last})
        for sheet in _LEFT_WITH:
            for key, stored in state.of(sheet).items():
                if key[0] == number and (sheet, key) not in touched and (stored.values["to"] or dt.date.max) > last:
                    yield _changed(sheet, key, stored, {"to": max(last, stored.values["from"])})
    if end_absent:
        for change in changes:
            if change.kind == "absent" and change.sheet in _ENDING and change.before is not None:
                yield _changed(change.sheet, change.key, change.before, {"to": max(day, change.before.values["from"])})


def _changed(sheet: str, key: tuple[Any, ...], before: Stored, values: Mapping[str, Any]) -> Change:
    return Change("changed", sheet, key, before, {**before.values, **values})


def _digest(changes: Iterable[Change]) -> str:
    return digest({"changes": [[one.kind, one.sheet, str(one), [str(part) for part in one.fields]] for one in changes]})
