"""Each check of the doctor: the thing is broken for real, and the sentence says what it is and what to do."""

import datetime as dt
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from catalog.shelf import rubric_text, workflow_text
from config.checkpoint_keys import signing_key_of
from config.doctor import CHECKS, Diagnosis, examine, refused
from config.doctor_answers import State
from config.mail_sink import MailSink
from config.settings import Settings, SettingsError, load_settings
from config.wiring import wire
from models import grants, guards
from models.database import open_database
from models.migrate import downgrade, head
from services import checkpoints
from services.actors import SYSTEM
from services.definitions import publish_rubric, publish_workflow
from services.outbox import owe_job
from services.outbox_jobs import record_failure
from tests.servers.postgresql import APPLICATION


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's settings out of it."""
    for name in [name for name in os.environ if name.startswith("APPRAISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A data folder in which nothing is at fault: an organisation, both kinds of definition, the key."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copyfile(sqlite_template, folder / "appraise.sqlite3")
    with wire(Settings(data_dir=folder)) as wiring:
        now = wiring.now()
        publish_rubric(wiring.uow, actor=SYSTEM, now=now, text=rubric_text("bank-office-completed"), where="rubric")
        publish_workflow(wiring.uow, actor=SYSTEM, now=now, text=workflow_text("quarterly"), where="workflow")
        with wiring.uow.write() as tx:
            tx.connection.execute(
                text(
                    "INSERT INTO organisation (name, kind, zone, language, calendar, settings, created_at)"
                    " VALUES ('A bank', 'live', 'Asia/Shanghai', 'en', 'CN', '{}', '2026-01-01T00:00:00.000000Z')"
                )
            )
        key = signing_key_of(wiring.settings, signed_before=False)
        checkpoints.make(wiring.uow, now=now, path=folder / "checkpoint.json", key=key)
    return folder


@pytest.fixture
def data(tmp_path: Path, whole: Path) -> Path:
    """A copy of it, to break."""
    folder = tmp_path / "data"
    shutil.copytree(whole, folder)
    folder.chmod(0o700)
    return folder


def settings_of(data: Path, **values: Any) -> Settings:
    kept = {"audit_key_copy": "the safe in room 12", "checkpoint_place": "the auditor's stick"}
    return load_settings({"data_dir": data, **kept, **values})


def found(settings: Settings, check: str, ahead: dt.timedelta = dt.timedelta()) -> Diagnosis:
    """Return what one check says now, or with the machine's clock set ahead."""
    return next(one for one in examine(settings, now=dt.datetime.now(dt.UTC) + ahead) if one.check == check)


def told(settings: Settings, check: str, ahead: dt.timedelta = dt.timedelta()) -> tuple[str, str, str]:
    answer = found(settings, check, ahead)
    return answer.state.value, answer.says, answer.mend


def on_file(data: Path, *statements: str) -> None:
    """Write to the database past every service, with the triggers away and put back."""
    engine = open_database(f"sqlite:///{data / 'appraise.sqlite3'}")
    with engine.begin() as connection:
        guards.remove(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)
        guards.install(connection)
    engine.dispose()


def test_where_nothing_is_wrong_every_check_is_good_but_for_the_mails_that_wait(data: Path) -> None:
    answers = tuple(examine(settings_of(data), now=dt.datetime.now(dt.UTC)))
    assert [one.check for one in answers] == [check.name for check in CHECKS]
    assert {one.check: one.state for one in answers if one.state is not State.GOOD} == {"mail": State.NOTE}
    assert found(settings_of(data), "mail").says == "No mail server is set: mails wait in the database."


def test_a_wrong_setting_is_told_and_nothing_else_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_SMTP_PORT", "high")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    first, *others = refused(caught.value)
    assert (first.check, first.state) == ("settings", State.FAULT)
    assert first.says.startswith("APPRAISE_SMTP_PORT is 'high': it must be a port from 1 to 65535")
    assert {one.state for one in others} == {State.UNSEEN}


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state, says, mend = told(settings_of(tmp_path / "file"), "settings")
    assert (state, says) == ("fault", f"The data folder {tmp_path / 'file'} is no folder.")
    assert mend == "Set APPRAISE_DATA_DIR to a folder."


def test_a_missing_database_and_what_then_cannot_be_looked_at(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "nowhere")
    state, says, _ = told(settings, "database")
    assert state == "fault"
    assert says.endswith("make one with `appraise db upgrade`.")
    assert told(settings, "clock") == ("not looked at", "Not looked at: database comes first.", "")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_is_no_database(data: Path) -> None:
    (data / "appraise.sqlite3").write_bytes(b"something else" * 100)
    state, says, _ = told(settings_of(data), "database")
    assert (state, "file is not a database" in says) == ("fault", True)


def test_a_database_that_others_may_read_is_a_note(data: Path) -> None:
    data.chmod(0o755)
    (data / "appraise.sqlite3").chmod(0o644)
    state, says, mend = told(settings_of(data), "database")
    assert (state, mend) == ("note", f"Run `chmod 700 {data}`.")
    assert says.endswith("Others on this machine may read it.")


def test_an_older_and_a_newer_schema(data: Path) -> None:
    engine = open_database(f"sqlite:///{data / 'appraise.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "by a newer version of Appraise" in told(settings_of(data), "migration")[1]
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head()})
    downgrade(engine, "0006")
    engine.dispose()
    state, says, _ = told(settings_of(data), "migration")
    assert state == "fault"
    assert says == f"The database's schema stands at 0006 and this program needs {head()}; run `appraise db upgrade`."
    assert told(settings_of(data), "guards")[1] == "Not looked at: migration comes first."


def test_a_trigger_that_somebody_took_away(data: Path) -> None:
    engine = open_database(f"sqlite:///{data / 'appraise.sqlite3'}")
    with engine.begin() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        name, other = [row[0] for row in names][:2]
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(f"DROP TRIGGER {other}")
    engine.dispose()
    state, says, mend = told(settings_of(data), "guards")
    assert state == "fault"
    assert says == f"The database differs: the trigger {name} is missing. And 1 more: `appraise db check` lists them."
    assert "`appraise db upgrade` puts triggers back" in mend


def test_the_audit_key_is_missing_exposed_or_not_the_one(data: Path) -> None:
    key = data / "audit.key"
    content = key.read_bytes()
    key.chmod(0o644)
    assert "take their rights away with `chmod 600`" in told(settings_of(data), "audit keys")[1]
    key.unlink()
    assert "is missing; put its copy back" in told(settings_of(data), "audit keys")[1]
    key.write_bytes(content.replace(b"k1 ", b"k2 "))
    key.chmod(0o600)
    state, says, mend = told(settings_of(data), "audit keys")
    assert (state, says) == ("fault", f"Rows are signed with the key k1, which is not in {key}.")
    assert mend == "Put the whole key file back from its copy."


def test_the_copy_of_the_audit_key_is_asked_for_repeated_and_compared(data: Path, tmp_path: Path) -> None:
    state, says, mend = told(settings_of(data, audit_key_copy=None), "audit keys")
    assert (state, mend) == ("note", "Keep a copy elsewhere and say where in APPRAISE_AUDIT_KEY_COPY.")
    assert "Nothing says where its copy is" in says
    assert told(settings_of(data), "audit keys")[1].endswith("Its copy: the safe in room 12.")
    copy = tmp_path / "copy.key"
    shutil.copyfile(data / "audit.key", copy)
    assert told(settings_of(data, audit_key_copy=str(copy)), "audit keys")[0] == "good"
    copy.write_text("k1 00", encoding="ascii")
    assert told(settings_of(data, audit_key_copy=str(copy)), "audit keys")[2] == "Copy the key file there again."
    itself = settings_of(data, audit_key_copy=str(data / "audit.key"))
    assert told(itself, "audit keys")[1].endswith("What is named as its copy is the file itself.")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE definition SET text = replace(text, '\"100\"', '\"99\"') WHERE kind = 'rubric'",
            "The rubric bank-office-completed@1 is not the text that was published.",
        ),
        (
            "UPDATE definition SET text = 'nothing' WHERE kind = 'workflow'",
            "The workflow quarterly@1 cannot be read any more.",
        ),
        (
            "UPDATE workflow_move SET to_stage = 'closed' WHERE action = 'submit'",
            "The workflow quarterly@1: its moves are not those the database allows.",
        ),
    ],
)
def test_a_published_text_or_move_that_was_changed(data: Path, statement: str, says: str) -> None:
    on_file(data, statement)
    assert told(settings_of(data), "definitions") == (
        "fault", says, "Run `appraise audit verify`, and restore a backup from before the change."
    )  # fmt: skip
    assert told(settings_of(data), "guards")[0] == "good"


