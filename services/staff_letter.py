"""The letter to staff about a cycle, drafted from plan, workflow and calendar: the dates, who does what, the rights."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, bindparam, select

from catalog.glossary import term
from models.columns import table_of
from models.cycles import Cycle
from models.rubrics import Plan
from services import calendars, definitions, due_dates, naming
from services.actors import Actor
from services.cycles import created_asked, created_with, demand_hr
from services.errors import NotFound, Refused
from services.letter_words import LETTER
from services.plan_cycles import period_days, zone_of
from services.plan_form import read_form
from services.plan_periods import MORNING, period_at
from services.plans import next_period
from services.unit_of_work import Statement, Transaction, UnitOfWork, use_case
from workflow.form import Definition, GroupForm
from workflow.lifecycle import Lifecycle, Stage
from workflow.vocabulary import CountedFrom, DayKind, Effect, Facts, Missed, Role

CYCLE = table_of(Cycle)
PLAN = table_of(Plan)

_CYCLE = select(CYCLE).where(CYCLE.c.code == bindparam("code"))
_PLAN = select(PLAN).where(PLAN.c.code == bindparam("code"))
_PLAN_BY_ID = select(PLAN).where(PLAN.c.id == bindparam("plan"))
_POSTS = select(naming.POST.c.code, naming.POST.c.name_en, naming.POST.c.name_zh).order_by(naming.POST.c.code)


@dataclass(frozen=True, slots=True)
class Letter:
    """A drafted letter: the cycle it is about, the day it opens, its subject, and its text as lines."""

    cycle: str
    opening: dt.date
    subject: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _About:
    cycle: str
    first: dt.date
    last: dt.date
    workflow_id: int
    opening: dt.datetime


@use_case("plan.letter")
def draft(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, code: str, language: Literal["en", "zh"] = "en"
) -> Letter:
    """Draft the letter about the next cycle of a plan, or about a cycle; by HR. Nothing is written or sent.

    The dates are counted from the day the cycle opened or will open; of a planned cycle that no plan opens, from today.

    Raises:
        NotFound: there is neither a cycle nor a plan of that code.
        Refused: the actor is no HR officer, or the cycle is a year, which has no dates of its own.
    """
    with uow.read() as tx:
        demand_hr(tx, actor, now, "draft the letter to staff")
        about = _about(tx, code, now)
        organisation = naming.organisation(tx)
        lifecycle = definitions.lifecycle_of(tx, about.workflow_id)
        workflow = definitions.workflow_of(tx, about.workflow_id)
        zone = zoneinfo.ZoneInfo(organisation.zone)
        writer = _Writer(tx, language, zone, organisation.calendar, lifecycle, workflow)
        return Letter(
            about.cycle,
            about.opening.astimezone(zone).date(),
            writer.say("subject", cycle=about.cycle),
            (*writer.lines(about), "", organisation.name),
        )


def _about(tx: Transaction, code: str, now: dt.datetime) -> _About:
    cycle = tx.first(_CYCLE, {"code": code})
    if cycle is not None:
        return _of_cycle(tx, cycle, now)
    plan = tx.first(_PLAN, {"code": code})
    if plan is None:
        raise NotFound(
            f"There is neither a cycle nor a plan {code}; `appraise cycle list` and `appraise plan list` list them.",
            "unknown-plan",
        )
    form = read_form(plan.text)
    period, days = next_period(tx, form, now)
    planned = tx.first(_CYCLE, {"code": period.code(form.suffix)})
    if planned is not None:
        return _of_cycle(tx, planned, now)
    workflow = definitions.named(tx, "workflow", form.workflow)
    opening = dt.datetime.combine(days.opening, MORNING, zone_of(tx, form))
    return _About(period.code(form.suffix), period.first, period.last, workflow.id, opening)


def letter_asked(cycle: Row[Any]) -> list[tuple[Statement, dict[str, Any]]]:
    """Return what the letter about a cycle asks of the database, beside its plan."""
    return [
        (_CYCLE, {"code": cycle.code}),
        created_asked(cycle.id),
        definitions.digest_asked("workflow", cycle.workflow_id),
        (_POSTS, {}),
        (calendars.CLOSURES, {}),
    ]


def _of_cycle(tx: Transaction, cycle: Row[Any], now: dt.datetime) -> _About:
    created = created_with(tx, cycle.id)
    if "year" in created:
        raise Refused(f"{cycle.code} is a year; write the code of one of its periods.", "a-year")
    opening = cycle.opened_at or now
    plan = tx.first(_PLAN_BY_ID, {"plan": created.get("plan")})
    if cycle.opened_at is None and plan is not None and plan.active:
        form = read_form(plan.text)
        days = period_days(tx, form, period_at(form.every, cycle.period_from))
        opening = max(now, dt.datetime.combine(days.opening, MORNING, zone_of(tx, form)))
    return _About(cycle.code, cycle.period_from, cycle.period_to, cycle.workflow_id, opening)


@dataclass(frozen=True, slots=True)
class _Writer:
    tx: Transaction
    language: Literal["en", "zh"]
    zone: zoneinfo.ZoneInfo
    calendar: str
    lifecycle: Lifecycle
    workflow: Definition

    def say(self, name: str, **facts: str) -> str:
        return LETTER[self.language][name].format(**facts)

    def day(self, day: dt.date) -> str:
        return day.strftime(LETTER[self.language]["day"])

    def days(self, count: int, kind: str = DayKind.WORKING) -> str:
        return LETTER[self.language]["working" if kind == DayKind.WORKING else "calendar"].format(count)

    def lines(self, about: _About) -> Iterator[str]:
        """Yield the letter line by line."""
        yield self.say("greeting")
        yield ""
        yield self.say(
            "opens",
            cycle=about.cycle,
            first=self.day(about.first),
            last=self.day(about.last),
            opening=self.day(about.opening.astimezone(self.zone).date()),
            workflow=getattr(self.workflow.title, self.language),
        )
        yield ""
        yield self.say("dates")
        yield from self._dates(about)
        yield ""
        yield self.say("who")
        yield from self._who()
        yield ""
        yield self.say("rights")
        yield from self._rights(about)
        yield ""
        yield self.say("help")

    def _dates(self, about: _About) -> Iterator[str]:
        start = about.opening
        for stage in self.lifecycle.stages:
            if stage.end:
                continue
            facts = {"title": stage.title[self.language], "holder": self._holder(stage)}
            if stage.days is None:
                yield self.say("stage-open", **facts)
                continue
            facts["days"] = self.days(stage.days, stage.day_kind)
            if stage.holder == Role.DECIDER:
                yield self.say("stage-appeal", **facts)
                continue
            due = due_dates.due_at(
                self.tx,
                calendar=self.calendar,
                zone=self.zone.key,
                lifecycle=self.lifecycle,
                stage=stage.id,
                start=start,
                marks=due_dates.Marks(about.opening, about.last),
            )
            start = due or start
            noticed = stage.counted_from == CountedFrom.PROVEN_NOTICE
            moment = start.astimezone(self.zone).strftime(LETTER[self.language]["moment"])
            yield self.say("stage-notice" if noticed else "stage", **facts, due=moment)

    def _holder(self, stage: Stage) -> str:
        if stage.holder == Role.APPRAISEE:
            return self.say("you")
        return term(str(stage.holder), self.language)

    def _who(self) -> Iterator[str]:
        posts = {row.code: str(getattr(row, f"name_{self.language}")) for row in self.tx.all(_POSTS)}
        for group in self.workflow.roles.groups:
            here = [posts[post] for post in group.posts if post in posts]
            if here or not group.posts:
                named = LETTER[self.language]["list"].join(here) or self.say("others")
                yield self.say("group", posts=named, **self._judges(group, posts))

    def _judges(self, group: GroupForm, posts: Mapping[str, str]) -> dict[str, str]:
        return {role: self._position(getattr(group, role), posts) for role in ("assessor", "reviewer", "decider")}

    def _position(self, name: str, posts: Mapping[str, str]) -> str:
        form = self.workflow.roles.positions[name]
        if form.post is not None:
            return posts.get(form.post, form.post)
        word = str(form.column or form.relation)
        return self.say(f"{word}-above" if form.level else word)

    def _rights(self, about: _About) -> Iterator[str]:
        workflow, stages = self.workflow, self.lifecycle.stages
        if any(Effect.STATEMENT in move.effects for move in self.lifecycle.moves):
            yield self.say("statement")
        at_once = workflow.disclosure.facts == Facts.AT_ONCE
        reply = self.days(workflow.disclosure.reply_working_days)
        yield self.say("facts-at-once" if at_once else "facts-with-judgement", days=reply)
        released = self.lifecycle.stage(workflow.disclosure.judgement_from)
        yield self.say("judgement", title=released.title[self.language])
        for stage in stages:
            if stage.counted_from == CountedFrom.PROVEN_NOTICE and stage.days is not None:
                yield self.say("answer", days=self.days(stage.days, stage.day_kind))
                if stage.missed == Missed.ACCEPT_BY_SILENCE:
                    yield self.say("silence")
        if any(stage.holder == Role.DECIDER for stage in stages):
            yield self.say("appeal")
        yield self.say("rubric", first=self.day(about.first))
        yield self.say("two-parts")
        yield self.say("no-score")
