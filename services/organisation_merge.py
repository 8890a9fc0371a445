"""What a file would change: its rows beside those of the database, with codes and numbers resolved.

A column that the file lacks is left as it is; an empty cell empties the value, but for those where empty means "as
before". What the file does not name is only reported, never changed by itself.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.organisation_columns import SHEETS, Content
from services.organisation_names import Resolver
from services.organisation_rows import Reading, Record
from services.organisation_state import Key, State, Stored

KEPT_WHEN_EMPTY = frozenset({"reason", "language", "main"})
_ENDING = frozenset({"assignments", "overrides", "absences", "grants", "conflicts"})
_SHEET = {sheet.id: sheet for sheet in SHEETS}


@dataclass(frozen=True, slots=True)
class Change:
    """One row that is new, changed, or in the database and absent from the file."""

    kind: Literal["new", "changed", "absent"]
    sheet: str
    key: Key
    before: Stored | None
    after: Mapping[str, Any] | None
    row: int | None = None

    @property
    def fields(self) -> tuple[tuple[str, Any, Any], ...]:
        """The columns that differ, each with the old and the new value."""
        old = {} if self.before is None else self.before.values
        new = {} if self.after is None else self.after
        if self.kind == "absent":
            return ()
        return tuple((name, old.get(name), new[name]) for name in new if old.get(name) != new[name])

    def __str__(self) -> str:
        about = " ".join(_shown(part) for part in self.key if part is not None)
        said = "; ".join(f"{name}: {_shown(old)} -> {_shown(new)}" for name, old, new in self.fields)
        return f"{self.kind} {self.sheet} {about}".rstrip() + (f" ({said})" if said and self.kind == "changed" else "")


@dataclass(slots=True)
class Merged:
    """The organisation as it would be, with the record each row came from, and the changes that lead there."""

    rows: dict[str, dict[Key, Mapping[str, Any]]]
    records: dict[tuple[str, Key], Record] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def of(self, sheet: str) -> dict[Key, Mapping[str, Any]]:
        """Return the rows of a sheet by key."""
        return self.rows.get(sheet, {})


def merge(reading: Reading, state: State, today: dt.date) -> Merged:
    """Lay a file over the database. Faults found on the way are added to the reading."""
    resolver = Resolver(reading, state)
    merged = Merged({sheet.id: {key: row.values for key, row in state.of(sheet.id).items()} for sheet in SHEETS})
    for sheet in SHEETS:
        if sheet.id not in reading.given:
            continue
        records = [resolver.resolved(record) for record in reading.of(sheet.id)]
        if sheet.id == "assignments":
            _end_with_employment(records, merged)
            _choose_main(records, state, reading)
        matched = _lay(sheet.id, records, reading, state, merged)
        merged.changes += _absent(sheet.id, matched, state, merged, today)
    _heads(reading, resolver, state, merged)
    return merged


def _lay(sheet: str, records: Iterable[Record], reading: Reading, state: State, merged: Merged) -> set[Key]:
    stored = state.of(sheet)
    find = _finder(sheet, stored, {record.key for record in records})
    seen: dict[Key, Record] = {}
    matched: set[Key] = set()
    for record in records:
        if record.key in seen:
            _twice(record, seen[record.key], reading)
            continue
        seen[record.key] = record
        key = find(record)
        before = None if key is None else stored[key]
        if key is not None:
            matched.add(key)
            del merged.rows[sheet][key]
        after = _after(sheet, record, before, reading, state)
        merged.rows[sheet][record.key] = after
        merged.records[sheet, record.key] = record
        if before is None or dict(before.values) != after:
            kind: Literal["new", "changed"] = "new" if before is None else "changed"
            merged.changes.append(Change(kind, sheet, record.key, before, after, record.row))
    return matched


def _after(sheet: str, record: Record, before: Stored | None, reading: Reading, state: State) -> dict[str, Any]:
    after: dict[str, Any] = {} if before is None else dict(before.values)
    for column in _SHEET[sheet].columns:
        if sheet == "assignments" and column.id == "name":
            continue
        given = column.id in record.values
        value = record.values.get(column.id)
        if before is not None and (not given or (value is None and column.id in KEPT_WHEN_EMPTY)):
            continue
        if value is None and column.content in {Content.LIST, Content.MONTHS}:
            value = ()
        after[column.id] = value
    if sheet == "people" and after["language"] is None:
        after["language"] = _language(reading, state)
    return after


def _language(reading: Reading, state: State) -> str:
    for record in reading.of("organisation"):
        return str(record.values["language"])
    stored = state.of("organisation").get(())
    return "en" if stored is None else str(stored.values["language"])


def _finder(sheet: str, stored: Mapping[Key, Stored], keys: set[Key]) -> Callable[[Record], Key | None]:
    """Find the stored row a record is about; an assignment whose first day was corrected is known by its overlap."""
    spans: dict[Key, list[Key]] = defaultdict(list)
    if sheet == "assignments":
        for key in stored:
            spans[key[:3]].append(key)

    def find(record: Record) -> Key | None:
        if record.key in stored:
            return record.key
        near = [
            key
            for key in spans.get(record.key[:3], ())
            if key not in keys and overlap(stored[key].values, record.values)
        ]
        if not near:
            return None
        keys.add(near[0])
        return near[0]

    return find


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two dated rows share a day; an empty end lasts for ever."""
    return bool(one["from"] <= (other.get("to") or dt.date.max) and other["from"] <= (one.get("to") or dt.date.max))


