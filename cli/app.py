"""`appraise`: the terminal. Every command parses, calls one service and prints what it answers."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import click
import typer

from cli.session import Session
from config.settings import SettingsError
from scoring.errors import FindingRefused, ScoringError
from services.errors import AppraiseError
from workflow.errors import DefinitionError, WorkflowError

CRASH_FILE = "appraise-error.log"

app = typer.Typer(
    name="appraise",
    help="Appraisal cycles with approvals: scores that explain themselves, an audit that shows tampering.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback()
def options(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="The data folder; by default APPRAISE_DATA_DIR or ./appraise-data.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="The moment to act at, in demo or practice data only: 2026-04-01T09:00.")
    ] = None,
) -> None:
    """Appraise, a workflow engine for appraisal cycles with approvals."""
    context.obj = Session(folder, at)
    context.call_on_close(context.obj.close)


def main() -> None:
    """Run a command; whatever goes wrong ends in one sentence on stderr and a fitting exit code, never a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code.

    0 done, 1 a check found a fault, 2 usage or malformed input, 3 refused by a rule, 4 not found or not yours,
    5 conflict, 6 environment.
    """
    from cli import commands

    commands.register(app)
    try:
        code = typer.main.get_command(app)(args=arguments, prog_name="appraise", standalone_mode=False)
    except click.exceptions.Abort:
        return _say("Stopped; what was not finished has not been written.", 1)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AppraiseError as error:
        return _say(error.sentence, error.exit_code)
    except SettingsError as error:
        return _say("\n".join(error.problems), 6)
    except (DefinitionError, ScoringError, WorkflowError) as error:
        return _say(str(error), 3 if isinstance(error, FindingRefused) else 2)
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _say(f"{error.strerror or error}: {error.filename or 'the machine refused it'}.", 6)
    except Exception as error:  # noqa: BLE001 - a person is told one sentence; the details go to a file
        return _say(_crash(error), 1)
    return code if isinstance(code, int) else 0


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code


def _crash(error: Exception) -> str:
    try:
        with Path(CRASH_FILE).open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
    except OSError:
        return f"Something unexpected happened ({type(error).__name__}); nothing was half-written."
    return (
        f"Something unexpected happened ({type(error).__name__}); nothing was half-written. "
        f"Send the file {CRASH_FILE} in this folder to whoever looks after Appraise."
    )
