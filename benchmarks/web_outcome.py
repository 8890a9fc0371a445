"""What became of a load run: times by kind of page, and each act that was meant beside the rows of the history."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.web_people import DONE, Asked, Intent

MILLISECONDS = 1_000
BROKEN = 500
"""Statuses from here on are faults of ours."""
Key = tuple[int, str, int]
"""An appraisal, an action, and who did it."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Acts that were meant, told to be done, told to be refused, or not answered.

    `lost` were told to be done and have no row; `doubled` are rows that nobody was told of.
    """

    asked: int
    landed: int
    refused: int
    unanswered: int
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True)
class Times:
    """Requests of one kind of page, those that failed, and milliseconds from asking to the last byte."""

    kind: str
    requests: int
    errors: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A load run: how many people, for how long, and what became of it. `load` is that of the machine when it began."""

    people: int
    seconds: float
    workers: int
    load: float
    all: Times
    at_once: Times
    """Everybody's work, opened at the same moment before all else."""
    kinds: tuple[Times, ...]
    moves: Moves
    refusals: Mapping[str, int]
    """Why acts were refused, and how often."""
    faults: int
    """What the audit finds wrong afterwards."""

    @property
    def sound(self) -> bool:
        """Whether every request was answered without a fault, and every act landed once or not at all."""
        return not (self.all.errors or self.at_once.errors or self.moves.lost or self.moves.doubled or self.faults)

    def as_json(self) -> Mapping[str, object]:
        """Return the figures."""
        return {**asdict(self), "per_second": round(self.all.requests / self.seconds, 1), "sound": self.sound}


def settled(intents: Iterable[Intent], rows: Iterable[Key]) -> Moves:
    """Compare what people were told with the rows of the history since the beginning; they are two records."""
    there = Counter(rows)
    asked = landed = refused = unanswered = lost = doubled = 0
    for intent in intents:
        asked += 1
        told = intent.statuses.count(DONE)
        silent = intent.statuses.count(None)
        written = there.pop((intent.appraisal, intent.action, intent.actor), 0)
        lost += max(0, told - written)
        doubled += max(0, written - max(told, min(silent, 1)))
        landed += told > 0
        unanswered += not told and silent > 0
        refused += not told and not silent
    return Moves(asked, landed, refused, unanswered, lost, doubled + sum(there.values()))


def refusals(intents: Iterable[Intent]) -> Mapping[str, int]:
    """Return why acts were refused, and how often; of a form that was sent twice only where neither landed."""
    return dict(Counter(intent.said for intent in intents if DONE not in intent.statuses and intent.said))


def times(kind: str, asked: Sequence[Asked]) -> Times:
    """Return the times of requests; there is at least one."""
    taken = sorted(one.seconds for one in asked)
    errors = sum(one.status is None or one.status >= BROKEN for one in asked)
    p50, p95, p99 = (round(taken[math.ceil(part * len(taken)) - 1] * MILLISECONDS, 1) for part in (0.5, 0.95, 0.99))
    return Times(kind, len(asked), errors, p50, p95, p99)


def by_kind(asked: Sequence[Asked]) -> tuple[Times, ...]:
    """Return the times of each kind of page, the dearest first."""
    kinds: dict[str, list[Asked]] = {}
    for one in asked:
        kinds.setdefault(one.kind, []).append(one)
    return tuple(sorted((times(kind, those) for kind, those in kinds.items()), key=lambda one: -one.p95))
