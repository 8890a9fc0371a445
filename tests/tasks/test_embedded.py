import datetime as dt
import shutil
from collections import Counter
from pathlib import Path

import pytest

from config.clock import SimulatedClock
from config.settings import load_settings
from services.database_clock import wall_time
from services.errors import Environment
from services.outbox import owe_job
from tasks import once
from tasks.app import ring
from tasks.embedded import Embedded
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.services.builders import noon
from tests.tasks.conftest import OPENING, Works, prepared
from tests.tasks.faulty_broker import Faults
from tests.waiting import until

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DUE_SOON, OVERDUE = noon(1, 6), noon(1, 9)
OPENED = {("cycle.open-chunk", "done"), ("appraisals.skip-statement", "done")}


def play(works: Works, embedded: Embedded, heal: Faults | None = None) -> None:
    """Open the quarter, then let its first reminders come due."""
    works.open_quarter()
    if heal is not None:
        works.clock.set(OPENING)
    embedded.drain()
    for moment in (DUE_SOON, OVERDUE):
        works.clock.set(moment)
        embedded.drain()


def test_what_a_use_case_owes_is_done_by_the_worker_and_mailed(works: Works) -> None:
    with works.embedded() as embedded:
        works.open_quarter()
        embedded.drain()

        assert embedded.owed() == {}

    assert set(works.jobs()) == OPENED
    assert [name for name, _ in works.jobs()].count("cycle.open-chunk") > 1
    assert {state for _, state in works.messages()} == {"sent"}
    assert len(works.notices()) == len(works.messages())
    assert len(works.mails()) > 0
    assert works.failures() == []


@SQLITE
def test_time_that_passes_owes_reminders_which_are_mailed_once_each(works: Works) -> None:
    with works.embedded() as embedded:
        play(works, embedded)

    kinds = Counter(key.split("/")[-2] for key, state in works.messages() if state == "sent")
    # The days of every statement are over: the clock went on, and the next holders were told.
    assert kinds["your-turn"] == 2 * kinds["due-soon"] > 0
    assert kinds["overdue"] == 0
    assert len(set(works.mails())) == len(works.mails())


