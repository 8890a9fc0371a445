"""Who does something: the person whose rights count, and, for an entry by proxy, who typed it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The person an act is by. `person_id` is None for the system.

    For an entry by proxy `typed_by` is the person at the keyboard and `reason` says why (W17). `delegated` says that he
    acts by a delegation that was looked up, and so needs no right to enter for others.
    """

    person_id: int | None
    typed_by: int | None = None
    reason: str | None = None
    delegated: bool = False

    @property
    def actor_id(self) -> int | None:
        """The person at the keyboard."""
        return self.typed_by if self.typed_by is not None else self.person_id

    @property
    def on_behalf_of(self) -> int | None:
        """The person acted for, if somebody else typed."""
        return self.person_id if self.typed_by is not None else None


SYSTEM = Actor(None)
