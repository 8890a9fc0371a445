"""Accounts from the terminal: the first, others, a new link, an end, and the list."""

import pytest

from config.settings import load_settings
from config.wiring import wire
from services import accounts
from tests.cli.conftest import Terminal


def secret_of(printed: str) -> str:
    return printed.splitlines()[0].rpartition("/password/")[2]


def use(office: Terminal, secret: str) -> None:
    with wire(load_settings({"data_dir": office.folder})) as wiring:
        accounts.set_password(wiring.uow, now=wiring.now(), secret=secret, password="three plain words")


def test_the_first_account_is_made_once_and_the_others_by_invitation(office: Terminal) -> None:
    assert "There is no account yet" in office.ok("account", "list").out
    first = office.ok("account", "first", "1007")
    assert first.out.startswith("http://127.0.0.1:8000/password/")
    assert "It sets the password of 1007 once, until " in first.out
    assert "invited" in office.ok("account", "list").out.lower()
    use(office, secret_of(first.out))
    again = office("account", "first", "1006")
    assert (again.code, "this is not the first account" in again.err) == (3, True)
    office.ok("account", "invite", "1006")
    assert [(one["number"], one["state"]) for one in office.ok("account", "list", "--json").json] == [
        ("1006", "invited"),
        ("1007", "active"),
    ]


def test_an_account_that_was_disabled_is_listed_so_and_comes_back_by_a_new_link(office: Terminal) -> None:
    use(office, secret_of(office.ok("account", "first", "1007").out))
    assert office.ok("account", "disable", "1007").out == "1007 can log in no more; sessions that ended: 0.\n"
    assert office.ok("account", "list", "--json").json[0]["state"] == "disabled"
    link = office.ok("account", "reset", "1007", "--json").json["link"]
    use(office, secret_of(link))
    assert office.ok("account", "list", "--json").json[0]["state"] == "active"


def test_where_there_are_no_passwords_an_account_comes_without_a_link(
    office: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISE_OPENID_ISSUER", "https://login.bank.example")
    monkeypatch.setenv("APPRAISE_OPENID_CLIENT", "appraise")
    monkeypatch.setenv("APPRAISE_PASSWORD_LOGIN", "off")
    assert office.ok("account", "first", "1007").out == "1007 has an account and logs in with login.bank.example.\n"
    made = office.ok("account", "invite", "1006", "--json").json
    assert made == {"number": "1006", "link": None, "expires_at": None}


def test_who_is_not_hr_cannot_list_accounts_and_nobody_invites_who_does_not_exist(office: Terminal) -> None:
    assert office("account", "list", "--as", "1009").code == 3
    assert office("account", "invite", "9999").code == 4
    assert office("account", "disable", "1009").code == 3
