"""The commands that go on running: `up`, `web`, `worker`, `beat` and `mail-sink`; SIGTERM and Ctrl-C end them well."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from cli.output import say
from cli.session import Session, session
from services.errors import AppraiseError, Environment

if TYPE_CHECKING:
    from config.settings import Settings
    from web.page_workers import PageWorkers
    from web.server import PageServer

_LOOK_SECONDS = 1.0

commands = typer.Typer(rich_markup_mode=None)


HostOption = Annotated[
    str, typer.Option("--host", help="The address to serve the pages on; in a container 0.0.0.0, else the loopback.")
]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="The port of the pages; 0 takes one that is free.")
]


@commands.command("up", epilog="Example: appraise up --dir ./bank --port 8000")
def up(
    context: typer.Context,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    folder: Annotated[Path | None, typer.Option("--dir", help="The data folder, as before the command.")] = None,
) -> None:
    """Serve the pages and run worker threads, clock and sweep in this process until it is told to stop.

    An embedded database that is not there yet is made first. One of an older version is left alone: make a backup and
    run `appraise db upgrade`. With practice data it goes by their clock, also when another command sets it meanwhile;
    with `--at` before the command it stands still there.
    """
    from config.clock import OrganisationClock, SimulatedClock
    from config.upgrading import database_file, is_missing, upgrade_database
    from tasks.embedded import Embedded
    from web.app import create_app
    from web.server import PageServer

    shared = session(context)
    if folder is not None:
        shared.move_to(folder)
    settings = shared.settings
    _set_up_logs(settings)
    if not settings.worker:
        raise Environment(
            "APPRAISE_WORKER is off, so there is nothing for `appraise up` to run; set it to on.", "worker-off"
        )
    if not settings.embedded:
        raise Environment(
            "`appraise up` is the embedded mode and needs no broker; take APPRAISE_BROKER_URL away, or start "
            "`appraise worker` and `appraise beat`.",
            "broker-set",
        )
    with asked_to_stop() as stop:
        if is_missing(settings.database_url):
            made = upgrade_database(settings)
            _tell(f"There was no database: {database_file(settings.database_url)} is made and stands at {made.after}.")
        wiring, stands = shared.wiring, isinstance(shared.wiring.clock, SimulatedClock)
        if not shared.told_when:
            wiring = replace(wiring, clock=OrganisationClock(wiring.uow))
        pages = PageServer(create_app(wiring), host=host, port=port, proxies=settings.proxy_addresses)
        with pages, Embedded(settings, wiring) as embedded:
            clock = f" The clock stands at {wiring.now():%Y-%m-%d %H:%M} UTC." * stands
            mail = "" if wiring.sender is not None else " No mail server is set, so mails wait."
            _tell(
                f"Appraise is up: worker threads ({settings.worker_threads}), clock and sweep run.{clock}{mail} "
                f"The pages are at {pages.address}. Stop it with Ctrl-C."
            )
            structlog.get_logger(__name__).info("up", mode="embedded", threads=settings.worker_threads, pid=os.getpid())
            while not stop.wait(_LOOK_SECONDS):
                if not (embedded.alive and pages.alive):
                    raise Environment("A thread ended by itself; see the log lines above and start again.")
                _demand_schema(shared)
    _tell("Stopped; what is still owed stays in the database.")


@commands.command("web", epilog="Example: appraise web --host 0.0.0.0 --port 8000")
def web(
    context: typer.Context,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=32, help="How many processes serve them; as many as there are cores.")
    ] = 1,
    beside: Annotated[bool, typer.Option("--beside", hidden=True)] = False,
) -> None:
    """Serve the pages and the API, and nothing else: as many of these as you like, beside `appraise worker`.

    The database is made beforehand by `appraise db upgrade`. What an act promises is sent by the workers, for whom it
    rings over Redis where a broker is set.
    """
    shared = session(context)
    settings = shared.settings
    _set_up_logs(settings)
    if workers > 1:
        from web.page_workers import PageWorkers

        _watch(PageWorkers(workers, ["--dir", str(settings.data_dir)], host=host, port=port), lambda: True)
        return
    from config.clock import OrganisationClock
    from tasks.app import make_app, try_ring
    from web.app import create_app
    from web.server import PageServer

    started_by = os.getppid() if beside else None
    wiring = replace(shared.wiring, clock=OrganisationClock(shared.uow))
    if not settings.embedded:
        bells = make_app(settings, lambda: wiring)
        wiring.bell.connect(lambda: try_ring(bells))
    pages = PageServer(create_app(wiring), host=host, port=port, proxies=settings.proxy_addresses, shared=beside)

    def look() -> bool:
        _demand_schema(shared)
        # Who lost the process that started it serves for nobody.
        return started_by in {None, os.getppid()}

    _watch(pages, look)


def _watch(pages: "PageServer | PageWorkers", look: Callable[[], bool]) -> None:
    """Serve until it is told to stop, or `look` says that it is over.

    Raises:
        Environment: the pages ended by themselves.
    """
    with asked_to_stop() as stop, pages:
        _tell(f"The pages are up at {pages.address}. Stop it with Ctrl-C.")
        structlog.get_logger(__name__).info("up", mode="web", pid=os.getpid())
        while not stop.wait(_LOOK_SECONDS) and look():
            if not pages.alive:
                raise Environment("The pages ended by themselves; see the log lines above and start again.")
    _tell("Stopped.")


@commands.command("worker", epilog="Example: APPRAISE_BROKER_URL=redis://:secret@redis.bank.example appraise worker")
def worker(context: typer.Context) -> None:
    """Run jobs that are rung for over Redis: one process of as many as you like, on as many machines as you like.

    It needs no other: it looks for what is due by itself, too. The database is made beforehand by
    `appraise db upgrade`. Ended in whatever way, it loses nothing; another takes over what it held.
    """
    import structlog

    from config.clock import OrganisationClock
    from tasks.server import Server

    settings = _server_settings(context, "worker")
    shared = session(context)
    wiring = shared.wiring
    with (
        asked_to_stop() as stop,
        Server(settings, replace(wiring, clock=OrganisationClock(wiring.uow))) as server,
    ):
        mail = "" if wiring.sender is not None else " No mail server is set, so mails wait."
        _tell(f"The worker is up: {settings.worker_threads} threads and a sweep.{mail} Stop it with Ctrl-C.")
        structlog.get_logger(__name__).info("up", mode="worker", threads=settings.worker_threads, pid=os.getpid())
        while not stop.wait(_LOOK_SECONDS):
            if not server.alive:
                raise Environment("A worker thread ended by itself; see the log lines above and start again.")
            _demand_schema(shared)
    _tell("Stopped; what is still owed stays in the database.")


@commands.command("beat", epilog="Example: APPRAISE_BROKER_URL=redis://:secret@redis.bank.example appraise beat")
def beat(context: typer.Context) -> None:
    """Ring for each job when its time has come. It does nothing else, and none or several of it change no result."""
    import structlog

    from tasks.beat import Beat

    settings = _server_settings(context, "beat")
    with asked_to_stop() as stop, Beat(settings):
        _tell("The beat is up and rings over Redis. Stop it with Ctrl-C.")
        structlog.get_logger(__name__).info("up", mode="beat", pid=os.getpid())
        stop.wait()
    _tell("Stopped.")


def _server_settings(context: typer.Context, what: str) -> "Settings":
    """Return the settings of a role of the server mode, with its log lines set up.

    Raises:
        Environment: no broker is set.
    """
    settings = session(context).settings
    _set_up_logs(settings)
    if settings.embedded:
        raise Environment(
            f"`appraise {what}` is rung over Redis; set APPRAISE_BROKER_URL, or start `appraise up`, which does all in "
            "one process.",
            "no-broker",
        )
    return settings


def _set_up_logs(settings: "Settings") -> None:
    from config.logs import set_up_logs

    set_up_logs(settings.log_level, settings.log_format)
    if settings.log_level != "debug":
        # Every sweep is a line of theirs, and ours say what was done.
        for library in ("alembic", "celery", "kombu", "uvicorn"):
            logging.getLogger(library).setLevel(logging.WARNING)
        # Who comes second has an error in the middle of a pipeline, is told so, and psycopg says it once more.
        logging.getLogger("psycopg").setLevel(logging.ERROR)


@commands.command("mail-sink", epilog="Example: appraise mail-sink --port 2525 --to ./mails")
def mail_sink(
    folder: Annotated[Path, typer.Option("--to", help="The folder in which every mail becomes a file.")],
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="The port of the loopback to listen on.")
    ] = 2525,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; in a container 0.0.0.0, elsewhere the loopback.")
    ] = "127.0.0.1",
) -> None:
    """Take every mail and send nothing on: for trials, with APPRAISE_SMTP_HOST=127.0.0.1 and APPRAISE_SMTP_TLS=none."""
    from config.mail_sink import MailSink

    with asked_to_stop() as stop:
        try:
            sink = MailSink(folder, port, host=host).start()
        except OSError as error:
            raise Environment(
                f"The mail sink cannot start on {host}:{port} with the folder {folder} ({error.strerror or error}); "
                "choose another --host, --port or --to.",
                "no-sink",
            ) from error
        try:
            _tell(f"The mail sink listens on {host}:{port} and keeps mails in {folder}. Stop it with Ctrl-C.")
            stop.wait()
        finally:
            sink.stop()
    _tell("Stopped.")


def _demand_schema(shared: Session) -> None:
    """End when the database was upgraded or restored beneath us; whatever else it answers is for the jobs to bear."""
    try:
        with shared.uow.read():
            return
    except AppraiseError as error:
        if error.code in {"newer-schema", "older-schema"}:
            raise
        structlog.get_logger(__name__).warning("the database does not answer", code=error.code)


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Yield what is set by SIGTERM and SIGINT; a second signal ends the process the hard way."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(sentence: str) -> None:
    say(sentence)
    # Whoever started us reads this through a pipe, which holds lines back.
    print(end="", flush=True)
