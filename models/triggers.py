# ruff: noqa: S608 - every name and word in these statements is a constant of this program
"""The triggers of both databases as one list: what may never change, and what may change only together with what.

On SQLite a BEFORE INSERT trigger refuses a key that exists, because REPLACE overwrites rows without firing the
triggers for UPDATE and DELETE; on PostgreSQL TRUNCATE has a trigger of its own. What needs no look at another table
stands in the WHEN clause, so that PostgreSQL calls nothing for a row that is right.
"""

from collections.abc import Iterable, Iterator

from models.trigger import Trigger, all_but, changed, keys_of
from workflow.cycle import LEGAL_PAIRS
from workflow.vocabulary import FIRST_STAGE, LAST_STAGE, CycleState, RosterStatus

APPEND_ONLY = (
    "attachment",
    "consequence",
    "contested_line",
    "definition",
    "event",
    "file_content",
    "final",
    "final_item",
    "finding_revision",
    "move",
    "person_result",
    "proposal",
    "rating",
    "reply",
    "score",
    "score_item",
    "sheet",
    "view_log",
    "workflow_move",
)
"""Tables whose rows are inserted and never touched again."""

NEVER_DELETED = ("appraisal", "cycle", "duty_record", "finding", "text_body")
"""Tables whose rows change in few ways and never go."""

UNTIL_OPENED = ("cycle_rubric", "roster")
"""Tables whose rows are made anew as often as wanted while their cycle is planned, and stay from then on."""

ONE_ROW = ("instance", "organisation")

CLOSED_LEDGER_STAGES = ("review", "signoff", "appeal", LAST_STAGE)
"""From the assessor's submission nothing enters the ledger unless the appraisal is returned (domain.md, reading 13)."""


def triggers(dialect: str) -> tuple[Trigger, ...]:
    """Return every trigger a database of `dialect` must have, by name."""
    found = [trigger for trigger in _all() if dialect in trigger.dialects]
    return tuple(sorted(found, key=lambda trigger: trigger.name))


def _all() -> Iterator[Trigger]:
    for table in APPEND_ONLY:
        sentence = f"a row of {table} is never changed."
        yield Trigger(table, "update", "BEFORE UPDATE", "append-only", sentence)
    for table in (*APPEND_ONLY, *NEVER_DELETED):
        yield Trigger(table, "delete", "BEFORE DELETE", "append-only", f"a row of {table} is never deleted.")
    for table in (*APPEND_ONLY, *NEVER_DELETED, *UNTIL_OPENED):
        yield _truncate(table)
        yield _exists(table)
    for table in ONE_ROW:
        only = f'EXISTS (SELECT 1 FROM "{table}")'
        yield Trigger(
            table, "one_row", "BEFORE INSERT", "one-row", f"there is one row of {table} and no more.", lookup=only
        )
    yield from _appraisal()
    yield from _move()
    yield from _ledger()
    yield from _cycle()
    yield from _roster()
    yield from _results()


def _truncate(table: str) -> Trigger:
    sentence = f"{table} is never emptied."
    return Trigger(table, "truncate", "BEFORE TRUNCATE", "append-only", sentence, dialects=("postgresql",))


def _exists(table: str) -> Trigger:
    keys = " OR ".join(
        f'EXISTS (SELECT 1 FROM "{table}" WHERE ' + " AND ".join(f"{name} = NEW.{name}" for name in columns) + ")"
        for columns in keys_of(table)
    )
    sentence = f"{table} has a row with this key already."
    return Trigger(table, "exists", "BEFORE INSERT", "conflict", sentence, lookup=keys, dialects=("sqlite",))


