"""Writing into the table of findings: the row, its event with a digest of the content, and the notice it owes."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.documents import Incident
from models.findings import Finding, Reply
from services import naming
from services.actors import Actor
from services.audit import StoredText, append_event, digest, stamp, store_text
from services.definitions import lifecycle_of
from services.errors import Conflict, Malformed, NotFound
from services.finding_checks import Checked, Entry
from services.ledger_rows import finding_line
from services.ledgers import LedgerState, touch
from services.outbox import promise
from services.reporting import workflow_id_for
from services.unit_of_work import Transaction
from workflow.lifecycle import Disclosure
from workflow.vocabulary import Facts

FINDING = table_of(Finding)
INCIDENT = table_of(Incident)
REPLY = table_of(Reply)

_ONE = select(FINDING).where(FINDING.c.id == bindparam("id"))
LONGEST_CODE = 100
"""Characters of the code by which people name an incident."""

NO_DISCLOSURE = Disclosure(facts=Facts.AT_ONCE, judgement_from="", reply_working_days=5)
"""What holds where a workflow says nothing: facts at once, five working days to reply (domain.md, section 5)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finding that was written: what people type for it, what it takes or gives, and by which day it counts."""

    id: int
    number: str
    rule: str
    amount: Fraction
    counted_on: dt.date

    @property
    def code(self) -> str:
        """What people type: `F1042`."""
        return finding_line(self.id)


def write_finding(
    tx: Transaction,
    checked: Checked,
    *,
    actor: Actor,
    now: dt.datetime,
    claimed: bool = False,
    replaces: int | None = None,
) -> Recorded:
    """Write a checked finding with its event and the notice that is owed; raises the ledger's version first.

    Raises:
        Refused: the ledger was closed since the check.
        Conflict: an appraisal was opened since the check.
    """
    held, entry = checked.held, checked.entry
    at = touch(tx, held.id, checked.state.on)
    if at.appraisal_id != checked.state.appraisal_id:
        raise Conflict("The appraisal was opened at the same moment; nothing was written. Try again.", "faster")
    reason = store_text(tx, entry.reason)
    values: dict[str, Any] = dict.fromkeys(FINDING.c.keys()) | {
        "assignment_id": held.id,
        "rule": checked.rule.id,
        "happened": entry.happened,
        "known": checked.finding.known,
        "counted_on": checked.state.on,
        # What a rule fixes stands in the rubric; only a picked value is the recorder's own.
        "amount": checked.amount if checked.rule.kind == "range" else None,
        "units": entry.units,
        "document_id": checked.document_id,
        "incident_id": _incident(tx, entry, actor=actor, now=now),
        "sub_reasons": json.dumps(list(entry.sub_reasons), separators=(",", ":")),
        "reason_id": reason.id if reason else None,
        "claimed": claimed,
        "recorded_by": actor.actor_id,
        "on_behalf_of": actor.on_behalf_of,
        "recorded_at": now,
        "replaces_id": replaces,
    }
    del values["id"]
    finding_id = tx.insert(FINDING, values)
    kind = "finding.claimed" if claimed else "finding.recorded"
    finding_event(tx, kind, values | {"id": finding_id}, reason, actor=actor, at=now)
    if not claimed:
        notify(tx, at, held.person_id, finding_id, now)
    tell_of_proxy(tx, actor, f"finding/{finding_id}", now, finding_id=finding_id)
    return Recorded(finding_id, held.number, checked.rule.id, checked.amount, checked.state.on)


def finding_row(tx: Transaction, finding: str) -> Row[Any]:
    """Return the row of a finding named like `F12`.

    Raises:
        Malformed: the name has another form.
        NotFound: there is none.
    """
    row = tx.first(_ONE, {"id": naming.numbered(finding, "F")})
    if row is None:
        raise unknown(finding)
    return row


def unknown(finding: str) -> NotFound:
    """Return the error for a finding that is not there or not to be seen."""
    return NotFound(f"There is no finding {finding}, or it is not yours to see.", "unknown-finding")


def disclosure(tx: Transaction, at: LedgerState) -> Disclosure:
    """Return what the workflow discloses and when: that of the appraisal, or the one that will govern the day."""
    workflow_id = at.workflow_id if at.workflow_id is not None else workflow_id_for(tx, at.on)
    return lifecycle_of(tx, workflow_id).disclosure or NO_DISCLOSURE


def stream(assignment_id: int) -> str:
    """Return the name of the audit stream of a ledger."""
    return f"ledger:{assignment_id}"


def tell_of_proxy(
    tx: Transaction, actor: Actor, subject: str, now: dt.datetime, *, finding_id: int | None = None
) -> None:
    """Promise a note to somebody for whom another made an entry (W17); `subject` names the entry by kind and id."""
    if actor.on_behalf_of is not None:
        promise(
            tx,
            kind="proxy-entry",
            person_id=actor.on_behalf_of,
            dedupe_key=f"proxy-entry/{subject}",
            now=now,
            finding_id=finding_id,
            payload={"typed_by": actor.typed_by, "subject": subject},
        )


def finding_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a finding's row its latest event vouches for."""
    plain = ("assignment_id", "rule", "document_id", "incident_id", "sub_reasons", "reason_id", "recorded_by")
    later = ("on_behalf_of", "confirmed_by", "voided_by", "void_reason_id", "replaces_id")
    return {
        **{name: row[name] for name in (*plain, *later)},
        **{name: row[name].isoformat() for name in ("happened", "known", "counted_on")},
        **{name: None if row[name] is None else str(row[name]) for name in ("amount", "units")},
        **{name: None if row[name] is None else stamp(row[name]) for name in _MOMENTS},
        "claimed": bool(row["claimed"]),
    }


