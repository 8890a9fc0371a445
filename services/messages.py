"""What the system may have to tell somebody: the kinds of message, as a table."""

from dataclasses import dataclass
from enum import StrEnum

from services.errors import Malformed


class Policy(StrEnum):
    """What happens when nobody knows whether the mail server took a message (G7)."""

    HOLD = "hold"
    RESEND = "resend"


class Need(StrEnum):
    """What must still be true at sending; otherwise the message is cancelled."""

    ITEM_OPEN = "item-open"
    """The work item is open, still with this person, and its cycle is open."""
    PARTY = "party"
    """The person still has a part in the appraisal."""
    OWN_FINDING = "own-finding"
    """The finding is not voided and is about this person."""
    OTHERS_FINDING = "others-finding"
    """The finding is not voided and is about somebody else."""
    DUTY = "duty"
    """The person is still here and the month is not over."""
    DELEGATION = "delegation"
    """The delegation has not ended, and its substitute is still here."""
    PERSON = "person"
    """The person is still here."""
    OPENING = "opening"
    """The person is still HR and the cycle of the plan has not opened."""


class Lateness(StrEnum):
    """What the planner does with an obligation whose moment passed while nobody planned (G4)."""

    SEND_LATE = "send-late"
    SUPERSEDE = "supersede"
    """A later one about the same thing takes its place, or it is useless by now; a cancelled row shows that."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message.

    `notice` tells that handing over this message proves that the person had notice of the result, so that the answer
    window starts (domain.md, section 5).
    """

    name: str
    policy: Policy
    need: Need
    lateness: Lateness = Lateness.SEND_LATE
    notice: bool = False


_KINDS = (
    Kind("your-turn", Policy.RESEND, Need.ITEM_OPEN),
    Kind("due-soon", Policy.HOLD, Need.ITEM_OPEN, Lateness.SUPERSEDE),
    Kind("due-today", Policy.HOLD, Need.ITEM_OPEN, Lateness.SUPERSEDE),
    Kind("overdue", Policy.HOLD, Need.ITEM_OPEN, Lateness.SUPERSEDE),
    Kind("returned", Policy.RESEND, Need.ITEM_OPEN),
    Kind("released", Policy.RESEND, Need.ITEM_OPEN, notice=True),
    Kind("appeal-decided", Policy.RESEND, Need.PARTY),
    Kind("finding-recorded", Policy.RESEND, Need.OWN_FINDING),
    Kind("finding-reply", Policy.RESEND, Need.OTHERS_FINDING),
    Kind("claim-made", Policy.RESEND, Need.OTHERS_FINDING),
    Kind("duty-missing", Policy.HOLD, Need.DUTY, Lateness.SUPERSEDE),
    Kind("delegated", Policy.RESEND, Need.DELEGATION),
    Kind("proxy-entry", Policy.RESEND, Need.PERSON),
    Kind("result-final", Policy.RESEND, Need.PERSON),
    Kind("opening-problems", Policy.HOLD, Need.OPENING),
)
KINDS = {kind.name: kind for kind in _KINDS}


def kind_of(name: str) -> Kind:
    """Return the kind of message with this name.

    Raises:
        Malformed: there is none.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise Malformed(f"There is no kind of message {name!r}; there are {', '.join(KINDS)}.", "unknown-message-kind")
    return kind
