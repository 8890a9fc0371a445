"""The column types: moments are aware and sort as text, figures are exact or refused."""

import datetime as dt
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import StatementError

from models.columns import MILLIONTH, Points, UtcDateTime
from models.metadata import METADATA
from tests.models.conftest import NOON

SQLITE = sqlite.dialect()
POSTGRESQL = postgresql.dialect()
MOMENTS = st.datetimes(min_value=dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - bounds are naive


def test_a_moment_without_a_zone_is_refused(world: Any) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        world.add("view_log", at=dt.datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001 - that is what is refused


def test_a_moment_comes_back_aware_in_utc(world: Any) -> None:
    told = dt.datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
    kept = world.row("view_log", world.add("view_log", at=told)).at
    assert kept == told
    assert kept.tzinfo is dt.UTC
    assert kept.isoformat() == "2026-03-02T04:00:00.000005+00:00"


def test_moments_of_one_instant_in_any_zone_are_one_value(world: Any) -> None:
    world.add("view_log", at=NOON, kind="here")
    table = METADATA.tables["view_log"]
    elsewhere = NOON.astimezone(ZoneInfo("America/New_York"))
    found = world.connection.execute(select(table.c.kind).where(table.c.at == elsewhere)).scalars().all()
    assert found == ["here"]


@given(MOMENTS, MOMENTS)
def test_the_order_of_texts_is_the_order_of_times(first: dt.datetime, second: dt.datetime) -> None:
    kind = UtcDateTime()
    texts = [kind.process_bind_param(moment, SQLITE) for moment in (first, second)]
    assert (texts[0] < texts[1]) == (first < second)
    assert {len(text) for text in texts} == {27}
    assert kind.process_result_value(texts[0], SQLITE) == first


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_every_millionth_goes_in_and_comes_out_exactly(millionths: int) -> None:
    value = Fraction(millionths, MILLIONTH)
    for dialect in (SQLITE, POSTGRESQL):
        stored = Points().process_bind_param(value, dialect)
        assert stored == millionths
        assert Points().process_result_value(stored, dialect) == value


@pytest.mark.parametrize("value", [Fraction(55, 65), Fraction(1, 3), Fraction(1, 10_000_000)])
def test_what_millionths_cannot_hold_is_refused(world: Any, value: Fraction) -> None:
    with pytest.raises(StatementError, match="does not fit in millionths"):
        world.add("finding", claimed=False, amount=value)


def test_points_are_exact_in_the_database(world: Any) -> None:
    kept = world.row("finding", world.add("finding", claimed=False, amount=Fraction("97.123456")))
    assert kept.amount == Fraction(97_123_456, MILLIONTH)
    assert isinstance(kept.amount, Fraction)
    assert world.say(f"SELECT amount FROM finding WHERE id = {kept.id}").scalar() == 97_123_456  # noqa: S608 - a number
