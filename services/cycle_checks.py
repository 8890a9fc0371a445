"""Comparing a cycle with its stream: its state, the frozen roster, what was proposed and signed, and the final rows."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, or_, select

from models.columns import table_of
from models.cycles import Cycle, CycleRubric, Proposal, Roster
from models.outbox import Job
from models.people import Person
from services.audit import digest
from services.chain_checks import TEXT_BODY, Faults, Told
from services.party_checks import check_parties
from services.person_results import APPRAISAL, FINAL, PERSON_RESULT, POST, PersonRow
from services.result_table import finals_table, late_written, written_table
from services.roster import row_digest
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState, Outcome, RosterStatus

CYCLE = table_of(Cycle)
CYCLE_RUBRIC = table_of(CycleRubric)
JOB = table_of(Job)
PERSON = table_of(Person)
PROPOSAL = table_of(Proposal)
ROSTER = table_of(Roster)

STATES: Mapping[str, CycleState] = {
    "created": CycleState.PLANNED,
    "opened": CycleState.OPEN,
    "proposed": CycleState.PROPOSED,
    "refused": CycleState.OPEN,
    "approved": CycleState.FINALISING,
    "final": CycleState.FINAL,
    "cancelled": CycleState.CANCELLED,
}
"""The state that each kind of event left its cycle in; other kinds leave it where it is."""

_CYCLE = select(CYCLE).where(CYCLE.c.id == bindparam("cycle"))
_CYCLES = select(CYCLE.c.id, CYCLE.c.code).order_by(CYCLE.c.id)
_ROSTER = select(ROSTER).where(ROSTER.c.cycle_id == bindparam("cycle")).order_by(ROSTER.c.id)
_PROPOSALS = select(PROPOSAL).where(PROPOSAL.c.cycle_id == bindparam("cycle")).order_by(PROPOSAL.c.number)
_PERSON_RESULTS = (
    select(PERSON_RESULT).where(PERSON_RESULT.c.cycle_id == bindparam("cycle")).order_by(PERSON_RESULT.c.person_id)
)
_FIRST = PERSON_RESULT.c.revision == 1
_FINALS = select(func.count()).select_from(FINAL).where(FINAL.c.cycle_id == bindparam("cycle"))
_PLACE = and_(ROSTER.c.cycle_id == APPRAISAL.c.cycle_id, ROSTER.c.assignment_id == APPRAISAL.c.assignment_id)
_STRANGERS = (
    select(APPRAISAL.c.id)
    .outerjoin(ROSTER, _PLACE)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        or_(
            ROSTER.c.id.is_(None),
            ROSTER.c.person_id != APPRAISAL.c.person_id,
            ROSTER.c.rubric_id != APPRAISAL.c.rubric_id,
            APPRAISAL.c.workflow_id != bindparam("workflow"),
            ROSTER.c.unit_no != APPRAISAL.c.unit_no,
        ),
    )
    .order_by(APPRAISAL.c.id)
)
_RUBRICS = (
    select(CYCLE_RUBRIC.c.definition_id, POST.c.code, TEXT_BODY.c.digest)
    .join(POST, POST.c.id == CYCLE_RUBRIC.c.post_id)
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == CYCLE_RUBRIC.c.override_reason_id)
    .where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"))
)
_REASONS = (
    select(ROSTER.c.id, PERSON.c.number, TEXT_BODY.c.digest)
    .join(PERSON, PERSON.c.id == ROSTER.c.person_id)
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == ROSTER.c.reason_id)
    .where(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.reason_code == "left-out")
    .order_by(ROSTER.c.id)
)
_STRANGE_FINALS = (
    select(FINAL.c.appraisal_id)
    .join(APPRAISAL, APPRAISAL.c.id == FINAL.c.appraisal_id)
    .where(
        FINAL.c.cycle_id == bindparam("cycle"),
        FINAL.c.supersedes_id.is_(None),
        or_(
            FINAL.c.reason_id.is_not(None),
            func.coalesce(FINAL.c.score_id, 0)
            != case((APPRAISAL.c.outcome == Outcome.NOT_RATED.value, 0), else_=func.coalesce(APPRAISAL.c.score_id, 0)),
        ),
    )
    .order_by(FINAL.c.appraisal_id)
)
_SUPERSEDING = (
    select(FINAL.c.id, FINAL.c.appraisal_id)
    .where(FINAL.c.cycle_id == bindparam("cycle"), FINAL.c.supersedes_id.is_not(None))
    .order_by(FINAL.c.id)
)
_CORRECTED = select(FINAL.c.score_id, FINAL.c.supersedes_id, FINAL.c.reason_id).where(FINAL.c.id == bindparam("final"))
_MISSING = (
    select(ROSTER.c.id)
    .where(
        ROSTER.c.cycle_id == bindparam("cycle"),
        ROSTER.c.status == RosterStatus.RATED.value,
        ~exists(select(APPRAISAL.c.id).where(_PLACE)),
    )
    .order_by(ROSTER.c.id)
)
_OPENING = select(func.count()).where(
    JOB.c.dedupe_key.like(bindparam("pattern")), JOB.c.state.in_(("due", "claimed", "failed"))
)

_UNFINISHED = (CycleState.OPEN, CycleState.CANCELLED)
"""Where rows of the roster may still lack their appraisals: the opening goes on, or ended with the cycle."""


def check_cycle(tx: Transaction, faults: Faults, cycle_id: int, events: Sequence[Told]) -> list[tuple[int, str, str]]:
    """Compare one cycle with the events of its stream.

    Returns the scores that its corrections vouch for: id, content digest, and where it is said.
    """
    row = tx.first(_CYCLE, {"cycle": cycle_id})
    if row is None:
        faults.add("missing-row", events[0].where, f"the cycle {cycle_id} is gone.")
        return []
    where = f"cycle {row.code}"
    _check_state(faults, row, where, events)
    _check_choices(tx, faults, row, where, events)
    if row.state != CycleState.PLANNED:
        _check_roster(tx, faults, row, where, events)
        check_parties(tx, faults, row.id, where, events)
        _check_appraisals(tx, faults, row, where, opened=any(told.kind == "opened" for told in events))
    _check_proposals(tx, faults, row, where, events)
    if row.state == CycleState.FINAL:
        _check_results(tx, faults, row, where, events)
    return [(told.payload["score"], told.payload["scored"], told.where) for told in events if told.kind == "corrected"]


def check_streams(tx: Transaction, faults: Faults, seen: Iterable[int]) -> None:
    """Report cycles of which the whole stream is missing."""
    known = set(seen)
    for row in tx.all(_CYCLES):
        if row.id not in known:
            faults.add("missing-stream", f"cycle {row.code}", "it has no events.")


def _check_state(faults: Faults, row: Any, where: str, events: Sequence[Told]) -> None:
    steps = [told for told in events if told.kind in STATES]
    said = STATES[steps[-1].kind] if steps else None
    if row.state != said or row.version != len(steps) - 1:
        faults.add(
            "standing",
            where,
            f"it is {row.state} at version {row.version}, but its events leave it {said} at version {len(steps) - 1}.",
        )
    created = events[0].payload
    dates = [row.period_from.isoformat(), row.period_to.isoformat()]
    if [created.get("code"), created.get("from"), created.get("to")] != [row.code, *dates]:
        faults.add("content", where, f"its code or period is not that of {events[0].where}.")
    if created.get("workflow") != row.workflow_id:
        faults.add("content", where, f"its workflow is not that of {events[0].where}.")


def _check_choices(tx: Transaction, faults: Faults, row: Any, where: str, events: Sequence[Told]) -> None:
    """Compare the rubrics chosen, why one was let through, and why people were left out."""
    created = events[0]
    opened = next((told for told in events if told.kind == "opened"), None)
    through = opened.payload["overrides"] if opened is not None else {}
    late = dict.fromkeys(created.payload["late"], created.payload["override"])
    said = {post: (rubric, through.get(post, late.get(post))) for post, rubric in created.payload["rubrics"].items()}
    stored = {found.code: (found.definition_id, found.digest) for found in tx.all(_RUBRICS, {"cycle": row.id})}
    for post in sorted(said.keys() | stored.keys()):
        if said.get(post) != stored.get(post):
            faults.add("content", f"{where} rubric of {post}", f"it is not the one of {created.where}.")
    if opened is None:
        return
    for found in tx.all(_REASONS, {"cycle": row.id}):
        if opened.payload["left-out"].get(found.number) != found.digest:
            faults.add("text", f"roster {found.id}", f"the reason it was left out is not the one of {opened.where}.")


def _check_roster(tx: Transaction, faults: Faults, row: Any, where: str, events: Sequence[Told]) -> None:
    opened = next((told for told in events if told.kind == "opened"), None)
    if opened is None:
        return
    rows = sum(opened.payload["counts"].values())
    joined = [told for told in events if told.kind == "enrolled"]
    # What a row had when it was opened, where somebody joined over it since, and what it has now.
    first = {told.payload["roster"]: told.payload.get("was") for told in reversed(joined)}
    latest = {told.payload["roster"]: told.payload["row"] for told in joined}
    aside = {told.payload["roster"] for told in events if told.kind in {"set-aside", "withdrawn"}}
    whole = hashlib.sha256(b'{"rows":[')
    for count, found in enumerate(tx.stream(_ROSTER, {"cycle": row.id})):
        content = dict(found._mapping)  # noqa: SLF001 - SQLAlchemy's API
        if found.id in aside and found.id not in latest:
            # Setting aside changes these two and nothing else, and has an event of its own.
            content |= {"status": RosterStatus.RATED.value, "reason_code": None}
        if row_digest(content) != found.digest or latest.get(found.id, found.digest) != found.digest:
            faults.add("roster", f"roster {found.id}", f"it is not as {where} was opened with it.")
        if count < rows:
            whole.update((b"," if count else b"") + f'"{first.get(found.id) or found.digest}"'.encode())
        elif found.id not in latest:
            faults.add("no-event", f"roster {found.id}", f"it joined {where} and no event says so.")
    whole.update(b"]}")
    if whole.hexdigest() != opened.payload["roster"]:
        faults.add("roster", where, f"its roster is not the one of {opened.where}.")


def _check_appraisals(tx: Transaction, faults: Faults, row: Any, where: str, *, opened: bool) -> None:
    for found in tx.stream(_STRANGERS, {"cycle": row.id, "workflow": row.workflow_id}):
        faults.add("roster", f"appraisal {found.id}", f"it is not the one that the roster of {where} has.")
    if row.state == CycleState.CANCELLED and not opened:
        # Its roster was only drawn up: no appraisal was ever owed.
        return
    if row.state in _UNFINISHED and tx.scalar(_OPENING, {"pattern": f"open/{row.id}/%"}):
        return
    for found in tx.stream(_MISSING, {"cycle": row.id}):
        faults.add("missing-stream", f"roster {found.id}", f"its appraisal of {where} is missing.")


def _check_proposals(tx: Transaction, faults: Faults, row: Any, where: str, events: Sequence[Told]) -> None:
    said = {
        told.payload["number"]: (told.payload["table"], told.payload["rows"], told.by, told.at)
        for told in events
        if told.kind in {"proposed", "late-proposed"}
    }
    stored = {
        found.number: (found.digest, found.rows, found.proposed_by, found.proposed_at)
        for found in tx.all(_PROPOSALS, {"cycle": row.id})
    }
    for number in sorted(said.keys() | stored.keys()):
        if said.get(number) != stored.get(number):
            faults.add("proposal", f"{where} proposal {number}", "it is not the one that its event vouches for.")


def _check_results(tx: Transaction, faults: Faults, row: Any, where: str, events: Sequence[Told]) -> None:
    final = next((told for told in events if told.kind == "final"), None)
    if final is None:
        return
    table, _ = written_table(tx, row.id)
    for found in tx.stream(_PERSON_RESULTS.where(_FIRST), {"cycle": row.id}):
        table.add(_person(found))
    if table.digest != final.payload["table"]:
        faults.add("result", where, f"its final rows are not those that were signed ({final.where}).")
    rows = final.payload["rows"] + sum(_entered(tx, faults, row.id, told) for told in events)
    if (found := tx.scalar(_FINALS, {"cycle": row.id})) != rows:
        faults.add("no-event", where, f"it has {found} final rows, and its events say {rows}.")
    for strange in tx.stream(_STRANGE_FINALS, {"cycle": row.id}):
        faults.add("result", f"appraisal {strange.appraisal_id}", "its final row does not rest on its score.")
    corrected = {told.payload["final"] for told in events if told.kind == "corrected"}
    for one in tx.all(_SUPERSEDING, {"cycle": row.id}):
        if one.id not in corrected:
            text = "its final row supersedes another, and no correction says so."
            faults.add("result", f"appraisal {one.appraisal_id}", text)
    results = {
        (person, revision): content for told in events for person, revision, content in told.payload.get("results", ())
    }
    for one in tx.stream(_PERSON_RESULTS.where(~_FIRST), {"cycle": row.id}):
        if digest(_person(one).content()) != results.pop((one.person_id, one.revision), None):
            faults.add("result", f"{where} person {one.person_id}", "the result is not the one that was signed.")
    for person, _revision in results:
        faults.add("missing-row", f"{where} person {person}", "a revision of the result is gone.")


def _entered(tx: Transaction, faults: Faults, cycle_id: int, told: Told) -> int:
    """Compare what an event says entered the table after it was final; how many rows it says."""
    if told.kind == "late-entered":
        if late_written(tx, cycle_id, told.payload["appraisals"]).digest != told.payload["table"]:
            faults.add("result", told.where, "the rows that entered are not those that were signed.")
        return int(told.payload["rows"])
    if told.kind == "corrected":
        if finals_table(tx, cycle_id, [told.payload["final"]]).digest != told.payload["table"]:
            faults.add("result", told.where, "the corrected row is not the one that was signed.")
        rests = tx.first(_CORRECTED, {"final": told.payload["final"]})
        if rests != (told.payload["score"], told.payload["supersedes"], told.payload["reason"][0]):
            faults.add("result", told.where, "the corrected row does not rest on what was signed.")
        return 1
    return 0


def _person(row: Any) -> PersonRow:
    return PersonRow(row.person_id, row.total, row.grade, row.steps)
