"""A page of the result table, in one statement: who is on it is found by keyset, with what the viewer may see in it.

`services.results` has the whole table, for exports. What is shown of a row is decided there, by one policy.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, cast, exists, func, null, or_, select, union_all

from models.columns import BIGINT
from services import view_log
from services.access import PARTY, Parts
from services.actors import Actor
from services.cycle_frame import Frame, frame, lifecycle
from services.errors import Malformed
from services.name_search import PERSON, matching
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, IN_FORCE, PERSON_RESULT, POST, SCORE, SCORE_IN_FORCE
from services.results import MOVE, ROSTER, Looker, Result, looker, nothing_seen, result_of, unopened
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState, Outcome, Role, RosterStatus

HOLDER = PERSON.alias("holder")
_OF_ROSTER = POST.alias("roster_post")
_LATER = PERSON_RESULT.alias("later_result")
_VIEWER = bindparam("viewer", type_=BIGINT)
_MINE = PARTY.alias("mine")
_FORMER = exists().where(
    _MINE.c.appraisal_id == APPRAISAL.c.id, _MINE.c.person_id == _VIEWER, _MINE.c.to_at.is_not(None)
)
_LAST_MOVE = and_(MOVE.c.appraisal_id == APPRAISAL.c.id, MOVE.c.seq == APPRAISAL.c.version)
_UNRATED = APPRAISAL.c.outcome == Outcome.NOT_RATED.value
_SIGNED = exists().where(FINAL.c.appraisal_id == APPRAISAL.c.id)
_RESULT_IN_FORCE = ~exists().where(
    _LATER.c.cycle_id == PERSON_RESULT.c.cycle_id,
    _LATER.c.person_id == PERSON_RESULT.c.person_id,
    _LATER.c.revision > PERSON_RESULT.c.revision,
)
_LIMIT = bindparam("limit", type_=BIGINT)


def _behind(post: Any) -> Any:
    return and_(
        PERSON.c.number >= bindparam("number"), or_(PERSON.c.number > bindparam("number"), post > bindparam("post"))
    )


_OPENED = (
    select(
        APPRAISAL.c.id.label("appraisal_id"),
        cast(null(), BIGINT).label("roster_id"),
        APPRAISAL.c.person_id,
        PERSON.c.number,
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
    )
    .select_from(
        APPRAISAL.join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    )
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"), _behind(POST.c.code))
    .order_by(PERSON.c.number, POST.c.code, APPRAISAL.c.id)
    .limit(_LIMIT)
)
_OF_VIEWER = select(PARTY.c.appraisal_id).where(PARTY.c.person_id == _VIEWER)
# Who waits to decide an appeal that nobody made sees nothing (`services.sight`).
_SEEN = and_(
    APPRAISAL.c.id.in_(_OF_VIEWER),
    or_(
        APPRAISAL.c.id.in_(_OF_VIEWER.where(or_(PARTY.c.to_at.is_not(None), PARTY.c.role != Role.DECIDER.value))),
        APPRAISAL.c.stage == "appeal",
        exists().where(_LAST_MOVE, MOVE.c.action.in_(("decide", "send-back"))),
    ),
)
_NEVER_OPENED = (
    select(
        cast(null(), BIGINT).label("appraisal_id"),
        ROSTER.c.id.label("roster_id"),
        ROSTER.c.person_id,
        PERSON.c.number,
        _OF_ROSTER.c.code.label("post"),
        _OF_ROSTER.c.name_en,
        _OF_ROSTER.c.name_zh,
    )
    # By the assignments of people in their order, since of a roster's rows these are few.
    .select_from(
        PERSON.join(ASSIGNMENT, ASSIGNMENT.c.person_id == PERSON.c.id)
        .join(ROSTER, and_(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.assignment_id == ASSIGNMENT.c.id))
        .join(_OF_ROSTER, _OF_ROSTER.c.id == ROSTER.c.post_id)
    )
    .where(
        ROSTER.c.status.in_((RosterStatus.NOT_RATED.value, RosterStatus.LEFT_OUT.value)),
        ~exists().where(APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id),
        _behind(_OF_ROSTER.c.code),
    )
    .order_by(PERSON.c.number, _OF_ROSTER.c.code, ROSTER.c.id)
    .limit(_LIMIT)
)


@dataclass(frozen=True, slots=True)
class Asking:
    """Which part of the table is asked for: people that `words` find, behind a place in it, at most `limit` rows.

    `final` narrows to what is signed, or is not; with `opened_only` there is nobody the cycle was not opened for.
    """

    words: str = ""
    after: str = ""
    limit: int = 50
    final: bool | None = None
    opened_only: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows by number and post with the person of each; behind `after` there are more, None where there are none."""

    rows: tuple[Result, ...]
    people: tuple[int, ...]
    after: str | None

    def others_figures(self, viewer: Actor) -> bool:
        """Tell whether a figure of somebody else than the one at the keyboard is shown."""
        pairs = zip(self.rows, self.people, strict=True)
        return any(row.total is not None and person != viewer.actor_id for row, person in pairs)


