"""All actors and actions against a model of one appraisal, on a real database: nothing illegal ever lands."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from catalog.shelf import workflow_text
from models.columns import table_of
from models.database import open_database
from models.history import Move
from services.actors import SYSTEM
from services.errors import AppraiseError
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY, VICE, TinyOffice
from tests.services.conftest import KEYS
from tests.services.playing import SUBMITTED, Play
from workflow.definition import load_definition

MOVE = table_of(Move)
PEOPLE = (CLERK, PERSONNEL, DIRECTOR, VICE, PRESIDENT, OFFICER, SECURITY, ESCORT, "system")
ACTIONS = sorted({move.action for move in load_definition(workflow_text("quarterly"), where="shelf").moves})
STAGES = ("draft", "scoring", "review", "signoff", "appeal", "closed")

DESKS = (OFFICER, PRESIDENT)
"""The HR officer and the approver, who do what belongs to no part."""

LEADS = {
    ("draft", CLERK, "state"): "scoring",
    ("draft", PERSONNEL, "start"): "scoring",
    # Where nothing is waited for: the statement that the person took back, say, since taking back gives no new days.
    ("draft", "system", "skip"): "scoring",
    ("scoring", CLERK, "state"): "scoring",
    ("scoring", PERSONNEL, "submit"): "review",
    ("scoring", CLERK, "take-back"): "draft",
    ("scoring", DIRECTOR, "take-back-return"): "review",
    ("review", DIRECTOR, "approve"): "signoff",
    ("review", DIRECTOR, "return"): "scoring",
    ("review", DIRECTOR, "change"): "review",
    ("review", DIRECTOR, "strike"): "review",
    ("review", PERSONNEL, "take-back"): "scoring",
    ("signoff", DIRECTOR, "take-back"): "review",
    ("signoff", CLERK, "read"): "signoff",
    ("signoff", CLERK, "accept"): "closed",
    ("signoff", CLERK, "object"): "appeal",
    **{("signoff", by, action): "signoff" for by in DESKS for action in ("refuse", "deliver", "no-access")},
    ("appeal", CLERK, "withdraw"): "signoff",
    ("appeal", VICE, "decide"): "closed",
    ("appeal", VICE, "send-back"): "scoring",
    **{(stage, by, "exclude"): "closed" for by in DESKS for stage in STAGES[:-1]},
}
"""Where an act may lead, by stage and person; written down from domain.md, section 5, and not read from the workflow.

