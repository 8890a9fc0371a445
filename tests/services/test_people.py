"""Single acts about people: the same checks and events as an import, and nobody decides about himself."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from services import organisation_import, people
from services.access import conflicts_of, granted_roles
from services.actors import SYSTEM, Actor
from services.audit import EVENT
from services.errors import AppraiseError, Malformed, NotFound, Refused
from services.organisation_state import TEXT_BODY, snapshot
from services.unit_of_work import UnitOfWork
from services.verification import verify
from tests.services.sheets import bank, xlsx

BEGIN = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 3, 20, 4, 0, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2026, 3, 1), dt.date(2026, 6, 30)


@pytest.fixture
def filled(uow: UnitOfWork) -> UnitOfWork:
    """The bank of seven people; 1003 is HR."""
    organisation_import.apply(uow, actor=SYSTEM, now=BEGIN, data=xlsx(bank()), where="bank.xlsx")
    return uow


def actor(uow: UnitOfWork, number: str) -> Actor:
    with uow.read() as tx:
        return Actor(snapshot(tx).people[number])


def values(uow: UnitOfWork, sheet: str, *key: Any) -> dict[str, Any]:
    with uow.read() as tx:
        return dict(snapshot(tx).of(sheet)[key].values)


def kinds(uow: UnitOfWork, stream: str = "org") -> list[str]:
    with uow.read() as tx:
        return [row.kind for row in tx.all(select(EVENT.c.kind).where(EVENT.c.stream == stream).order_by(EVENT.c.seq))]


def test_a_grant_is_dated_ends_and_is_vouched_for(filled: UnitOfWork) -> None:
    hr = actor(filled, "1003")
    clerk = actor(filled, "1006").person_id

    assert people.grant(filled, actor=hr, now=NOW, number="1006", role="clerk", first=FIRST)
    assert not people.grant(filled, actor=hr, now=NOW, number="1006", role="clerk", first=FIRST)
    with filled.read() as tx:
        assert granted_roles(tx, clerk, dt.date(2026, 2, 28)) == frozenset()
        assert granted_roles(tx, clerk, FIRST) == {"clerk"}

    assert people.revoke(filled, actor=hr, now=NOW, number="1006", role="clerk", last=dt.date(2026, 3, 20)) == 1
    with filled.read() as tx:
        assert granted_roles(tx, clerk, dt.date(2026, 3, 21)) == frozenset()
    assert kinds(filled)[-2:] == ["grant.new", "grant.changed"]
    assert verify(filled).faults == ()
    with pytest.raises(NotFound, match="1006 has no grant clerk that lasts longer"):
        people.revoke(filled, actor=hr, now=NOW, number="1006", role="clerk", last=dt.date(2026, 3, 20))


def test_a_protected_absence_keeps_its_reason_apart_and_may_be_prolonged(filled: UnitOfWork) -> None:
    hr = actor(filled, "1003")
    act: dict[str, Any] = {"actor": hr, "now": NOW, "number": "1006", "kind": "protected", "first": FIRST}

    assert people.record_absence(filled, **act, reason="maternity leave")
    assert people.record_absence(filled, **act, last=LAST)

    found = values(filled, "absences", "1006", "protected", FIRST)
    assert (found["to"], found["reason"]) == (LAST, "maternity leave")
    with filled.read() as tx:
        payloads = [row.payload for row in tx.all(select(EVENT.c.payload))]
        assert tx.scalar(select(TEXT_BODY.c.body)) == "maternity leave"
    assert not any("maternity" in payload for payload in payloads)


def test_somebody_acts_in_a_post_beside_his_own(filled: UnitOfWork) -> None:
    act: dict[str, Any] = {"number": "1006", "post": "director", "unit": "office", "kind": "acting", "first": FIRST}

    assert people.assign(filled, actor=actor(filled, "1003"), now=NOW, **act, manager="1001")
    assert people.assign(filled, actor=actor(filled, "1003"), now=NOW, **act, last=LAST)

    found = values(filled, "assignments", "1006", "director", "acting", FIRST)
    assert (found["main"], found["manager"], found["to"]) == (False, "1001", LAST)


def test_a_second_post_is_not_the_main_one(filled: UnitOfWork) -> None:
    act: dict[str, Any] = {"number": "1004", "post": "personnel-officer", "unit": "office", "first": FIRST}

    people.assign(filled, actor=SYSTEM, now=NOW, **act, manager="1002")

    assert values(filled, "assignments", "1004", "personnel-officer", "regular", FIRST)["main"] is False
    with pytest.raises(Refused) as caught:
        people.assign(filled, actor=SYSTEM, now=NOW, **act, manager="1002", main=True)
    assert caught.value.code == "two-main"


def test_an_override_names_a_holder_with_a_reason(filled: UnitOfWork) -> None:
    act: dict[str, Any] = {"number": "1004", "post": "escort", "role": "assessor", "holder": "1002", "first": FIRST}

    people.override(filled, actor=actor(filled, "1003"), now=NOW, **act, reason="works in the archive")

    found = values(filled, "overrides", "1004", "escort", "assessor", FIRST)
    assert (found["holder"], found["reason"]) == ("1002", "works in the archive")
    with pytest.raises(Malformed, match="needs a reason"):
        people.override(filled, actor=actor(filled, "1003"), now=NOW, **act, reason=" ")


def test_an_interest_is_between_two_others(filled: UnitOfWork) -> None:
    people.declare_conflict(filled, actor=actor(filled, "1003"), now=NOW, number="1006", other="1004", first=FIRST)

    one, other = actor(filled, "1006").person_id, actor(filled, "1004").person_id
    assert one is not None
    with filled.read() as tx:
        assert conflicts_of(tx, one, FIRST) == {other}


@pytest.mark.parametrize(("number", "other"), [("1003", "1004"), ("1004", "1003"), ("1002", "1004"), ("1004", "1002")])
def test_nobody_records_an_interest_that_changes_who_judges_him_or_a_superior(
    filled: UnitOfWork, number: str, other: str
) -> None:
    with pytest.raises(Refused, match="Nobody may record an interest for himself or for one of his superiors"):
        people.declare_conflict(filled, actor=actor(filled, "1003"), now=NOW, number=number, other=other, first=FIRST)
    with filled.read() as tx:
        assert conflicts_of(tx, actor(filled, number).person_id or 0, FIRST) == frozenset()


def test_an_address_is_changed_taken_away_and_refused_with_a_line_break(filled: UnitOfWork) -> None:
    hr = actor(filled, "1003")

    assert people.set_address(filled, actor=hr, now=NOW, number="1005", email="zhang@bank.example")
    assert values(filled, "people", "1005")["email"] == "zhang@bank.example"
    assert people.set_address(filled, actor=hr, now=NOW, number="1005", email=None)
    assert values(filled, "people", "1005")["email"] is None
    with pytest.raises(Malformed, match="line break") as caught:
        people.set_address(filled, actor=hr, now=NOW, number="1005", email="a@bank.example\nBcc: b@bank.example")
    assert caught.value.code == "email-line-break"
    assert values(filled, "people", "1004")["email"] == "p1004@bank.example"


def test_whoever_leaves_leaves_his_posts_and_powers_and_keeps_his_address(filled: UnitOfWork) -> None:
    people.grant(filled, actor=SYSTEM, now=NOW, number="1004", role="clerk", first=FIRST)

    assert people.leave(filled, actor=actor(filled, "1003"), now=NOW, number="1004", last=dt.date(2026, 3, 31))
    assert not people.leave(filled, actor=actor(filled, "1003"), now=NOW, number="1004", last=dt.date(2026, 3, 31))

    found = values(filled, "people", "1004")
    assert (found["left"], found["email"]) == (dt.date(2026, 3, 31), "p1004@bank.example")
    assignment = values(filled, "assignments", "1004", "escort", "regular", dt.date(2019, 3, 1))
    assert assignment["to"] == dt.date(2026, 3, 31)
    assert values(filled, "grants", "1004", "clerk", None, FIRST)["to"] == dt.date(2026, 3, 31)
    assert verify(filled).faults == ()


Act = Callable[[UnitOfWork, Actor], object]


def granting(uow: UnitOfWork, who: Actor, number: str = "1003", role: str = "approver") -> object:
    return people.grant(uow, actor=who, now=NOW, number=number, role=role, first=FIRST)


def overriding(uow: UnitOfWork, who: Actor, number: str = "1003", post: str = "personnel-officer") -> object:
    more: dict[str, Any] = {"role": "assessor", "holder": "1001", "first": FIRST, "reason": "because"}
    return people.override(uow, actor=who, now=NOW, number=number, post=post, **more)


def resting(uow: UnitOfWork, who: Actor, number: str = "1003") -> object:
    return people.record_absence(uow, actor=who, now=NOW, number=number, kind="protected", first=FIRST)


def assigning(uow: UnitOfWork, who: Actor, number: str = "1003", **more: Any) -> object:
    place: dict[str, Any] = {"post": "director", "unit": "office", "kind": "acting", "first": FIRST, **more}
    return people.assign(uow, actor=who, now=NOW, number=number, **place)


def recusing(uow: UnitOfWork, who: Actor, number: str = "1002", other: str = "1003") -> object:
    return people.declare_conflict(uow, actor=who, now=NOW, number=number, other=other, first=FIRST)


def leaving(uow: UnitOfWork, who: Actor, number: str = "1003", last: dt.date = LAST) -> object:
    return people.leave(uow, actor=who, now=NOW, number=number, last=last)


ACTS = (granting, overriding, resting, assigning, recusing, leaving)


@pytest.mark.parametrize("act", ACTS)
def test_hr_decides_nothing_about_himself(filled: UnitOfWork, act: Act) -> None:
    with pytest.raises(Refused) as caught:
        act(filled, actor(filled, "1003"))

    assert caught.value.code in {"own", "own-or-superior"}
    assert kinds(filled, "refusals") != []
    assert act(filled, SYSTEM)


def test_hr_names_no_assessor_of_a_superior(filled: UnitOfWork) -> None:
    with pytest.raises(Refused) as caught:
        overriding(filled, actor(filled, "1003"), "1002", "director")

    assert caught.value.code == "own-or-superior"


@pytest.mark.parametrize("act", ACTS)
def test_nobody_else_may(filled: UnitOfWork, act: Act) -> None:
    with pytest.raises(Refused, match="Only somebody with the grant hr or operator"):
        act(filled, actor(filled, "1005"))


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda uow, who: granting(uow, who, "4711"), "unknown-person"),
        (lambda uow, who: granting(uow, who, "1004", "king"), "unknown-word"),
        (lambda uow, who: overriding(uow, who, "1004", "director"), "no-such-assignment"),
        (lambda uow, who: overriding(uow, who, "1004", "astronaut"), "unknown-post"),
        (lambda uow, who: assigning(uow, who, "1004", manager="1004"), "own-superior"),
        (lambda uow, who: assigning(uow, who, "1002", manager="1004"), "reporting-circle"),
        (lambda uow, who: assigning(uow, who, "1004", unit="moon"), "unknown-unit"),
        (lambda uow, who: assigning(uow, who, "1004", last=dt.date(2026, 2, 1)), "dates-reversed"),
        (lambda uow, who: recusing(uow, who, "1004", "1004"), "own-conflict"),
        (lambda uow, who: leaving(uow, who, "1004", dt.date(2018, 1, 1)), "dates-reversed"),
        (lambda uow, who: people.set_address(uow, actor=who, now=NOW, number="4711", email=None), "unknown-person"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(filled: UnitOfWork, act: Act, code: str) -> None:
    before = kinds(filled)

    with pytest.raises(AppraiseError) as caught:
        act(filled, actor(filled, "1003"))

    assert caught.value.code == code
    assert kinds(filled) == before
