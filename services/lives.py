"""What happens to people while cycles run, one act each: moved, acting, away, left, died (W11; domain.md, 5b).

Each act writes what changes in the organisation and everything that follows at once, in one transaction; a preview is
the same act, undone. What lies in the future follows on its day, by the first planning of that day.
"""

import datetime as dt
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from services import deaths, naming, people
from services.actors import Actor
from services.consequences import Followed, PersonChange, carry_out
from services.enrolment import join
from services.errors import Refused
from services.handover import stop_mails
from services.standing import ASSIGNMENT, CYCLE, POST
from services.unit_of_work import UnitOfWork, use_case
from workflow.vocabulary import CycleState, Effect, Role

DAY = dt.timedelta(days=1)
_OPEN_CYCLES = (
    select(CYCLE.c.code)
    .where(
        CYCLE.c.state == CycleState.OPEN.value,
        CYCLE.c.period_to >= bindparam("first"),
        CYCLE.c.period_from <= bindparam("last"),
    )
    .order_by(CYCLE.c.period_from, CYCLE.c.id)
)
_ON = bindparam("on", type_=ASSIGNMENT.c.valid_from.type)
_POSTS = (
    select(POST.c.code, ASSIGNMENT.c.main, ASSIGNMENT.c.valid_from)
    .join(ASSIGNMENT, ASSIGNMENT.c.post_id == POST.c.id)
    .where(
        ASSIGNMENT.c.person_id == bindparam("person"),
        ASSIGNMENT.c.kind == "regular",
        ASSIGNMENT.c.valid_from <= _ON,
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= _ON),
    )
    .order_by(ASSIGNMENT.c.main.desc(), ASSIGNMENT.c.id)
)
_IN_POST = (
    select(ASSIGNMENT.c.person_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(
        POST.c.code == bindparam("post"),
        ASSIGNMENT.c.kind == "regular",
        ASSIGNMENT.c.valid_from <= _ON,
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= _ON),
    )
)


@use_case("person.moved")
def moved(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    post: str,
    unit: str,
    first: dt.date,
    manager: str | None = None,
    in_charge: str | None = None,
    leaves: str | None = None,
    preview: bool = False,
) -> Followed:
    """Let somebody hold another post from `first` on: the main one, or the one he `leaves`, ends the day before.

    Each post has its own appraisal: the new one is opened in every open cycle it reaches into, the old one goes on for
    the days served, or closes where they are too few, its findings kept. What he judged by his old post is passed on.

    Raises:
        Malformed, NotFound: a person, post or unit does not exist.
        Refused: the actor may not, or it is himself; he holds no such post the day before, or the same already.
    """

    def act(one: PersonChange) -> None:
        held = one.tx.all(_POSTS, {"person": one.person.id, "on": first - DAY})
        old = next((row.code for row in held if leaves in {None, row.code}), None)
        if old is None:
            wanted = f" as {leaves}" if leaves else ""
            text = f"{number} holds no post{wanted} on {first - DAY}; import the assignment with `org import` instead."
            raise Refused(text, "no-assignment")
        if old == post:
            raise Refused(f"{number} holds the post {post} already.", "same-post")
        main = held[0].code == old
        people.end_assignment(one.tx, number, old, first - DAY, actor=actor, now=now)
        values: dict[str, Any] = {"number": number, "post": post, "unit": unit, "kind": "regular", "from": first}
        values |= {"to": None, "manager": manager, "in-charge": in_charge, "main": main}
        people.lay_row(one.tx, "assignments", values, actor=actor, now=now)
        one.close_unrated()
        _join(one, post, first)
        one.pass_on(frozenset({one.person.id}), on=first, later=not preview)

    return carry_out(uow, act, "moved", first, actor=actor, now=now, number=number, preview=preview)


def _join(one: PersonChange, post: str, first: dt.date) -> None:
    for cycle in one.tx.all(_OPEN_CYCLES, {"first": first, "last": dt.date.max}):
        row = naming.cycle(one.tx, cycle.code)
        try:
            one.opened += join(one.tx, row, one.person, post, actor=one.actor, now=one.now)
        except Refused as refusal:
            # The move stands all the same: it is a fact, and HR reads what keeps the appraisal from opening.
            one.notes.append(f"Not appraised in {cycle.code} as {post}: {refusal.sentence}")


@use_case("person.acting")
def acting(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    post: str,
    unit: str,
    first: dt.date,
    last: dt.date | None = None,
    preview: bool = False,
) -> Followed:
    """Let somebody act in a post: its powers from that day, his own appraisal by his own post's rubric.

    What the holder of the post judged is judged by the one acting; where that made him scorer and reviewer of one
    appraisal, review moves one level up, and his own appraisal goes to the next in the line.

    Raises:
        Malformed, NotFound: a person, post or unit does not exist.
        Refused: the actor may not, or it is himself; it ends before it begins; two would act in the post at once.
    """

    def act(one: PersonChange) -> None:
        values: dict[str, Any] = {"number": number, "post": post, "unit": unit, "kind": "acting"}
        people.lay_row(one.tx, "assignments", values | {"from": first, "to": last}, actor=actor, now=now)
        holders = frozenset(row.person_id for row in one.tx.all(_IN_POST, {"post": post, "on": first}))
        one.pass_on(holders - {one.person.id}, on=first, later=not preview)

    return carry_out(uow, act, "acting", first, actor=actor, now=now, number=number, preview=preview)


