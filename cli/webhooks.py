"""`appraise webhook`: other systems that are told that something happened."""

import datetime as dt
from typing import Annotated

import typer

from cli import progress
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, plain, print_json, print_table, say
from cli.parsing import optional_day
from cli.session import Session, session

group = new_group()

WebhookArgument = Annotated[
    int, typer.Argument(metavar="WEBHOOK", help="Its number; `appraise webhook list` lists them.")
]
_SENDING = ("webhooks.deliver",)


@group.command("add", epilog="Example: appraise webhook add https://hr.example.org/appraise --kind results.final")
def add(
    context: typer.Context,
    *,
    url: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where it is told, with https://.")],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="A kind of event; repeat it. By default all of them.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Register a webhook and show its signing key, once: its receiver needs it and nobody is shown it again."""
    from services import webhooks

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    private = shared.settings.webhook_private
    number = webhooks.add(shared.uow, actor=actor, now=now, url=url, kinds=kind or (), private=private)
    key = webhooks.signing_key(shared.uow, actor=actor, now=now, webhook=number)
    if json:
        print_json({"webhook": number, "key": key})
        return
    say(f"Webhook {number} is told of what happens from now on. Its signing key, shown this once:", key)


@group.command("list", epilog="Example: appraise webhook list")
def list_(
    context: typer.Context,
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Those that are ended too.")] = False,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List the webhooks and how many deliveries of each arrived, wait or failed."""
    from services import webhooks

    shared = session(context)
    actor = shared.actor(as_, reason)
    found = webhooks.list_webhooks(shared.uow, actor=actor, now=shared.now(), ended=ended)
    if json:
        print_json(found)
        return
    if not found:
        say("No webhook is registered; `appraise webhook add` registers one.")
        return
    rows = [(one.id, one.url, ", ".join(one.kinds), one.ended or "in use", _counts(one.deliveries)) for one in found]
    print_table("", ("Number", "Address", "Told of", "State", "Deliveries"), rows)


@group.command("show", epilog="Example: appraise webhook show 1 --state failed")
def show(
    context: typer.Context,
    *,
    webhook: WebhookArgument,
    state: Annotated[
        str | None, typer.Option("--state", help="waiting, in-doubt, delivered, failed or cancelled.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show a webhook and its last 50 deliveries, the newest first."""
    from services import webhook_deliveries, webhooks

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    one = webhooks.show(shared.uow, actor=actor, now=now, webhook=webhook)
    rows = webhook_deliveries.list_deliveries(shared.uow, actor=actor, now=now, webhook=webhook, state=state)
    if json:
        print_json({**plain(one), "last": [plain(row) for row in rows]})
        return
    say(
        f"Webhook {one.id}: {one.url}",
        f"Told of: {', '.join(one.kinds)}",
        f"Since {shared.local(one.created_at)}; {one.ended or 'in use'}; {_counts(one.deliveries)}",
    )
    if one.ended is None and one.rests_until is not None:
        say(f"Its receiver failed and is tried again after {shared.local(one.rests_until)}.")
    table = [
        (row.id, row.kind, row.state, row.tried, shared.local(row.tried_at), row.said or row.status or "", row.event)
        for row in rows
    ]
    print_table("", ("Delivery", "Of", "State", "Tried", "Last", "Answer", "Name at the receiver"), table)


@group.command("test", epilog="Example: appraise webhook test 1")
def try_out(
    context: typer.Context,
    *,
    webhook: WebhookArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Send a webhook an event that tells of nothing, and say what came back."""
    from services import webhook_deliveries

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    number = webhook_deliveries.try_out(shared.uow, actor=actor, now=now, webhook=webhook)
    done = progress.work_off(shared, _SENDING, "Sending")
    sent = webhook_deliveries.list_deliveries(
        shared.uow, actor=actor, now=now, webhook=webhook, before=number + 1, limit=1
    )[0]
    if json:
        print_json(sent)
        return
    if not done:
        say(f"Delivery {number} waits for a worker, since APPRAISE_WORKER is off.")
    elif sent.state == "delivered":
        say(f"Delivery {number} arrived; the answer was {sent.status}.")
    else:
        say(f"Delivery {number} is {sent.state} ({sent.said or 'not tried yet'}); it is tried again by itself.")


@group.command("replay", epilog="Example: appraise webhook replay 1 --since 2026-04-01")
def replay(
    context: typer.Context,
    *,
    webhook: WebhookArgument,
    delivery: Annotated[int | None, typer.Option("--delivery", help="One delivery, by its number.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Everything planned since the beginning of a day.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Tell a webhook again, each event under the name it had: by default what failed or is in doubt, at most 1,000."""
    from services import webhook_deliveries

    shared = session(context)
    number = webhook_deliveries.replay(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        webhook=webhook,
        delivery=delivery,
        since=_beginning(shared, since),
    )
    if json:
        print_json({"webhook": webhook, "deliveries": number})
        return
    say(f"Deliveries that are sent again: {number}.")


@group.command("remove", epilog="Example: appraise webhook remove 1")
def remove(
    context: typer.Context,
    *,
    webhook: WebhookArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """End a webhook for good: it is told neither what waits nor what is to come."""
    from services import webhooks

    shared = session(context)
    webhooks.remove(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), webhook=webhook)
    if json:
        print_json({"webhook": webhook, "ended": "removed"})
        return
    say(f"Webhook {webhook} is told nothing more.")


def _beginning(shared: Session, since: str | None) -> dt.datetime | None:
    day = optional_day(since, "--since")
    return None if day is None else dt.datetime.combine(day, dt.time(), shared.zone)


def _counts(deliveries: object) -> str:
    counts = dict(deliveries) if isinstance(deliveries, dict) else {}
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "nothing yet"
