"""Walking the audit chains: every event of every stream, every move of every appraisal, a row at a time.

Each row must follow the one before it, carry its keyed digest, and bear the one that its content gives. Whatever else a
payload vouches for is handed on to whoever looks at the rows.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.history import Event, Move, TextBody
from services.audit import GENESIS, event_fields, move_fields, text_digest
from services.definitions import lifecycle_of
from services.errors import AppraiseError
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import FIRST_STAGE

APPRAISAL = table_of(Appraisal)
EVENT = table_of(Event)
MOVE = table_of(Move)
TEXT_BODY = table_of(TextBody)

KEPT = 200
"""Faults that are kept with their sentences; all are counted."""

_STEP = 2000
_EVENTS = select(EVENT).order_by(EVENT.c.stream, EVENT.c.seq)
_MOVES = (
    select(
        APPRAISAL.c.id.label("appraisal"),
        APPRAISAL.c.cycle_id,
        APPRAISAL.c.stage,
        APPRAISAL.c.version,
        APPRAISAL.c.round.label("turn"),
        APPRAISAL.c.outcome,
        APPRAISAL.c.score_id.label("score_in_force"),
        MOVE,
        TEXT_BODY.c.digest.label("comment_digest"),
    )
    .select_from(
        APPRAISAL.outerjoin(MOVE, MOVE.c.appraisal_id == APPRAISAL.c.id).outerjoin(
            TEXT_BODY, TEXT_BODY.c.id == MOVE.c.comment_id
        )
    )
    .order_by(APPRAISAL.c.id, MOVE.c.seq)
)
_TEXTS = select(TEXT_BODY).order_by(TEXT_BODY.c.id)
_EVENT_NAMES = tuple(_EVENTS.selected_columns.keys())
_MOVE_NAMES = tuple(_MOVES.selected_columns.keys())

_LARGEST = 2**63 - 1
_NOTHING: Mapping[str, Any] = MappingProxyType({})

Progress = Callable[[str, int], None]
"""Told what is looked at and how many rows of it are done."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written: a stable code, the row, and what is wrong with it."""

    code: str
    where: str
    text: str

    def __str__(self) -> str:
        """Return it as a person reads it."""
        return f"{self.where}: {self.text}"


@dataclass(slots=True)
class Faults:
    """The faults found so far, in the order in which rows were looked at; the keys that were asked for and missing."""

    kept: list[Fault] = field(default_factory=list)
    count: int = 0
    missing_keys: set[str] = field(default_factory=set)

    def add(self, code: str, where: str, text: str) -> None:
        """Take in a fault."""
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(Fault(code, where, text))


@dataclass(frozen=True, slots=True)
class Told:
    """An event of which every test held as far as the key allowed, with what it says, when, and by whose right."""

    where: str
    kind: str
    seq: int
    payload: Mapping[str, Any]
    at: dt.datetime
    by: int | None