def _fixed(table: str, columns: Iterable[str]) -> Trigger:
    sentence = f"what identifies a row of {table} never changes."
    return Trigger(table, "fixed", "BEFORE UPDATE", "fixed", sentence, when=changed(columns))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _appraisal() -> Iterator[Trigger]:
    moved = ("stage", "version", "round", "outcome", "score_id", "entered_at")
    yield Trigger(
        "appraisal",
        "first_stage",
        "BEFORE INSERT",
        "first-stage",
        f"an appraisal begins in {FIRST_STAGE}, unmoved and unjudged.",
        when=f"NEW.stage <> '{FIRST_STAGE}' OR NEW.version <> 0 OR NEW.round <> 1 OR NEW.outcome IS NOT NULL"
        " OR NEW.score_id IS NOT NULL",
    )
    yield _fixed("appraisal", all_but("appraisal", *moved, "ledger_version"))
    yield Trigger(
        "appraisal",
        "ledger_version",
        "BEFORE UPDATE",
        "ledger-version",
        "the version of a ledger only grows.",
        when="NEW.ledger_version < OLD.ledger_version",
    )
    yield Trigger(
        "appraisal",
        "history",
        "BEFORE UPDATE",
        "history",
        "an appraisal changes only to what the history row of its next version says.",
        when=changed(moved),
        lookup="NEW.version <> OLD.version + 1 OR NOT EXISTS (SELECT 1 FROM move m JOIN workflow_move w"
        " ON w.definition_id = m.workflow_id AND w.action = m.action AND w.from_stage = m.from_stage"
        " WHERE m.appraisal_id = OLD.id AND m.seq = NEW.version AND m.workflow_id = OLD.workflow_id"
        " AND m.from_stage = OLD.stage AND m.to_stage = NEW.stage AND m.round = NEW.round"
        " AND (NEW.outcome {same} w.outcome OR (w.outcome IS NULL AND NEW.outcome {same} OLD.outcome))"
        " AND (NEW.score_id {same} m.score_id OR NEW.score_id {same} OLD.score_id))",
    )
    yield Trigger(
        "text_body",
        "update",
        "BEFORE UPDATE",
        "append-only",
        "a text can only be erased, with its salt.",
        when="OLD.id <> NEW.id OR OLD.digest <> NEW.digest OR NEW.salt IS NOT NULL OR NEW.body IS NOT NULL",
    )


def _move() -> Iterator[Trigger]:
    yield Trigger(
        "move",
        "next",
        "BEFORE INSERT",
        "conflict",
        "the appraisal has moved since it was read.",
        lookup="NOT EXISTS (SELECT 1 FROM appraisal a WHERE a.id = NEW.appraisal_id AND a.version = NEW.seq - 1"
        " AND a.stage = NEW.from_stage AND a.workflow_id = NEW.workflow_id)",
    )
    for table in ("finding_revision", "contested_line"):
        yield Trigger(
            table,
            "own_move",
            "BEFORE INSERT",
            "own-move",
            f"a row of {table} comes with the last move of its appraisal and is about its own findings.",
            lookup="EXISTS (SELECT 1 FROM move m WHERE m.appraisal_id = NEW.appraisal_id AND m.seq > NEW.move_seq)"
            " OR (NEW.finding_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM finding f JOIN appraisal a"
            " ON a.assignment_id = f.assignment_id WHERE f.id = NEW.finding_id AND a.id = NEW.appraisal_id))",
        )


def _ledger() -> Iterator[Trigger]:
    months = {
        "finding": "NEW.counted_on BETWEEN c.period_from AND c.period_to",
        # The first seven characters of a day are its month on both databases.
        "duty_record": "NEW.month BETWEEN substr(CAST(c.period_from AS text), 1, 7)"
        " AND substr(CAST(c.period_to AS text), 1, 7)",
    }
    voided = ("voided_by", "voided_at", "void_reason_id")
    confirmed = ("confirmed_by", "confirmed_at")
    for table, within in months.items():
        readers = (
            "appraisal a JOIN cycle c ON c.id = a.cycle_id WHERE a.assignment_id = NEW.assignment_id"
            f" AND c.state <> '{CycleState.CANCELLED}' AND {within}"
        )
        closed = f"EXISTS (SELECT 1 FROM {readers} AND a.stage IN ({_listed(CLOSED_LEDGER_STAGES)}))"
        for event in ("INSERT", "UPDATE"):
            yield Trigger(
                table,
                f"ledger_{event.lower()}",
                f"BEFORE {event}",
                "ledger-closed",
                "the ledger of this period is closed, because its appraisal has been submitted.",
                lookup=closed,
                # Nobody submits between our look and our commit.
                lock=f"{readers} FOR NO KEY UPDATE OF a",
            )
        free = (*voided, *confirmed) if table == "finding" else voided
        yield _fixed(table, all_but(table, *free))
        once = f"(OLD.voided_by IS NOT NULL AND ({changed(voided)}))"
        if table == "finding":
            once += f" OR (OLD.confirmed_by IS NOT NULL AND ({changed(confirmed)}))"
        yield Trigger(
            table,
            "once",
            "BEFORE UPDATE",
            "once",
            f"a row of {table} is voided or confirmed once, for good.",
            when=once,
        )


