"""`appraise`: the terminal. Every command parses, calls one service and prints what it answers."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from cli.commands import Commands
from cli.output import complain
from cli.session import Session
from cli.speaking import speak
from services.errors import AppraiseError

CRASH_FILE = "appraise-error.log"
INTERRUPTED = 130
"""What a program ends with that Ctrl-C ended: 128 and the number of the signal."""

app = typer.Typer(
    name="appraise",
    cls=Commands,
    add_completion=False,
    help="Appraisal cycles with approvals: scores that explain themselves, an audit that shows tampering.",
    epilog="Example: appraise cycle status 2026Q1 --as 1007",
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
    5 conflict, 6 environment; 130 where Ctrl-C ended it.
    """
    speak(None)
    try:
        code = typer.main.get_command(app)(args=arguments, prog_name="appraise", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return _say("Stopped; what was not finished has not been written.", INTERRUPTED)
    except TyperException as error:
        return _say(_usage(error), error.exit_code)
    except AppraiseError as error:
        return _say(error.sentence, error.exit_code)
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _say(f"{error.strerror or error}: {error.filename or 'the machine refused it'}.", 6)
    except Exception as error:  # noqa: BLE001 - a person is told one sentence; the details go to a file
        return _say(*_other(error))
    return code if isinstance(code, int) else 0


def _say(sentence: str, code: int) -> int:
    complain(sentence)
    return code


def _usage(error: TyperException) -> str:
    """Return what was wrong with the command line, and where its help is."""
    context = getattr(error, "ctx", None)
    sentence = error.format_message().rstrip()
    if context is None or "Usage:" in sentence:
        return sentence
    return f"{sentence if sentence.endswith(('.', '?')) else sentence + '.'} See '{context.command_path} --help'."


def _other(error: Exception) -> tuple[str, int]:
    # What these modules import takes longer than the help of a command; it is loaded by whatever raised the error.
    from config.settings import SettingsError
    from scoring.errors import FindingRefused, ScoringError
    from workflow.errors import DefinitionError, WorkflowError

    if isinstance(error, SettingsError):
        return "\n".join(error.problems), 6
    if isinstance(error, DefinitionError | ScoringError | WorkflowError):
        return str(error), 3 if isinstance(error, FindingRefused) else 2
    return _crash(error), 1


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
