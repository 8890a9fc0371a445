"""The conversation with real mail servers: protected, with a login, talking nonsense, and shared by several senders."""

import contextlib
import datetime as dt
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from config.mail_sink import LOOPBACK, free_port
from models.columns import table_of
from models.people import Organisation
from services import mail_rate
from services.mail import Sender, send_due
from services.mail_server import Conversation, InDoubt, MailServer, NotTaken
from services.outbox import promise
from services.unit_of_work import UnitOfWork
from tests.services.certificates import make_certificate
from tests.services.owed import Desk, set_desk, shanghai
from tests.services.smtp import Server, running

# Within the protection of the whole connection the library does not see that there is one.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
NOW = shanghai(3, 6)
TEXT = b"Subject: t\r\n\r\nt\r\n"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the loopback, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


def login(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    """Let the one user in."""
    good = mechanism in {"LOGIN", "PLAIN"} and data == LoginPassword(b"appraise", b"secret")
    return AuthResult(success=good, handled=good)


@contextlib.contextmanager
def protected(server: Server, certificate: tuple[Path, Path], *, implicit: bool) -> Iterator[MailServer]:
    """Yield how to reach a server that speaks TLS only and asks for a login."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    port = free_port()
    kept = {"authenticator": login, "auth_required": True}
    if implicit:
        controller = Controller(
            server, hostname=LOOPBACK, port=port, ssl_context=context, auth_require_tls=False, **kept
        )
    else:
        controller = Controller(
            server, hostname=LOOPBACK, port=port, tls_context=context, require_starttls=True, **kept
        )
    controller.start()
    try:
        mode = "implicit" if implicit else "starttls"
        yield MailServer(LOOPBACK, port, mode, "appraise", "secret", 5, certificate[0])
    finally:
        controller.stop()


def hand_over(server: MailServer, count: int = 1) -> None:
    """Hand the same text over a few times, over one connection."""
    conversation = Conversation(server)
    try:
        for _ in range(count):
            assert conversation.hand_over("a@bank.example", "b@bank.example", TEXT, lambda: True)
    finally:
        conversation.close()


@pytest.mark.parametrize("implicit", [False, True])
def test_mails_go_over_a_protected_connection_after_a_login(certificate: tuple[Path, Path], *, implicit: bool) -> None:
    server = Server()
    with protected(server, certificate, implicit=implicit) as reached:
        hand_over(reached, 3)

    assert server.mails == [TEXT] * 3


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "guessed"}, "smtp-535"),
        ({"ca_file": None}, "SSLCertVerificationError"),
        ({"host": "localhost"}, "SSLCertVerificationError"),
        ({"user": None}, "smtp-530"),
    ],
)
def test_a_wrong_login_and_a_certificate_nobody_vouches_for_let_no_mail_through_and_lose_none(
    certificate: tuple[Path, Path], change: dict[str, object], code: str, *, implicit: bool
) -> None:
    server = Server()
    with (
        protected(server, certificate, implicit=implicit) as reached,
        pytest.raises(NotTaken) as refused,
    ):
        hand_over(replace(reached, **change))  # type: ignore[arg-type]

    assert refused.value.code == code
    assert not refused.value.final
    assert server.mails == []


def test_a_server_without_protection_is_not_spoken_to_where_protection_is_asked_for(tmp_path: Path) -> None:
    server = Server()
    with running(server, tmp_path) as sender, pytest.raises(NotTaken):
        hand_over(replace(sender.server, tls="starttls"))

    assert server.mails == []


@contextlib.contextmanager
def babbling(*answers: bytes) -> Iterator[MailServer]:
    """Yield how to reach a server that says these things, one for each line it hears, whatever the line is."""
    listening = socket.create_server((LOOPBACK, 0))

    def talk() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as heard:
                for answer in answers:
                    connection.sendall(answer)
                    heard.readline()

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield MailServer(LOOPBACK, listening.getsockname()[1], timeout=5)
    finally:
        listening.close()
        thread.join(5)


HELLO, EHLO = b"220 hello\r\n", b"250 bank\r\n"


@pytest.mark.parametrize(
    "answers",
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n",),
        (b"\x00\xff\xfe\r\n",),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"220" + b"x" * 20_000 + b"\r\n",),
        (b"",),
        (HELLO, EHLO, b"yes\r\n"),
        (HELLO, EHLO, b"250 ok\r\n", b"perhaps\r\n"),
        (HELLO, EHLO, b"250 ok\r\n", b"250 ok\r\n", b"go on\r\n"),
        (HELLO, EHLO, b"999 \xff\r\n"),
    ],
)
def test_a_server_that_answers_nonsense_took_nothing_and_the_mail_is_tried_again(answers: tuple[bytes, ...]) -> None:
    with babbling(*answers) as server, pytest.raises(NotTaken) as refused:
        hand_over(server)

    assert not refused.value.final


@pytest.mark.parametrize("said", [b"thanks\r\n", b"354 more\r\n", b"\r\n", b"25\r\n"])
def test_nonsense_after_the_text_leaves_in_doubt_whether_it_was_taken(said: bytes) -> None:
    ok = b"250 ok\r\n"
    with babbling(HELLO, EHLO, ok, ok, b"354 go on\r\n", said) as server, pytest.raises(InDoubt):
        hand_over(server)


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet."""
    return set_desk(uow)


def owe(desk: Desk, count: int) -> None:
    """Promise so many mails to person 0."""
    with desk.uow.write() as tx:
        for number in range(count):
            promise(tx, kind="proxy-entry", person_id=desk.people[0], dedupe_key=f"m{number}", now=NOW)


def test_several_senders_at_once_hand_each_mail_over_once(desk: Desk, tmp_path: Path) -> None:
    server = Server()
    owe(desk, 24)
    ended: Counter[str] = Counter()
    with running(server, tmp_path) as sender:
        together = threading.Barrier(4)

        def run() -> None:
            together.wait()
            while found := send_due(desk.uow, sender, now=NOW, limit=3):
                ended.update(found)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert ended == {"sent": 24}
    assert len({letter["Message-ID"] for letter in server.letters()}) == len(server.mails) == 24


def test_senders_together_keep_to_so_many_mails_a_minute(desk: Desk, tmp_path: Path) -> None:
    server = Server()
    owe(desk, 20)
    wall = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    counts = []
    with running(server, tmp_path) as unlimited:
        sender = replace(unlimited, per_minute=6)
        for seconds in (0, 0, 9, 10, 20, 60, 1000):
            at = wall + dt.timedelta(seconds=seconds)
            counts.append(send_due(desk.uow, sender, now=NOW, wall=at)["sent"])

    # A minute's worth at once, then one for every ten seconds, and never more than a minute's worth saved up.
    assert counts == [6, 0, 0, 1, 1, 4, 6]


def test_a_clock_that_steps_back_frees_nothing(desk: Desk) -> None:
    wall = dt.datetime.now(dt.UTC)
    with desk.uow.write() as tx:
        assert mail_rate.free(tx, wall, 10) == 10
        mail_rate.use(tx, wall, 10, 10)
        assert mail_rate.free(tx, wall - dt.timedelta(hours=1), 10) == 0


def test_senders_keep_quiet_when_the_organisation_wants_it(desk: Desk, tmp_path: Path) -> None:
    server = Server()
    owe(desk, 1)
    organisation = {"mail": {"quiet-from": "20:00", "quiet-to": "07:00", "quiet-days": ["free"]}}
    set_mail_settings(desk, organisation)
    with running(server, tmp_path) as sender:
        # Friday night, Saturday, Sunday (15 March 2026), Monday before seven: nothing goes out.
        for at in (shanghai(3, 13, 20), shanghai(3, 14, 12), shanghai(3, 15, 12), shanghai(3, 16, 6, 59)):
            assert send_due(desk.uow, sender, now=at) == {}
        assert send_due(desk.uow, sender, now=shanghai(3, 16, 7)) == {"sent": 1}


def set_mail_settings(desk: Desk, settings: dict[str, object]) -> None:
    """Write settings of the organisation past every use case."""
    with desk.uow.write() as tx:
        tx.run(table_of(Organisation).update().values(settings=json.dumps(settings)))


def test_a_connection_is_used_for_one_mail_after_the_other(desk: Desk, tmp_path: Path) -> None:
    sessions: set[int] = set()

    class Counting(Server):
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
            sessions.add(id(session))
            return await super().handle_DATA(server, session, envelope)

    server = Counting()
    owe(desk, 10)
    with running(server, tmp_path) as sender:
        assert send_due(desk.uow, Sender(sender.server, sender.mail_from, sender.base_url), now=NOW) == {"sent": 10}

    assert len(sessions) == 1
