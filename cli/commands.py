"""The table of commands. A module is imported when its command is called, so that `--help` and `version` start fast."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: the module, what the help of `appraise` says, and whether it is a group of commands.

    A group is the `typer.Typer` that its module calls `group`; a single command is one of those that its module
    registers, by its name, with the `typer.Typer` it calls `commands`.
    """

    module: str
    help: str
    group: bool = False


TABLE: Mapping[str, Entry] = MappingProxyType(
    {
        "demo": Entry("cli.demo", "Play a whole quarter of the office on simulated time."),
        "up": Entry("cli.serve", "Serve the pages, and run worker threads, clock and sweep in this process."),
        "web": Entry("cli.serve", "Serve the pages and the API; as many of these as you like."),
        "worker": Entry("cli.serve", "Run jobs that are rung for over Redis; as many of these as you like."),
        "beat": Entry("cli.serve", "Ring over Redis for each job when its time has come."),
        "mail-sink": Entry("cli.serve", "A mail server that keeps every mail as a file and sends nothing on."),
        "doctor": Entry("cli.doctor", "Check database, broker, mail, audit keys, definitions and clock."),
        "db": Entry("cli.database", "The database: make, upgrade, check, back up, restore.", group=True),
        "org": Entry("cli.organisation", "The organisation: template, import, who is who.", group=True),
        "account": Entry("cli.accounts", "Accounts: who may log in to the pages.", group=True),
        "token": Entry("cli.tokens", "Tokens: who may act as whom.", group=True),
        "rubric": Entry("cli.rubrics", "Rubrics: check, publish, score, explain.", group=True),
        "workflow": Entry("cli.workflows", "Workflows: check, publish, draw.", group=True),
        "cycle": Entry("cli.cycles", "Cycles: plan, open, propose, approve, results.", group=True),
        "plan": Entry("cli.plans", "Plans: cycles that open by themselves, and the letter to staff.", group=True),
        "work": Entry("cli.appraisals", "What a person owes, the most urgent first."),
        "show": Entry("cli.appraisals", "One appraisal, as far as you may see it."),
        "act": Entry("cli.appraisals", "Move an appraisal, or many: state, submit, approve, object ..."),
        "explain": Entry("cli.appraisals", "A total, line by line."),
        "workitem": Entry("cli.workitems", "Work owed: give to others, delegate, recuse, hold, release.", group=True),
        "person": Entry("cli.people", "People: moved, acting, absent, left, died, with what follows.", group=True),
        "document": Entry("cli.documents", "Documents: register, list, link to people.", group=True),
        "finding": Entry("cli.findings", "Findings: record, void, reply, change, strike, claim.", group=True),
        "duty": Entry("cli.duties", "Scheduled duties: record, excuse, confirm.", group=True),
        "calendar": Entry("cli.calendar_days", "Working days, holidays, make-up days, closures.", group=True),
        "tick": Entry("cli.clock", "Do what the passing of time asks for, up to now."),
        "mail": Entry("cli.mail", "Mails: list, retry, release, slips, who gets which, pause.", group=True),
        "webhook": Entry("cli.webhooks", "Webhooks: other systems that are told of what happens.", group=True),
        "failures": Entry("cli.failures", "What failed and waits for a decision.", group=True),
        "status": Entry("cli.health", "How planning and mails stand, for people or for Prometheus."),
        "audit": Entry("cli.audit", "The audit: verify it, prove the scores, read it.", group=True),
        "export": Entry("cli.exports", "Write the results of a cycle to a CSV, JSON or XLSX file."),
        "version": Entry("cli.version", "Print the version."),
    }
)


def new_group(help_text: str = "") -> typer.Typer:
    """Return a `typer.Typer` for a module's commands that prints plain help, as the rest does."""
    return typer.Typer(help=help_text or None, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


class Commands(TyperGroup):
    """The group `appraise`: its commands are those of the table."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """Return the names in the table's order."""
        return list(TABLE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the module of a command and return the command, or None."""
        if cmd_name not in self.commands and cmd_name in TABLE:
            self.commands[cmd_name] = load(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is typer's
        """List the commands from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in TABLE.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name near commands where one is misspelt: the lazily imported are not known to typer yet."""
        if args and args[0] not in TABLE:
            names: dict[str, Any] = dict.fromkeys(TABLE)
            self.commands = {**names, **self.commands}
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """Return the command or group of a row of the table, with its module imported."""
    entry = TABLE[name]
    module = importlib.import_module(entry.module)
    if entry.group:
        command: Any = typer.main.get_group(module.group)
        command.name = name
        command.help = command.help or entry.help
        return command
    return typer.main.get_group(module.commands).commands[name]
