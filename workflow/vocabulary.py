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
