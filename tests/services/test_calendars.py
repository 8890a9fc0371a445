import datetime as dt

import pytest

from services import calendars
from services.calendars import Closures
from services.errors import Refused
from services.unit_of_work import UnitOfWork

QUARTER = (dt.date(2026, 1, 1), dt.date(2026, 3, 31))
MAKE_UP_SATURDAY = dt.date(2026, 10, 10)
SPRING_FESTIVAL = dt.date(2026, 2, 17)


def test_the_mover_of_2_march_held_the_posts_37_and_22_working_days() -> None:
    before = calendars.working_days("CN", QUARTER[0], dt.date(2026, 3, 1))
    after = calendars.working_days("CN", dt.date(2026, 3, 2), QUARTER[1])

    assert (len(before), len(after)) == (37, 22)
    assert before | after == calendars.working_days("CN", *QUARTER)


def test_a_make_up_saturday_is_worked_and_a_festival_day_is_not() -> None:
    assert calendars.is_working_day("CN", MAKE_UP_SATURDAY)
    assert not calendars.is_working_day("CN", SPRING_FESTIVAL)
    assert MAKE_UP_SATURDAY not in calendars.working_days("GB", dt.date(2026, 10, 1), dt.date(2026, 10, 31))


def test_closure_days_overrule_the_public_calendar_both_ways() -> None:
    own = Closures(closed=frozenset({dt.date(2026, 3, 2)}), working=frozenset({SPRING_FESTIVAL}))

    days = calendars.working_days("CN", *QUARTER, own)

    assert dt.date(2026, 3, 2) not in days
    assert SPRING_FESTIVAL in days
    assert len(days) == 59
    assert not calendars.is_working_day("CN", dt.date(2026, 3, 2), own)
    assert calendars.is_working_day("CN", SPRING_FESTIVAL, own)


def test_a_span_over_two_years_takes_both_calendars_and_an_empty_one_has_no_day() -> None:
    days = calendars.working_days("CN", dt.date(2025, 12, 30), dt.date(2026, 1, 5))

    assert days == {dt.date(2025, 12, 30), dt.date(2025, 12, 31), dt.date(2026, 1, 4), dt.date(2026, 1, 5)}
    assert calendars.working_days("CN", dt.date(2026, 1, 5), dt.date(2026, 1, 4)) == frozenset()


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (dt.date(2026, 3, 6), 1, dt.date(2026, 3, 9)),
        (dt.date(2026, 3, 7), 1, dt.date(2026, 3, 9)),
        (dt.date(2026, 3, 9), -1, dt.date(2026, 3, 6)),
        (dt.date(2026, 2, 13), 1, dt.date(2026, 2, 14)),
        (dt.date(2026, 2, 14), 1, dt.date(2026, 2, 24)),
        (dt.date(2026, 2, 17), 0, dt.date(2026, 2, 17)),
    ],
)
def test_counting_working_days_on_leaves_out_weekends_and_festivals(
    start: dt.date, count: int, expected: dt.date
) -> None:
    assert calendars.add_working_days("CN", start, count) == expected


def test_a_calendar_without_days_is_refused_and_does_not_loop() -> None:
    every_day = frozenset(dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(4100))

    with pytest.raises(Refused, match="has no day 1 working days"):
        calendars.add_working_days("CN", dt.date(2026, 1, 1), 1, Closures(closed=every_day))


@pytest.mark.parametrize("code", ["XX", "CN-NOWHERE", "", "cn "])
def test_an_unknown_calendar_is_refused_in_a_sentence_that_says_what_to_write(code: str) -> None:
    with pytest.raises(Refused, match="There is no working calendar") as caught:
        calendars.working_days(code, *QUARTER)

    assert caught.value.code == "unknown-calendar"


def test_a_part_of_a_country_has_its_own_days() -> None:
    epiphany = dt.date(2026, 1, 6)

    assert calendars.is_working_day("DE-BE", epiphany)
    assert not calendars.is_working_day("DE-BY", epiphany)


def test_the_closure_days_of_the_organisation_are_read_from_its_rows(uow: UnitOfWork) -> None:
    with uow.write() as tx:
        tx.insert_many(
            calendars.CLOSURE_DAY,
            [
                {"day": dt.date(2026, 3, 2), "kind": "closed", "name": "founding day"},
                {"day": SPRING_FESTIVAL, "kind": "working", "name": "year-end closing"},
            ],
        )

    with uow.read() as tx:
        own = calendars.closures(tx)

    assert own == Closures(frozenset({dt.date(2026, 3, 2)}), frozenset({SPRING_FESTIVAL}))
