"""The one function that moves appraisals: load, decide, write the history row, change the stage, pass on the work item.

Terminal, jobs and, later, pages all come through here. The rules are the workflow's; what a move does beyond changing
the stage is named in the definition and looked up in `services.effects`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import bindparam, select

from scoring.errors import ScoringError
from services.access import interested, own_or_superior
from services.actors import Actor
from services.audit import StoredText, store_text
from services.case_facts import gather
from services.delegations import stand_in
from services.effects import Brought, after_move, before_move
from services.errors import AppraiseError, Conflict, Refused
from services.file_writing import Owner, Sent, write_files
from services.finding_writing import stream, tell_of_proxy
from services.grants import demand_typist
from services.moving import Step, write_steps
from services.naming import unseen
from services.overtaken import overtaken
from services.standing import MOVE, Standing, load
from services.unit_of_work import Transaction, UnitOfWork, record_refusal, rule_error, use_case
from workflow.engine import Decisions
from workflow.errors import WorkflowError
from workflow.lifecycle import Move
from workflow.vocabulary import JUDGING_ROLES, Role

_MOVE_ID = select(MOVE.c.id).where(MOVE.c.appraisal_id == bindparam("appraisal"), MOVE.c.seq == bindparam("seq"))


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of an appraisal: where it was, where it is, and its new version."""

    appraisal_id: int
    code: str
    action: str
    from_stage: str
    to_stage: str
    version: int
    total: Fraction | None


@dataclass(frozen=True, slots=True)
class Words:
    """What the acting person wrote and named with the act.

    `lines` maps a line (`F12`, or `A1.1:2026-02` for a missed month) to `keep`, `strike`, an amount in points, or None.
    `ratings` maps items to the self score, in points; it is shown and not counted. `why` are ids and codes that the
    history row keeps of an act of the clock: which work item was missed, since when, by which policy.
    """

    comment: str | None = None
    witness: str | None = None
    lines: Mapping[str, str | None] | None = None
    ratings: Mapping[str, Fraction] | None = None
    why: Mapping[str, Any] | None = None


@use_case("appraisal.act")
def act(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    appraisal: str | int,
    action: str,
    words: Words | None = None,
    version: int | None = None,
    ledger_version: int | None = None,
    files: Sequence[Sent] = (),
) -> Moved:
    """Move one appraisal by one action, or say in a sentence why not; one transaction.

    `version` and `ledger_version`, where given, are what the person was looking at; `files` are kept with the move.

    Raises:
        Malformed: the workflow has no such action; the sentence lists those it has. Or a file is not one that is taken.
        NotFound: there is no such appraisal, or the actor has nothing to do with it.
        Refused: the workflow does not allow it here, now, or to this person.
        Conflict: somebody was faster, whom the sentence names, or it is not the version that the person saw.
    """
    standings: list[Standing] = []
    try:
        with uow.write() as tx:
            standings += load(tx, [appraisal], actor, now)
            standing, actor = stand_in(tx, standings[0], actor, action)
            _demand_related(standing, actor)
            _demand_seen(standing, version, ledger_version)
            taken = take(tx, standing, action=action, words=words or Words(), actor=actor, now=now)
            write_steps(tx, [taken.step])
            after_move(taken)
            _keep_files(tx, taken.step, files)
            tell_of_proxy(tx, actor, f"move/{standing.id}/{taken.step.seq}", now)
    except Conflict as conflict:
        raise overtaken(uow, conflict, standings, actor=actor, version=version) from conflict
    return _moved(taken.step)


def _keep_files(tx: Transaction, step: Step, files: Sequence[Sent]) -> None:
    if files:
        standing = step.standing
        move_id = tx.scalar(_MOVE_ID, {"appraisal": standing.id, "seq": step.seq})
        owner = Owner("move", move_id, stream(standing.row.assignment_id), f"{standing.code}#{step.seq}")
        write_files(tx, owner, files, actor=step.actor, now=step.now)


