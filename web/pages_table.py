"""The table of pages: a module of `web.pages` each, and whether and for whom it stands in the navigation."""

from dataclasses import dataclass

from web.words import N_
from workflow.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Page:
    """A row. `module` is one of `web.pages`, whose `router` holds the handlers.

    With a `path` it stands in the navigation under `title`, for who holds one of the `grants`; without grants for
    everybody. `icon` is the name of one of Tabler's.
    """

    module: str
    path: str | None = None
    title: str = ""
    icon: str = ""
    grants: frozenset[str] = frozenset()


def granted(*roles: Role) -> frozenset[str]:
    """Name the grants for which a page stands in the navigation."""
    return frozenset(roles)


PAGES: tuple[Page, ...] = (
    Page("health"),
    Page("login"),
    Page("openid"),
    Page("demo"),
    Page("my_work", "/", N_("My work"), "checklist"),
    Page("appraisal"),
    Page("review"),
    Page("scoring"),
    Page("appeals"),
    Page("record", "/record", N_("Record"), "file-pencil"),
    Page("opening"),
    Page("cycles", "/cycles", N_("Cycles"), "chart-bar", granted(Role.HR, Role.APPROVER, Role.AUDITOR)),
    Page("results"),
    Page("corrections"),
    Page("organisation"),
    Page("flows"),
    Page("rules", "/rules", N_("Rules"), "list-numbers"),
    Page("people", "/people", N_("People"), "users"),
    Page("auditing", "/audit", N_("Audit"), "shield-check", granted(Role.AUDITOR, Role.APPROVER)),
    Page("operating", "/operations", N_("Operations"), "activity", granted(Role.OPERATOR, Role.HR)),
    Page("form_print"),
    Page("files"),
    Page("proxy", "/proxy", N_("On behalf"), "pencil", granted(Role.PROXY)),
)
"""In the order of the navigation."""