def place(after: str) -> tuple[str, str]:
    """Return number and post of a place in the table; both empty for its beginning.

    Raises:
        Malformed: it is no place in it.
    """
    number, mark, post = after.partition("@")
    if after and not mark:
        raise Malformed(f"{after[:40]!r} is no place in this list; begin at its first page.", "bad-place")
    return number, post


@use_case("results.page")
def results_page(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str, asking: Asking) -> Rows:
    """Return a page of the table as far as the viewer may see it, which is put on record; at most 5 statements.

    A page can be shorter than asked for and have a next one: what is not the viewer's to see was left out of it.

    Raises:
        NotFound: there is no such cycle, or nothing of it is the viewer's to see.
        Malformed: `after` is no place in the table.
    """
    with uow.read() as tx:
        at = frame(tx, viewer=viewer, now=now, cycle=cycle)
        found = page_of_results(tx, at, viewer, asking)
    if found.others_figures(viewer):
        view_log.look(uow, viewer=viewer, now=now, kind=view_log.RESULT_TABLE, object_id=at.cycle.id)
    return found


def page_of_results(tx: Transaction, at: Frame, viewer: Actor, asking: Asking) -> Rows:
    """Return a page of the table as far as the viewer may see it; one statement, and those of `results.looker`.

    Raises:
        NotFound: nothing of the cycle is the viewer's to see.
        Malformed: `after` is no place in the table.
    """
    number, post = place(asking.after)
    who = looker(tx, at, viewer)
    if asking.final and at.cycle.state != CycleState.FINAL:
        found: Sequence[list[Row[Any]]] = ()
    else:
        values = {"cycle": at.cycle.id, "viewer": who.person_id, "number": number, "post": post}
        rows = tx.all(_statement(asking, who, at.cycle.state), {**values, "limit": asking.limit + 1})
        found = [list(group) for _, group in groupby(rows, key=lambda row: (row.appraisal_id, row.roster_id))]
    if not found and not who.sees_table and not _anything(tx, at, who):
        raise nothing_seen(at.cycle.code)
    shown = [(one[0].person_id, row) for one in found[: asking.limit] if (row := _row(tx, at, one, who)) is not None]
    if asking.final is not None:
        shown = [one for one in shown if one[1].final == asking.final]
    last = found[asking.limit - 1][0] if len(found) > asking.limit else None
    return Rows(
        tuple(row for _, row in shown),
        tuple(person for person, _ in shown),
        None if last is None else f"{last.number}@{last.post}",
    )


def _statement(asking: Asking, who: Looker, state: str) -> Select[Any]:
    narrow = []
    opened, never = _OPENED, _NEVER_OPENED
    if asking.words:
        narrow.append(matching(asking.words))
    if not who.sees_table:
        opened = opened.where(_SEEN)
        never = never.where(ROSTER.c.person_id == _VIEWER)
    if asking.final:
        opened = opened.where(_SIGNED, ~_UNRATED)
    elif asking.final is False and state == CycleState.FINAL:
        opened = opened.where(or_(~_SIGNED, _UNRATED, _FORMER))
    opened = opened.where(*narrow)
    if asking.opened_only or asking.final:
        return _rows_of(opened.subquery("chosen"))
    page = opened.cte("opened")
    never = never.where(*narrow)
    # Behind the last row of a full page nobody is looked for.
    last = select(func.max(page.c.number)).having(func.count() == _LIMIT).scalar_subquery()
    both = union_all(
        select(page),
        select(never.where(PERSON.c.number <= last).subquery("within")),
        select(never.where(last.is_(None)).subquery("behind")),
    ).subquery("both")
    return _rows_of(select(both).order_by(both.c.number, both.c.post).limit(_LIMIT).subquery("chosen"))


