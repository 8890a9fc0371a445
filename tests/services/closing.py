"""Bringing appraisals of the tiny office to their end, as far as tests of results need it."""

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

from sqlalchemy import select

from services import final_rows, findings, organisation_write
from services.actors import SYSTEM
from services.appraisals import Words
from services.audit import append_event, digest
from services.finalising import Approved, Proposal, approve, propose
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECURITY,
    VICE,
    TinyOffice,
    move,
    noon,
)

JUDGES = {
    DIRECTOR: (VICE, PRESIDENT),
    SECURITY: (DIRECTOR, PRESIDENT),
    PERSONNEL: (DIRECTOR, PRESIDENT),
    OFFICER: (PERSONNEL, DIRECTOR),
    CLERK: (PERSONNEL, DIRECTOR),
    ESCORT: (SECURITY, DIRECTOR),
}
"""Who scores and who reviews each person of the office."""

RATED = (DIRECTOR, PERSONNEL, OFFICER, CLERK, ESCORT)
END = noon(4, 10)


def release(uow: UnitOfWork, office: TinyOffice, number: str, *, now: dt.datetime = END, code: str = "") -> None:
    """Bring an appraisal from the start to its sign-off. `code` is the number with @POST where there are several."""
    assessor, reviewer = JUDGES[number]
    name = code or number
    move(uow, office, now, number=name, by=assessor, action="start")
    move(uow, office, now, number=name, by=assessor, action="submit")
    move(uow, office, now, number=name, by=reviewer, action="approve")


def close(uow: UnitOfWork, office: TinyOffice, number: str, *, now: dt.datetime = END, code: str = "") -> None:
    """Bring an appraisal from the start to its end."""
    release(uow, office, number, now=now, code=code)
    move(uow, office, now, number=code or number, by=number, action="accept")


def exclude(uow: UnitOfWork, office: TinyOffice, number: str, *, now: dt.datetime = END) -> None:
    """Close an appraisal as not rated."""
    move(uow, office, now, number=number, by=OFFICER, action="exclude", words=Words(comment="Long sick leave."))


def close_all(uow: UnitOfWork, office: TinyOffice, *, but: Iterable[str] = ()) -> None:
    """Bring everybody's appraisal to its end; the deputy for security, who has duties, is not rated."""
    left = set(but)
    for number in RATED:
        if number not in left:
            close(uow, office, number)
    if SECURITY not in left:
        exclude(uow, office, SECURITY)


def deduct(
    uow: UnitOfWork, office: TinyOffice, number: str, rule: str, amount: int, *, day: int = 3, post: str = ""
) -> str:
    """Record a finding by the person's assessor in February; return its name. `post` says which of several."""
    assessor, _ = JUDGES[number]
    recorded = findings.add(
        uow,
        actor=office.actor(assessor),
        now=noon(2, 20),
        number=f"{number}@{post}" if post else number,
        rule=rule,
        happened=dt.date(2026, 2, day),
        amount=Fraction(amount),
        reason="It was found at the weekly check.",
    )
    return recorded.code


def put(uow: UnitOfWork, office: TinyOffice, *, now: dt.datetime = END) -> Proposal:
    """Let HR propose the result table."""
    return propose(uow, actor=office.actor(OFFICER), now=now, cycle=QUARTER)


def sign(uow: UnitOfWork, office: TinyOffice, *, now: dt.datetime = END, chunk: int = 2000) -> Approved:
    """Let the president sign the proposed table."""
    return approve(uow, actor=office.actor(PRESIDENT), now=now, cycle=QUARTER, chunk=chunk)


def write(uow: UnitOfWork, approved: Approved, *, now: dt.datetime = END) -> final_rows.Completed:
    """Run the jobs that an approval owes."""
    for first, last in approved.ranges:
        final_rows.finalise_chunk(uow, now=now, cycle_id=approved.cycle_id, first=first, last=last)
    return final_rows.complete(uow, now=now, cycle_id=approved.cycle_id)


def finalise(uow: UnitOfWork, office: TinyOffice, *, now: dt.datetime = END) -> final_rows.Completed:
    """Propose, sign and write the result table."""
    put(uow, office, now=now)
    return write(uow, sign(uow, office, now=now), now=now)


def vouch(uow: UnitOfWork) -> None:
    """Write the events of the office's rows, which the builder put in without the import that would have."""
    with uow.write() as tx:
        for name, (table, content) in organisation_write.CONTENT.items():
            for row in tx.all(select(table)):
                payload = {name: row.id, "digest": digest(content(row._mapping))}
                append_event(tx, "org", f"{name}.new", actor=SYSTEM, at=noon(1, 4), payload=payload)