@dataclass(slots=True)
class Walk:
    """One walk through the chains."""

    tx: Transaction
    faults: Faults
    progress: Progress
    openings: dict[int, str] = field(default_factory=dict)
    events: int = 0
    moves: int = 0
    texts: int = 0
    _lifecycles: dict[int, Lifecycle | None] = field(default_factory=dict)

    def streams(self) -> Iterator[tuple[str, Iterator[Told]]]:
        """Yield each stream with its events, which the caller must take in before he asks for the next."""
        for stream, rows in groupby(self.tx.stream(_EVENTS), key=lambda row: str(row.stream)):
            yield stream, self._stream(stream, rows)

    def _stream(self, stream: str, rows: Iterator[Row[Any]]) -> Iterator[Told]:
        last, prev = 0, GENESIS
        for row in rows:
            where = f"event {stream} #{row.seq}"
            self._follows(where, row, last, prev)
            self._keyed(where, row, event_fields(dict(zip(_EVENT_NAMES, row, strict=True))))
            last, prev = row.seq, row.mac
            self.events += 1
            self._tick("events", self.events)
            payload = self._payload(where, row.payload)
            if row.kind == "opened" and stream.startswith("cycle:"):
                self.openings.setdefault(int(stream.partition(":")[2]), row.mac)
            yield Told(where, row.kind, row.seq, payload, row.at, by_right_of(row))

    def appraisals(self) -> Iterator[tuple[int, list[tuple[Row[Any], Told]]]]:
        """Yield each appraisal with its moves; the streams must have been walked before."""
        for appraisal, rows in groupby(self.tx.stream(_MOVES), key=lambda row: int(row.appraisal)):
            told: list[tuple[Row[Any], Told]] = []
            last, stage, turn, prev = 0, FIRST_STAGE, 1, ""
            row = None
            for row in rows:
                if row.seq is None:
                    continue
                where = f"move {appraisal} #{row.seq}"
                self._follows(where, row, last, prev or self.openings.get(row.cycle_id, GENESIS))
                self._keyed(where, row, move_fields(dict(zip(_MOVE_NAMES, row, strict=True)), row.comment_digest))
                if row.from_stage != stage:
                    self.faults.add("stage", where, f"it leaves {row.from_stage}; the one before it led to {stage}.")
                last, stage, turn, prev = row.seq, row.to_stage, row.round, row.mac
                self.moves += 1
                self._tick("moves", self.moves)
                payload = self._payload(where, row.payload)
                told.append((row, Told(where, row.action, row.seq, payload, row.at, by_right_of(row))))
            if row is not None:
                self._stands(appraisal, row, (last, stage, turn))
            yield appraisal, told

    def _stands(self, appraisal: int, row: Row[Any], said: tuple[int, str, int]) -> None:
        """Compare an appraisal with its last move."""
        where = f"appraisal {appraisal}"
        if row.version > 0 and said[0] == 0:
            self.faults.add("missing-stream", where, f"it is at version {row.version} and has no moves.")
            return
        stands = (row.version, row.stage, row.turn)
        if stands != said:
            self.faults.add(
                "standing",
                where,
                "it stands at version {}, {}, round {}, but its moves end at version {}, {}, round {}.".format(
                    *stands, *said
                ),
            )
        outcome = None if said[0] == 0 else self._outcome(row)
        if row.outcome != outcome:
            self.faults.add("standing", where, f"its outcome is {row.outcome}, but its moves say {outcome}.")
        score = None if said[0] == 0 else row.score_id
        if row.score_in_force != score:
            self.faults.add("standing", where, f"its score is {row.score_in_force}, but its moves say {score}.")

    def _outcome(self, row: Row[Any]) -> str | None:
        if row.workflow_id not in self._lifecycles:
            self._lifecycles[row.workflow_id] = self._lifecycle(row.workflow_id)
        lifecycle = self._lifecycles[row.workflow_id]
        if lifecycle is None:
            # The workflow was tampered with; its own row says so.
            return None if row.outcome is None else str(row.outcome)
        move = lifecycle.move(row.from_stage, row.action)
        return None if move is None else move.outcome

    def _lifecycle(self, workflow_id: int) -> Lifecycle | None:
        try:
            return lifecycle_of(self.tx, workflow_id)
        except AppraiseError:
            return None

    def check_texts(self) -> None:
        """Compare each text that is not erased with its digest."""
        for row in self.tx.stream(_TEXTS):
            if row.body is not None and text_digest(row.salt or "", row.body) != row.digest:
                self.faults.add("text", f"text {row.id}", "its words are not those that were written.")
            self.texts += 1
            self._tick("texts", self.texts)

    def _follows(self, where: str, row: Row[Any], last: int, prev: str) -> None:
        if row.seq != last + 1:
            self.faults.add("gap", where, f"number {last + 1} is missing before it.")
        elif row.prev != prev:
            self.faults.add("chain", where, "it does not follow the row before it.")

    def _keyed(self, where: str, row: Row[Any], fields: dict[str, Any]) -> None:
        keys = self.tx.keys
        if row.key_id not in keys.secrets:
            if row.key_id not in self.faults.missing_keys:
                self.faults.missing_keys.add(row.key_id)
                self.faults.add("no-key", where, f"it is signed with the key {row.key_id}, which is not at hand.")
        elif keys.mac(row.prev, fields, row.key_id) != row.mac:
            self.faults.add("mac", where, "its content is not what was written.")

    def _payload(self, where: str, text: str) -> Mapping[str, Any]:
        if text == "{}":
            return _NOTHING
        try:
            payload = _decoded(text)
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            self.faults.add("payload", where, "its content cannot be read.")
            return {}
        return payload

    def _tick(self, what: str, done: int) -> None:
        if done % _STEP == 0:
            self.progress(what, done)


def by_right_of(row: Any) -> int | None:
    """Return whose right a move or an event was by: of an entry by proxy, the person acted for."""
    found: int | None = row.on_behalf_of if row.on_behalf_of is not None else row.actor_id
    return found


def _id(digits: str) -> int:
    """Return a whole number as the program writes them; what no database takes was not written by it."""
    number = int(digits)
    if abs(number) > _LARGEST:
        raise ValueError(digits)
    return number


def _none(text: str) -> None:
    raise ValueError(text)


_decoded = json.JSONDecoder(parse_int=_id, parse_float=_none, parse_constant=_none).decode
