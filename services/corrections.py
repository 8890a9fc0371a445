"""Corrections after finality: HR proposes with a reason, the approver signs; the old result stays beside the new one.

A correction is a score sheet of its own, a revision of the final row that supersedes the last, a revision of the
person's result, and an event with the difference. Nothing that was written is changed, and the appraisal does not move.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.appraisals import FinalItem
from models.columns import table_of
from scoring.numbers import to_decimal
from scoring.result import Score
from scoring.score import score as score_ledger
from services import correction_records as records
from services import ledgers, naming, person_results
from services.actors import Actor
from services.audit import TEXT_BODY, append_event, store_text
from services.audit import digest as digest_of
from services.definitions import rubric_of
from services.errors import Conflict, Malformed, Refused
from services.finalising import stream
from services.grants import demand, demand_distance
from services.judging import SCORE, Judged, Pending, store_score, with_pending
from services.person_results import FINAL, IN_FORCE
from services.result_table import FIGURES, finals_table
from services.standing import Standing, load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState, Outcome, Role

FINAL_ITEM = table_of(FinalItem)

_IN_FORCE = (
    select(FINAL, SCORE.c.as_of)
    .outerjoin(SCORE, SCORE.c.id == FINAL.c.score_id)
    .where(FINAL.c.appraisal_id == bindparam("appraisal"), IN_FORCE)
)
_REASON = select(TEXT_BODY.c.body).where(TEXT_BODY.c.id == bindparam("text"))


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """An item that a correction changes: its score with the reward, in points, before and after."""

    item: str
    before: Fraction
    after: Fraction


@dataclass(frozen=True, slots=True)
class Difference:
    """What a correction changes, and the digest that the approver signs."""

    code: str
    before: Fraction
    after: Fraction
    grade_before: str | None
    grade_after: str | None
    items: tuple[ItemDifference, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Case:
    """An appraisal that is corrected: the final row in force, the score it has, and the one it will have."""

    standing: Standing
    final: Row[Any]
    judged: Judged
    pending: tuple[Pending, ...]
    difference: Difference


@use_case("correction.propose")
def propose_correction(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, lines: Mapping[str, str | None], reason: str
) -> Difference:
    """Propose to correct a final result; by HR, never his own or a superior's (domain.md, section 5 and W8).

    `lines` maps a line of the score (`F12`, or `A1.1:2026-02`) to `strike` or its right amount in points. Nothing is
    changed before the approver signs; a later proposal for the same appraisal replaces this one, and the same one once
    more, by who has not heard that it took, is not written again.

    Raises:
        Malformed: a line or an amount cannot be read, or the reason is missing.
        NotFound: there is no such appraisal.
        Refused: the cycle is not final, there is no such line, the amount is not one of its rule, nothing would change,
            or the actor may not.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR,), "propose a correction")
        standing = _standing(tx, appraisal, actor, now, "propose a correction")
        recorded = records.events_of(tx, standing.row.cycle_id).get(standing.id, [])
        case = work_out(tx, standing, recorded, lines=lines)
        if _stands(tx, recorded, case, actor, reason):
            return case.difference
        stored = store_text(tx, reason)
        if stored is None:
            raise Malformed("A correction needs a reason.", "reason-missing")
        payload = {
            "appraisal": standing.id,
            "final": case.final.id,
            "lines": records.to_lines(case.pending),
            "reason": [stored.id, stored.digest],
            "difference": case.difference.digest,
        }
        append_event(tx, stream(standing.row.cycle_id), records.PROPOSED, actor=actor, at=now, payload=payload)
    return case.difference


@use_case("correction.preview")
def preview_correction(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, lines: Mapping[str, str | None]
) -> Difference:
    """Return what a correction would change; nothing is written. `lines` are those of `propose_correction`.

    Raises:
        Malformed, NotFound, Refused: as `propose_correction`, but for the reason.
    """
    with uow.read() as tx:
        demand(tx, actor, now, (Role.HR,), "propose a correction")
        standing = _standing(tx, appraisal, actor, now, "propose a correction")
        recorded = records.events_of(tx, standing.row.cycle_id).get(standing.id, [])
        return work_out(tx, standing, recorded, lines=lines).difference


