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
    ITEM_DUE = "item-due"
    """As item-open, and the deadline still is where the reminder says, and the holder is not away under protection."""
    FORMER = "former"
    """The person held the work item, holds it no more, and its cycle is not cancelled."""
    OVERSEER = "overseer"
    """The person runs cycles, and the appraisal is under appeal and neither his own nor a superior's."""
    LATE_LIST = "late-list"
    """The person runs cycles, and somebody is late."""
    TO_SIGN = "to-sign"
    """The person approves cycles, and this very table still waits for a signature."""
    FAILURES = "failures"
    """The person operates Appraise, and failures are open."""
    LOGIN_KEY = "login-key"
    """The link that sets a password still works, and there is an address to send it to."""
    LINES = "lines"
    """Something of what the digest would hold is still needed."""


class Way(StrEnum):
    """How a notice reaches a person."""

    AT_ONCE = "at-once"
    """In a mail of its own, since waiting would be wrong."""
    DIGEST = "digest"
    """In the one mail of the day that holds everything that is due for the person."""


class Lateness(StrEnum):
    """What the planner does with an obligation whose moment passed while nobody planned (G4)."""

    SEND_LATE = "send-late"
    SUPERSEDE = "supersede"
    """A later one about the same thing takes its place, or it is useless by now; a cancelled row shows that."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message.

    `notice` tells that handing over this message proves that the person had notice of the result, so that the answer
    window starts (domain.md, section 5). `optional` kinds may be switched off by the person who gets them.
    """

    name: str
    policy: Policy
    need: Need
    lateness: Lateness = Lateness.SEND_LATE
    notice: bool = False
    way: Way = Way.AT_ONCE
    optional: bool = False


DIGEST = "digest"
"""The kind of the mail that holds the notices of a day."""

_KINDS = (
    Kind("your-turn", Policy.RESEND, Need.ITEM_OPEN, way=Way.DIGEST),
    Kind("due-soon", Policy.HOLD, Need.ITEM_DUE, Lateness.SUPERSEDE, way=Way.DIGEST, optional=True),
    Kind("due-today", Policy.HOLD, Need.ITEM_DUE, Lateness.SUPERSEDE, way=Way.DIGEST),
    Kind("overdue", Policy.HOLD, Need.ITEM_DUE, Lateness.SUPERSEDE, way=Way.DIGEST),
    Kind("reminded", Policy.HOLD, Need.ITEM_OPEN, way=Way.DIGEST),
    Kind("returned", Policy.RESEND, Need.ITEM_OPEN),
    Kind("deadline-moved", Policy.RESEND, Need.ITEM_OPEN),
    Kind("passed-upward", Policy.RESEND, Need.ITEM_OPEN),
    Kind("passed-on", Policy.HOLD, Need.FORMER, optional=True),
    Kind("released", Policy.RESEND, Need.ITEM_OPEN, notice=True),
    Kind("accepted-by-silence", Policy.RESEND, Need.PARTY),
    Kind("objection-made", Policy.RESEND, Need.ITEM_OPEN),
    Kind("objection-noted", Policy.HOLD, Need.OVERSEER, way=Way.DIGEST, optional=True),
    Kind("appeal-decided", Policy.RESEND, Need.PARTY),
    Kind("finding-recorded", Policy.RESEND, Need.OWN_FINDING),
    Kind("finding-reply", Policy.RESEND, Need.OTHERS_FINDING),
    Kind("claim-made", Policy.RESEND, Need.OTHERS_FINDING),
    Kind("duty-missing", Policy.HOLD, Need.DUTY, Lateness.SUPERSEDE, way=Way.DIGEST),
    Kind("delegated", Policy.RESEND, Need.DELEGATION),
    Kind("proxy-entry", Policy.RESEND, Need.PERSON),
    Kind("password-link", Policy.RESEND, Need.LOGIN_KEY),
    Kind("result-final", Policy.RESEND, Need.PERSON),
    Kind("opening-problems", Policy.HOLD, Need.OPENING),
    Kind("monday-list", Policy.HOLD, Need.LATE_LIST, Lateness.SUPERSEDE, optional=True),
    Kind("to-sign", Policy.RESEND, Need.TO_SIGN),
    Kind("failures", Policy.HOLD, Need.FAILURES),
    Kind(DIGEST, Policy.HOLD, Need.LINES),
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
