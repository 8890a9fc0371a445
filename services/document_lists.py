"""Lists of documents: those to pick from, page by page, and those registered last."""

import datetime as dt

from sqlalchemy import Text, bindparam, or_, select

from models.columns import BIGINT
from services.access import GRANT
from services.actors import Actor
from services.documents import (
    ASSIGNMENT,
    DOCUMENT,
    DOCUMENTS,
    FINDING,
    REGISTRARS,
    DocumentView,
    of_own_finding,
    sees_all,
    view_of,
)
from services.unit_of_work import Transaction, UnitOfWork

_HIGHEST_ID = 2**62
_ALL = DOCUMENTS.order_by(DOCUMENT.c.day, DOCUMENT.c.id)
_VISIBLE = _ALL.where(
    or_(bindparam("all"), DOCUMENT.c.registered_by == bindparam("viewer"), of_own_finding(DOCUMENT.c.id))
)
LISTED = 50
"""Documents of one list."""
_LATEST = DOCUMENTS.where(DOCUMENT.c.id < bindparam("before")).order_by(DOCUMENT.c.id.desc()).limit(LISTED)
# By the few findings about somebody, so that nobody's list reads through everybody's documents.
_OF_FINDINGS = DOCUMENT.c.id.in_(
    select(FINDING.c.document_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == FINDING.c.assignment_id)
    .where(ASSIGNMENT.c.person_id == bindparam("viewer"), FINDING.c.document_id.is_not(None))
)
_LATEST_OWN = _LATEST.where(_OF_FINDINGS)
_PAGE = (
    DOCUMENTS.where(
        DOCUMENT.c.id > bindparam("after"),
        or_(bindparam("kind", type_=Text).is_(None), DOCUMENT.c.kind == bindparam("kind", type_=Text)),
    )
    .order_by(DOCUMENT.c.id)
    .limit(bindparam("limit", type_=BIGINT))
)
_PAGE_OWN = _PAGE.where(_OF_FINDINGS)
_PAGE_REGISTERED = _PAGE.where(or_(DOCUMENT.c.registered_by == bindparam("viewer"), _OF_FINDINGS))
_EVER_REGISTRAR = select(GRANT.c.id).where(
    GRANT.c.person_id == bindparam("viewer"), GRANT.c.role.in_([role.value for role in REGISTRARS])
)


def list_documents(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, kind: str | None = None
) -> tuple[DocumentView, ...]:
    """Return the documents the viewer may pick from, by day.

    HR, the clerk, the approver, the auditor and whoever scores, reviews or decides about somebody see all; everybody
    else those that a finding of his own refers to.
    """
    with uow.read() as tx:
        rows = tx.all(_VISIBLE, {"viewer": actor.person_id, "all": sees_all(tx, actor, now)})
    return tuple(view_of(row) for row in rows if kind is None or row.kind == kind)


def documents_page(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, kind: str | None = None, after: int = 0, limit: int = 50
) -> tuple[DocumentView, ...]:
    """Return at most `limit` of the documents that `list_documents` lists, by id, from behind one; 5 statements."""
    with uow.read() as tx:
        asked = {"after": after, "limit": limit, "kind": kind}
        if sees_all(tx, actor, now):
            rows = tx.all(_PAGE, asked)
        else:
            # What he registered himself is looked for only where he ever could.
            ever = tx.first(_EVER_REGISTRAR, {"viewer": actor.person_id}) is not None
            rows = tx.all(_PAGE_REGISTERED if ever else _PAGE_OWN, asked | {"viewer": actor.person_id})
    return tuple(view_of(row) for row in rows)


def latest_documents(
    tx: Transaction, *, actor: Actor, now: dt.datetime, before: int | None = None
) -> tuple[DocumentView, ...]:
    """Return the `LISTED` documents registered last that the viewer may pick from, the latest first.

    `before` is the id of the last one of the list before. Who does not see all sees those that a finding about himself
    refers to.
    """
    values = {"before": _HIGHEST_ID if before is None else before}
    if sees_all(tx, actor, now):
        return tuple(view_of(row) for row in tx.all(_LATEST, values))
    return tuple(view_of(row) for row in tx.all(_LATEST_OWN, values | {"viewer": actor.person_id}))