def test_nothing_published_is_a_note(data: Path) -> None:
    on_file(data, "DELETE FROM workflow_move", "DELETE FROM definition WHERE kind = 'workflow'")
    assert told(settings_of(data), "definitions") == (
        "note", "No workflow is published yet.", "Run `appraise workflow publish`."
    )  # fmt: skip


def test_a_clock_that_is_wrong(data: Path) -> None:
    state, says, mend = told(settings_of(data), "clock", dt.timedelta(minutes=5))
    assert (state, mend) == ("fault", "Let both take the time from one server (NTP).")
    assert says.startswith("The machine's clock is ")
    assert says.endswith(" seconds ahead of the database's.")
    assert "behind the database's" in told(settings_of(data), "clock", -dt.timedelta(minutes=5))[1]
    on_file(data, "UPDATE event SET at = '2999-01-01T00:00:00.000000Z'")
    assert told(settings_of(data), "clock") == (
        "fault", "The last act is recorded at 2999-01-01 00:00 UTC, which is yet to come.", "Set the clock."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE organisation SET zone = 'Mars/Olympus'", "The zone Mars/Olympus is not known here."),
        (
            "UPDATE organisation SET calendar = 'XX'",
            "There is no working calendar 'XX'; write a country such as CN, or one with a part, DE-BY.",
        ),
    ],
)
def test_a_zone_or_a_calendar_that_nobody_knows(data: Path, statement: str, says: str) -> None:
    on_file(data, statement)
    assert told(settings_of(data), "clock")[:2] == ("fault", says)


