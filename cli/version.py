"""`appraise version`."""

from importlib.metadata import version as installed

from cli.commands import new_group
from cli.output import JsonOption, print_json

commands = new_group()


@commands.command(epilog="Example: appraise version")
def version(json: JsonOption = False) -> None:
    """Print the version."""
    if json:
        print_json({"version": installed("appraise")})
    else:
        print(installed("appraise"))
