"""Findings about somebody, and those that refer to a document, page by page as far as the viewer may see them.

What may be seen of a finding hangs on the ledger it counts in. The ledgers of a page are looked up together, in as many
statements for fifty of them as for one.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from models.columns import BIGINT
from services import naming
from services.actors import Actor
from services.definitions import rubric_of
from services.documents import show_document
from services.errors import Malformed, NotFound
from services.finding_shapes import FindingView
from services.finding_views import FINDINGS, Terms, facts_wait, terms_of_ledger, views_by
from services.ledgers import APPRAISAL, ASSIGNMENT, CYCLE, FINDING, LedgerState
from services.naming import PERSON
from services.rubric_in_force import InForce
from services.sight import NOTHING, Sight, sight
from services.standing import Standing, load
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState

_READS = (
    select(APPRAISAL.c.id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        APPRAISAL.c.assignment_id == FINDING.c.assignment_id,
        CYCLE.c.state != CycleState.CANCELLED.value,
        CYCLE.c.period_from <= FINDING.c.counted_on,
        CYCLE.c.period_to >= FINDING.c.counted_on,
    )
    # As `ledgers.state`: the shorter period holds the ledger, the longer one only rolls up.
    .order_by(CYCLE.c.period_from.desc(), CYCLE.c.period_to)
    .limit(1)
    .correlate(FINDING)
    .scalar_subquery()
)
"""The appraisal that reads a finding, if there is one."""
_PAGE = (
    FINDINGS.add_columns(_READS.label("reads"))
    .where(FINDING.c.id > bindparam("after"))
    .order_by(FINDING.c.id)
    .limit(bindparam("limit", type_=BIGINT))
)
_OF_ACTOR = _PAGE.where(ASSIGNMENT.c.person_id == bindparam("person"))
_OF_NUMBER = _PAGE.where(PERSON.c.number == bindparam("number"))
_OF_DOCUMENT = _PAGE.where(FINDING.c.document_id == bindparam("document"))


_ROWS = 500
"""Findings that are looked at together where some of the first were not the viewer's to see."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings in the order they were recorded; behind the id `after` there are more, None where there are none."""

    rows: tuple[FindingView, ...]
    after: int | None


def findings_page(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str | None = None, after: int = 0, limit: int = 50
) -> Findings:
    """Return findings about a person that the viewer may see, by default about himself; at most 6 statements.

    What is not the viewer's to see is left out and the page filled up from behind it. Of a ledger that no appraisal
    reads yet it takes some statements more, and likewise where very many are not his to see.

    Raises:
        Malformed: nobody is named and the actor is not a person.
        NotFound: there is no such person.
    """
    if number is None and actor.person_id is None:
        raise Malformed("Say whose findings you want to see.", "missing")
    with uow.read() as tx:
        asked: dict[str, Any] = {"after": after, "limit": limit + 1}
        if number is None:
            return _seen(tx, _OF_ACTOR, asked | {"person": actor.person_id}, actor=actor, now=now)
        found = _seen(tx, _OF_NUMBER, asked | {"number": number}, actor=actor, now=now)
        if not found.rows:
            naming.person(tx, number)
        return found


def linked(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, document: str, after: int = 0, limit: int = 50
) -> Findings:
    """Return findings that refer to a document, as far as the viewer may see them; see `findings_page`.

    Raises:
        Malformed: the document's name has another form than `D12`.
        NotFound: there is no such document, or it is not the viewer's to see.
    """
    shown = show_document(uow, actor=actor, now=now, document=document)
    with uow.read() as tx:
        asked = {"document": shown.id, "after": after, "limit": limit + 1}
        return _seen(tx, _OF_DOCUMENT, asked, actor=actor, now=now)


def _seen(
    tx: Transaction, statement: Select[Any], asked: Mapping[str, Any], *, actor: Actor, now: dt.datetime
) -> Findings:
    limit, after = int(asked["limit"]) - 1, asked["after"]
    batch = limit + 1
    seen: list[FindingView] = []
    standings: dict[int, Standing] = {}
    known: dict[int, Terms] = {}
    unread: dict[int, list[tuple[LedgerState, Terms]]] = {}

    def terms(row: Row[Any]) -> Terms:
        appraisal = row.reads
        if appraisal is None:
            return terms_of_ledger(tx, row, unread.setdefault(row.assignment_id, []), actor=actor, now=now)
        if appraisal not in known:
            known[appraisal] = _terms(tx, standings[appraisal], actor)
        return known[appraisal]

    while True:
        found = tx.all(statement, {**asked, "after": after, "limit": batch})
        ids = sorted({int(row.reads) for row in found if row.reads is not None} - standings.keys())
        standings |= {one.id: one for one in load(tx, ids, actor, now)} if ids else {}
        seen += views_by(tx, found, terms)
        if len(seen) > limit or len(found) < batch:
            break
        # Neither the place of a hidden one is told nor, by a short page, that there is one.
        after, batch = found[-1].id, max(batch, _ROWS)
    return Findings(tuple(seen[:limit]), seen[limit - 1].id if len(seen) > limit else None)


def _terms(tx: Transaction, standing: Standing, actor: Actor) -> Terms:
    row = standing.row
    try:
        seen: Sight = sight(tx, standing, actor, standing.today)
    except NotFound:
        seen = NOTHING
    withheld = seen.as_appraisee and not seen.judgement and facts_wait(standing)
    rubric = rubric_of(tx, row.rubric_id, row.rubric_digest)
    return Terms(seen, withheld, InForce(rubric, row.period_from, row.period_to))