def test_work_that_nobody_does_and_work_that_failed(data: Path) -> None:
    settings = settings_of(data)
    with wire(settings) as wiring, wiring.uow.write() as tx:
        owe_job(tx, name="cycle.open-chunk", args={}, dedupe_key="one", now=wiring.now())
    assert told(settings, "owed")[0] == "good"
    on_file(data, "UPDATE job SET due_at = '2026-01-01T00:00:00.000000Z'")
    assert told(settings, "owed") == (
        "fault", "For more than ten minutes this waits for a worker: cycle.open-chunk (1).", "Start `appraise up`."
    )  # fmt: skip
    on_file(data, "DELETE FROM job")
    with wire(settings) as wiring, wiring.uow.write() as tx:
        record_failure(tx, "job", 7, "smtp-550", details={}, at=wiring.now())
    assert told(settings, "owed")[:2] == ("fault", "This failed and nobody has decided about it: job 7 (smtp-550).")


def test_a_checkpoint_that_was_never_made_kept_or_signed_with_this_key(data: Path) -> None:
    settings = settings_of(data)
    state, says, _ = told(settings, "checkpoints")
    assert (state, says.endswith("Kept: the auditor's stick.")) == ("good", True)
    state, says, mend = told(settings_of(data, checkpoint_place=None), "checkpoints")
    assert (state, "on this machine it proves nothing" in says) == ("note", True)
    assert mend.endswith("say where in APPRAISE_CHECKPOINT_PLACE.")
    key, public = settings.checkpoint_key_file, settings.checkpoint_key_file.with_suffix(".pub")
    key.chmod(0o644)
    assert told(settings, "checkpoints")[0] == "fault"
    key.unlink()
    state, _, mend = told(settings, "checkpoints")
    assert (state, mend) == ("note", "Put it back, or begin a new one with `appraise audit checkpoint --new-key`.")
    old = public.read_bytes()
    signing_key_of(settings, signed_before=True, renew=True)
    assert [file.read_bytes() for file in data.glob("checkpoint-*.pub")] == [old]
    assert told(settings, "checkpoints")[0] == "fault"
    on_file(data, "DELETE FROM event WHERE stream = 'checkpoints'")
    assert told(settings, "checkpoints")[:2] == (
        "note",
        "No checkpoint was ever made, so nobody could tell that the end of a chain was cut off.",
    )


