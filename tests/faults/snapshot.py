"""What a database holds, told so that two databases can be compared however their rows came to be written.

A row is told by its content. Ids depend on the order of writing and on attempts that failed, so a reference, be it a
foreign key, a number in a payload or a part of a dedupe key, is told by the content of the row it leads to. Left out is
what differs between two runs that did the same: keyed digests, salts and all that is made from them (`verify` vouches
for these), and how often, until when and by whom a row of the outbox was tried.
"""

import datetime as dt
import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Table, select

from models.metadata import METADATA

Snapshot = Mapping[str, Counter[str]]
"""For each table how often it holds each row; refusals, which are events too, are told under `refusals`."""

_LEFT_OUT = frozenset({"id", "mac", "prev", "salt", "key_id"})
_ANSWERS = frozenset({"request_key"})
"""Tables whose column `answer` is made of ids and told by nothing else; what it answers is in the other tables."""
_TRIED = frozenset({"attempt", "fence", "lease_until"})
_OUTBOX = frozenset({"job", "message"})
_NOT_KEYS = {
    ("appraisal", "score_id"): "score",
    ("message", "digest_id"): "message",
    ("move", "workflow_id"): "definition",
}
"""References that are no foreign keys, or foreign keys to something else than an id."""

_IN_WORDS = re.compile(
    r"(?P<digest>[0-9a-f]{64})|(?P<moment>\d{4}-\d\d-\d\dT[0-9:.]+(?:\+00:00|Z))|\bF(?P<finding>\d+)\b"
    r"|\bwork-item/(?P<work_item>\d+)|\bperson/(?P<person>\d+)|\bcycle:(?P<cycle>\d+)|\bledger:(?P<ledger>\d+)"
    r"|\bfinding-reply/(?P<reply>\d+)|\brun-out/(?P<run_out>\d+)"
    r"|\b(?:move|appraisal|appeal-decided)/(?P<appraisal>\d+)|\bduty/(?P<assignment>\d+)|\bcomplete/(?P<completed>\d+)"
    r"|\bfinalise/(?P<finalised>\d+)/(?P<first_appraisal>\d+)"
    r"|\b(?:open|skip-statement)/(?P<opened>\d+)/(?P<first_roster>\d+)"
)
_IS_ID_OF = {
    "ledger": "assignment",
    "run_out": "work_item",
    "completed": "cycle",
    "finalised": "cycle",
    "opened": "cycle",
    "first_appraisal": "appraisal",
    "first_roster": "roster",
}
"""How texts name rows by their ids; a group is called by its table unless it stands here."""

_KEYS = {
    "appraisal": "appraisal",
    "appraisals": "appraisal",
    "carried": "appraisal",
    "assignment": "assignment",
    "final": "final",
    "supersedes": "final",
    "finding": "finding",
    "item": "work_item",
    "reply": "reply",
    "document": "document",
    "cycle": "cycle",
    "cycle_id": "cycle",
    "score": "score",
    "sheet": "sheet",
    "results": "person",
    "typed_by": "person",
    "person": "person",
    "reason": "text_body",
    "comment": "text_body",
    "proxy": "text_body",
    "witness": "text_body",
}
"""What the numbers under a key of a payload are ids of."""

_RANGES = {"cycle.open-chunk": "roster", "cycle.finalise-chunk": "appraisal"}
"""What `first` and `last` among the arguments of a job are ids of."""

_MARK = re.compile("\x00([a-z_]+)/([0-9]+)\x00")
_ROUNDS = 4
"""How often references are followed on; from the outbox to a person is three steps."""


def snapshot(engine: Engine, *, times: bool = True) -> Snapshot:
    """Return what every table holds. Without `times`, moments only tell whether they are set."""
    marked: dict[str, list[tuple[tuple[str, str], str]]] = {}
    with engine.connect() as connection:
        for table in METADATA.sorted_tables:
            rows = [tuple(row) for row in connection.execute(select(table))]
            at = table.columns.keys().index("id") if "id" in table.columns else 0
            marked[table.name] = [((table.name, str(row[at])), _told(table, row, times=times)) for row in rows]
    # No id may enter the first round: content alone tells rows apart, then what they refer to does.
    told = {name: [(key, _MARK.sub("", line)) for key, line in rows] for name, rows in marked.items()}
    for _ in range(_ROUNDS):
        known = {key: _digest(line) for rows in told.values() for key, line in rows}
        told = {name: [(key, _followed(line, known)) for key, line in rows] for name, rows in marked.items()}
    found = {name: Counter(line for _, line in rows) for name, rows in told.items()}
    refusals = {line: count for line, count in found["event"].items() if " stream=refusals " in line}
    return {**found, "event": found["event"] - Counter(refusals), "refusals": Counter(refusals)}


