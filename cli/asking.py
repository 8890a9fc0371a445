"""Asking whoever is at the keyboard before something is written that he may not have meant."""

import sys

import typer

from services.errors import Malformed


def agreed(question: str, *, json: bool = False) -> bool:
    """Ask on standard error, so that standard output stays what was asked for; True for a yes.

    Raises:
        Malformed: nobody can be asked, since a program reads the output or standard input has ended.
    """
    if json:
        raise Malformed(
            "With --json nobody can be asked and nothing was written: add --yes, or only look first.", "not-agreed"
        )
    try:
        return typer.confirm(question, default=False, err=True)
    except typer.Abort as error:
        if sys.stdin.isatty():
            raise
        raise Malformed("Nobody answered and nothing was written: add --yes to do it unasked.", "unanswered") from error