def test_a_copy_that_mails_nobody_is_a_note(data: Path) -> None:
    on_file(
        data,
        "DELETE FROM instance",
        "INSERT INTO instance (code, sending_paused, created_at) VALUES ('copy', 1, '2026-01-01T00:00:00.000000Z')",
    )
    assert told(settings_of(data), "sending") == (
        "note",
        "This copy of the database mails nobody until it is told to.",
        "When it is the real one, run `appraise mail resume`.",
    )


def test_without_a_broker_the_workers_are_threads(data: Path) -> None:
    assert told(settings_of(data), "broker")[0] == "good"
    assert told(settings_of(data, worker=False), "broker")[:2] == (
        "note", "No worker runs in this process, since APPRAISE_WORKER is off."
    )  # fmt: skip


def test_the_mail_server_is_greeted(data: Path, tmp_path: Path) -> None:
    with MailSink(tmp_path / "mails") as sink:
        server = {"smtp_host": "127.0.0.1", "smtp_port": sink.port}
        assert told(settings_of(data, **server, smtp_tls="none"), "mail")[0] == "good"
        state, says, _ = told(settings_of(data, **server, smtp_tls="starttls"), "mail")
        assert state == "fault"
        assert "cannot be used with the protection 'starttls' (SMTPNotSupportedError)" in says
    assert list((tmp_path / "mails").iterdir()) == []
    state, says, mend = told(settings_of(data, **server, smtp_tls="none"), "mail")
    assert (state, mend) == ("fault", "Start it, or correct APPRAISE_SMTP_HOST, _PORT, _TLS, _USER and _PASSWORD.")
    assert "(ConnectionRefusedError)" in says


@pytest.mark.parametrize("database", ["postgresql"])
def test_on_postgresql_the_privileges_of_the_role_are_compared(
    application_url: str, engine: Engine, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, database_url=application_url)
    assert "privileges" not in told(settings, "database")[1]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT UPDATE, DELETE ON move TO {APPLICATION}")
        connection.exec_driver_sql(f"REVOKE INSERT ON job FROM {APPLICATION}")
    state, says, mend = told(settings, "database")
    assert (state, mend.endswith("Run `appraise db upgrade`.")) == ("fault", True)
    assert "The privileges are not those listed: the role may not INSERT on job. And 1 more." in says
    with engine.begin() as connection:
        grants.grant(connection, APPLICATION)
    assert "privileges" not in told(settings, "database")[1]


@pytest.mark.parametrize("database", ["postgresql"])
def test_on_postgresql_the_role_may_not_own_the_tables(engine: Engine, database_url: str, tmp_path: Path) -> None:
    role = f"reader_{secrets.token_hex(4)}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    own = "This role may act as the owner of the tables"
    state, says, mend = told(settings_of(tmp_path, database_url=database_url), "database")
    assert (state, own in says) == ("fault", True)
    assert "Set APPRAISE_DATABASE_URL to a role of its own" in mend
    reading = f"{database_url}?options=-c%20role%3D{role}%20-c%20synchronous_commit%3Doff"
    state, says, mend = told(settings_of(tmp_path, database_url=reading), "database")
    assert (state, own in says) == ("fault", False)
    assert f"role {role}." in says
    assert "synchronous_commit is off, so a power cut loses acts that were confirmed." in says
    assert "Set synchronous_commit = on on the server." in mend
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")


def test_each_check_says_what_it_looks_at_and_has_a_name_of_its_own() -> None:
    assert all(check.looks_at for check in CHECKS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {need for check in CHECKS for need in check.needs} <= {check.name for check in CHECKS}
