"""What must hold of an organisation as a whole: dates in order, one head, one main post, nobody above himself."""

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from services.calendars import public_year
from services.errors import Refused
from services.organisation_merge import Merged, overlap
from services.organisation_rows import Reading, Record
from services.organisation_state import Key, State

_DATED = ("assignments", "overrides", "absences", "grants", "conflicts")
_CALENDAR_YEAR = 2026


def check_whole(reading: Reading, state: State, merged: Merged) -> None:
    """Add to the reading every fault of the organisation as the file would make it."""
    _organisation(reading, state, merged)
    _people(reading, state, merged)
    for sheet in _DATED:
        for record in _records(merged, sheet):
            row = merged.rows[sheet][record.key]
            if row["to"] is not None and row["to"] < row["from"]:
                reading.error(
                    "dates-reversed", record, "to", f"it ends on {row['to']}, before it begins on {row['from']}."
                )
    _assignments(reading, merged)
    _overrides(reading, merged)
    for record in _records(merged, "conflicts"):
        if record.key[0] == record.key[1]:
            reading.error("own-conflict", record, "other", f"{record.key[0]} has no interest to declare in himself.")
    _units(reading, merged)
    _reporting(reading, merged)


def _records(merged: Merged, sheet: str) -> list[Record]:
    return [record for (name, _), record in merged.records.items() if name == sheet]


def _organisation(reading: Reading, state: State, merged: Merged) -> None:
    records = _records(merged, "organisation")
    stored = state.of("organisation").get(())
    if not records:
        if stored is None:
            reading.error(
                "no-organisation",
                Record("organisation", (), {}, "organisation"),
                None,
                "this database has no organisation yet; the first file needs the sheet organisation with one row.",
            )
        return
    record = records[0]
    if stored is not None and stored.values["kind"] != record.values["kind"]:
        text = f"it is {stored.values['kind']} and stays so; use another database for {record.values['kind']} data."
        reading.error("kind-changed", record, "kind", text)
    try:
        zoneinfo.ZoneInfo(record.values["zone"])
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        text = f"there is no time zone {record.values['zone']!r}; write one such as Asia/Shanghai."
        reading.error("unknown-zone", record, "zone", text)
    try:
        public_year(record.values["calendar"], _CALENDAR_YEAR)
    except Refused as error:
        reading.error("unknown-calendar", record, "calendar", str(error))


def _people(reading: Reading, state: State, merged: Merged) -> None:
    addresses: dict[str, str] = {}
    for record in _records(merged, "people"):
        row = merged.rows["people"][record.key]
        number, joined, left = row["number"], row["joined"], row["left"]
        if joined is not None and left is not None and left < joined:
            reading.error("dates-reversed", record, "left", f"{number} left on {left}, before joining on {joined}.")
        _number_reused(reading, state, record, row)
        if row["email"] is not None:
            holder = addresses.setdefault(row["email"].casefold(), number)
            if holder != number:
                text = f"{holder} and {number} share this address; each would read the other's mails."
                reading.warn("shared-address", record, "email", text)


def _number_reused(reading: Reading, state: State, record: Record, row: Mapping[str, Any]) -> None:
    stored = state.of("people").get(record.key)
    if stored is None:
        return
    if record.key[0] in state.erased:
        reading.error(
            "number-reused", record, "number", f"the number {row['number']} was somebody's whose data is erased."
        )
        return
    left = stored.values["left"]
    if left is not None and row["joined"] is not None and row["joined"] > left and row["name"] != stored.values["name"]:
        text = f"the number {row['number']} belonged to {stored.values['name']}, who left on {left}; give a new one."
        reading.error("number-reused", record, "number", text)


def _assignments(reading: Reading, merged: Merged) -> None:
    by_person: dict[str, list[Key]] = defaultdict(list)
    for key in merged.of("assignments"):
        by_person[key[0]].append(key)
    tops = _tops(merged)
    for record in _records(merged, "assignments"):
        row = merged.rows["assignments"][record.key]
        person = merged.of("people").get((row["number"],))
        if person is None:
            reading.error("unknown-person", record, "number", f"nobody has the employee number {row['number']}.")
            continue
        _within_employment(reading, record, row, person)
        _against_others(reading, record, merged, by_person[row["number"]])
        if row["manager"] is None and row["number"] not in tops:
            reading.warn("no-manager", record, "manager", f"{row['number']} {person['name']} has no manager; name one.")
        for column in ("manager", "in-charge"):
            _still_there(reading, record, row, column, merged)
    assigned = set(by_person)
    for record in _records(merged, "people"):
        if record.key[0] not in assigned and merged.rows["people"][record.key]["left"] is None:
            reading.warn("no-assignment", record, None, f"{record.key[0]} has no post and will not be appraised.")


def _within_employment(reading: Reading, record: Record, row: Mapping[str, Any], person: Mapping[str, Any]) -> None:
    if person["joined"] is not None and row["from"] < person["joined"]:
        reading.error("before-joined", record, "from", f"{row['number']} joined only on {person['joined']}.")
    if person["left"] is None:
        return
    if row["from"] > person["left"]:
        reading.error("after-left", record, "from", f"{row['number']} left on {person['left']}.")
    elif row["to"] is not None and row["to"] > person["left"]:
        reading.error("after-left", record, "to", f"{row['number']} left on {person['left']}.")


