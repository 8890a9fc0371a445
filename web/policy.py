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


OVERVIEW = office(Role.HR, Role.APPROVER, Role.AUDITOR)
"""Who sees how a whole cycle stands."""

ROUTES: Mapping[tuple[str, str], Access] = MappingProxyType(
    {
        ("GET", "/health"): PUBLIC,
        # logging in
        ("GET", "/login"): PUBLIC,
        ("POST", "/login"): PUBLIC,
        ("POST", "/login/resume"): PUBLIC,
        ("GET", "/login/openid"): PUBLIC,
        ("GET", "/login/openid/back"): PUBLIC,
        ("GET", "/login/openid/done"): PUBLIC,
        ("POST", "/logout"): PUBLIC,
        ("POST", "/language"): PUBLIC,
        ("GET", "/forgotten"): PUBLIC,
        ("POST", "/forgotten"): PUBLIC,
        ("GET", "/password/{secret}"): PUBLIC,
        ("POST", "/password/{secret}"): PUBLIC,
        # demonstration data, on the loopback
        ("GET", "/demo"): PUBLIC,
        ("GET", "/demo/{number}"): PUBLIC,
        ("POST", "/demo/{number}"): PUBLIC,
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
        ("GET", "/api/v1/cycles/{cycle}/export"): PERSONAL,
        ("GET", "/api/v1/cycles/{cycle}/proposal"): OVERVIEW,
        ("POST", "/api/v1/cycles/{cycle}/extensions"): office(Role.HR),
        ("POST", "/api/v1/cycles/{cycle}/proposals"): office(Role.HR),
        ("POST", "/api/v1/cycles/{cycle}/approvals"): office(Role.APPROVER),
        ("POST", "/api/v1/cycles/{cycle}/refusals"): office(Role.APPROVER),
        ("GET", "/api/v1/appraisals"): PERSONAL,
        ("GET", "/api/v1/appraisals/{cycle}/{number}"): appraisal(),
        ("GET", "/api/v1/appraisals/{cycle}/{number}/explanation"): appraisal(judgement=True),
        ("GET", "/api/v1/appraisals/{cycle}/{number}/findings"): appraisal(),
        ("GET", "/api/v1/appraisals/{cycle}/{number}/duties"): appraisal(),
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
        ("POST", "/api/v1/duties"): PERSONAL,
        ("POST", "/api/v1/duties/excuses"): PERSONAL,
        ("POST", "/api/v1/duties/confirmations"): PERSONAL,
        ("POST", "/api/v1/duties/{entry}/void"): PERSONAL,
        ("GET", "/api/v1/work-items"): PERSONAL,
        ("POST", "/api/v1/work-items/{item}/reassignments"): PERSONAL,
        ("POST", "/api/v1/work-items/{item}/recusals"): PERSONAL,
        ("POST", "/api/v1/work-items/{item}/holds"): office(Role.HR),
        ("POST", "/api/v1/work-items/{item}/releases"): office(Role.HR),
        ("GET", "/api/v1/delegations"): PERSONAL,
        ("POST", "/api/v1/delegations"): PERSONAL,
        ("POST", "/api/v1/delegations/{delegation}/end"): PERSONAL,
        ("GET", "/api/v1/audit/streams/{stream}"): office(Role.AUDITOR, Role.APPROVER, Role.HR),
        ("GET", "/api/v1/audit/views"): office(Role.AUDITOR),
        ("GET", "/api/v1/audit/verification"): office(Role.AUDITOR),
        ("GET", "/api/v1/webhooks"): office(Role.OPERATOR, Role.HR),
        ("POST", "/api/v1/webhooks"): office(Role.OPERATOR, Role.HR),
        ("GET", "/api/v1/webhooks/{webhook}"): office(Role.OPERATOR, Role.HR),
        ("GET", "/api/v1/webhooks/{webhook}/deliveries"): office(Role.OPERATOR, Role.HR),
        ("POST", "/api/v1/webhooks/{webhook}/tests"): office(Role.OPERATOR, Role.HR),
        ("POST", "/api/v1/webhooks/{webhook}/replays"): office(Role.OPERATOR, Role.HR),
        ("POST", "/api/v1/webhooks/{webhook}/end"): office(Role.OPERATOR, Role.HR),
        # an appraisal
        ("GET", "/appraisals/{cycle}/{number}"): appraisal(*SEEING, Relation.WAITING_DECIDER),
        ("POST", "/appraisals/{cycle}/{number}/{action}"): appraisal(*SEEING),
        ("POST", "/findings/{finding}/reply"): appraisal(Relation.APPRAISEE),
        # reviewing
        ("GET", "/review"): PERSONAL,
        ("GET", "/review/clear"): PERSONAL,
        ("POST", "/review/clear"): PERSONAL,
        ("GET", "/review/{cycle}/{number}"): appraisal(Relation.JUDGE),
        ("POST", "/review/{cycle}/{number}/{action}"): appraisal(Relation.JUDGE),
        # scoring
        ("GET", "/scoring"): PERSONAL,
        ("GET", "/scoring/clear"): PERSONAL,
        ("POST", "/scoring/clear"): PERSONAL,
        ("GET", "/scoring/{cycle}/{number}"): appraisal(Relation.JUDGE),
        ("POST", "/scoring/{cycle}/{number}/{action}"): appraisal(Relation.JUDGE),
        # recording
        ("GET", "/record"): PERSONAL,
        ("POST", "/record/documents"): PERSONAL,
        ("POST", "/record/check"): PERSONAL,
        ("GET", "/record/link"): PERSONAL,
        ("POST", "/record/link"): PERSONAL,
        ("POST", "/documents/{document}/files"): DOCUMENT,
        ("GET", "/record/duties"): PERSONAL,
        ("POST", "/record/duties"): PERSONAL,
        ("GET", "/duties/{cycle}/{number}"): appraisal(),
        # deciding an appeal
        ("GET", "/appeals/{cycle}/{number}"): appraisal(Relation.APPEAL_JUDGE),
        ("POST", "/appeals/{cycle}/{number}/{action}"): appraisal(Relation.APPEAL_JUDGE),
        # the cycle today
        ("GET", "/cycles"): OVERVIEW,
        ("GET", "/cycles/{cycle}"): OVERVIEW,
        ("GET", "/cycles/{cycle}/monday"): OVERVIEW,
        ("GET", "/cycles/{cycle}/task"): OVERVIEW,
        ("POST", "/cycles/{cycle}/remind"): office(Role.HR),
        ("POST", "/cycles/{cycle}/extend"): office(Role.HR),
        ("POST", "/cycles/{cycle}/enrol"): office(Role.HR),
        ("POST", "/cycles/{cycle}/withdraw"): office(Role.HR),
        ("POST", "/cycles/{cycle}/retry"): office(Role.HR),
        ("POST", "/cycles/{cycle}/hold"): office(Role.HR),
        ("POST", "/cycles/{cycle}/release"): office(Role.HR),
        ("POST", "/cycles/{cycle}/replace"): office(Role.HR, Role.APPROVER),
        # before opening
        ("GET", "/cycles/new"): office(Role.HR),
        ("POST", "/cycles/new"): office(Role.HR),
        ("GET", "/cycles/{cycle}/opening"): OVERVIEW,
        ("POST", "/cycles/{cycle}/opening"): office(Role.HR),
        ("GET", "/organisation"): office(Role.HR, Role.OPERATOR),
        ("GET", "/organisation/template"): office(Role.HR, Role.OPERATOR),
        ("POST", "/organisation"): office(Role.HR, Role.OPERATOR),
        # results
        ("GET", "/cycles/{cycle}/results"): OVERVIEW,
        ("POST", "/cycles/{cycle}/export"): OVERVIEW,
        ("POST", "/cycles/{cycle}/propose"): office(Role.HR),
        ("POST", "/cycles/{cycle}/approve"): office(Role.APPROVER),
        ("POST", "/cycles/{cycle}/refuse"): office(Role.APPROVER),
        # corrections of what is final
        ("GET", "/corrections/{cycle}/{number}"): OVERVIEW,
        ("POST", "/corrections/{cycle}/{number}/{action}"): office(Role.HR, Role.APPROVER),
        # rules
        ("GET", "/rules"): PERSONAL,
        ("GET", "/rules/{name}"): PERSONAL,
        ("GET", "/rules/{name}/sheet"): PERSONAL,
        ("GET", "/rules/{name}/edit"): office(Role.HR),
        ("POST", "/rules/{name}/edit"): office(Role.HR),
        # flows
        ("GET", "/flows"): PERSONAL,
        ("GET", "/flows/{name}"): PERSONAL,
        ("POST", "/flows/{name}/publish"): office(Role.HR),
        # the auditor's lists
        ("GET", "/audit"): office(Role.AUDITOR, Role.APPROVER),
        ("GET", "/audit/chain"): office(Role.AUDITOR, Role.APPROVER),
        ("POST", "/audit/verify"): office(Role.AUDITOR, Role.APPROVER),
        ("POST", "/audit/checkpoint"): office(Role.AUDITOR, Role.APPROVER),
        # operations
        ("GET", "/operations"): office(Role.OPERATOR, Role.HR),
        ("GET", "/failures"): office(Role.OPERATOR, Role.HR),
        ("POST", "/operations/mail"): office(Role.OPERATOR, Role.HR),
        ("POST", "/operations/failure"): office(Role.OPERATOR, Role.HR),
        ("POST", "/operations/sending"): office(Role.OPERATOR, Role.HR),
        # an appraisal on paper
        ("GET", "/appraisals/{cycle}/{number}/print"): appraisal(),
        # entries on behalf of others
        ("GET", "/proxy"): office(Role.PROXY),
        ("POST", "/proxy"): office(Role.PROXY),
        # people and units
        ("GET", "/people"): PERSONAL,
        ("GET", "/people/{number}"): PERSONAL,
        ("POST", "/people/{number}/change"): office(Role.HR, Role.OPERATOR),
        ("GET", "/files/{file}"): appraisal(),
    }
)
"""Method and path to access. A page adds a row for each of its routes."""


def access(method: str, path: str) -> Access | None:
    """Return the row of a route, or None: then nobody may ask it. HEAD asks what GET asks."""
    return ROUTES.get(("GET" if method == "HEAD" else method, path))
