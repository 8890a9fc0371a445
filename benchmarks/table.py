"""The table of benchmarks: which module holds which, and what a benchmark is made of.

A module of the table has a mapping `CONTESTS` from its names to a `Contest`. Everything in a contest is a function of a
module, because subject and floor each run in a process of their own, which finds them by name:

- `prepare(url, size)` fills a fresh, migrated database through the product and returns the plan: a dictionary that both
  sides are given, of whatever can be pickled. It runs once; then the database is analysed and copied for each side.
- `subject(url, plan)` and `floor(url, plan)` are generators. Each opens its database, yields one function without
  arguments for each round, and closes the database when it is exhausted. Only the calls of these functions are timed,
  in turns; both sides must yield equally many. What a call returns must be equal on both sides, None included. A
  generator whose work is done by processes that it starts returns the peak of their memory in MiB, which is told then.

A floor stands in `benchmarks.floors`, so that its process never loads the product.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Table

Plan = dict[str, Any]
Work = Callable[[], Any]
Side = Callable[[str, Plan], Iterator[Work]]


def one(size: int) -> int:  # noqa: ARG001 - the signature of `Contest.units`
    """Say that a round makes one of what is told."""
    return 1


def whole(size: int) -> int:
    """Say that a round makes everything that was prepared, so that the time is told for each."""
    return size


def of_the_product() -> Sequence["Table"]:
    """Return the product's tables, those that are pointed at first."""
    from models.metadata import METADATA

    return METADATA.sorted_tables


@dataclass(frozen=True, slots=True)
class Contest:
    """One benchmark. The module's docstring says what the functions are given and return.

    `size` is how much is prepared unless another size is asked for; `warm_up` how many rounds are not counted; `units`
    by how many a round's time is divided, given the size. `apart` names columns as `table.column` that subject and
    floor fill differently for a good reason, beside those that `benchmarks.measure` always sets apart. `tables` returns
    the tables that are compared.
    """

    prepare: Callable[[str, int], Plan]
    subject: Side
    floor: Side
    size: int
    warm_up: int
    units: Callable[[int], int] = one
    apart: frozenset[str] = frozenset()
    tables: Callable[[], Sequence["Table"]] = of_the_product


BENCHMARKS: Mapping[str, str] = {
    "move": "benchmarks.moves",
    "submit": "benchmarks.moves",
    "batch": "benchmarks.moves",
    "open": "benchmarks.cycles",
    "finalise": "benchmarks.cycles",
    "tick": "benchmarks.ticks",
    "tick-few": "benchmarks.ticks",
    "prove": "benchmarks.ledgers",
    "verify": "benchmarks.audit",
    "two-prove": "benchmarks.workers",
    "two-open": "benchmarks.workers",
    "two-finalise": "benchmarks.workers",
}
"""Name to module, in the order they run when none is named."""
PEERS: Mapping[str, str] = dict.fromkeys(
    ("peer-viewflow", "peer-spiffworkflow", "peer-statemachine"), "benchmarks.peers"
)
"""The same for those that need the libraries of the set `peers`; they run only when `peers` is named."""
WITH_PEERS = ("move", *PEERS)
"""What `peers` stands for: ours first."""


def contest(name: str) -> Contest:
    """Return a benchmark of the table; its module is imported now."""
    found: Contest = importlib.import_module({**BENCHMARKS, **PEERS}[name]).CONTESTS[name]
    return found