def _absent(sheet: str, matched: set[Key], state: State, merged: Merged, today: dt.date) -> list[Change]:
    found: list[Change] = []
    absent_people = {change.key[0] for change in merged.changes if change.kind == "absent" and change.sheet == "people"}
    for key, stored in state.of(sheet).items():
        if key in matched:
            continue
        if sheet == "people":
            # Whoever is known to leave, or left, need not be in the file any more.
            absent = stored.values["left"] is None and key[0] not in state.erased
        elif sheet in _ENDING:
            # What belongs to somebody who is absent himself goes with him.
            absent = (stored.values["to"] or dt.date.max) > today and key[0] not in absent_people
        else:
            absent = False
        if absent:
            found.append(Change("absent", sheet, key, stored, None))
    return found


def _end_with_employment(records: list[Record], merged: Merged) -> None:
    for place, record in enumerate(records):
        person = merged.of("people").get((record.key[0],))
        left = None if person is None else person["left"]
        if left is not None and record.values.get("to") is None:
            records[place] = _with(record, {"to": left})


def _choose_main(records: list[Record], state: State, reading: Reading) -> None:
    """Where nobody said which post is the main one: the first of those held at the same time."""
    stored = state.of("assignments")
    by_person: dict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        by_person[record.key[0]].append(place)
    keys = {record.key for record in records}
    others: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for key, row in stored.items():
        if row.values["main"] and key not in keys:
            others[key[0]].append(row.values)
    for person, places in by_person.items():
        main: dict[int, bool] = {}
        for place in places:
            said = records[place].values.get("main")
            if said is not None or records[place].key in stored:
                main[place] = bool(said if said is not None else stored[records[place].key].values["main"])
        for place in places:
            record = records[place]
            if place in main:
                continue
            rivals = [
                other
                for other in places
                if other != place
                and records[other].key[2] == "regular"
                and overlap(records[other].values, record.values)
            ]
            regular = record.key[2] == "regular"
            taken = any(main.get(other, False) for other in rivals) or any(
                row["post"] != record.key[1] and overlap(row, record.values) for row in others[person]
            )
            main[place] = regular and not taken
            if main[place] and rivals:
                reading.warn("main-guessed", record, "main", "nothing says which post is the main one; the first is.")
            records[place] = _with(record, {"main": main[place]})


def _heads(reading: Reading, resolver: Resolver, state: State, merged: Merged) -> None:
    """Take the heads of units from the flat table, where they are marked at the person."""
    marked: dict[str, str] = {}
    for unit, number, record in reading.heads:
        code = resolver.unit(unit, record, "unit-head")
        if code is None or marked.get(code) == number:
            continue
        if code in marked:
            reading.error(
                "two-heads",
                record,
                "unit-head",
                f"the unit {code} has two heads, {marked[code]} and {number}; keep one.",
            )
            continue
        marked[code] = number
        before = merged.of("units").get((code,))
        if before is not None and before["head"] != number:
            after = {**before, "head": number}
            merged.rows["units"][code,] = after
            merged.changes.append(Change("changed", "units", (code,), state.of("units")[code,], after, record.row))


def _twice(record: Record, first: Record, reading: Reading) -> None:
    if record.sheet == "people":
        if dict(record.values) == dict(first.values) and record.place == first.place and _is_flat(record, reading):
            return
        reading.error(
            "number-twice",
            record,
            "number",
            f"the employee number {record.key[0]} is there twice (also in row {first.row}) for {first.values['name']} "
            f"and {record.values['name']}; each person has his own, also where names are the same.",
        )
    elif record.sheet == "units" and record.values.get("head") != first.values.get("head"):
        heads = f"{first.values.get('head')} (row {first.row}) and {record.values.get('head')}"
        reading.error("two-heads", record, "head", f"the unit {record.key[0]} has two heads, {heads}; keep one.")
    else:
        reading.error("row-twice", record, None, f"this is there twice (also in row {first.row}); keep one.")


def _is_flat(record: Record, reading: Reading) -> bool:
    return "people-and-assignments" in reading.given and record.sheet == "people"


def _with(record: Record, values: Mapping[str, Any]) -> Record:
    return Record(record.sheet, record.key, {**record.values, **values}, record.place, record.row)


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, tuple) else str(value)