def _rows_of(chosen: Any) -> Select[Any]:
    """Return the rows of the appraisals chosen: one for each who has a part in it, and those the viewer had."""
    return (
        select(
            chosen.c.appraisal_id,
            chosen.c.roster_id,
            chosen.c.person_id,
            chosen.c.number,
            chosen.c.post,
            chosen.c.name_en,
            chosen.c.name_zh,
            PERSON.c.name,
            ROSTER.c.status,
            APPRAISAL.c.id,
            APPRAISAL.c.stage,
            APPRAISAL.c.outcome,
            MOVE.c.action.label("last_action"),
            SCORE.c.id.label("score_id"),
            SCORE.c.total,
            SCORE.c.maximum,
            SCORE.c.grade,
            FINAL.c.id.label("final_id"),
            FINAL.c.total.label("final_total"),
            FINAL.c.maximum.label("final_maximum"),
            FINAL.c.grade.label("final_grade"),
            PERSON_RESULT.c.total.label("person_total"),
            PERSON_RESULT.c.grade.label("person_grade"),
            PARTY.c.role,
            PARTY.c.to_at,
            PARTY.c.person_id.label("holder_id"),
            HOLDER.c.name.label("holder"),
            HOLDER.c.number.label("holder_number"),
        )
        .select_from(
            chosen.join(PERSON, PERSON.c.id == chosen.c.person_id)
            .outerjoin(ROSTER, ROSTER.c.id == chosen.c.roster_id)
            .outerjoin(APPRAISAL, APPRAISAL.c.id == chosen.c.appraisal_id)
            .outerjoin(MOVE, _LAST_MOVE)
            .outerjoin(SCORE, SCORE_IN_FORCE)
            .outerjoin(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE))
            .outerjoin(
                PERSON_RESULT,
                and_(
                    PERSON_RESULT.c.cycle_id == APPRAISAL.c.cycle_id,
                    PERSON_RESULT.c.person_id == APPRAISAL.c.person_id,
                    _RESULT_IN_FORCE,
                ),
            )
            .outerjoin(
                PARTY,
                and_(
                    PARTY.c.appraisal_id == APPRAISAL.c.id, or_(PARTY.c.to_at.is_(None), PARTY.c.person_id == _VIEWER)
                ),
            )
            .outerjoin(HOLDER, HOLDER.c.id == PARTY.c.person_id)
        )
        .order_by(chosen.c.number, chosen.c.post, chosen.c.appraisal_id, chosen.c.roster_id, PARTY.c.seat)
    )


def _row(tx: Transaction, at: Frame, of_one: Sequence[Row[Any]], who: Looker) -> Result | None:
    row = of_one[0]
    if row.appraisal_id is None:
        return unopened(row, at.cycle)
    held = [one for one in of_one if one.role is not None and one.to_at is None]
    holders: dict[tuple[int, str], str] = {}
    for one in held:
        holders.setdefault((row.id, one.role), f"{one.holder} ({one.holder_number})")
    mine = () if who.person_id is None else (who.person_id,)
    ended = max((one.to_at for one in of_one if one.to_at is not None), default=None)
    parts = Parts(
        dict.fromkeys((one.role for one in held if one.holder_id == who.person_id), mine),
        {} if ended is None else dict.fromkeys(mine, ended),
        who.granted,
    )
    people = {row.person_id: _OfPerson(row.person_total, row.person_grade)}
    return result_of((row, parts), cycle=at.cycle, lifecycle=lifecycle(tx, at), who=who, people=people, holders=holders)


@dataclass(frozen=True, slots=True)
class _OfPerson:
    """The signed result of a person."""

    total: Any
    grade: str | None


_ANY = select(APPRAISAL.c.id).where(APPRAISAL.c.cycle_id == bindparam("cycle"), _SEEN).limit(1)
_ANY_ROSTER = (
    select(ROSTER.c.id)
    .where(
        ROSTER.c.cycle_id == bindparam("cycle"),
        ROSTER.c.person_id == _VIEWER,
        ROSTER.c.status.in_((RosterStatus.NOT_RATED.value, RosterStatus.LEFT_OUT.value)),
    )
    .limit(1)
)


def _anything(tx: Transaction, at: Frame, who: Looker) -> bool:
    """Tell whether anything of a cycle is somebody's to see; asked only where a page of it is empty."""
    asked = {"cycle": at.cycle.id, "viewer": who.person_id}
    return tx.first(_ANY, asked) is not None or tx.first(_ANY_ROSTER, asked) is not None