@pytest.fixture(scope="module")
def clean_run(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """What the same play leaves where every ring arrives once and in order."""
    folder = tmp_path_factory.mktemp("clean")
    shutil.copyfile(sqlite_template, folder / "clean.db")
    with prepared(f"sqlite:///{folder / 'clean.db'}", folder) as works:
        with works.embedded() as embedded:
            play(works, embedded)
        return snapshot(works.wiring.engine, times=False)


def test_a_faulty_broker_drops_and_doubles_as_many_of_all_messages_as_it_is_told() -> None:
    faults = Faults(1, drop=0.3, double=0.3, delay=0.0)
    arrived = sum(len(faults.pass_on({"properties": {}})) for _ in range(1000))

    assert 250 < faults.lost < 350
    assert 250 < faults.doubled < 350
    assert arrived == faults.delivered == 1000 - faults.lost + faults.doubled


@pytest.mark.faults
@pytest.mark.parametrize(
    ("database", "seed"),
    [*(("sqlite", seed) for seed in range(4)), ("postgresql", 4), ("postgresql", 5)],
    indirect=["database"],
)
def test_dropping_doubling_delaying_and_reordering_rings_changes_no_outcome(
    works: Works, clean_run: Snapshot, seed: int
) -> None:
    faults = Faults(seed, drop=0.3, double=0.3, delay=0.4)
    with works.embedded(faults) as embedded:
        play(works, embedded)
        broken = (works.jobs(), works.messages(), works.notices())

    assert faults.lost
    assert faults.doubled
    jobs, messages, notices = broken
    assert set(jobs) == {*OPENED, ("deadlines.run-out", "done")}
    states = Counter(state for _, state in messages)
    assert states["sent"] == len(notices) == len(set(notices)) > 0
    assert set(states) <= {"sent", "cancelled"}
    kinds = Counter(key.split("/")[-2] for key, state in messages if state == "sent")
    assert kinds["your-turn"] == 2 * kinds["due-soon"]
    assert kinds["overdue"] == 0
    assert works.failures() == []
    assert difference(clean_run, snapshot(works.wiring.engine, times=False)) == []


@SQLITE
def test_while_every_ring_is_lost_nothing_is_lost_and_the_sweep_makes_up_for_it(works: Works) -> None:
    faults = Faults(0, drop=1.0, double=0.0, delay=0.0)
    with works.embedded(faults) as embedded:
        works.open_quarter()
        owed = embedded.owed()
        with pytest.raises(Environment, match=r"this is still owed: cycle\.open-chunk \("):
            embedded.drain(timeout=0.2)
        assert owed["cycle.open-chunk"] > 1
        assert faults.delivered == 0

        faults.heal()
        embedded.drain()

    assert {state for _, state in works.jobs()} == {"done"}
    assert len(works.notices()) == len(works.messages()) > 0


@SQLITE
def test_a_broker_that_is_down_loses_nothing_and_no_commit_fails(works: Works) -> None:
    def broken() -> None:
        raise ConnectionError

    works.wiring.bell.connect(broken)
    works.open_quarter()
    assert {state for _, state in works.jobs()} == {"due"}

    with works.embedded() as embedded:
        embedded.drain()
    assert {state for _, state in works.jobs()} == {"done"}


@SQLITE
def test_what_is_owed_when_a_worker_stops_is_done_by_the_next_at_its_start(works: Works) -> None:
    with works.embedded() as first:
        first.drain()
    works.open_quarter()
    assert {state for _, state in works.jobs()} == {"due"}

    with works.embedded() as second:
        second.drain()

    assert {state for _, state in works.jobs()} == {"done"}


@SQLITE
def test_a_poison_row_ends_where_an_operator_sees_it_and_the_others_are_done(works: Works) -> None:
    with works.wiring.uow.write() as tx:
        owe_job(
            tx,
            name="cycle.open-chunk",
            args={"cycle": 999, "first": 1, "last": 2, "at": OPENING.isoformat()},
            dedupe_key="poison",
            now=OPENING,
        )
    with works.embedded() as embedded:
        works.open_quarter()
        embedded.drain()

    assert Counter(state for name, state in works.jobs() if name == "cycle.open-chunk")["failed"] == 1
    assert works.failures() == [("job", "unknown-cycle")]
    assert len(works.notices()) == len(works.messages()) > 0


@SQLITE
def test_an_unexpected_error_rests_and_holds_up_neither_the_others_nor_the_waiting(works: Works) -> None:
    with works.wiring.uow.write() as tx:
        owe_job(tx, name="cycle.open-chunk", args={"nonsense": 1}, dedupe_key="poison", now=OPENING)
    with works.embedded() as embedded:
        works.open_quarter()
        embedded.drain()

    states = Counter(state for name, state in works.jobs() if name == "cycle.open-chunk")
    assert states["due"] == 1
    assert states["done"] > 1


@SQLITE
def test_without_a_worker_the_first_job_ends_with_one_sentence(works: Works) -> None:
    settings = works.settings.model_copy(update={"worker": False})
    with Embedded(settings, works.wiring) as embedded:
        works.open_quarter()
        with pytest.raises(Environment) as refused:
            embedded.drain()

    assert refused.value.sentence.startswith("No worker runs because APPRAISE_WORKER is off, and this waits for one:")
    assert "cycle.open-chunk" in refused.value.sentence
    assert refused.value.exit_code == 6


@SQLITE
def test_a_worker_that_was_stopped_is_named_when_something_waits_for_it(works: Works) -> None:
    embedded = works.embedded()
    embedded.start()
    embedded.stop()
    works.open_quarter()

    with pytest.raises(Environment, match="The worker is not running, and this waits for it: "):
        embedded.drain()


@SQLITE
def test_mails_wait_without_a_mail_server_and_are_sent_once_there_is_one(works: Works) -> None:
    without = load_settings({**works.settings.model_dump(), "smtp_host": None, "smtp_port": 587})
    bare = type(works.wiring)(without, works.wiring.engine, works.wiring.uow, works.clock, None, works.wiring.bell)
    with Embedded(without, bare) as embedded:
        works.open_quarter()
        embedded.drain()
    assert {state for _, state in works.messages()} == {"queued"}
    assert works.mails() == []

    with works.embedded() as embedded:
        embedded.drain()
    assert {state for _, state in works.messages()} == {"sent"}


@SQLITE
def test_what_a_worker_does_the_asking_process_can_do_once_itself(works: Works) -> None:
    works.open_quarter()
    done = once.work_off(works.wiring, ["cycle.open-chunk", "appraisals.skip-statement"])

    assert done == len(works.jobs())
    assert once.work_off(works.wiring, ["cycle.open-chunk"]) == 0
    with works.embedded() as embedded:
        embedded.drain()
    assert {state for _, state in works.jobs()} == {"done"}


@SQLITE
def test_without_a_clock_no_run_begins_between_two_waits_however_it_is_rung(works: Works) -> None:
    settings = works.settings.model_copy(update={"sweep_seconds": 60.0})
    with Embedded(settings, works.wiring, clock=False) as embedded:
        works.open_quarter()
        embedded.drain()
        before = (works.jobs(), works.messages(), works.mails())
        works.clock.set(DUE_SOON)
        ring(embedded.app, "reminders.find")
        # Whoever may be asked for again was taken from the queue.
        until(lambda: embedded.app.appraise_asked.ask("reminders.find"))

    assert (works.jobs(), works.messages(), works.mails()) == before
    with Embedded(settings, works.wiring, clock=False) as embedded:
        embedded.drain()
    assert len(works.messages()) > len(before[1])


@SQLITE
def test_without_a_clock_a_wait_ends_when_nothing_rests_either(works: Works) -> None:
    with works.wiring.uow.write() as tx:
        owe_job(
            tx,
            name="cycle.open-chunk",
            args={"cycle": 999, "first": 1, "last": 2, "at": OPENING.isoformat()},
            dedupe_key="rests",
            now=OPENING,
            due_at=wall_time(tx) + dt.timedelta(seconds=0.5),
        )
    with Embedded(works.settings, works.wiring, clock=False) as embedded:
        embedded.drain()

        assert embedded.owed() == {}
    assert works.jobs() == [("cycle.open-chunk", "failed")]


def test_a_set_clock_moves_only_when_it_is_told_to() -> None:
    clock = SimulatedClock(OPENING)
    assert clock.advance(dt.timedelta(days=1)) == OPENING + dt.timedelta(days=1) == clock.now()
    with pytest.raises(ValueError, match="has no zone"):
        clock.set(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - the case
