"""Logging in at an OpenID provider: what is asked of it, what is believed, and every answer that must not be."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from httpx2 import Response
from sqlalchemy import text

from models.columns import table_of
from models.people import Contact
from services import accounts
from tests.services.builders import CLERK, ESCORT, noon
from tests.services.certificates import make_certificate
from tests.services.playing import Play
from tests.web.browsing import ADDRESS, PASSWORD, Browser, Pages, words_of
from tests.web.conftest import served
from tests.web.openid_provider import CLIENT, SECRET, Claims, Provider, new_key, provider, public, values_of

Asked = dict[str, str]
BACK = "/login/openid/back"
UNBELIEVED = "cannot be believed, so nobody was logged in"
LEFT = 'UPDATE person SET "left" = :day WHERE id = :id'
NOBODY = "there is nobody here who may log in by that"


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as running:
        yield running


def settings(there: Provider, **others: object) -> dict[str, object]:
    named = {"openid_issuer": there.address, "openid_client": CLIENT, "openid_client_secret": SECRET}
    return {**named, "openid_name": "Bank ID", **others}


@pytest.fixture
def office(play: Play, there: Provider) -> Pages:
    """The application with the provider; the clerk has an account and no password."""
    return with_clerk(play, **settings(there))


def with_clerk(play: Play, **chosen: object) -> Pages:
    pages = served(play, **chosen)
    accounts.invite(play.uow, now=pages.clock.now(), number=CLERK)
    return pages


def at_provider(answer: Response) -> str:
    """Be logged in by the provider; the path with which it sends the browser back to us."""
    assert answer.status_code == 303, words_of(answer)
    sent = httpx2.get(answer.headers["location"], trust_env=False)
    address = urlsplit(sent.headers["location"])
    assert f"{address.scheme}://{address.netloc}" == ADDRESS
    return f"{address.path}?{address.query}"


def log_in(browser: Browser, path: str = "/login/openid") -> Response:
    return browser.get(at_provider(browser.get(path)))


def events(pages: Pages) -> list[tuple[str, Any]]:
    found = pages.play.rows("SELECT kind, payload FROM event WHERE stream = 'logins' ORDER BY seq")
    return [(row.kind, json.loads(row.payload)) for row in found]


def reasons(pages: Pages) -> list[tuple[int | None, str]]:
    """Return of whom a login was denied, and why."""
    return [(said["person"], said["why"]) for kind, said in events(pages) if kind == "login-denied"]


def change(pages: Pages, statement: str, **values: object) -> None:
    with pages.play.uow.write() as tx:
        tx.run(text(statement), values)


def test_who_has_an_account_is_logged_in_and_comes_to_where_he_wanted(office: Pages, there: Provider) -> None:
    browser = office.browser()
    page = browser.get(f"/login?next=/appraisals/2026Q1/{CLERK}")
    assert "Log in with Bank ID" in words_of(page)
    (link,) = [part.split('"')[0] for part in page.text.split('href="') if part.startswith("/login/openid")]
    done = log_in(browser, link)
    assert (done.status_code, done.headers["location"]) == (303, f"/appraisals/2026Q1/{CLERK}")
    assert browser.get(done.headers["location"]).status_code == 200
    person = office.play.office.people[CLERK]
    assert events(office) == [("login", {"person": person, "by": "openid"})]
    (asked,) = there.asked
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{ADDRESS}{BACK}"
    assert asked["code_challenge_method"] == "S256"
    assert "prompt" not in asked
    assert there.exchanged[0]["code_verifier"] not in "".join(asked.values())


def test_what_the_browser_keeps_meanwhile_is_out_of_reach_of_scripts_and_gone_afterwards(office: Pages) -> None:
    browser = office.browser()
    begun = browser.get("/login/openid")
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("appraise-openid=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= {part.strip() for part in cookie.split(";")}
    browser.get(at_provider(begun))
    assert set(browser.client.cookies) == {"appraise"}


def test_over_https_it_is_bound_to_the_host(play: Play, there: Provider) -> None:
    pages = served(play, **settings(there, base_url="https://appraise.bank.example"))
    begun = pages.browser(address="https://appraise.bank.example").get("/login/openid")
    assert begun.headers["set-cookie"].startswith("__Host-appraise-openid=")
    assert "Secure" in begun.headers["set-cookie"]
    assert values_of(begun.headers["location"])["redirect_uri"] == f"https://appraise.bank.example{BACK}"


def test_state_nonce_and_challenge_are_new_each_time(office: Pages) -> None:
    seen = [values_of(office.browser().get("/login/openid").headers["location"]) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({one[name] for one in seen}) == 2
        assert all(len(one[name]) >= 43 for one in seen)


def without(*names: str) -> Callable[[Claims], Claims]:
    return lambda claims: {name: value for name, value in claims.items() if name not in names}


def with_(**values: object) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **values}


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (with_(nonce="another"), "nonce"),
        (without("nonce"), "nonce"),
        (with_(aud="another"), "audience"),
        (without("aud"), "claim-missing"),
        (with_(aud=[CLIENT, "another"]), "party"),
        (with_(aud=[CLIENT, "another"], azp="another"), "party"),
        (with_(azp="another"), "party"),
        (with_(iss="https://another.example"), "issuer"),
        (without("iss"), "claim-missing"),
        (without("sub"), "claim-missing"),
        (with_(exp=int(time.time()) - 3600), "expired"),
        (without("exp"), "claim-missing"),
        (with_(iat=int(time.time()) + 3600), "not-yet"),
        (with_(iat=int(time.time()) - 3600), "issued-at"),
        (without("iat"), "claim-missing"),
    ],
)
def test_a_token_that_says_something_else_is_not_believed(
    office: Pages, there: Provider, lie: Callable[[Claims], Claims], why: str
) -> None:
    there.lie = lie
    browser = office.browser()
    answer = log_in(browser)
    assert answer.status_code == 403
    assert UNBELIEVED in words_of(answer)
    assert 'name="password"' in answer.text
    assert reasons(office) == [(None, why)]
    assert office.play.rows("SELECT 1 FROM session") == []
    assert "appraise" not in browser.client.cookies


def test_a_token_for_us_and_others_that_names_us_as_its_party_is_believed(office: Pages, there: Provider) -> None:
    there.lie = with_(aud=["another", CLIENT], azp=CLIENT)
    assert log_in(office.browser()).headers["location"] == "/"


def unsigned(there: Provider, claims: Claims) -> str:
    return jwt.encode(claims, None, "none", headers={"kid": there.name})


def by_public_key(there: Provider, claims: Claims) -> str:
    """Sign with the public key as if it were a secret that both sides share."""
    key = there.keys[there.name].public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = pem.replace(b"-----BEGIN PUBLIC KEY-----", b"").replace(b"-----END PUBLIC KEY-----", b"")
    return jwt.encode(claims, secret, "HS256", headers={"kid": there.name})


def by_another_key(there: Provider, claims: Claims) -> str:
    return jwt.encode(claims, new_key(), "ES256", headers={"kid": there.name})


def by_a_key_of_its_own(there: Provider, claims: Claims) -> str:
    """Bring the key along in the header."""
    key = new_key()
    return jwt.encode(claims, key, "ES256", headers={"kid": "own", "jwk": public(key, "own"), "jku": there.address})


def cut(there: Provider, claims: Claims) -> str:
    return there.sign(claims).rpartition(".")[0] + "."


def changed(there: Provider, claims: Claims) -> str:
    """Put other claims under the signature."""
    head, _, signature = there.sign(claims).split(".")
    return ".".join((head, there.sign({**claims, "email": "p1009@example.org"}).split(".")[1], signature))


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (unsigned, "algorithm"),
        (by_public_key, "algorithm"),
        (by_another_key, "signature"),
        (by_a_key_of_its_own, "key"),
        (cut, "signature"),
        (changed, "signature"),
        (lambda _there, _claims: "not.a.token", "token"),
        (lambda _there, _claims: "x" * 70_000, "size"),
    ],
)
def test_a_token_that_is_not_signed_by_the_provider_is_not_believed(
    office: Pages, there: Provider, signed: Callable[[Provider, Claims], str], why: str
) -> None:
    there.signed = signed
    answer = log_in(office.browser())
    assert answer.status_code == 403
    assert UNBELIEVED in words_of(answer)
    assert reasons(office) == [(None, why)]


def test_keys_may_change_and_old_ones_are_good_for_nothing(office: Pages, there: Provider) -> None:
    assert log_in(office.browser()).headers["location"] == "/"
    old = there.keys["one"]
    there.keys, there.name = {"two": new_key()}, "two"
    assert log_in(office.browser()).headers["location"] == "/"
    assert there.key_reads == 2
    there.signed = lambda _there, claims: jwt.encode(claims, old, "ES256", headers={"kid": "one"})
    assert log_in(office.browser()).status_code == 403
    assert reasons(office) == [(None, "key")]


def test_two_keys_that_were_swapped_are_noticed(office: Pages, there: Provider) -> None:
    there.keys = {"one": new_key(), "two": new_key()}
    assert log_in(office.browser()).headers["location"] == "/"
    there.keys = {"one": there.keys["two"], "two": there.keys["one"]}
    assert log_in(office.browser()).status_code == 403
    assert reasons(office) == [(None, "signature")]


@pytest.mark.parametrize(
    "back",
    [
        lambda values: {**values, "iss": "https://another.example"},
        lambda values: {name: value for name, value in values.items() if name != "iss"},
    ],
)
def test_an_answer_of_another_provider_is_noticed_before_the_code_goes_anywhere(
    office: Pages, there: Provider, back: Callable[[Asked], Asked]
) -> None:
    there.back = back
    assert UNBELIEVED in words_of(log_in(office.browser()))
    assert there.exchanged == []
    assert reasons(office) == [(None, "mixed-up")]


def test_a_description_under_another_name_is_not_used(office: Pages, there: Provider) -> None:
    there.said = {"issuer": "https://another.example"}
    answer = office.browser().get("/login/openid")
    assert answer.status_code == 503
    assert "Bank ID cannot be used to log in: its own name" in words_of(answer)


@pytest.mark.parametrize("place", ["http://bank.example/token", "file:///etc/passwd", "javascript:x", 7, None])
def test_an_address_that_is_not_safe_is_not_asked(office: Pages, there: Provider, place: object) -> None:
    there.said = {"token_endpoint": place}
    answer = office.browser().get("/login/openid")
    assert answer.status_code == 503
    assert "one of its addresses is not as it must be" in words_of(answer)


def test_the_answer_of_a_login_works_in_the_browser_that_began_it_and_once(office: Pages, there: Provider) -> None:
    begun = office.browser()
    path = at_provider(begun.get("/login/openid"))
    other = office.browser()
    for browser in (other, office.browser()):
        if browser is other:
            browser.get("/login/openid")  # a login of its own makes the answer no better
        answer = browser.get(path)
        assert answer.status_code == 403
        assert "No login was begun in this browser in the last 10 minutes" in words_of(answer)
    assert there.exchanged == []
    kept = begun.client.cookies["appraise-openid"]
    assert begun.get(path).headers["location"] == "/"
    assert begun.get(path).status_code == 403
    thief = office.browser()
    thief.client.cookies.set("appraise-openid", kept, domain="127.0.0.1")
    answer = thief.get(path)
    assert answer.status_code == 403
    assert "does not take this login any more" in words_of(answer)
    assert [why for _, why in reasons(office)] == ["state", "state", "state", "code"]


def test_what_the_browser_keeps_cannot_be_changed_and_does_not_last(office: Pages) -> None:
    browser = office.browser()
    path = at_provider(browser.get("/login/openid?next=/record"))
    kept = browser.client.cookies["appraise-openid"]
    body, _, mac = kept.strip('"').partition(".")
    for changed_ in (f"{body[:-4]}AAA=.{mac}", f".{mac}", body, "x" * 5000):
        browser.client.cookies.set("appraise-openid", changed_, domain="127.0.0.1")
        assert browser.get(path).status_code == 403
    assert {why for _, why in reasons(office)} == {"state"}


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_it_leads_nowhere_but_to_our_own_pages(office: Pages, target: str) -> None:
    done = log_in(office.browser(), f"/login/openid?{urlencode({'next': target})}")
    assert done.headers["location"] == "/"


def test_the_provider_may_refuse(office: Pages, there: Provider) -> None:
    there.back = lambda values: {"error": "access_denied", "state": values["state"], "iss": values["iss"]}
    answer = log_in(office.browser())
    assert answer.status_code == 403
    assert "Bank ID has logged nobody in; try again." in words_of(answer)


def test_nobody_gets_an_account_by_it(office: Pages, there: Provider) -> None:
    there.person = {**there.person, "email": "p1009@example.org"}
    answer = log_in(office.browser())
    assert answer.status_code == 403
    assert NOBODY in words_of(answer)
    assert reasons(office) == [(office.play.office.people[ESCORT], "no-account")]
    assert len(office.play.rows("SELECT 1 FROM account")) == 1


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "s", "email": "nobody@example.org", "email_verified": True},
        {"sub": "s", "email": "p1008@example.org", "email_verified": False},
        {"sub": "s", "email": "p1008@example.org", "email_verified": "true"},
        {"sub": "s", "email": "p1008@example.org"},
        {"sub": "s", "email": "p%@example.org", "email_verified": True},
        {"sub": "s", "email": ["p1008@example.org"], "email_verified": True},
        {"sub": CLERK, "email_verified": True},
    ],
)
def test_an_address_that_is_not_confirmed_or_nobody_s_names_nobody(
    office: Pages, there: Provider, person: Claims
) -> None:
    there.person = person
    assert NOBODY in words_of(log_in(office.browser()))
    assert reasons(office) == [(None, "nobody")]


def test_an_address_may_be_written_in_capitals_and_one_of_two_people_names_neither(
    office: Pages, there: Provider
) -> None:
    there.person = {**there.person, "email": "P1008@Example.ORG"}
    assert log_in(office.browser()).headers["location"] == "/"
    with office.play.uow.write() as tx:
        shared = {"person_id": office.play.office.people[ESCORT], "email": "p1008@example.org", "valid_to": None}
        tx.insert(table_of(Contact), {**shared, "valid_from": noon(1, 1).date()})
    assert log_in(office.browser()).status_code == 403
    assert reasons(office) == [(None, "nobody")]


def test_an_address_that_is_in_force_no_more_names_nobody(office: Pages) -> None:
    change(office, "UPDATE contact SET valid_to = :day", day="2026-03-31")
    assert log_in(office.browser()).status_code == 403


def test_who_has_left_or_whose_account_is_disabled_stays_outside(office: Pages) -> None:
    person = office.play.office.people[CLERK]
    change(
        office, "UPDATE person SET left = :day WHERE id = :id".replace("left", '"left"'), day="2026-04-01", id=person
    )
    assert log_in(office.browser()).headers["location"] == "/"
    change(
        office, "UPDATE person SET left = :day WHERE id = :id".replace("left", '"left"'), day="2026-03-31", id=person
    )
    assert log_in(office.browser()).status_code == 403
    change(office, LEFT, day=None, id=person)
    accounts.disable(office.play.uow, now=office.clock.now(), number=CLERK)
    assert log_in(office.browser()).status_code == 403
    assert reasons(office) == [(person, "left"), (person, "disabled")]


def test_another_claim_is_an_employee_number(play: Play, there: Provider) -> None:
    pages = with_clerk(play, **settings(there, openid_claim="employee_no", openid_scopes="openid profile"))
    there.person = {"sub": "s", "employee_no": CLERK}
    assert log_in(pages.browser()).headers["location"] == "/"
    assert there.asked[0]["scope"] == "openid profile"
    for number in ("9999", 1008, "", None):
        there.person = {"sub": "s", "employee_no": number, "email": "p1008@example.org", "email_verified": True}
        assert log_in(pages.browser()).status_code == 403
    assert reasons(pages) == [(None, "nobody")] * 4


def test_too_many_denied_logins_from_one_place_have_to_wait(office: Pages, there: Provider) -> None:
    change(
        office,
        "INSERT INTO login_attempt (name_digest, address, at) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
        "SELECT 'x' || i, 'testclient', :at FROM n",
        at="2999-01-01T00:00:00.000000Z",
    )
    answer = log_in(office.browser())
    assert answer.status_code == 429
    assert "try again in 15 minutes" in words_of(answer)
    assert there.exchanged == []


def test_a_provider_that_does_not_answer_leaves_the_password(play: Play, there: Provider) -> None:
    pages = served(play, **settings(there, openid_timeout_seconds=1))
    there.mute = threading.Event()
    browser = pages.browser()
    answer = browser.get("/login/openid?next=/record")
    assert answer.status_code == 503
    assert "Bank ID does not answer at the moment" in words_of(answer)
    there.mute.set()
    pages.account(CLERK)
    done = browser.send(answer, "/login", number=CLERK, password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/record")
    assert reasons(pages) == []
    assert pages.play.rows("SELECT 1 FROM login_attempt") == []


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_provider_that_answers_something_else_leaves_the_password(
    office: Pages, there: Provider, status: int
) -> None:
    there.broken = status
    answer = office.browser().get("/login/openid")
    assert answer.status_code == 503
    assert words_of(answer).count("Bank ID") == 2
    assert 'name="password"' in answer.text


def test_over_https_its_certificate_has_to_be_signed_by_somebody_who_is_trusted(play: Play, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with provider(certificate) as there:
        answer = served(play, **settings(there)).browser().get("/login/openid")
        assert answer.status_code == 503
        assert "its certificate is not as it must be" in words_of(answer)
        trusting = served(play, **settings(there, openid_ca_file=certificate[0]))
        begun = trusting.browser().get("/login/openid")
        assert begun.headers["location"].startswith(f"{there.address}/authorize?")
        there.said = {"token_endpoint": "http://127.0.0.1:1/token"}
        plainer = served(play, **settings(there, openid_ca_file=certificate[0])).browser().get("/login/openid")
        assert "one of its addresses is not as it must be" in words_of(plainer)


def test_a_provider_that_falls_silent_in_the_middle_counts_as_no_failure(office: Pages, there: Provider) -> None:
    browser = office.browser()
    path = at_provider(browser.get("/login/openid"))
    there.broken = 500
    answer = browser.get(path)
    assert answer.status_code == 503
    assert reasons(office) == []
    assert office.play.rows("SELECT 1 FROM login_attempt") == []


def test_wrong_settings_are_not_the_person_s_fault(play: Play, there: Provider) -> None:
    pages = with_clerk(play, **settings(there, openid_client_secret="another"))
    answer = log_in(pages.browser())
    assert answer.status_code == 503
    assert "the settings APPRAISE_OPENID_* do not fit it" in words_of(answer)


def test_without_a_provider_there_are_no_such_pages(pages: Pages) -> None:
    browser = pages.browser()
    assert "Log in with" not in words_of(browser.get("/login"))
    assert browser.get("/login/openid").status_code == 404
    assert browser.get(BACK).status_code == 404
    assert browser.get("/login/openid/done").headers["location"] == "/"


def test_passwords_can_be_turned_off(play: Play, there: Provider) -> None:
    pages = with_clerk(play, **settings(there, password_login=False))
    made = accounts.invite(play.uow, now=pages.clock.now(), number=CLERK)
    browser = pages.browser()
    assert 'name="password"' not in browser.get("/login").text
    tried = [
        browser.post("/login", {"number": CLERK, "password": PASSWORD}),
        browser.get("/forgotten"),
        browser.post("/forgotten", {"number": CLERK}),
        browser.get(f"/password/{made.secret}"),
        browser.post(f"/password/{made.secret}", {"password": PASSWORD, "password-again": PASSWORD}),
    ]
    for answer in tried:
        assert answer.status_code == 403
        assert "Here one logs in with Bank ID and not with a password." in words_of(answer)
    assert log_in(browser).headers["location"] == "/"


def test_the_pages_speak_chinese(office: Pages) -> None:
    browser = office.browser()
    browser.client.cookies.set("appraise_language", "zh", domain="127.0.0.1")
    assert "通过 Bank ID 登录" in words_of(browser.get("/login"))
