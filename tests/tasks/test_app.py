import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings, load_settings
from config.wiring import Wiring
from services.outbox_jobs import Retry
from tasks.app import HARD_LIMIT_SECONDS, SOFT_LIMIT_SECONDS, VISIBILITY_SECONDS, Asked, make_app
from tasks.jobs import JOBS, RELAY

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The embedded mode's settings."""
    return load_settings({"data_dir": tmp_path, "sweep_seconds": 3})


def nobody() -> Wiring:
    """A wiring that no test of this file uses."""
    raise LookupError


def test_every_job_is_a_task_and_none_is_shared_with_another_application(settings: Settings) -> None:
    one = make_app(settings, nobody)
    other = make_app(settings, nobody)

    assert {name for name in one.tasks if name.startswith("appraise.")} == {f"appraise.{name}" for name in JOBS}
    task = f"appraise.{RELAY}"
    assert one.tasks[task] is not other.tasks[task]
    assert one.tasks[task].app is one


def test_messages_are_json_results_are_nowhere_and_nobody_controls_a_worker_from_afar(settings: Settings) -> None:
    conf = make_app(settings, nobody).conf

    assert (conf.task_serializer, list(conf.accept_content)) == ("json", ["json"])
    assert (conf.result_backend, conf.task_ignore_result) == (None, True)
    assert not conf.worker_enable_remote_control
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_acks_late
    assert conf.task_retry_on_worker_lost
    assert not conf.task_reject_on_worker_lost
    assert not conf.task_always_eager
    assert conf.broker_connection_retry_on_startup


def test_no_run_may_last_longer_than_a_broker_waits_for_its_answer(settings: Settings) -> None:
    assert SOFT_LIMIT_SECONDS < HARD_LIMIT_SECONDS < VISIBILITY_SECONDS

    conf = make_app(settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"}), nobody).conf
    assert (conf.task_soft_time_limit, conf.task_time_limit) == (SOFT_LIMIT_SECONDS, HARD_LIMIT_SECONDS)
    assert conf.broker_transport_options["visibility_timeout"] == VISIBILITY_SECONDS


def test_a_worker_that_is_stopped_lets_its_runs_end_for_ten_seconds(settings: Settings) -> None:
    assert make_app(settings, nobody).conf.worker_soft_shutdown_timeout == 10


def test_the_schedule_rings_for_the_sweep_and_for_every_job_that_comes_by_itself(settings: Settings) -> None:
    schedule = make_app(settings, nobody).conf.beat_schedule

    assert schedule[RELAY] == {"task": f"appraise.{RELAY}", "schedule": 3}
    assert set(schedule) == {RELAY} | {job.name for job in JOBS.values() if job.every is not None}


def test_on_redis_the_rings_are_never_held_back(settings: Settings) -> None:
    redis = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    asked: Asked = make_app(redis, nobody).appraise_asked

    assert [asked.ask(RELAY) for _ in range(3)] == [True, True, True]


def test_a_run_that_waits_is_not_asked_for_again_until_it_begins_or_too_long_has_passed() -> None:
    asked = Asked(seconds=60)
    assert [asked.ask("a"), asked.ask("a"), asked.ask("b")] == [True, False, True]
    asked.begun("a")
    assert asked.ask("a")
    asked.forget()
    assert [asked.ask("a"), asked.ask("b")] == [True, True]

    hasty = Asked(seconds=-1)
    assert [hasty.ask("a"), hasty.ask("a")] == [True, True]


def test_a_rest_doubles_and_has_an_end() -> None:
    retry = Retry()
    rests = [retry.rest(attempt).total_seconds() for attempt in (1, 2, 3, 9, 10, 60)]

    assert rests == [5, 10, 20, 1280, 1800, 1800]


def test_importing_the_package_makes_no_application_and_reads_no_settings(tmp_path: Path) -> None:
    program = (
        "import json, sys\n"
        "import tasks.app, tasks.embedded, tasks.jobs, tasks.once\n"
        "from celery import _state\n"
        "print(json.dumps({'apps': len(list(_state._get_active_apps())), 'files': "
        "[str(p) for p in __import__('pathlib').Path().iterdir()]}))\n"
    )
    environment = {"PYTHONPATH": str(PROJECT), "APPRAISE_NO_SUCH_SETTING": "1", "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"apps": 0, "files": []}


def test_the_shim_for_celery_makes_the_application_from_the_settings(tmp_path: Path) -> None:
    program = "import tasks.worker as w; print(w.app.main, w.app.conf.broker_url, len(w.app.conf.beat_schedule))"
    environment = {"PYTHONPATH": str(PROJECT), "APPRAISE_DATA_DIR": str(tmp_path / "data"), "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["appraise", "memory://", str(1 + sum(job.every is not None for job in JOBS.values()))]
    assert not (tmp_path / "data").exists()
