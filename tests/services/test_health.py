import datetime as dt

import pytest

from services.health import ALERTS, Health, alerts_of, health, prometheus, quantile
from services.outbox import promise
from services.outbox_jobs import record_failure
from services.unit_of_work import UnitOfWork
from tests.services.owed import MESSAGE, Desk, set_desk, shanghai

NOW = shanghai(3, 6)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet."""
    return set_desk(uow)


def mail(desk: Desk, key: str, age: dt.timedelta, kind: str = "returned", **values: object) -> None:
    """Promise a mail some time ago and give its row other values."""
    with desk.uow.write() as tx:
        promise(tx, kind=kind, person_id=desk.people[0], dedupe_key=key, now=NOW - age)
        if values:
            tx.run(MESSAGE.update().where(MESSAGE.c.dedupe_key == key).values(**values))


def test_on_an_empty_desk_nothing_needs_anybody(desk: Desk) -> None:
    found = health(desk.uow, now=NOW)

    assert (found.planned_until, found.mails, found.oldest_unsent, found.latency_95) == (None, {}, None, None)
    assert found.alerts == ()


def test_ages_and_latencies_are_those_of_the_mails_of_a_day(desk: Desk) -> None:
    for place, minutes in enumerate((1, 2, 3, 30)):
        mail(desk, f"s{place}", (30 + minutes) * MINUTE, state="sent", due_at=None, sent_at=NOW - 30 * MINUTE)
    mail(desk, "old", dt.timedelta(days=3), state="sent", due_at=None, sent_at=NOW - dt.timedelta(days=2))
    mail(desk, "waits", 20 * MINUTE)
    mail(desk, "doubt", 40 * MINUTE, state="in-doubt", due_at=None)
    mail(desk, "line", dt.timedelta(days=2), kind="your-turn")
    mail(desk, "missed", 5 * MINUTE, kind="overdue", state="cancelled", error="superseded")
    with desk.uow.write() as tx:
        record_failure(tx, "job", 1, "busy", details={}, at=NOW)

    found = health(desk.uow, now=NOW)

    assert found.mails == {"sent": 5, "queued": 1, "in-doubt": 1, "cancelled": 1}
    assert (found.notices, found.missed, found.in_doubt, found.failures) == (1, 1, 1, {"job": 1})
    assert (found.latency_median, found.latency_95, found.latency_most) == (120, 1800, 1800)
    assert found.oldest_unsent == 20 * 60
    assert [alert.name for alert in found.alerts] == [
        "mail-unsent",
        "mail-in-doubt",
        "failures-open",
        "reminders-missed",
        "mail-slow",
    ]


def test_what_prometheus_reads_is_well_formed_and_names_nobody(desk: Desk) -> None:
    mail(desk, "waits", 20 * MINUTE)

    lines = prometheus(health(desk.uow, now=NOW)).splitlines()

    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['appraise_mails{state="queued"}'] == "1"
    assert samples["appraise_mail_oldest_unsent_seconds"] == "1200"
    assert samples['appraise_alert{name="mail-unsent"}'] == "1"
    assert sum(name.startswith("appraise_alert{") for name in samples) == len(ALERTS)
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {name.partition("{")[0] for name in samples} <= named
    assert "Wang" not in "\n".join(lines)


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (95, 4), (100, 4), (1, 1)])
def test_a_quantile_is_one_of_the_values(percent: int, value: int) -> None:
    assert quantile([1, 2, 3, 4], percent) == value
    assert quantile([], percent) is None


def test_every_alert_can_hold_and_quiet_hours_excuse_what_waits() -> None:
    bad = Health(
        NOW,
        NOW,
        700,
        {},
        0,
        1000,
        1000,
        1000,
        1000,
        missed=1,
        in_doubt=1,
        failures={"job": 1},
        jobs_due=0,
        paused=False,
        quiet=False,
    )
    paused = Health(
        NOW, NOW, 0, {}, 0, 1000, 1, 1, 1, missed=0, in_doubt=0, failures={}, jobs_due=0, paused=True, quiet=False
    )
    quiet = Health(
        NOW, NOW, 0, {}, 0, 1000, 1, 1, 1, missed=0, in_doubt=0, failures={}, jobs_due=0, paused=False, quiet=True
    )

    held = {alert.name for found in (bad, paused) for alert in alerts_of(found)}
    assert held == set(ALERTS)
    assert [alert.name for alert in alerts_of(paused)] == ["sending-paused"]
    assert alerts_of(quiet) == ()