_MOMENTS = ("recorded_at", "confirmed_at", "voided_at")


def reply_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a reply's row its event vouches for."""
    return {"finding": row["finding_id"], "person": row["person_id"], "text": row["text_id"], "at": stamp(row["at"])}


def incident_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an incident's row its event vouches for."""
    return {
        "code": row["code"],
        "happened": row["happened"].isoformat(),
        "by": row["registered_by"],
        "at": stamp(row["registered_at"]),
    }


CONTENT = {
    "finding": (FINDING, finding_content),
    "reply": (REPLY, reply_content),
    "incident": (INCIDENT, incident_content),
}
"""For each id that a payload may hold: its table and the content its digest was made of; the latest event holds."""


def _incident(tx: Transaction, entry: Entry, *, actor: Actor, now: dt.datetime) -> int | None:
    if entry.incident is None:
        return None
    code = entry.incident.strip()
    if not code:
        raise Malformed("The code of an incident is empty; write one, or leave it out.", "missing")
    if len(code) > LONGEST_CODE or not code.isprintable():
        raise Malformed(
            f"An incident's code has at most {LONGEST_CODE} characters, all of them to be seen; write a shorter one.",
            "bad-code",
        )
    found = naming.incident_id(tx, code)
    if found is not None:
        return found
    values = {
        "code": code,
        "happened": entry.happened,
        "text_id": None,
        "registered_by": actor.actor_id,
        "registered_at": now,
    }
    incident_id = tx.insert(INCIDENT, values)
    payload = {"incident": incident_id, "digest": digest(incident_content(values))}
    append_event(tx, "org", "incident.registered", actor=actor, at=now, payload=payload)
    return incident_id


def finding_event(
    tx: Transaction, kind: str, row: Mapping[str, Any], text: StoredText | None, *, actor: Actor, at: dt.datetime
) -> None:
    """Write what happened to a finding into the stream of its ledger; `row` is its content after that."""
    payload = {"finding": row["id"], "digest": digest(finding_content(row))}
    if text is not None:
        payload["text"] = text.digest
    append_event(tx, stream(row["assignment_id"]), kind, actor=actor, at=at, payload=payload)


def notify(tx: Transaction, at: LedgerState, person_id: int, finding_id: int, now: dt.datetime) -> None:
    """Promise the person the notice of a finding, where the workflow discloses facts at once (domain.md, section 5)."""
    if disclosure(tx, at).facts != Facts.AT_ONCE:
        return
    code = finding_line(finding_id)
    promise(
        tx,
        kind="finding-recorded",
        person_id=person_id,
        dedupe_key=f"finding-recorded/{code}",
        now=now,
        appraisal_id=at.appraisal_id,
        finding_id=finding_id,
    )


def required_text(tx: Transaction, body: str) -> StoredText:
    """Keep what a person wrote and had to write.

    Raises:
        Malformed: it is empty.
    """
    stored = store_text(tx, body)
    if stored is None:
        raise Malformed("This needs words.", "missing")
    return stored
