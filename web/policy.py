"""Who may ask which route: one table for pages and API, beside `services.sight.POLICY`, which says who sees what.

A route without a row is answered to nobody, and a test fails for it. What is said here is the outer door only: the
services look up every relation themselves, at each request (G14).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from services.sight import POLICY, Relation, Shown
from workflow.vocabulary import Role


class About(StrEnum):
    """What a route is about, and so what is asked of the viewer."""

    NOTHING = "nothing"
    """Nobody has to be logged in."""
    HIMSELF = "himself"
    """Whoever is logged in asks about himself."""
    OFFICE = "office"
    """The organisation: a grant is asked for."""
    APPRAISAL = "appraisal"
    """One appraisal, named in the path: a relation to it is asked for."""
    DOCUMENT = "document"
    """One document, named in the path: a grant, or that somebody judges anybody, or a finding of his own."""


@dataclass(frozen=True, slots=True)
class Access:
    """One row: what the route is about, and which grants or relations open it.

    `stages`, where there are any, are those of the appraisal in which it answers at all; with `judgement` it answers
    only to whom the judgement is shown. Whoever has a relation and may not act is refused (403); whoever has none is
    told that there is no such thing (404).
    """

    about: About
    grants: frozenset[str] = frozenset()
    relations: frozenset[Relation] = frozenset()
    stages: frozenset[str] = frozenset()
    judgement: bool = False


PUBLIC = Access(About.NOTHING)
PERSONAL = Access(About.HIMSELF)
SEEING = frozenset(relation for relation, rule in POLICY.items() if rule.facts is not Shown.NEVER)
"""The relations that see at least the facts of an appraisal."""


def office(*grants: Role) -> Access:
    """Open a route to whoever holds one of these grants."""
    return Access(About.OFFICE, grants=frozenset(grants))


BEGUN = ("scoring", "review", "signoff", "appeal", "closed")
"""The stages of an appraisal that has made a move."""
DOCUMENT = Access(About.DOCUMENT, grants=frozenset({Role.HR, Role.CLERK, Role.APPROVER, Role.AUDITOR}))


def appraisal(*relations: Relation, stages: tuple[str, ...] = (), judgement: bool = False) -> Access:
    """Open a route about an appraisal to these relations; by default to all that see its facts."""
    return Access(
        About.APPRAISAL, relations=frozenset(relations) or SEEING, stages=frozenset(stages), judgement=judgement
    )


ROUTES: Mapping[tuple[str, str], Access] = MappingProxyType(
    {
        ("GET", "/health"): PUBLIC,
        # logging in
        ("GET", "/login"): PUBLIC,
        ("POST", "/login"): PUBLIC,
        ("POST", "/logout"): PUBLIC,
        ("POST", "/language"): PUBLIC,
        ("GET", "/forgotten"): PUBLIC,
        ("POST", "/forgotten"): PUBLIC,
        ("GET", "/password/{secret}"): PUBLIC,
        ("POST", "/password/{secret}"): PUBLIC,
        # my work
        ("GET", "/"): PERSONAL,
        # the API
        ("GET", "/api/v1/me"): PERSONAL,
        ("GET", "/api/v1/organisation"): PERSONAL,
        ("GET", "/api/v1/people"): PERSONAL,
        ("GET", "/api/v1/people/{number}"): PERSONAL,
        ("GET", "/api/v1/cycles"): PERSONAL,
        ("GET", "/api/v1/cycles/{cycle}"): PERSONAL,
        ("GET", "/api/v1/cycles/{cycle}/status"): office(Role.HR, Role.APPROVER, Role.AUDITOR),
        ("GET", "/api/v1/cycles/{cycle}/results"): PERSONAL,
        ("GET", "/api/v1/appraisals"): PERSONAL,
        ("GET", "/api/v1/appraisals/{cycle}/{number}"): appraisal(),
        ("GET", "/api/v1/appraisals/{cycle}/{number}/explanation"): appraisal(judgement=True),
        ("GET", "/api/v1/appraisals/{cycle}/{number}/findings"): appraisal(),
        ("GET", "/api/v1/appraisals/{cycle}/{number}/audit"): appraisal(),
        ("POST", "/api/v1/appraisals/{cycle}/{number}/moves"): appraisal(),
        ("POST", "/api/v1/moves"): PERSONAL,
        ("GET", "/api/v1/findings"): PERSONAL,
        ("POST", "/api/v1/findings"): PERSONAL,
        ("GET", "/api/v1/findings/{finding}"): appraisal(),
        ("POST", "/api/v1/findings/{finding}/void"): appraisal(),
        ("POST", "/api/v1/findings/{finding}/confirm"): appraisal(),
        ("POST", "/api/v1/findings/{finding}/replies"): appraisal(Relation.APPRAISEE),
        ("GET", "/api/v1/documents"): PERSONAL,
        ("POST", "/api/v1/documents"): PERSONAL,
        ("GET", "/api/v1/documents/{document}"): DOCUMENT,
        ("GET", "/api/v1/documents/{document}/findings"): DOCUMENT,
        ("GET", "/api/v1/documents/{document}/files"): DOCUMENT,
        ("POST", "/api/v1/documents/{document}/files"): DOCUMENT,
        ("GET", "/api/v1/findings/{finding}/files"): appraisal(),
        ("POST", "/api/v1/findings/{finding}/files"): appraisal(),
        # of what a judge did; files of the person's own answers are shown with the facts
        ("GET", "/api/v1/appraisals/{cycle}/{number}/moves/{seq}/files"): appraisal(stages=BEGUN, judgement=True),
        ("POST", "/api/v1/appraisals/{cycle}/{number}/moves/{seq}/files"): appraisal(stages=BEGUN, judgement=True),
        ("GET", "/api/v1/files/{file}"): appraisal(),
        ("GET", "/api/v1/work-items"): PERSONAL,
        ("POST", "/api/v1/work-items/{item}/reassignments"): PERSONAL,
        ("GET", "/api/v1/audit/streams/{stream}"): office(Role.AUDITOR, Role.APPROVER, Role.HR),
        ("GET", "/api/v1/audit/views"): office(Role.AUDITOR),
        ("GET", "/api/v1/audit/verification"): office(Role.AUDITOR),
        # an appraisal
        ("GET", "/appraisals/{cycle}/{number}"): appraisal(),
        ("POST", "/appraisals/{cycle}/{number}/{action}"): appraisal(*SEEING),
        ("GET", "/files/{file}"): appraisal(),
    }
)
"""Method and path to access. A page adds a row for each of its routes."""


def access(method: str, path: str) -> Access | None:
    """Return the row of a route, or None: then nobody may ask it. HEAD asks what GET asks."""
    return ROUTES.get(("GET" if method == "HEAD" else method, path))