@use_case("correction.refuse")
def refuse_correction(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, reason: str) -> None:
    """Refuse a proposed correction with a reason; by the approver.

    Raises:
        Malformed: the reason is missing.
        NotFound: there is no such appraisal.
        Refused: no correction is proposed, or the actor may not.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.APPROVER,), "refuse a correction")
        standing = _standing(tx, appraisal, actor, now, "refuse a correction")
        recorded = records.events_of(tx, standing.row.cycle_id).get(standing.id, [])
        proposed = _proposed(standing, recorded)
        stored = store_text(tx, reason)
        if stored is None:
            raise Malformed("A refusal needs a reason.", "reason-missing")
        payload = {"appraisal": standing.id, "proposal": proposed[0].seq, "reason": [stored.id, stored.digest]}
        append_event(tx, stream(standing.row.cycle_id), records.REFUSED, actor=actor, at=now, payload=payload)


@use_case("correction.approve")
def approve_correction(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, digest: str | None = None
) -> Difference:
    """Sign a proposed correction: the new revision is written and supersedes the last; by the approver.

    `digest`, where given, is that of the difference he has before him.

    Raises:
        NotFound: there is no such appraisal.
        Refused: no correction is proposed, the actor proposed it himself, or may not.
        Conflict: the result, or the difference, is no longer the one that was proposed or seen.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.APPROVER,), "sign a correction")
        standing = _standing(tx, appraisal, actor, now, "sign a correction")
        recorded = records.events_of(tx, standing.row.cycle_id).get(standing.id, [])
        event, said = _proposed(standing, recorded)
        proposers = {event.actor_id, event.on_behalf_of} - {None}
        if actor.person_id is None or not proposers.isdisjoint({actor.person_id, actor.typed_by}):
            raise Refused("You proposed this correction; somebody else must sign it.", "not-own-proposal")
        case = work_out(tx, standing, recorded, pending=records.from_lines(said["lines"]))
        if case.final.id != said["final"] or case.difference.digest != said["difference"]:
            raise Conflict(
                f"{standing.code} is no longer as it was when the correction was proposed; have it proposed anew.",
                "table-changed",
            )
        if digest is not None and digest != said["difference"]:
            raise Conflict(
                f"The correction before you is not the one proposed for {standing.code}; look again and sign that one.",
                "other-table",
            )
        _write(tx, case, event, said, actor=actor, now=now)
    return case.difference


def _standing(tx: Transaction, appraisal: str, actor: Actor, now: dt.datetime, doing: str) -> Standing:
    standing = load(tx, [appraisal], actor, now)[0]
    demand_distance(tx, actor, now, standing.row.person_id, doing)
    if standing.row.cycle_state != CycleState.FINAL:
        raise Refused(
            f"The cycle {standing.row.cycle_code} is {standing.row.cycle_state}; only a final result is corrected.",
            "not-final",
        )
    return standing


def _stands(tx: Transaction, recorded: list[records.Recorded], case: Case, actor: Actor, reason: str) -> bool:
    """Tell whether the actor's own proposal of this very correction, word for word, is the one before the approver."""
    if not recorded or recorded[-1][0].kind != records.PROPOSED:
        return False
    event, said = recorded[-1]
    same = said["final"] == case.final.id and said["difference"] == case.difference.digest
    by_him = (event.actor_id, event.on_behalf_of) == (actor.actor_id, actor.on_behalf_of)
    return same and by_him and tx.scalar(_REASON, {"text": said["reason"][0]}) == reason


def _proposed(standing: Standing, recorded: list[records.Recorded]) -> records.Recorded:
    if not recorded or recorded[-1][0].kind != records.PROPOSED:
        raise Refused(f"No correction of {standing.code} is proposed.", "not-proposed")
    return recorded[-1]