def _demand_seen(standing: Standing, version: int | None, ledger_version: int | None) -> None:
    """Let pass only who looked at what is there now, as far as he says what he looked at."""
    if version is not None and version != standing.version:
        raise Conflict(
            f"{standing.code} has changed since you looked at it (version {standing.version}, you saw {version}); "
            "look again and decide anew.",
            "stale",
        )
    if ledger_version is not None and ledger_version != standing.ledger_version:
        raise Conflict(
            f"The findings of {standing.code} have changed since you looked at them; look again and decide anew.",
            "stale-ledger",
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of many: those moved, and those set aside with the sentence that says why."""

    moved: tuple[Moved, ...]
    aside: tuple[tuple[str, str], ...]


@use_case("appraisal.act-many")
def act_many(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    appraisals: Sequence[str | int],
    action: str,
    comment: str | None = None,
) -> Batch:
    """Move many appraisals by one action in one transaction; what a rule refuses is set aside and the rest goes on.

    Only actions without lines, such as an approval, can be given to many.

    Raises:
        Malformed: the workflow has no such action.
        NotFound: one of them does not exist, or the actor has nothing to do with it; nothing was written.
        Conflict: somebody was faster with one of them; nothing was written.
    """
    taken: list[Brought] = []
    refused: list[tuple[str, AppraiseError]] = []
    standings: list[Standing] = []
    try:
        with uow.write() as tx:
            text = store_text(tx, comment)
            standings += load(tx, appraisals, actor, now)
            acting = [stand_in(tx, standing, actor, action) for standing in standings]
            words, decisions = Words(comment=comment), Decisions(action)
            for standing, who in acting:
                try:
                    taken.append(
                        take(
                            tx,
                            standing,
                            action=action,
                            words=words,
                            actor=who,
                            now=now,
                            text=text,
                            decisions=decisions,
                        )
                    )
                except Refused as error:
                    refused.append((standing.code, error))
            write_steps(tx, [act.step for act in taken])
            for act in taken:
                after_move(act)
                tell_of_proxy(tx, act.step.actor, f"move/{act.step.standing.id}/{act.step.seq}", now)
    except Conflict as conflict:
        raise overtaken(uow, conflict, standings, actor=actor) from conflict
    for code, refusal in refused:
        record_refusal(
            uow, "appraisal.act-many", refusal, {"actor": actor, "now": now, "appraisal": code, "action": action}
        )
    return Batch(tuple(_moved(act.step) for act in taken), tuple((code, refusal.sentence) for code, refusal in refused))


def take(
    tx: Transaction,
    standing: Standing,
    *,
    action: str,
    words: Words,
    actor: Actor,
    now: dt.datetime,
    text: StoredText | None = None,
    decisions: Decisions | None = None,
) -> Brought:
    """Decide one action and prepare what it writes; the appraisal itself is not written yet.

    `text` and `decisions` are what many have in common.

    Raises:
        NotFound: the actor has nothing to do with this appraisal.
        Refused: the workflow does not allow it.
    """
    _demand_related(standing, actor)
    candidate = standing.lifecycle.move(standing.stage, action)
    _demand_typist(tx, standing, candidate, actor)
    _demand_no_interest(tx, standing, candidate, actor)
    open_to_actor = candidate is not None and not standing.roles.isdisjoint(candidate.who)
    lines = dict(words.lines or {})
    try:
        prepared = gather(
            tx,
            standing,
            candidate if open_to_actor else None,
            comment=words.comment,
            witness=words.witness,
            lines=lines,
            actor=actor,
            now=now,
        )
        move = (decisions or Decisions(action)).of(standing.lifecycle, prepared.case)
    except (WorkflowError, ScoringError) as error:
        raise rule_error(error) from error
    comment = text if text is not None else store_text(tx, words.comment)
    role = next(str(name) for name in move.who if name in standing.roles)
    step = Step(standing, move, actor, now, role, comment, lines)
    for name, said in (("witness", words.witness), ("proxy", actor.reason)):
        stored = store_text(tx, said)
        if stored is not None:
            step.payload[name] = [stored.id, stored.digest]
    if words.why is not None:
        step.payload["why"] = dict(words.why)
    act_brought = Brought(tx, step, prepared, words.ratings or {})
    before_move(act_brought)
    return act_brought


def _demand_related(standing: Standing, actor: Actor) -> None:
    """Let nobody learn that there is an appraisal he has nothing to do with, be it by its version."""
    if not standing.parts.related(actor.person_id):
        raise unseen(standing.asked)


def _demand_typist(tx: Transaction, standing: Standing, move: Move | None, actor: Actor) -> None:
    """Let nobody judge, or answer a judgement of his own, through somebody else's name (domain.md, section 5)."""
    if actor.typed_by is None or actor.typed_by == actor.person_id:
        return
    demand_typist(tx, actor, standing.today)
    if any(actor.typed_by in people for people in standing.parts.holders.values()):
        raise Refused(
            f"You have a part in {standing.code}, so you can enter nothing in it for somebody else.", "proxy-part"
        )
    own = move is not None and Role.APPRAISEE in move.who
    if not own and own_or_superior(tx, actor.typed_by, int(standing.row.person_id), standing.today):
        raise Refused(
            f"{standing.code} is your superior's; somebody who is not below him must enter this.", "own-or-superior"
        )


def _demand_no_interest(tx: Transaction, standing: Standing, move: Move | None, actor: Actor) -> None:
    """Let nobody judge somebody in whom he has a declared interest, since when ever that is (domain.md, 5b)."""
    if move is None or set(move.who).isdisjoint(JUDGING_ROLES):
        return
    appraisee = int(standing.row.person_id)
    recused = appraisee in standing.parts.recused and not standing.parts.roles_of(actor.person_id).isdisjoint(move.who)
    if actor.typed_by is not None and not recused:
        recused = interested(tx, actor.typed_by, appraisee, standing.today)
    if recused:
        raise Refused(
            f"There is a recorded conflict of interest with {standing.row.number}: somebody else must judge "
            f"{standing.code}.",
            "recused",
        )


def _moved(step: Step) -> Moved:
    standing = step.standing
    return Moved(
        standing.id,
        standing.code,
        step.move.action,
        standing.stage,
        step.move.to_stage,
        standing.version + 1,
        step.total,
    )