def difference(wanted: Snapshot, found: Snapshot, *, but: tuple[str, ...] = ()) -> list[str]:
    """Return each row that one has oftener than the other, `-` for what is missing and `+` for what is too much."""
    lines = []
    for name in wanted.keys() - set(but):
        lines += [f"- {name}: {row}" for row in (wanted[name] - found[name]).elements()]
        lines += [f"+ {name}: {row}" for row in (found[name] - wanted[name]).elements()]
    return sorted(lines, key=lambda line: line[2:])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _followed(line: str, known: Mapping[tuple[str, str], str]) -> str:
    if "\0" not in line:
        return line
    return _MARK.sub(lambda mark: known.get((mark[1], mark[2]), "nothing"), line)


# Most rows are the same in every copy of a database.
@functools.lru_cache(maxsize=100_000)
def _told(table: Table, values: tuple[Any, ...], *, times: bool) -> str:
    """Return a row in words, each reference as a mark."""
    name = table.name
    outbox = name in _OUTBOX
    row = dict(zip(table.columns.keys(), values, strict=True))
    parts = []
    for column in table.columns:
        key, value = column.name, row[column.name]
        if key in _LEFT_OUT or (outbox and key in _TRIED) or (key == "answer" and name in _ANSWERS):
            continue
        target = _NOT_KEYS.get((name, key)) or next(
            (link.column.table.name for link in column.foreign_keys if link.column.name == "id"), None
        )
        if key == "source_id":
            target = "roster" if row["source"] == "opening" else str(row["source"])
        if value is None:
            said = "-"
        elif target is not None:
            said = _mark(target, value)
        elif isinstance(value, dt.datetime):
            # When a row of the outbox is due is by the clock of the database; that it is, matters.
            said = value.isoformat() if times and not (outbox and key == "due_at") else "set"
        elif (name, key) == ("definition", "text"):
            said = _digest(value)
        elif isinstance(value, str):
            said = _text(value, _RANGES.get(str(row.get("name"))) if name == "job" else None, times=times)
        else:
            said = str(value)
        parts.append(f" {key}={said} ")
    return "".join(parts)


def _mark(table: str, row_id: Any) -> str:
    return f"\0{table}/{row_id}\0"


def _text(value: str, ranged: str | None = None, *, times: bool) -> str:
    if value[:1] in {"{", "["}:
        keys = _KEYS if ranged is None else _KEYS | {"first": ranged, "last": ranged}
        content = _payload(json.loads(value), "", keys, times=times)
        return json.dumps(content, ensure_ascii=False, sort_keys=True).replace("\\u0000", "\0")

    def say(found: re.Match[str]) -> str:
        said = found[0]
        groups = [(found.start(group), group) for group, row_id in found.groupdict().items() if row_id is not None]
        for start, group in sorted(groups, reverse=True):
            if group == "digest":
                return "#"
            if group == "moment":
                return said if times else "set"
            first, last = start - found.start(), found.end(group) - found.start()
            said = said[:first] + _mark(_IS_ID_OF.get(group, group), found[group]) + said[last:]
        return said

    return _IN_WORDS.sub(say, value)


def _payload(value: Any, key: str, keys: Mapping[str, str], *, times: bool) -> Any:
    if isinstance(value, dict):
        return {_text(name, times=times): _payload(inner, name, keys, times=times) for name, inner in value.items()}
    if isinstance(value, list) and any(isinstance(inner, str) for inner in value[1:]):
        # An id with what was written there: a number that follows is none.
        return [
            _payload(value[0], key, keys, times=times),
            *(_payload(inner, "", keys, times=times) for inner in value[1:]),
        ]
    if isinstance(value, list):
        return [_payload(inner, key, keys, times=times) for inner in value]
    if isinstance(value, str):
        return _text(value, times=times)
    if isinstance(value, int) and not isinstance(value, bool) and key in keys:
        return _mark(keys[key], value)
    return value