def work_out(
    tx: Transaction,
    standing: Standing,
    recorded: list[records.Recorded],
    *,
    lines: Mapping[str, str | None] | None = None,
    pending: tuple[Pending, ...] = (),
) -> Case:
    """Score the ledger with the corrections made so far, and once more with this one.

    Raises:
        Malformed: a line or an amount cannot be read.
        Refused: there is no score to correct, no such line, the amount is not one of its rule, or nothing would change.
        Conflict: the ledger does not come to what was signed.
    """
    row = standing.row
    final = tx.first(_IN_FORCE, {"appraisal": standing.id})
    if final is None:
        raise Refused(
            f"{standing.code} is not in the final table yet; it must enter before it is corrected.", "no-final"
        )
    if final.outcome == Outcome.NOT_RATED:
        raise Refused(f"{standing.code} was not rated; there is no score to correct.", "not-rated")
    rubric = rubric_of(tx, row.rubric_id, row.rubric_digest)
    loaded = ledgers.load(
        tx,
        assignment_id=row.assignment_id,
        period_from=row.period_from,
        period_to=row.period_to,
        calendar=rubric.settings.calendar,
        appraisal_id=standing.id,
    )
    ledger = with_pending(loaded.ledger, records.decisions(recorded))
    before = score_ledger(rubric, row.post, ledger, final.as_of)
    if before.total != final.total:
        raise Conflict(
            f"The ledger of {standing.code} no longer comes to the stored {to_decimal(final.total)} points; "
            "run `appraise audit verify` before correcting anything.",
            "not-proven",
        )
    decided = pending or records.decided(standing.code, before, lines or {})
    corrected = with_pending(ledger, decided)
    after = score_ledger(rubric, row.post, corrected, final.as_of)
    judged = Judged(loaded, after, corrected.digest, final.as_of, ())
    return Case(standing, final, judged, decided, _difference(standing, final, before, after, decided))


def _difference(
    standing: Standing, final: Row[Any], before: Score, after: Score, decided: tuple[Pending, ...]
) -> Difference:
    was = {item.id: item.score + item.reward for item in before.items}
    items = tuple(
        ItemDifference(item.id, was[item.id], item.score + item.reward)
        for item in after.items
        if was[item.id] != item.score + item.reward
    )
    if not items:
        raise Refused(f"The correction would change no figure of {standing.code}.", "nothing-changed")
    content = {
        "final": final.id,
        "lines": records.to_lines(decided),
        "totals": [to_decimal(before.total), to_decimal(after.total)],
        "grades": [before.grade, after.grade],
        "items": [[item.item, to_decimal(item.before), to_decimal(item.after)] for item in items],
    }
    return Difference(standing.code, before.total, after.total, before.grade, after.grade, items, digest_of(content))


def _write(
    tx: Transaction, case: Case, event: Row[Any], said: Mapping[str, Any], *, actor: Actor, now: dt.datetime
) -> None:
    standing, row, was = case.standing, case.standing.row, case.final
    proposer = event.on_behalf_of if event.on_behalf_of is not None else event.actor_id
    score_id, scored = store_score(
        tx, standing, case.judged, kind="correction", person_id=proposer, at=now, turn=row.round
    )
    score = case.judged.score
    final_id = tx.insert(
        FINAL,
        {
            "cycle_id": row.cycle_id,
            "appraisal_id": standing.id,
            "revision": was.revision + 1,
            "outcome": was.outcome,
            "total": score.total,
            "maximum": score.maximum,
            "grade": score.grade,
            "score_id": score_id,
            "input_digest": case.judged.ledger_digest,
            "supersedes_id": was.id,
            "reason_id": said["reason"][0],
            "at": now,
        },
    )
    tx.insert_many(
        FINAL_ITEM,
        [
            {"final_id": final_id, "item": item.id, **{name: getattr(item, name) for name in FIGURES}}
            for item in score.items
        ],
    )
    cycle = naming.cycle(tx, row.cycle_code)
    results = person_results.revise(tx, cycle, [row.person_id], now=now)
    payload = {
        "appraisal": standing.id,
        "proposal": event.seq,
        "final": final_id,
        "supersedes": was.id,
        "table": finals_table(tx, row.cycle_id, [final_id]).digest,
        "results": results,
        "score": score_id,
        "scored": scored,
        "lines": records.to_lines(case.pending),
        "reason": said["reason"],
        "difference": case.difference.digest,
    }
    append_event(tx, stream(row.cycle_id), records.CORRECTED, actor=actor, at=now, payload=payload)
