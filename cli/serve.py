"""`appraise up` and `appraise mail-sink`: the only commands that go on running; SIGTERM and Ctrl-C end them well."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.output import say
from cli.session import session
from services.errors import Environment

_LOOK_SECONDS = 1.0

commands = typer.Typer(rich_markup_mode=None)


@commands.command("up", epilog="Example: APPRAISE_SMTP_HOST=mail.bank.example appraise --dir ./bank up")
def up(context: typer.Context) -> None:
    """Run worker threads, clock and sweep in this process until it is told to stop.

    An embedded database that is not there yet is made first. One of an older version is left alone: make a backup and
    run `appraise db upgrade`.
    """
    import structlog

    from config.clock import SimulatedClock
    from config.logs import set_up_logs
    from config.upgrading import database_file, is_missing, upgrade_database
    from tasks.embedded import Embedded

    shared = session(context)
    settings = shared.settings
    set_up_logs(settings.log_level, settings.log_format)
    if settings.log_level != "debug":
        # Every sweep is a line of theirs, and ours say what was done.
        for library in ("alembic", "celery", "kombu"):
            logging.getLogger(library).setLevel(logging.WARNING)
    if not settings.worker:
        raise Environment(
            "APPRAISE_WORKER is off, so there is nothing for `appraise up` to run; set it to on.", "worker-off"
        )
    if settings.broker_url != "memory://":
        raise Environment(
            "`appraise up` is the embedded mode and needs no broker; take APPRAISE_BROKER_URL away, or start workers "
            "with `celery -A tasks.worker worker`.",
            "broker-set",
        )
    with _asked_to_stop() as stop:
        if is_missing(settings.database_url):
            made = upgrade_database(settings)
            _tell(f"There was no database: {database_file(settings.database_url)} is made and stands at {made.after}.")
        wiring = shared.wiring
        with Embedded(settings, wiring) as embedded:
            clock = f" The clock stands at {wiring.now():%Y-%m-%d %H:%M} UTC." * isinstance(
                wiring.clock, SimulatedClock
            )
            mail = "" if wiring.sender is not None else " No mail server is set, so mails wait."
            _tell(
                f"Appraise is up: worker threads ({settings.worker_threads}), clock and sweep run.{clock}{mail} "
                "Stop it with Ctrl-C."
            )
            structlog.get_logger(__name__).info("up", mode="embedded", threads=settings.worker_threads, pid=os.getpid())
            while not stop.wait(_LOOK_SECONDS):
                if not embedded.alive:
                    raise Environment("A worker thread ended by itself; see the log lines above and start again.")
    _tell("Stopped; what is still owed stays in the database.")


@commands.command("mail-sink", epilog="Example: appraise mail-sink --port 2525 --to ./mails")
def mail_sink(
    folder: Annotated[Path, typer.Option("--to", help="The folder in which every mail becomes a file.")],
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="The port of the loopback to listen on.")
    ] = 2525,
) -> None:
    """Take every mail and send nothing on: for trials, with APPRAISE_SMTP_HOST=127.0.0.1 and APPRAISE_SMTP_TLS=none."""
    from config.mail_sink import LOOPBACK, MailSink

    with _asked_to_stop() as stop:
        try:
            sink = MailSink(folder, port).start()
        except OSError as error:
            raise Environment(
                f"The mail sink cannot start on port {port} with the folder {folder} ({error.strerror or error}); "
                "choose another --port or --to.",
                "no-sink",
            ) from error
        try:
            _tell(f"The mail sink listens on {LOOPBACK}:{port} and keeps mails in {folder}. Stop it with Ctrl-C.")
            stop.wait()
        finally:
            sink.stop()
    _tell("Stopped.")


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
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