@use_case("person.absent")
def absent(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    first: dt.date,
    last: dt.date | None = None,
    protected: bool = False,
    reason: str | None = None,
    preview: bool = False,
) -> Followed:
    """Record days away; the reason is HR's alone.

    Ordinary leave changes no holder. Under protection (maternity, long sick leave) nobody is late or reminded: what he
    judges is passed on; where most of the days held are spent away he is not rated; where he would have to answer, the
    days stop until delivery is recorded.

    Raises:
        NotFound: there is no such person.
        Refused: the actor may not, or it is his own protected absence; it ends before it begins.
    """

    def act(one: PersonChange) -> None:
        kind = "protected" if protected else "leave"
        values: dict[str, Any] = {"number": number, "kind": kind, "from": first, "to": last, "reason": reason}
        people.lay_row(one.tx, "absences", values, actor=actor, now=now)
        if not protected:
            one.notes.append("Ordinary leave passes nothing on; `workitem delegate` names a substitute for these days.")
            return
        one.close_unrated()
        if first <= one.today <= (last or dt.date.max):
            _stop_answers(one)
        elif first > one.today:
            one.notes.append(f"Where an answer is awaited on {first}, record then that the person cannot be reached.")
        one.pass_on(frozenset({one.person.id}), on=first if preview else max(first, one.today), later=not preview)

    return carry_out(uow, act, "absent", first, actor=actor, now=now, number=number, preview=preview, own=not protected)


def _stop_answers(one: PersonChange) -> None:
    """Stop the days to answer of whoever cannot, by the move the workflow has for it; mails about them stop too."""
    standings = [
        standing
        for standing in one.standings()
        if any(Effect.NO_ACCESS in move.effects for move in standing.lifecycle.actions(standing.stage))
    ]
    one.move(standings, Effect.NO_ACCESS, "An absence is recorded.")
    for standing in standings:
        one.mails += stop_mails(one.tx, one.person.id, why="absent", appraisal_id=standing.id)
        one.notes.append(f"{standing.code}: the days to answer stand still until delivery is recorded.")


@use_case("person.left")
def left(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str, last: dt.date, preview: bool = False
) -> Followed:
    """Record somebody's last day: posts and powers end with it, and what he judged is passed on the day after.

    He is appraised for the part served, unless it is too short, and has the days to answer; so the address stays, and
    mails about his own appraisal go there.

    Raises:
        NotFound: there is no such person.
        Refused: the actor may not, or it is himself; the day lies before the first one.
    """

    def act(one: PersonChange) -> None:
        _demand_after_joining(one.person, last)
        people.end_employment(one.tx, number, last, actor=actor, now=now)
        one.close_unrated()
        one.pass_on(frozenset({one.person.id}), on=last + DAY, later=not preview)

    return carry_out(uow, act, "left", last, actor=actor, now=now, number=number, preview=preview)


@use_case("person.died")
def died(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    day: dt.date,
    reason: str | None = None,
    preview: bool = False,
) -> Followed:
    """Record a death, at once: every mail, list and deadline stops, open work passes on, the appraisal closes unrated.

    Nothing that is written speaks of a refusal or of a lapse.

    Raises:
        NotFound: there is no such person.
        Refused: the actor may not, since it takes HR, or the approver for one of HR's superiors; the day lies in the
            future or before the first one, or it is recorded already.
    """

    def act(one: PersonChange) -> None:
        _demand_after_joining(one.person, day)
        if day > one.today:
            raise Refused(f"{day} lies in the future; correct the day.", "future")
        if deaths.recorded(one.tx, one.person.id):
            raise Refused(f"The death of {number} is recorded already.", "recorded")
        if one.person.left is None or one.person.left > day:
            people.end_employment(one.tx, number, day, actor=actor, now=now)
        deaths.record(one.tx, one.person.id, day, actor=actor, now=now)
        one.close([int(row.id) for row in one.own], reason or "The appraisal ends here.")
        one.pass_on(frozenset({one.person.id}), on=max(one.today, day + DAY), why="died", later=False)
        one.mails += stop_mails(one.tx, one.person.id, why="died")

    roles = (Role.HR, Role.APPROVER)
    return carry_out(uow, act, "died", day, actor=actor, now=now, number=number, preview=preview, roles=roles)


def _demand_after_joining(person: Row[Any], day: dt.date) -> None:
    if person.joined is not None and day < person.joined:
        raise Refused(f"{person.number} joined only on {person.joined}; correct the day.", "dates-reversed")
