"""`appraise version`."""

from importlib.metadata import version as installed

from cli.commands import new_group

commands = new_group()


@commands.command(epilog="Example: appraise version")
def version() -> None:
    """Print the version."""
    print(installed("appraise"))
