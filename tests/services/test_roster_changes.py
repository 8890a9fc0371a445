"""People taken out of an open cycle, rows that failed taken up again, the clock of practice data, what a form shows."""

import datetime as dt
import json
from fractions import Fraction

import pytest
from sqlalchemy import select, update

from models.columns import table_of
from models.cycles import Roster
from models.history import Event
from models.outbox import Failure, Job
from models.people import Grant, Organisation
from services import desk, finding_places, findings, naming, opening, practice_clock, roster_changes
from services.appraisals import Words, act
from services.audit import digest
from services.errors import Malformed, NotFound, Refused
from services.organisation_write import row_content
from services.unit_of_work import UnitOfWork
from tests.services import builders
from tests.services.builders import CLERK, ESCORT, OFFICER, PERSONNEL, SECURITY, TinyOffice, noon

ROSTER = table_of(Roster)
JOB = table_of(Job)
FAILURE = table_of(Failure)
EVENT = table_of(Event)
NOW = noon(2, 10)


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    """The tiny office with its first quarter open."""
    built = builders.build_office(uow)
    builders.open_quarter(uow, built)
    return built


def withdraw(uow: UnitOfWork, office: TinyOffice, number: str, *, by: str = OFFICER) -> tuple[str, ...]:
    """Take somebody out of the quarter."""
    return roster_changes.withdraw(
        uow, actor=office.actor(by), now=NOW, cycle=builders.QUARTER, number=number, reason="left the bank"
    )


def test_a_withdrawal_closes_what_is_open_as_not_rated(uow: UnitOfWork, office: TinyOffice) -> None:
    assert withdraw(uow, office, ESCORT) == ("2026Q1/1009@escort",)
    shown = desk.show(uow, actor=office.actor(OFFICER), now=NOW, appraisal="2026Q1/1009")
    assert (shown.stage, shown.outcome, shown.history[-1].comment) == ("closed", "not-rated", "left the bank")
    with pytest.raises(Refused, match="nothing open"):
        withdraw(uow, office, ESCORT)


@pytest.mark.parametrize("number", [OFFICER, PERSONNEL, "1009@clerical"])
def test_nobody_withdraws_himself_a_superior_or_who_is_not_there(
    uow: UnitOfWork, office: TinyOffice, number: str
) -> None:
    with pytest.raises(Refused):
        withdraw(uow, office, number)