def _cycle() -> Iterator[Trigger]:
    legal = " OR ".join(f"(OLD.state = '{old}' AND NEW.state = '{new}')" for old, new in sorted(LEGAL_PAIRS))
    yield Trigger(
        "cycle",
        "first_state",
        "BEFORE INSERT",
        "first-state",
        f"a cycle begins as {CycleState.PLANNED}.",
        when=f"NEW.state <> '{CycleState.PLANNED}' OR NEW.version <> 0",
    )
    yield _fixed("cycle", ("id", "code"))
    yield Trigger(
        "cycle",
        "frozen",
        "BEFORE UPDATE",
        "frozen",
        "what a cycle is about is frozen once it has left planning.",
        when=f"(OLD.state <> '{CycleState.PLANNED}' AND"
        f" ({changed(all_but('cycle', 'id', 'code', 'state', 'version', 'opened_at'))}))"
        " OR (OLD.opened_at IS NOT NULL AND OLD.opened_at {differs} NEW.opened_at)",
    )
    yield Trigger(
        "cycle",
        "state",
        "BEFORE UPDATE",
        "state",
        "a cycle goes only from state to state as its life allows, one version at a time.",
        when=f"(OLD.version <> NEW.version AND NEW.version <> OLD.version + 1)"
        f" OR (OLD.state <> NEW.state AND (NEW.version <> OLD.version + 1 OR NOT ({legal})))",
    )


def _roster() -> Iterator[Trigger]:
    state = "(SELECT c.state FROM cycle c WHERE c.id = {row}.cycle_id)"
    for table in UNTIL_OPENED:
        yield _fixed(table, ("id", "cycle_id", "assignment_id" if table == "roster" else "post_id"))
        yield Trigger(
            table,
            "delete",
            "BEFORE DELETE",
            "frozen",
            f"a row of {table} stays once its cycle is open.",
            lookup=f"{state.format(row='OLD')} <> '{CycleState.PLANNED}'",
        )
        yield Trigger(
            table,
            "insert",
            "BEFORE INSERT",
            "frozen",
            f"a row of {table} is added while its cycle is planned or open.",
            lookup=f"{state.format(row='NEW')} NOT IN ('{CycleState.PLANNED}', '{CycleState.OPEN}')",
        )
    frozen = f"{state.format(row='NEW')} <> '{CycleState.PLANNED}'"
    yield Trigger(
        "cycle_rubric",
        "update",
        "BEFORE UPDATE",
        "frozen",
        "the rubrics of a cycle are frozen by opening.",
        lookup=frozen,
    )
    aside, rated = RosterStatus.SET_ASIDE, RosterStatus.RATED
    not_in = (RosterStatus.LEFT_OUT, RosterStatus.NOT_RATED)
    placed = ("rubric_id", "assessor_id", "reviewer_id", "decider_id", "sources", "working_days", "statement", "digest")
    why = ("status", "reason_code", "reason_id")
    yield Trigger(
        "roster",
        "update",
        "BEFORE UPDATE",
        "frozen",
        "the roster is frozen by opening; only a row that is not in the cycle can still be taken up.",
        # A row is set aside when its opening failed, and then taken up as it is, or left to HR's decision. Who was not
        # in the cycle can join it, with the rubric and the holders of that day.
        when=f"NOT ((NOT ({changed(all_but('roster', *why))})"
        f" AND ((OLD.status = '{rated}' AND NEW.status = '{aside}')"
        f" OR (OLD.status = '{aside}' AND NEW.status <> '{RosterStatus.BLOCKED}')))"
        f" OR (NOT ({changed(all_but('roster', *why, *placed))})"
        f" AND OLD.status IN ({_listed((*not_in, RosterStatus.BLOCKED))}) AND NEW.status = '{rated}'))",
        lookup=frozen,
    )
    yield Trigger(
        "roster",
        "take_up",
        "BEFORE UPDATE",
        "frozen",
        "nobody joins a cycle that is no longer open.",
        when=f"OLD.status <> '{rated}' AND NEW.status = '{rated}'",
        lookup=f"{state.format(row='NEW')} NOT IN ('{CycleState.PLANNED}', '{CycleState.OPEN}')",
    )


def _results() -> Iterator[Trigger]:
    state = f"(c.state = '{CycleState.FINALISING}' OR (c.state = '{CycleState.FINAL}' AND NEW.revision > 1))"
    sentence = "results are written while their cycle is finalised, later only as a revision"
    yield Trigger(
        "final",
        "insert",
        "BEFORE INSERT",
        "finality",
        f"{sentence}, and only of an appraisal of that cycle that is {LAST_STAGE}.",
        lookup="NOT EXISTS (SELECT 1 FROM appraisal a JOIN cycle c ON c.id = a.cycle_id WHERE a.id = NEW.appraisal_id"
        f" AND c.id = NEW.cycle_id AND a.stage = '{LAST_STAGE}' AND {state})",
    )
    yield Trigger(
        "person_result",
        "insert",
        "BEFORE INSERT",
        "finality",
        f"{sentence}.",
        lookup=f"NOT EXISTS (SELECT 1 FROM cycle c WHERE c.id = NEW.cycle_id AND {state})",
    )