def _against_others(reading: Reading, record: Record, merged: Merged, keys: Iterable[Key]) -> None:
    rows = merged.of("assignments")
    row = rows[record.key]
    for key in keys:
        other = rows[key]
        if key == record.key or not overlap(row, other):
            continue
        if key[:3] == record.key[:3]:
            text = f"{key[0]} is in the post {key[1]} already from {other['from']}; days of one post may not overlap."
            reading.error("overlap", record, "from", text)
        elif row["main"] and other["main"] and (record.key < key or ("assignments", key) not in merged.records):
            text = f"{key[0]} has two main posts at the same time, {row['post']} and {other['post']}; keep one."
            reading.error("two-main", record, "main", text)


def _still_there(reading: Reading, record: Record, row: Mapping[str, Any], column: str, merged: Merged) -> None:
    above = merged.of("people").get((row[column],)) if row[column] is not None else None
    if above is None:
        return
    if above["number"] == row["number"]:
        word = "manager" if column == "manager" else "person in charge"
        reading.error("own-superior", record, column, f"{row['number']} cannot be his own {word}; name somebody above.")
    elif above["left"] is not None and (row["to"] is None or row["to"] > above["left"]):
        text = (
            f"{above['number']} {above['name']} left on {above['left']}; until somebody is named the next in line acts."
        )
        reading.warn("vacant-above", record, column, text)


def _tops(merged: Merged) -> set[str]:
    """Who needs no manager: the heads of the topmost units, or, where none is named, who only manages others."""
    heads = {row["head"] for row in merged.of("units").values() if row["parent"] is None and row["head"] is not None}
    if heads:
        return heads
    rows = merged.of("assignments").values()
    return {row["manager"] for row in rows if row["manager"]} - {row["number"] for row in rows if row["manager"]}


def _overrides(reading: Reading, merged: Merged) -> None:
    for record in _records(merged, "overrides"):
        row = merged.rows["overrides"][record.key]
        if row["holder"] == row["number"]:
            reading.error("own-holder", record, "holder", f"nobody can be the {row['role']} of his own appraisal.")
        if assignment_of(merged.of("assignments"), row) is None:
            text = f"{row['number']} is not in the post {row['post']} on {row['from']}; correct the post or the day."
            reading.error("no-such-assignment", record, "post", text)


def assignment_of(assignments: Mapping[Key, Mapping[str, Any]], override: Mapping[str, Any]) -> Key | None:
    """Return the regular assignment that an override is about: the one in its post that shares a day with it."""
    near = [
        key
        for key, row in assignments.items()
        if key[:3] == (override["number"], override["post"], "regular") and overlap(row, override)
    ]
    return min(near, key=lambda key: abs((key[3] - override["from"]).days)) if near else None


def _units(reading: Reading, merged: Merged) -> None:
    parents = {key[0]: row["parent"] for key, row in merged.of("units").items()}
    for circle in _circles({code: {parent} for code, parent in parents.items() if parent is not None}):
        record = merged.records.get(("units", (circle[0],)), Record("units", (circle[0],), {}, "units"))
        text = f"the units {' -> '.join((*circle, circle[0]))} lie inside each other; correct one of their parents."
        reading.error("unit-circle", record, "parent", text)


def _reporting(reading: Reading, merged: Merged) -> None:
    rows = [row for row in merged.of("assignments").values() if row["manager"] not in {None, row["number"]}]
    if not _circles(_graph(rows)):
        return
    # A circle only exists while its rows overlap: somebody may have managed his present manager before.
    seen: set[frozenset[str]] = set()
    for day in sorted({row["from"] for row in rows}):
        in_force = [row for row in rows if row["from"] <= day <= (row["to"] or dt.date.max)]
        for circle in _circles(_graph(in_force)):
            if frozenset(circle) in seen:
                continue
            seen.add(frozenset(circle))
            record = next(
                (one for one in _records(merged, "assignments") if one.key[0] in circle),
                Record("assignments", (), {}, "assignments"),
            )
            named = " -> ".join(_who(merged, number) for number in (*circle, circle[0]))
            reading.error(
                "reporting-circle", record, "manager", f"these report in a circle: {named}; correct one of them."
            )


def _graph(rows: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        graph[row["number"]].add(row["manager"])
    return graph


def _who(merged: Merged, number: str) -> str:
    person = merged.of("people").get((number,))
    return number if person is None else f"{number} {person['name']}"


def _circles(graph: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Return circles of a graph, each from its smallest name on; every one is found through some circle on its way."""
    done: set[str] = set()
    circles: list[tuple[str, ...]] = []
    for start in sorted(graph):
        path: list[str] = []
        on_path: dict[str, int] = {}
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                del on_path[node]
                done.add(node)
            elif node in on_path:
                circle = path[on_path[node] :]
                smallest = circle.index(min(circle))
                circles.append((*circle[smallest:], *circle[:smallest]))
            elif node not in done:
                on_path[node] = len(path)
                path.append(node)
                stack.append((node, True))
                stack += [(above, False) for above in sorted(graph.get(node, ()), reverse=True)]
    return circles