def test_nobody_takes_himself_out_in_the_name_of_hr_even_where_nothing_opened(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    withdraw(uow, office, ESCORT)
    late = roster_row(uow, office, ESCORT)
    with uow.write() as tx:
        tx.run(update(ROSTER).where(ROSTER.c.id == late).values(status="set-aside"))
        tx.insert(table_of(Grant), builders.granted(office.people[ESCORT], "proxy"))
    with pytest.raises(Refused, match="for himself or for one of his superiors"):
        roster_changes.withdraw(
            uow,
            actor=office.proxy(OFFICER, typed_by=ESCORT),
            now=NOW,
            cycle=builders.QUARTER,
            number=ESCORT,
            reason="left the bank",
        )


def test_only_hr_withdraws_and_only_with_a_reason(uow: UnitOfWork, office: TinyOffice) -> None:
    with pytest.raises(Refused, match="Only an HR officer"):
        withdraw(uow, office, ESCORT, by=SECURITY)
    with pytest.raises(Malformed, match="reason"):
        roster_changes.withdraw(
            uow, actor=office.actor(OFFICER), now=NOW, cycle=builders.QUARTER, number=ESCORT, reason=" "
        )
    with pytest.raises(NotFound):
        withdraw(uow, office, "7777")


def test_rows_set_aside_are_owed_again_once_and_each_time_anew(uow: UnitOfWork, office: TinyOffice) -> None:
    late = roster_row(uow, office, CLERK)
    for attempt in (1, 2):
        with uow.write() as tx:
            tx.run(update(ROSTER).where(ROSTER.c.id == late).values(status="set-aside"))
            failure = {"source": "opening", "source_id": late, "code": "x", "details": "{}", "at": NOW}
            tx.insert_many(FAILURE, [{**failure, "resolved_at": None}])
        assert retry(uow, office) == 1
        assert retry(uow, office) == 0
        with uow.read() as tx:
            owed = [json.loads(row.args) for row in tx.all(select(JOB).where(JOB.c.name == "cycle.open-chunk"))]
            assert [(args["first"], args["last"]) for args in owed][-attempt:] == [(late, late)] * attempt
            assert tx.first(select(FAILURE).where(FAILURE.c.resolved_at.is_(None))) is None
        chunk = opening.open_chunk(uow, now=NOW, **owed[-1])
        assert chunk.aside == 0


def retry(uow: UnitOfWork, office: TinyOffice) -> int:
    """Take up again what was set aside."""
    return roster_changes.retry(uow, actor=office.actor(OFFICER), now=NOW, cycle=builders.QUARTER)


def roster_row(uow: UnitOfWork, office: TinyOffice, number: str) -> int:
    """Return the id of somebody's row in the roster."""
    with uow.read() as tx:
        return int(tx.scalar(select(ROSTER.c.id).where(ROSTER.c.person_id == office.people[number])))


def test_a_row_set_aside_is_left_out_by_a_withdrawal(uow: UnitOfWork) -> None:
    office = builders.build_office(uow)
    builders.open_quarter(uow, office)
    late = roster_row(uow, office, ESCORT)
    withdraw(uow, office, ESCORT)
    with uow.write() as tx:
        tx.run(update(ROSTER).where(ROSTER.c.id == late).values(status="set-aside"))
    assert withdraw(uow, office, ESCORT) == ()
    with uow.read() as tx:
        row = tx.first(select(ROSTER.c.status, ROSTER.c.reason_code).where(ROSTER.c.id == late))
    assert row == ("left-out", "withdrawn")


def test_the_clock_of_practice_data_is_kept_and_vouched_for(uow: UnitOfWork, office: TinyOffice) -> None:
    at = dt.datetime(2026, 4, 1, 1, 0, tzinfo=dt.UTC)
    practice_clock.set_clock(uow, now=NOW, at=at)
    with uow.read() as tx:
        row = naming.organisation(tx)
        event = tx.first(select(EVENT).order_by(EVENT.c.id.desc()).limit(1))
    assert json.loads(row.settings) == {practice_clock.STANDS_AT: "2026-04-01T01:00:00+00:00"}
    assert event is not None
    assert json.loads(event.payload)["digest"] == digest(row_content(row._asdict()))
    with uow.write() as tx:
        tx.run(update(table_of(Organisation)).values(kind="live"))
    with pytest.raises(Refused, match="cannot be set"):
        practice_clock.set_clock(uow, now=NOW, at=at)
    assert office.people


def test_the_form_shows_who_typed_for_whom_and_why_and_who_saw_it(uow: UnitOfWork, office: TinyOffice) -> None:
    with uow.write() as tx:
        tx.insert(table_of(Grant), builders.granted(office.people[CLERK], "proxy"))
    words = Words(comment="I kept the vault.")
    proxy = office.proxy(ESCORT, CLERK)
    act(uow, actor=proxy, now=NOW, appraisal="2026Q1/1009", action="state", words=words)
    step = desk.show(uow, actor=office.actor(ESCORT), now=NOW, appraisal="2026Q1/1009").history[0]
    assert (step.by, step.typed_by, step.proxy_reason) == ("Person 1009 (1009)", "Person 1008 (1008)", "no desk")
    assert step.comment == "I kept the vault."
    assert step.witness is None


def test_the_findings_of_an_appraisal_and_the_appraisal_of_a_finding(uow: UnitOfWork, office: TinyOffice) -> None:
    late = {"number": ESCORT, "happened": dt.date(2026, 2, 3), "reason": "late", "now": NOW}
    recorded = findings.add(uow, actor=office.actor(SECURITY), rule="E1.1", units=Fraction(1), **late)
    viewer = office.actor(ESCORT)
    seen = finding_places.of_appraisal(uow, actor=viewer, now=NOW, appraisal="2026Q1/1009")
    assert [view.code for view in seen] == [recorded.code]
    place = finding_places.appraisal_of(uow, actor=viewer, now=NOW, finding=recorded.code)
    assert place == finding_places.Place("2026Q1/1009@escort", recorded.code)
    for stranger in (CLERK, PERSONNEL):
        with pytest.raises(NotFound):
            finding_places.of_appraisal(uow, actor=office.actor(stranger), now=NOW, appraisal="2026Q1/1009")
        with pytest.raises(NotFound):
            finding_places.appraisal_of(uow, actor=office.actor(stranger), now=NOW, finding=recorded.code)
