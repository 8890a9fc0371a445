"""Opening an office's quarter from the frozen roster, and writing the final rows of a signed table."""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import partial

from sqlalchemy import select

from benchmarks import bulk_floors, judged, offices
from benchmarks.office import unit_of_work
from benchmarks.table import Contest, Plan, Work, whole
from config.settings import Settings
from scoring.canonical import canonical
from services import due_dates, final_rows, finalising, naming, opening
from services.actors import Actor
from services.definitions import lifecycle_of
from services.opening import CYCLE
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import FIRST_STAGE

CHUNK: int = Settings.model_fields["chunk_size"].default
"""People a job takes at once, as shipped."""


def chunk_of(people: int) -> int:
    """Return the chunk for an office: the shipped one, or so small a one that there are some of them."""
    return min(CHUNK, max(1, people // 5))


def prepare_opening(url: str, size: int) -> Plan:
    """Build the office and freeze its roster; nothing of it is open yet."""
    with unit_of_work(url) as uow:
        opened = offices.freeze(uow, offices.build(uow, size), chunk_of(size))
        return {
            "cycle": opened.cycle_id,
            "ranges": opened.ranges,
            "at": offices.OPENED,
            "due": _due(uow),
        }


def _due(uow: UnitOfWork) -> dt.datetime | None:
    """Return until when the first stage is due, which a job works out once for its range."""
    with uow.read() as tx:
        cycle, organisation = tx.all(select(CYCLE))[0], naming.organisation(tx)
        return due_dates.due_at(
            tx,
            calendar=organisation.calendar,
            zone=organisation.zone,
            lifecycle=lifecycle_of(tx, cycle.workflow_id),
            stage=FIRST_STAGE,
            start=offices.OPENED,
            marks=due_dates.Marks(offices.OPENED, cycle.period_to),
        )


def open_by_jobs(url: str, plan: Plan) -> Iterator[Work]:
    """Open each range as a job does."""
    with unit_of_work(url) as uow:
        for first, last in plan["ranges"]:
            yield partial(_open, uow, plan["cycle"], first, last)


def _open(uow: UnitOfWork, cycle: int, first: int, last: int) -> int:
    at = offices.OPENED
    return opening.open_chunk(uow, now=at, cycle=cycle, first=first, last=last, at=at.isoformat()).opened


def prepare_finalising(url: str, size: int) -> Plan:
    """Build an office whose quarter is closed, and let its table be proposed and signed; no final row is there."""
    now = judged.SUBMITTED
    with unit_of_work(url) as uow:
        officer = judged.build_closed(uow, size)
        proposal = finalising.propose(uow, actor=Actor(officer), now=now, cycle=offices.CODE)
        signed = finalising.approve(
            uow, actor=Actor(offices.PRESIDENT), now=now, cycle=offices.CODE, chunk=chunk_of(size)
        )
    figures = {"rows": proposal.rows, "rated": proposal.rated, "persons": proposal.persons}
    return {
        "cycle": signed.cycle_id,
        "ranges": signed.ranges,
        "at": now,
        "payload": canonical({"cycle": offices.CODE}).decode(),
        "args": canonical({"cycle_id": signed.cycle_id}).decode(),
        "told": canonical({"number": proposal.number, "table": proposal.digest, **figures}).decode(),
    }


def finalise_by_jobs(url: str, plan: Plan) -> Iterator[Work]:
    """Write the final rows of each range as a job does, then everybody's result; an empty range warms up."""
    now, cycle = judged.SUBMITTED, plan["cycle"]

    def chunk(first: int, last: int) -> int:
        return final_rows.finalise_chunk(uow, now=now, cycle_id=cycle, first=first, last=last).rows

    def finalise() -> int:
        rows = sum(chunk(first, last) for first, last in plan["ranges"])
        final_rows.complete(uow, now=now, cycle_id=cycle)
        return rows

    with unit_of_work(url) as uow:
        yield partial(chunk, -1, -1)
        yield finalise


CONTESTS: Mapping[str, Contest] = {
    "open": Contest(prepare_opening, open_by_jobs, bulk_floors.opening, size=100_000, warm_up=1, units=chunk_of),
    "finalise": Contest(
        prepare_finalising,
        finalise_by_jobs,
        bulk_floors.finalising,
        size=100_000,
        warm_up=1,
        units=whole,
        # By the clock of the database.
        apart=frozenset({"job.due_at", "message.due_at"}),
    ),
}
