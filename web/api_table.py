"""The table of the API: a module of `web.api` each, whose `router` holds the handlers, under /api/v1."""

PREFIX = "/api/v1"
MODULES: tuple[str, ...] = (
    "me",
    "organisation",
    "cycles",
    "cycle_acts",
    "appraisals",
    "moves",
    "findings",
    "documents",
    "files",
    "duties",
    "work_items",
    "delegations",
    "audit",
    "webhooks",
)
