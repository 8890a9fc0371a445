"""The ledgers of all appraisals of a cycle in a range of ids: five statements, however many they are."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from scoring.ledger import Ledger
from services.calendars import Closures, working_days
from services.ledger_rows import assemble
from services.ledgers import APPRAISAL, ASSIGNMENT, DUTY, FINDING, INCIDENT, MOVE, POST, REVISION, SITE
from services.unit_of_work import Transaction

_HERE = and_(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.id.between(bindparam("first"), bindparam("last")))


_HELD = (
    select(APPRAISAL.c.id.label("appraisal"), ASSIGNMENT.c.valid_from, ASSIGNMENT.c.valid_to, POST.c.code.label("post"))
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(_HERE)
)
# Everything that `scoring_finding` reads, and not the moments beside it.
_SCORED = [
    FINDING.c[name]
    for name in (
        "id",
        "rule",
        "happened",
        "known",
        "counted_on",
        "amount",
        "units",
        "document_id",
        "sub_reasons",
        "reason_id",
        "claimed",
        "confirmed_at",
        "voided_at",
        "replaces_id",
    )
]
_FINDINGS = (
    select(APPRAISAL.c.id.label("appraisal"), *_SCORED, INCIDENT.c.code.label("incident"))
    .select_from(
        APPRAISAL.join(FINDING, FINDING.c.assignment_id == APPRAISAL.c.assignment_id).outerjoin(
            INCIDENT, INCIDENT.c.id == FINDING.c.incident_id
        )
    )
    .where(_HERE, FINDING.c.counted_on.between(bindparam("from"), bindparam("to")))
    .order_by(FINDING.c.id)
)
_DUTIES = (
    select(
        APPRAISAL.c.id.label("appraisal"),
        *(DUTY.c[name] for name in ("rule", "month", "kind", "coverage", "sites", "voided_at")),
    )
    .select_from(DUTY)
    .join(APPRAISAL, APPRAISAL.c.assignment_id == DUTY.c.assignment_id)
    .where(_HERE, DUTY.c.month.between(bindparam("from"), bindparam("to")))
    .order_by(DUTY.c.id)
)
_REVISIONS = (
    select(
        APPRAISAL.c.id.label("appraisal"),
        *(REVISION.c[name] for name in ("finding_id", "rule", "month", "kind", "amount")),
        MOVE.c.role,
    )
    .select_from(
        APPRAISAL.join(REVISION, REVISION.c.appraisal_id == APPRAISAL.c.id).join(
            MOVE, and_(MOVE.c.appraisal_id == REVISION.c.appraisal_id, MOVE.c.seq == REVISION.c.move_seq)
        )
    )
    .where(_HERE)
    .order_by(REVISION.c.id)
)
_SITES = select(SITE.c.code, SITE.c.closed_months).order_by(SITE.c.code)


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The ledgers of a range, as `services.ledgers.load` reads one, with the revisions of each appraisal."""

    period: tuple[dt.date, dt.date]
    closed_days: Closures
    sites: Mapping[str, frozenset[str]]
    held: Mapping[int, Row[Any]]
    findings: Mapping[int, list[Row[Any]]]
    duties: Mapping[int, list[Row[Any]]]
    revisions: Mapping[int, list[Row[Any]]]

    def of(self, appraisal_id: int, calendar: str) -> Ledger:
        """Return the ledger of an appraisal of the range; `calendar` is the code of its rubric's, such as CN."""
        return assemble(
            self.held[appraisal_id],
            self.findings.get(appraisal_id, ()),
            self.duties.get(appraisal_id, ()),
            self.revisions.get(appraisal_id, ()),
            period=self.period,
            days=working_days(calendar, *self.period, self.closed_days),
            sites=self.sites,
        )


def load_range(
    tx: Transaction, *, cycle_id: int, period: tuple[dt.date, dt.date], first: int, last: int, closed_days: Closures
) -> Ledgers:
    """Read the ledgers of the appraisals of a cycle with ids from `first` to `last`, both inclusive.

    `period` is that of the cycle, its first and last day; `closed_days` are the organisation's closure days.
    """
    here = {"cycle": cycle_id, "first": first, "last": last}
    days = {**here, "from": period[0], "to": period[1]}
    months = {**here, "from": f"{period[0]:%Y-%m}", "to": f"{period[1]:%Y-%m}"}
    return Ledgers(
        period,
        closed_days,
        {row.code: frozenset(json.loads(row.closed_months)) for row in tx.once(_SITES)},
        {row.appraisal: row for row in tx.all(_HELD, here)},
        _by_appraisal(tx.all(_FINDINGS, days)),
        _by_appraisal(tx.all(_DUTIES, months)),
        _by_appraisal(tx.all(_REVISIONS, here)),
    )


def _by_appraisal(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.appraisal, []).append(row)
    return found
