"""The words everybody shares: roles, reserved stage names, outcomes, states of a cycle."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is to one appraisal, or, for the last five, to the organisation."""

    APPRAISEE = "appraisee"
    ASSESSOR = "assessor"
    REVIEWER = "reviewer"
    DECIDER = "decider"
    HR = "hr"
    CLERK = "clerk"
    APPROVER = "approver"
    PROXY = "proxy"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SYSTEM = "system"


HOLDER_ROLES = (Role.APPRAISEE, Role.ASSESSOR, Role.REVIEWER, Role.DECIDER)
"""Roles resolved per assignment and frozen in the roster."""

GRANTED_ROLES = (Role.HR, Role.CLERK, Role.APPROVER, Role.PROXY, Role.AUDITOR, Role.OPERATOR)
"""Roles a person holds by a dated grant, whole organisation or one unit."""

FIRST_STAGE = "draft"
"""Every appraisal is inserted here (domain.md, section 5); the database refuses any other first stage."""

LAST_STAGE = "closed"
"""An appraisal is final here; nothing leaves it."""


class Outcome(StrEnum):
    """How an appraisal ended."""

    ACCEPTED = "accepted"
    SILENCE = "silence"
    REFUSED = "refused"
    DECIDED = "decided"
    NOT_RATED = "not-rated"


class CycleState(StrEnum):
    """The life of a whole cycle."""

    PLANNED = "planned"
    OPEN = "open"
    PROPOSED = "proposed"
    FINALISING = "finalising"
    FINAL = "final"
    CANCELLED = "cancelled"


class RosterStatus(StrEnum):
    """What opening does with an assignment."""

    RATED = "rated"
    NOT_RATED = "not-rated"
    LEFT_OUT = "left-out"
    SET_ASIDE = "set-aside"
    BLOCKED = "blocked"


class Severity(StrEnum):
    """Whether a problem stops the opening."""

    ERROR = "error"
    WARNING = "warning"


JUDGING_ROLES = (Role.ASSESSOR, Role.REVIEWER, Role.DECIDER)
"""Nobody has two of these for one appraisal, and nobody any of them for his own (domain.md, section 5)."""

ROLE_WORDS = {
    Role.APPRAISEE: "the person appraised",
    Role.ASSESSOR: "the assessor",
    Role.REVIEWER: "the reviewer",
    Role.DECIDER: "whoever decides the appeal",
    Role.HR: "the HR officer",
    Role.CLERK: "the clerk",
    Role.APPROVER: "the approver",
    Role.PROXY: "a proxy",
    Role.AUDITOR: "the auditor",
    Role.OPERATOR: "the operator",
    Role.SYSTEM: "the clock",
}
"""How a sentence of refusal names a role."""


class Effect(StrEnum):
    """What a move does beside changing the stage. Services know these names and no action's name."""

    STATEMENT = "statement"
    SCORE = "score"
    REVISE = "revise"
    CONTEST = "contest"
    NEW_ROUND = "new-round"
    NOTICE = "notice"
    NO_ACCESS = "no-access"
    CLOSE_NOT_RATED = "close-not-rated"
    HAND_ON = "hand-on"


JUDGING_EFFECTS = (Effect.SCORE, Effect.REVISE)
"""Effects that make or change a score: never by the clock, never by the person appraised."""


class Demand(StrEnum):
    """Whether an act must bring something, a reason or named lines."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class DayKind(StrEnum):
    """How the days of a stage are counted."""

    WORKING = "working"
    CALENDAR = "calendar"


class CountedFrom(StrEnum):
    """The event after which the days of a stage are counted.

    The stage is entered; it is proven that the person knows; the cycle was opened; the last day of its period.
    """

    OPENING = "opening"
    PROVEN_NOTICE = "proven-notice"
    CYCLE_OPENING = "cycle-opening"
    PERIOD_END = "period-end"


class Missed(StrEnum):
    """What happens when the days of a stage are over (W4)."""

    HOLD = "hold"
    ESCALATE = "escalate"
    DELEGATE = "delegate"
    MOVE_ON = "move-on"
    ACCEPT_BY_SILENCE = "accept-by-silence"


class PassTo(StrEnum):
    """To whom a missed part goes: up the line, to the head of the unit, to the named substitute, or to HR's list."""

    NEXT_IN_LINE = "next-in-line"
    UNIT_HEAD = "unit-head"
    SUBSTITUTE = "substitute"
    HR = "hr"


class Facts(StrEnum):
    """When the facts of a finding reach the person: with a notice when recorded, or together with the judgement."""

    AT_ONCE = "at-once"
    WITH_JUDGEMENT = "with-judgement"
