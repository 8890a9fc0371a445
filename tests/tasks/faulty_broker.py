"""A broker in memory that drops, doubles, delays and reorders what it is given, by a seed; for tests of G1."""

import copy
import random
import threading
import uuid
from typing import Any, ClassVar

from kombu.transport import TRANSPORT_ALIASES, memory

ADDRESS = "faulty://"


class Faults:
    """What the broker does with each message. `delivered`, `lost` and `doubled` count what came of them.

    `drop` and `double` are the parts of all messages that this happens to, together at most 1; `delay` is the part of
    the others and of the doubled that waits for the next one.
    """

    def __init__(self, seed: int, *, drop: float, double: float, delay: float) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seeded choice of faults, not a secret
        self._lock = threading.Lock()
        self._chances = (drop, double, delay)
        self._held: list[Any] = []
        self.delivered = 0
        self.lost = 0
        self.doubled = 0

    def heal(self) -> None:
        """From now on every message arrives once, at once; what was held back comes with the next."""
        with self._lock:
            self._chances = (0.0, 0.0, 0.0)

    def pass_on(self, message: Any) -> list[Any]:
        """Return what arrives now for this message, in which order."""
        with self._lock:
            drop, double, delay = self._chances
            coming = [message]
            drawn = self._random.random()
            if drawn < drop:
                self.lost += 1
                coming = []
            elif drawn < drop + double:
                self.doubled += 1
                coming = [message, _again(message)]
            if coming and self._random.random() < delay:
                self._held += coming
                coming = []
            elif self._held:
                coming = [*coming, *self._held]
                self._random.shuffle(coming)
                self._held = []
            self.delivered += len(coming)
            return coming


class Channel(memory.Channel):
    """A channel in memory with the faults of the running test."""

    faults: ClassVar[Faults | None] = None

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        for one in self.faults.pass_on(message) if self.faults is not None else [message]:
            super()._put(queue, one, **kwargs)


class Transport(memory.Transport):
    """The transport of that channel."""

    Channel = Channel


def _again(message: Any) -> Any:
    copied = copy.deepcopy(message)
    copied["properties"]["delivery_tag"] = str(uuid.uuid4())
    return copied


TRANSPORT_ALIASES["faulty"] = f"{__name__}:Transport"
