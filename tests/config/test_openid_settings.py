"""What is accepted of an OpenID provider, and that nobody locks everybody out by a setting."""

import os
from pathlib import Path

import pytest

from config.settings import SettingsError, load_settings

PROVIDER = {"openid_issuer": "https://login.bank.example/realms/staff", "openid_client": "appraise"}


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("APPRAISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(given: dict[str, object]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(given)
    return str(caught.value)


def test_without_a_provider_people_log_in_by_password() -> None:
    settings = load_settings()
    assert (settings.openid_issuer, settings.password_login, settings.openid_claim) == (None, True, "email")


def test_a_provider_is_called_by_its_server_until_it_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of two words\n")
    settings = load_settings({**PROVIDER, "openid_client_secret_file": "secret", "password_login": "off"})
    assert settings.openid_called == "login.bank.example"
    assert settings.client_secret() == "of two words"
    assert load_settings({**PROVIDER, "openid_name": "Bank ID"}).openid_called == "Bank ID"
    assert load_settings(PROVIDER).client_secret() is None


@pytest.mark.parametrize(
    "issuer",
    [
        "login.bank.example",
        "http://login.bank.example",
        "https://",
        "https://x:y@login.bank.example",
        "https://login.bank.example/?a=b",
        "https://login.bank.example/#a",
        "https://login.bank.example:port",
        "https://login bank.example",
        "file:///etc/passwd",
    ],
)
def test_an_issuer_is_an_address_of_its_own_and_safe(issuer: str) -> None:
    assert said({**PROVIDER, "openid_issuer": issuer}).startswith(f"APPRAISE_OPENID_ISSUER is {issuer!r}: it must be")


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9000", "http://localhost:9000/a"])
def test_on_the_loopback_it_may_be_plain(issuer: str) -> None:
    assert load_settings({**PROVIDER, "openid_issuer": issuer}).openid_issuer == issuer


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"openid_issuer": PROVIDER["openid_issuer"]}, "APPRAISE_OPENID_CLIENT"),
        ({"openid_client": "appraise"}, "APPRAISE_OPENID_CLIENT"),
        ({"password_login": False}, "APPRAISE_PASSWORD_LOGIN"),
        ({**PROVIDER, "openid_client_secret_file": "nothing"}, "APPRAISE_OPENID_CLIENT_SECRET_FILE"),
        ({**PROVIDER, "openid_ca_file": "nothing"}, "APPRAISE_OPENID_CA_FILE"),
        ({**PROVIDER, "openid_scopes": "email"}, "APPRAISE_OPENID_SCOPES"),
        ({**PROVIDER, "openid_claim": "no words"}, "APPRAISE_OPENID_CLAIM"),
        ({**PROVIDER, "openid_timeout_seconds": 0}, "APPRAISE_OPENID_TIMEOUT_SECONDS"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(given: dict[str, object], variable: str) -> None:
    assert said(given).startswith(f"{variable} ")


def test_a_secret_is_given_once_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of two words\n")
    twice = {**PROVIDER, "openid_client_secret": "hidden", "openid_client_secret_file": "secret"}
    assert said(twice).startswith("APPRAISE_OPENID_CLIENT_SECRET_FILE has a value that cannot be used")
    assert "hidden" not in said(twice)
    assert "hidden" not in repr(load_settings({**PROVIDER, "openid_client_secret": "hidden"}))
