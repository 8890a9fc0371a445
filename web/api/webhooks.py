"""Webhooks: registered, tried and replayed by who operates Appraise; what each is told is described in the how-to."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, Field

from services import webhook_deliveries, webhooks
from web.api.keyed import IdempotencyKey
from web.api.shapes import After, Code, Limit, Page, Shape, number_of, reads, writes
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["webhooks"])
Number = Annotated[int, Path(ge=1, le=2**62, description="The number of the webhook.", examples=[1])]
State = Literal["waiting", "in-doubt", "delivered", "failed", "cancelled"]
Kinds = Annotated[list[str], Field(examples=[["results.final"]], description=f"Of {', '.join(webhooks.KINDS)}.")]
_FIRST, _LAST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(9000, 1, 1, tzinfo=dt.UTC)


class NewWebhook(Shape):
    """An address that is to be told of some kinds of events."""

    url: Annotated[Code, Field(max_length=2000, examples=["https://hr.example.org/appraise"])]
    kinds: Annotated[
        list[Code],
        Field(max_length=20, description="By default all.", examples=[["results.final", "cycle.opened"]]),
    ] = []  # noqa: RUF012 - pydantic copies it


class Registered(Shape):
    """A webhook that was registered; its key is shown here and nowhere again."""

    id: Annotated[int, Field(examples=[1])]
    signing_key: Annotated[str, Field(description="What verifies its signatures (Standard Webhooks 1.0).")]


class Webhook(Shape):
    """A webhook: where it goes, what it is told of, and how many of its deliveries are in which state."""

    id: Annotated[int, Field(examples=[1])]
    url: str
    kinds: Kinds
    created_at: dt.datetime
    ended: Annotated[str | None, Field(description="null while in use; removed, or gone after an answer 410.")]
    ended_at: dt.datetime | None
    rests_until: Annotated[dt.datetime | None, Field(description="Until when a receiver that failed is left alone.")]
    deliveries: Annotated[dict[str, int], Field(examples=[{"delivered": 12, "failed": 1}])]


class Delivery(Shape):
    """One event for one webhook; `event` is its name at the receiver, the same however often it is sent."""

    id: Annotated[int, Field(examples=[7])]
    event: str
    kind: Annotated[str, Field(examples=["results.final"])]
    state: State
    planned_at: dt.datetime
    tried: int
    tried_at: dt.datetime | None
    delivered_at: dt.datetime | None
    status: Annotated[int | None, Field(description="The status of the last answer.")]
    said: Annotated[str | None, Field(description="Why it was not taken.", examples=["http-500"])]


class Again(Shape):
    """What to tell again: one delivery, everything planned since a moment, or by default what failed or is in doubt."""

    delivery: Annotated[int | None, Field(ge=1, le=2**62, examples=[7])] = None
    since: Annotated[AwareDatetime | None, Field(ge=_FIRST, le=_LAST, examples=["2026-04-01T00:00:00Z"])] = None


class Planned(Shape):
    """How many deliveries are sent again; at most 1,000 at once."""

    deliveries: int


class Tested(Shape):
    """The delivery of a test; ask for the deliveries to see what came back."""

    delivery: Annotated[int, Field(examples=[7])]


class Nothing(Shape):
    """Nothing needs to be said."""


@router.get("/webhooks", summary="The webhooks in use", responses=reads())
def listed(visit: Program) -> Page[Webhook]:
    """Return the webhooks in use, in the order they were registered; there are at most fifty."""
    found = webhooks.list_webhooks(visit.uow, actor=visit.actor, now=visit.now)
    return Page[Webhook](items=[Webhook.model_validate(one) for one in found], next=None)


@router.post("/webhooks", summary="Register a webhook", status_code=201, responses=writes())
def add(visit: Program, response: Response, body: NewWebhook, key: IdempotencyKey = None) -> Registered:
    """Register a webhook; it is told of what happens from now on. The answer holds its signing key."""
    number = webhooks.add(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        url=body.url,
        kinds=body.kinds,
        private=visit.site.wiring.settings.webhook_private,
    )
    response.headers["location"] = f"{PREFIX}/webhooks/{number}"
    secret = webhooks.signing_key(visit.uow, actor=visit.actor, now=visit.now, webhook=number)
    return Registered(id=number, signing_key=secret)


@router.get("/webhooks/{webhook}", summary="One webhook", responses=reads())
def one(visit: Program, webhook: Number) -> Webhook:
    """Return a webhook, in use or ended."""
    return Webhook.model_validate(webhooks.show(visit.uow, actor=visit.actor, now=visit.now, webhook=webhook))


@router.get("/webhooks/{webhook}/deliveries", summary="What a webhook was told", responses=reads())
def deliveries(
    visit: Program,
    webhook: Number,
    state: Annotated[State | None, Query(examples=["failed"])] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Delivery]:
    """Return the deliveries of a webhook, the newest first."""
    found = webhook_deliveries.list_deliveries(
        visit.uow,
        actor=visit.actor,
        now=visit.now,
        webhook=webhook,
        state=state,
        before=None if after is None else number_of(after),
        limit=limit + 1,
    )
    items = [Delivery.model_validate(row) for row in found[:limit]]
    return Page[Delivery](items=items, next=str(items[-1].id) if len(found) > limit else None)


@router.post("/webhooks/{webhook}/tests", summary="Test a webhook", status_code=201, responses=writes())
def try_out(visit: Program, webhook: Number, body: Nothing, key: IdempotencyKey = None) -> Tested:  # noqa: ARG001
    """Plan a delivery that tells of nothing, to see whether it arrives."""
    number = webhook_deliveries.try_out(visit.uow.asked(key), actor=visit.actor, now=visit.now, webhook=webhook)
    return Tested(delivery=number)


@router.post("/webhooks/{webhook}/replays", summary="Tell a webhook again", responses=writes())
def replay(visit: Program, webhook: Number, body: Again, key: IdempotencyKey = None) -> Planned:
    """Tell a webhook again, each event under the name it had."""
    number = webhook_deliveries.replay(
        visit.uow.asked(key),
        actor=visit.actor,
        now=visit.now,
        webhook=webhook,
        delivery=body.delivery,
        since=body.since,
    )
    return Planned(deliveries=number)


@router.post("/webhooks/{webhook}/end", summary="End a webhook", responses=writes())
def end(visit: Program, webhook: Number, body: Nothing, key: IdempotencyKey = None) -> Webhook:  # noqa: ARG001
    """End a webhook for good: it is told neither what waits nor what is to come."""
    webhooks.remove(visit.uow.asked(key), actor=visit.actor, now=visit.now, webhook=webhook)
    return Webhook.model_validate(webhooks.show(visit.uow, actor=visit.actor, now=visit.now, webhook=webhook))
