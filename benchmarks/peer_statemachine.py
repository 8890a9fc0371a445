"""An approval by python-statemachine on a SQLModel row: a machine around the row, one session."""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import DateTime, event
from sqlalchemy.engine import make_url
from sqlmodel import Field, Session, SQLModel, create_engine
from statemachine import State, StateMachine

from benchmarks.floors import PRAGMAS
from benchmarks.table import Plan, Work


class Approval(SQLModel, table=True):
    """Where an approval stands, and who decides."""

    __tablename__ = "peer_approval"

    id: int = Field(primary_key=True)
    state: str
    reviewer_id: int
    appraisee_id: int


class History(SQLModel, table=True):
    """What was done."""

    __tablename__ = "peer_history"

    id: int | None = Field(default=None, primary_key=True)
    approval_id: int = Field(foreign_key="peer_approval.id")
    action: str
    from_state: str
    to_state: str
    actor_id: int
    at: dt.datetime = Field(sa_type=DateTime(timezone=True))
    comment: str


class Outbox(SQLModel, table=True):
    """Who is to be told."""

    __tablename__ = "peer_outbox"

    id: int | None = Field(default=None, primary_key=True)
    approval_id: int = Field(foreign_key="peer_approval.id")
    recipient_id: int
    template: str
    at: dt.datetime = Field(sa_type=DateTime(timezone=True))


class Machine(StateMachine):
    """The stages of an approval; only the reviewer approves."""

    scoring = State(initial=True)
    review = State()
    signoff = State()
    final = State(final=True)

    submit = scoring.to(review)
    approve = review.to(signoff, validators="demand_reviewer")
    sign = signoff.to(final)

    def demand_reviewer(self, actor: int) -> None:
        """Refuse everybody but the reviewer.

        Raises:
            PermissionError: the actor is somebody else.
        """
        if self.model.reviewer_id != actor:
            raise PermissionError(actor)


def one_by_one(url: str, plan: Plan) -> Iterator[Work]:
    """Approve each row of the plan in a session of its own."""
    engine = create_engine(make_url(url).set(drivername="sqlite" if url.startswith("sqlite") else "postgresql+psycopg"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _take_pragmas)

    def work(number: int) -> None:
        with Session(engine) as session:
            row = session.get_one(Approval, number)
            before = row.state
            Machine(model=row, state_field="state").approve(actor=plan["actor"])
            session.add(
                History(
                    approval_id=number,
                    action="approve",
                    from_state=before,
                    to_state=row.state,
                    actor_id=plan["actor"],
                    at=plan["at"],
                    comment=plan["comment"],
                )
            )
            session.add(Outbox(approval_id=number, recipient_id=row.appraisee_id, template="turn", at=plan["at"]))
            session.commit()

    for number in plan["approvals"]:
        yield partial(work, number)
    engine.dispose()


def _take_pragmas(driver: Any, _record: Any) -> None:
    for pragma in PRAGMAS:
        driver.execute(f"PRAGMA {pragma}")
