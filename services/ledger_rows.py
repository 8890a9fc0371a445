"""Rows of a ledger as scoring reads them, and the names of its lines."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from scoring.ledger import DutyRecord, Finding, Ledger, Revision
from workflow.vocabulary import Role

_LEVELS = {Role.REVIEWER.value: "review", Role.DECIDER.value: "appeal"}


def finding_line(finding_id: int) -> str:
    """Return the line id of a finding: `F12`."""
    return f"F{finding_id}"


def month_line(rule: str, month: str) -> str:
    """Return the line id of a derived deduction: `A1.1:2026-02`."""
    return f"{rule}:{month}"


def assemble(
    held: Row[Any],
    findings: Iterable[Row[Any]],
    duties: Iterable[Row[Any]],
    revisions: Iterable[Row[Any]],
    *,
    period: tuple[dt.date, dt.date],
    days: frozenset[dt.date],
    sites: Mapping[str, frozenset[str]],
) -> Ledger:
    """Put the rows of one assignment's ledger together, in the order of their ids.

    `held` says from when to when it is held and with which post, `days` are the working days of the period, `sites`
    maps each site to the months in which it was closed.
    """
    by_line = latest_revisions(revisions)
    return Ledger(
        period_from=period[0],
        period_to=period[1],
        assignment_from=held.valid_from,
        assignment_to=held.valid_to,
        findings=tuple(
            scoring_finding(row, row.incident, by_line.get((finding_line(row.id), None)))
            for row in findings
            if not row.claimed or row.confirmed_at is not None
        ),
        duties=tuple(_scoring_duty(row) for row in duties if row.kind != "confirmed"),
        sites=frozenset(sites),
        closed=sites,
        working_days=days,
        post=held.post,
        duty_revisions={(rule, month): was for (rule, month), was in by_line.items() if month is not None},
    )


def scoring_finding(row: Row[Any], incident: str | None, revision: Revision | None = None) -> Finding:
    """Return a stored finding as scoring reads it; texts stay behind, scoring is told only that there is one."""
    return Finding(
        id=finding_line(row.id),
        rule=row.rule,
        happened=row.happened,
        known=row.known,
        amount=row.amount,
        units=row.units,
        key=None if row.document_id is None else f"D{row.document_id}",
        incident=incident,
        reason=row.reason_id is not None,
        sub_reasons=_listed(row.sub_reasons),
        voided=row.voided_at is not None,
        counted_on=row.counted_on,
        revision=revision,
        replaces=None if row.replaces_id is None else finding_line(row.replaces_id),
    )


@lru_cache(maxsize=1024)
def _listed(text: str) -> tuple[str, ...]:
    """Read a stored list of words; most are empty."""
    return tuple(json.loads(text))


def latest_revisions(rows: Iterable[Row[Any]]) -> dict[tuple[str, str | None], Revision]:
    """Chain decisions, oldest first, into the one in force for each line: (`F12`, None) or (rule, month)."""
    force: dict[tuple[str, str | None], Revision] = {}
    for row in rows:
        line = (row.rule, row.month) if row.finding_id is None else (finding_line(row.finding_id), None)
        force[line] = Revision(row.kind, row.amount, by=_LEVELS.get(row.role, "correction"), previous=force.get(line))
    return force


def _scoring_duty(row: Row[Any]) -> DutyRecord:
    return DutyRecord(
        rule=row.rule,
        month=row.month,
        coverage=row.coverage,
        sites=frozenset(_listed(row.sites)),
        excused=row.kind == "excused",
        voided=row.voided_at is not None,
    )
