"""What the reckoning of a storm reads: what was open on each evening, what people did, and who was away."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """An open work item: who holds it, until when, in which stage of which appraisal, and the move that opened it."""

    item: int
    holder: int
    due: dt.datetime | None
    stage: str
    action: str
    appraisal: int
    opened: dt.datetime


@dataclass(frozen=True, slots=True)
class Evening:
    """What was open when everything was done that the clock at `at` asked for."""

    at: dt.datetime
    held: Mapping[int, Turn]


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that the clock or a person made: in the appraisal of whom, which number and action, and when.

    `was` is who held the work item that it closed, and `lost` whether he has had no part in the appraisal since.
    """

    appraisal: int
    appraisee: int
    seq: int
    action: str
    at: dt.datetime
    was: int | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Who had a part of an appraisal, from when; `stage` is the stage in which its holder acts."""

    appraisal: int
    stage: str
    person: int
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody who is mailed less for some days: away under protection, or, with `last` empty, not here any more."""

    person: int
    first: dt.date
    last: dt.date | None


@dataclass(frozen=True, slots=True)
class Signing:
    """A result table that was put before an approver: in which step, of which cycle, under which number."""

    step: int
    cycle: int
    number: int
    approver: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the reckoning reads."""

    evenings: Sequence[Evening]
    ever: Collection[Turn]
    """Every work item that there ever was, once for each who ever held it."""
    moved: Sequence[Moved]
    extended: Sequence[tuple[int, Turn]]
    """Deadlines that HR moved: in which step, and the item with its new deadline."""
    findings: Sequence[tuple[int, int]]
    """Each with the person it is about."""
    officers: Sequence[int]
    duties: Sequence[tuple[int, int]]
    """Who has scheduled duties: assignment and person."""
    parts: Sequence[Part] = ()
    """Every part that anybody ever had in an appraisal, as scorer, reviewer or decider."""
    away: Sequence[Away] = ()
    left: Sequence[int] = ()
    """Who left: his result is told to nobody by mail."""
    signing: Sequence[Signing] = ()
    final: Sequence[tuple[int, int]] = ()
    """Cycles that were signed: in which step, and the cycle."""