All of it happens within the days of each stage, so that this is all the clock may do.
"""

TO_THE_APPEAL = {
    "draft": (PERSONNEL, "start"),
    "scoring": (PERSONNEL, "submit"),
    "review": (DIRECTOR, "approve"),
    "signoff": (CLERK, "object"),
}
"""The shortest way to an appeal: by chance alone few searches come so far, and fewer do something there."""

SURE = {"start", "submit", "approve", "accept", "withdraw", "exclude", "deliver", "refuse", "no-access"}
"""Acts that no fact of this model can refuse once a reason and a witness are given."""

NEEDS_REASON = frozenset(
    ["return", "change", "strike", "object", "refuse", "deliver", "no-access", "decide", "send-back", "exclude"]
)
NEEDS_LINES = {"change", "strike", "object", "decide"}
ROUNDS = 3


class Appraisal(RuleBasedStateMachine):
    """The clerk's appraisal with one finding in a range; `template` and `office` are given by the test."""

    template: Path
    office: TinyOffice
    landed: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.path = self.template.with_name(f"machine-{id(self)}.db")
        shutil.copyfile(self.template, self.path)
        self.engine = open_database(f"sqlite:///{self.path}")
        self.play = Play(UnitOfWork(self.engine, KEYS), self.office)
        self.stage, self.version, self.returns, self.stated = "draft", 0, 0, False
        self.last: tuple[str, str] | None = None

    def teardown(self) -> None:
        self.engine.dispose()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()

    @initialize()
    def record(self) -> None:
        self.line = self.play.deduct("C3.1", 4)

    @rule(
        by=st.sampled_from(PEOPLE),
        action=st.sampled_from(ACTIONS),
        reason=st.booleans(),
        decision=st.sampled_from([None, "keep", "strike", "3", "5", "9"]),
        named=st.booleans(),
    )
    def anybody_does_anything(self, by: str, action: str, reason: bool, decision: str | None, named: bool) -> None:
        self.attempt(by, action, reason=reason, lines={self.line: decision} if named else None)

    @precondition(lambda self: self.stage != "closed")
    @rule(data=st.data())
    def somebody_does_his_part(self, data: st.DataObject) -> None:
        ways = [(by, action) for stage, by, action in LEADS if stage == self.stage and action != "exclude"]
        by, action = data.draw(st.sampled_from(ways))
        decision = {"object": None, "change": "3", "strike": None, "decide": "keep"}.get(action)
        self.attempt(by, action, reason=True, lines={self.line: decision} if action in NEEDS_LINES else None)

    @precondition(lambda self: self.stage in TO_THE_APPEAL)
    @rule()
    def it_goes_on_to_an_appeal(self) -> None:
        before = -1
        while self.stage in TO_THE_APPEAL and self.version > before:
            before = self.version
            by, action = TO_THE_APPEAL[self.stage]
            self.attempt(by, action, reason=True, lines={self.line: None} if action == "object" else None)

    def refusal(
        self, by: str, action: str, *, reason: bool, lines: dict[str, str | None] | None
    ) -> AppraiseError | None:
        """Let somebody act; return why it was refused, or None where it landed."""
        who = SYSTEM if by == "system" else by
        words = "Because." if reason else None
        try:
            self.play.act(who, action, at=SUBMITTED, reason=words, witness="Person 1009", lines=lines)
        except AppraiseError as error:
            return error
        return None

    def attempt(self, by: str, action: str, *, reason: bool, lines: dict[str, str | None] | None) -> None:
        becomes = LEADS.get((self.stage, by, action))
        refusal = self.refusal(by, action, reason=reason, lines=lines)
        if refusal is not None:
            lacking = (not reason and action in NEEDS_REASON) or lines is not None
            assert refusal.exit_code in {2, 3, 4}, refusal.sentence
            assert becomes is None or action not in SURE or lacking, refusal.sentence
            return
        assert becomes is not None, (self.stage, by, action)
        assert reason or action not in NEEDS_REASON
        assert lines or action not in NEEDS_LINES
        assert not (action == "state" and self.stated)
        assert not action.startswith("take-back") or (self.last is not None and self.last[0] == by)
        assert action != "take-back-return" or self.last == (by, "return")
        if action == "return":
            self.returns += 1
        elif action == "take-back-return":
            self.returns -= 1
        assert self.returns <= ROUNDS
        self.stated = (self.stated or action == "state") and not (by == CLERK and action == "take-back")
        self.stage, self.version, self.last = becomes, self.version + 1, (by, action)
        self.landed[action] = self.landed.get(action, 0) + 1

    @rule(
        statement=st.sampled_from(
            [
                "UPDATE appraisal SET stage = :other",
                "UPDATE appraisal SET stage = :other, version = version + 1",
                "UPDATE appraisal SET version = version + 1",
                "DELETE FROM appraisal",
                "UPDATE finding SET amount = 1",
                "DELETE FROM finding",
                "UPDATE roster SET assessor_id = person_id",
            ]
        ),
        other=st.sampled_from(STAGES),
    )
    def somebody_writes_sql(self, statement: str, other: str) -> None:
        if ":other" in statement and "version" not in statement and other == self.stage:
            return
        with self.refused_by_the_database() as tx:
            tx.run(text(statement), {"other": other} if ":other" in statement else {})

    @precondition(lambda self: self.version > 0)
    @rule(statement=st.sampled_from(["UPDATE move SET to_stage = 'closed', action = 'accept'", "DELETE FROM move"]))
    def somebody_rewrites_history(self, statement: str) -> None:
        with self.refused_by_the_database() as tx:
            tx.run(text(statement))

    @precondition(lambda self: self.version > 0)
    @rule(action=st.sampled_from(ACTIONS), start=st.sampled_from(STAGES), to=st.sampled_from(STAGES))
    def somebody_forges_history(self, action: str, start: str, to: str) -> None:
        known = {(stage, name, becomes) for (stage, _, name), becomes in LEADS.items()}
        known |= {("draft", "skip", "scoring"), ("signoff", "conclude", "closed")}
        known |= {("signoff", "conclude-refused", "closed")}
        if start == self.stage and (start, action, to) in known:
            return
        with self.refused_by_the_database() as tx:
            row = dict(tx.all(select(MOVE).order_by(MOVE.c.seq.desc()))[0]._mapping)
            row |= {"id": None, "seq": self.version + 1, "action": action, "from_stage": start, "to_stage": to}
            tx.run(insert(MOVE).values(**row))

    @contextmanager
    def refused_by_the_database(self) -> Iterator[Any]:
        with self.play.uow.write() as tx, pytest.raises(DBAPIError, match=r"appraise:|FOREIGN KEY"):
            yield tx

    @invariant()
    def what_is_stored_is_what_the_model_says(self) -> None:
        row = self.play.appraisal()
        assert (row.stage, row.version) == (self.stage, self.version)
        assert (row.outcome is not None) == (self.stage == "closed")
        if self.stage == "closed" and row.outcome != "not-rated":
            done = {(move.role, move.action) for move in self.play.moves()}
            assert {("assessor", "submit"), ("reviewer", "approve")} <= done
        if self.last == (VICE, "decide"):
            assert self.play.total() >= 96


@pytest.fixture
def machine(sqlite_office: tuple[Path, TinyOffice]) -> type[Appraisal]:
    template, office = sqlite_office
    return type("Machine", (Appraisal,), {"template": template, "office": office, "landed": {}})


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


def test_nothing_illegal_ever_lands(machine: type[Appraisal]) -> None:
    """A thousand acts and statements, the same each time; `run.py test --long` runs twelve thousand by chance."""
    sizes = settings(
        max_examples=25, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=CHECKS
    )
    run_state_machine_as_test(machine, settings=sizes)  # type: ignore[no-untyped-call]  # hypothesis has no type there
    assert {"state", "start", "submit", "approve"} <= set(machine.landed)


@pytest.mark.long
def test_nothing_illegal_ever_lands_in_a_long_search(machine: type[Appraisal]) -> None:
    sizes = settings(max_examples=200, stateful_step_count=60, deadline=None, suppress_health_check=CHECKS)
    run_state_machine_as_test(machine, settings=sizes)  # type: ignore[no-untyped-call]  # hypothesis has no type there
    assert {"decide", "send-back", "take-back", "take-back-return", "change", "strike"} <= set(machine.landed)
