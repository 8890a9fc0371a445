import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.setting_fields import words_of
from config.settings import Settings, SettingsError, load_settings, variable
from config.settings_page import settings_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("APPRAISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_are_the_embedded_mode_in_one_folder(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.data_dir == tmp_path / "appraise-data"
    assert settings.database_url == settings.database_owner_url
    assert settings.database_url == f"sqlite:///{tmp_path}/appraise-data/appraise.sqlite3"
    assert settings.audit_key_file == tmp_path / "appraise-data" / "audit.key"
    assert (settings.broker_url, settings.worker, settings.chunk_size) == ("memory://", True, 1000)


def test_what_is_given_by_the_caller_comes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("APPRAISE_CHUNK_SIZE=600\nAPPRAISE_SMTP_PORT=26\nAPPRAISE_LANGUAGE=zh\nOTHER=1\n")
    monkeypatch.setenv("APPRAISE_CHUNK_SIZE", "700")
    monkeypatch.setenv("APPRAISE_SMTP_PORT", "27")
    settings = load_settings({"chunk_size": 800})
    assert (settings.chunk_size, settings.smtp_port, settings.language) == (800, 27, "zh")


def test_loading_writes_nothing(tmp_path: Path) -> None:
    load_settings()
    assert list(tmp_path.iterdir()) == []


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        load_settings().chunk_size = 700


@pytest.mark.parametrize(("given", "expected"), [("off", False), ("on", True), ("0", False), ("1", True)])
def test_the_worker_is_switched_in_words(given: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_WORKER", given)
    assert load_settings().worker is expected


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("APPRAISE_CHUNK_SIZE", "499"),
        ("APPRAISE_CHUNK_SIZE", "5001"),
        ("APPRAISE_CHUNK_SIZE", "many"),
        ("APPRAISE_SWEEP_SECONDS", "0"),
        ("APPRAISE_WORKER", "sometimes"),
        ("APPRAISE_WORKER_THREADS", "0"),
        ("APPRAISE_LEASE_SECONDS", "9"),
        ("APPRAISE_SMTP_PORT", "70000"),
        ("APPRAISE_SMTP_HOST", "mail.example\r\nRCPT TO"),
        ("APPRAISE_SMTP_TLS", "yes"),
        ("APPRAISE_SMTP_TIMEOUT_SECONDS", "0"),
        ("APPRAISE_SMTP_PASSWORD_FILE", "not-there"),
        ("APPRAISE_MAIL_FROM", "nobody"),
        ("APPRAISE_MAIL_FROM", "a@b\nBcc: c@d"),
        ("APPRAISE_BASE_URL", "ftp://bank.example"),
        ("APPRAISE_BASE_URL", "/appraise"),
        ("APPRAISE_TOKEN_FILE", "not-there"),
        ("APPRAISE_LANGUAGE", "de"),
        ("APPRAISE_LOG_LEVEL", "loud"),
        ("APPRAISE_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_name_value_and_mend(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, wrong)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    sentence = str(refused.value)
    assert sentence.startswith(f"{name} is ")
    assert "it must be " in sentence
    assert "or remove it" in sentence
    assert "\n" not in sentence
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("name", ["APPRAISE_DATABASE_URL", "APPRAISE_DATABASE_OWNER_URL", "APPRAISE_BROKER_URL"])
@pytest.mark.parametrize("wrong", ["mysql://root:hunter2@db/x", "hunter2", "sqlite://"])
def test_a_wrong_address_is_named_and_its_password_is_not_repeated(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, wrong)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{name} has a value that cannot be used: it must be ")
    assert "hunter2" not in " ".join(refused.value.problems)


@pytest.mark.parametrize(
    "wrong", ["amqp://broker", "redis://", "redis://host:port/0", "redis://host:70000", "localhost:6379"]
)
def test_a_wrong_address_of_the_broker(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_BROKER_URL", wrong)
    with pytest.raises(SettingsError, match="APPRAISE_BROKER_URL has a value that cannot be used") as refused:
        load_settings()
    assert "it must be memory://, or an address that begins with redis:// or rediss://" in str(refused.value)


def test_passwords_of_addresses_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, password in (("database", "p@ss/word"), ("database_owner", "two"), ("broker", "three")):
        (tmp_path / name).write_text(f"{password}\nwhat follows is no part of it\n")
        monkeypatch.setenv(f"APPRAISE_{name.upper()}_PASSWORD_FILE", str(tmp_path / name))
    monkeypatch.setenv("APPRAISE_DATABASE_URL", "postgresql://application@db/appraise")
    monkeypatch.setenv("APPRAISE_DATABASE_OWNER_URL", "postgresql://owner@db/appraise")
    monkeypatch.setenv("APPRAISE_BROKER_URL", "redis://broker:6380/2")
    settings = load_settings()
    assert settings.database_url == "postgresql+psycopg://application:p%40ss%2Fword@db/appraise"
    assert settings.database_owner_url == "postgresql+psycopg://owner:two@db/appraise"
    assert settings.broker_url == "redis://:three@broker:6380/2"
    assert not settings.embedded


@pytest.mark.parametrize(
    ("name", "url"),
    [("DATABASE", "postgresql://a:b@db/x"), ("BROKER", "redis://:b@broker"), ("DATABASE", "sqlite:///x")],
)
def test_a_password_in_the_address_and_in_a_file_is_refused(
    name: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("other")
    monkeypatch.setenv(f"APPRAISE_{name}_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv(f"APPRAISE_{name}_URL", url)
    with pytest.raises(SettingsError, match=f"APPRAISE_{name}_URL has a value that cannot be used"):
        load_settings()


def test_a_wrong_line_of_the_file_is_found_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APPRAISE_LANGUAGE=de\n")
    with pytest.raises(SettingsError, match=r"APPRAISE_LANGUAGE is 'de': it must be en or zh"):
        load_settings()


def test_an_unknown_variable_is_refused_with_the_nearest_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_CHUNKSIZE", "600")
    with pytest.raises(SettingsError, match=r"APPRAISE_CHUNKSIZE is not a setting: did you mean APPRAISE_CHUNK_SIZE\?"):
        load_settings()
    monkeypatch.delenv("APPRAISE_CHUNKSIZE")
    (tmp_path / ".env").write_text("APPRAISE_ZZZ=1\n")
    with pytest.raises(SettingsError, match="APPRAISE_ZZZ is not a setting: remove it"):
        load_settings()


def test_every_wrong_setting_has_its_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_LANGUAGE", "de")
    monkeypatch.setenv("APPRAISE_CHUNK_SIZE", "1")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [problem.split()[0] for problem in refused.value.problems] == ["APPRAISE_CHUNK_SIZE", "APPRAISE_LANGUAGE"]


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_SMTP_HOST", "")
    monkeypatch.setenv("APPRAISE_CHUNK_SIZE", "")
    assert (load_settings().smtp_host, load_settings().chunk_size) == (None, 1000)


@pytest.mark.parametrize("name", ["smtp_password", "token"])
def test_a_secret_is_read_from_its_file_and_is_not_taken_twice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("s3same\nnot this\n")
    monkeypatch.setenv(variable(f"{name}_file"), "secret")
    settings = load_settings()
    assert {"smtp_password": settings.mail_password, "token": settings.access_token}[name]() == "s3same"
    monkeypatch.setenv(variable(name), "other")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{variable(name)}_FILE has a value that cannot be used")
    assert "s3same" not in str(refused.value)
    monkeypatch.delenv(variable(f"{name}_file"))
    settings = load_settings()
    assert {"smtp_password": settings.mail_password, "token": settings.access_token}[name]() == "other"


def test_secrets_are_not_shown_by_printing_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_TOKEN", "hunter2")
    monkeypatch.setenv("APPRAISE_SMTP_PASSWORD", "hunter2")
    monkeypatch.setenv("APPRAISE_BROKER_URL", "redis://:hunter2@localhost/0")
    monkeypatch.setenv("APPRAISE_DATABASE_URL", "postgresql://a:hunter2@localhost/x")
    assert "hunter2" not in repr(load_settings())


def test_a_plain_postgresql_address_gets_the_driver_we_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_DATABASE_URL", "postgresql://app@localhost/appraise")
    assert load_settings().database_url == "postgresql+psycopg://app@localhost/appraise"


def test_places_are_bound_to_the_folder_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_DATA_DIR", "here/../there")
    settings = load_settings()
    monkeypatch.chdir("/")
    assert settings.data_dir == tmp_path / "there"


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_each_setting_says_what_it_is_for_what_it_accepts_and_its_default(name: str) -> None:
    field = Settings.model_fields[name]
    words: dict[str, Any] = words_of(field)
    assert field.description
    assert field.description.endswith(".")
    assert words["accepts"]
    assert words["shown"]


def test_the_page_of_settings_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), (
        "run: python -m config.settings_page > docs/reference/settings.md"
    )
