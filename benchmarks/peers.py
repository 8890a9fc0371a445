"""The same approval, persisted, by three other libraries that know states or flows, beside our `move`.

A peer loads the row of an approval, checks state and who, changes the state, writes a history row and an outbox row,
and commits: on tables of its own, in a database as durable as the product's. Each is used as its own guide shows, with
the guard against two who approve at once that it has unless told otherwise: none of the three has one. Its floor is the
same four statements by the bare driver, `benchmarks.floors.peer`; what both leave is compared as everywhere.

The libraries are no part of the default sets: `run.py bench peers` installs them. Only the process of a peer loads its
library, and that of preparing SpiffWorkflow, whose state before and after must be known to the floor.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import partial

from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, Table, Text, insert

from benchmarks import floors
from benchmarks.office import APPROVED
from benchmarks.table import Contest, Plan, Work
from models.database import open_database

REVIEWER = 7
COMMENT = "Read together with the register; nothing to add."
WITHOUT_ZEROS = 123_456
"""Microseconds of the moment, so that every library spells it with six digits on SQLite."""


def tables() -> Sequence[Table]:
    """Return the tables of a peer, those that are pointed at first."""
    metadata = MetaData()
    approval = Table(
        "peer_approval",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("state", Text, nullable=False),
        Column("reviewer_id", Integer, nullable=False),
        Column("appraisee_id", Integer, nullable=False),
    )
    Table(
        "peer_history",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("approval_id", Integer, ForeignKey(approval.c.id), nullable=False),
        Column("action", Text, nullable=False),
        Column("from_state", Text, nullable=False),
        Column("to_state", Text, nullable=False),
        Column("actor_id", Integer, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("comment", Text, nullable=False),
    )
    Table(
        "peer_outbox",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("approval_id", Integer, ForeignKey(approval.c.id), nullable=False),
        Column("recipient_id", Integer, nullable=False),
        Column("template", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
    )
    return metadata.sorted_tables


def _prepare(url: str, size: int, *, before: str, after: str) -> Plan:
    approval = {"state": before, "reviewer_id": REVIEWER}
    rows = [{**approval, "id": number, "appraisee_id": 1_000 + number} for number in range(1, size + 1)]
    engine = open_database(url)
    try:
        with engine.begin() as connection:
            for table in tables():
                table.create(connection)
            connection.execute(insert(tables()[0]), rows)
    finally:
        engine.dispose()
    return {
        "approvals": [row["id"] for row in rows],
        "actor": REVIEWER,
        "at": APPROVED.astimezone(UTC).replace(microsecond=WITHOUT_ZEROS),
        "comment": COMMENT,
        "before": before,
        "after": after,
    }


def prepare_named(url: str, size: int) -> Plan:
    """Make `size` approvals whose state is a word."""
    return _prepare(url, size, before="review", after="signoff")


def prepare_flow(url: str, size: int) -> Plan:
    """Make `size` approvals whose state is a flow of SpiffWorkflow as JSON."""
    from benchmarks import peer_spiffworkflow

    before, after = peer_spiffworkflow.example()
    return _prepare(url, size, before=before, after=after)


def viewflow(url: str, plan: Plan) -> Iterator[Work]:
    """Approve with viewflow.fsm and the Django ORM."""
    from benchmarks import peer_viewflow

    yield from peer_viewflow.one_by_one(url, plan)


def spiffworkflow(url: str, plan: Plan) -> Iterator[Work]:
    """Approve with SpiffWorkflow and the bare driver."""
    from benchmarks import peer_spiffworkflow

    yield from peer_spiffworkflow.one_by_one(url, plan)


def statemachine(url: str, plan: Plan) -> Iterator[Work]:
    """Approve with python-statemachine and SQLModel."""
    from benchmarks import peer_statemachine

    yield from peer_statemachine.one_by_one(url, plan)


_contest = partial(Contest, floor=floors.peer, size=320, warm_up=20, tables=tables)

CONTESTS: Mapping[str, Contest] = {
    "peer-viewflow": _contest(prepare_named, viewflow),
    "peer-spiffworkflow": _contest(prepare_flow, spiffworkflow, apart=frozenset({"peer_approval.state"})),
    "peer-statemachine": _contest(prepare_named, statemachine),
}
"""The state of SpiffWorkflow holds the moment of the change, which is the clock's; the floor writes one as long."""
