"""More time while a cycle runs, holds and releases, and who is late (W11; domain.md, 5 and 5b)."""

import datetime as dt
import json
from typing import Any

import pytest

from models.columns import table_of
from models.outbox import Message
from services import extensions, finalising, holds, overdue, reminders
from services.actors import Actor
from services.errors import AppraiseError, Malformed, NotFound, Refused
from services.extensions import Cohort, Extended
from services.verification import verify
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, SECURITY
from tests.services.clocking import at, pass_time
from tests.services.planning import Plan
from tests.services.playing import Play
from tests.services.test_missed import holders, moment, released, to_scoring

REASON = "the audit week"


def extend(
    play: Play,
    *people: str,
    until: dt.date = dt.date(2026, 1, 20),
    now: dt.datetime | None = None,
    by: str | Actor = OFFICER,
    **cohort: Any,
) -> Extended:
    return extensions.extend(
        play.uow,
        actor=play.who(by),
        now=now or at(1, 9, 12),
        cycle=QUARTER,
        cohort=Cohort(people, **cohort),
        until=until,
        reason=REASON,
    )


def refused(code: str, error: type[AppraiseError], play: Play, *people: str, **how: Any) -> None:
    before = play.rows("SELECT * FROM work_item"), play.rows("SELECT * FROM deadline")
    with pytest.raises(error) as raised:
        extend(play, *people, **how)
    assert raised.value.code == code
    assert raised.value.sentence.endswith(".")
    assert (play.rows("SELECT * FROM work_item"), play.rows("SELECT * FROM deadline")) == before


def test_one_person_gets_more_time_and_the_old_deadline_is_kept(play: Play) -> None:
    to_scoring(play)
    done = extend(play, CLERK)
    assert [(one["appraisal"], one["stage"], one["was"]) for one in done.moved] == [
        (f"{QUARTER}/{CLERK}@clerical", "scoring", at(1, 15, 18))
    ]
    assert moment(play.item().due_at) == at(1, 20, 18)
    assert moment(play.item(ESCORT).due_at) == at(1, 15, 18), "nobody else's moved"
    rows = play.rows("SELECT * FROM deadline ORDER BY id")
    assert [(row.basis, row.extended_by, moment(row.due_at)) for row in rows] == [
        ("planned", None, at(1, 15, 18)),
        ("extension", rows[0].id, at(1, 20, 18)),
    ]
    told = json.loads(play.rows("SELECT payload FROM event WHERE kind = 'extended'")[0].payload)
    assert told["items"] == [play.item().id]
    assert pass_time(play.uow, at(1, 19)).count("passed-on") == 5, "the others'"
    assert holders(play)["assessor"] == PERSONNEL
    pass_time(play.uow, at(1, 20))
    assert holders(play)["assessor"] == DIRECTOR


def test_a_second_extension_names_the_first(play: Play) -> None:
    to_scoring(play)
    extend(play, CLERK)
    extend(play, CLERK, until=dt.date(2026, 1, 22))
    rows = play.rows("SELECT * FROM deadline ORDER BY id")
    assert [(row.basis, row.extended_by) for row in rows] == [
        ("planned", None),
        ("extension", rows[0].id),
        ("extension", rows[1].id),
    ]


def test_a_unit_and_a_stage_are_cohorts(play: Play) -> None:
    to_scoring(play)
    play.act(PERSONNEL, "submit", at=at(1, 9, 9))
    in_scoring = extend(play, stages=["scoring"]).moved
    assert {one["appraisal"].split("/")[1].split("@")[0] for one in in_scoring} == {ESCORT, SECURITY}
    by_unit = extend(play, units=["office"], until=dt.date(2026, 1, 21))
    assert len(by_unit.moved) == 3
    assert {one["why"] for one in by_unit.left} == {"own-or-superior"}


def test_obsolete_reminders_are_cancelled_and_new_ones_are_planned_once(play: Play) -> None:
    to_scoring(play)
    reminders.plan(play.uow, now=at(1, 13, 9), warnings=lambda _tx, _on: ())
    extend(play, CLERK, now=at(1, 13, 10))
    for _ in range(2):
        reminders.plan(play.uow, now=at(1, 16, 9), warnings=lambda _tx, _on: ())
    rows = play.rows(
        "SELECT kind, state, error, dedupe_key FROM message WHERE work_item_id = :item AND kind = 'due-soon'",
        item=play.item().id,
    )
    assert {(row.state, row.error, row.dedupe_key.rpartition("/")[2]) for row in rows} == {
        ("cancelled", "extended", "2026-01-15"),
        ("queued", None, "2026-01-20"),
    }


def test_an_extended_answer_ends_with_the_extension_and_the_audit_vouches_for_it(play: Play) -> None:
    released(play)
    play.act(CLERK, "read", at=at(1, 12, 12))
    extend(play, CLERK, until=dt.date(2026, 1, 23), now=at(1, 14))
    with play.uow.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE work_item SET due_at = opened_at, next_action_at = opened_at WHERE stage = 'signoff'"
        )
    pass_time(play.uow, at(1, 21))
    assert play.appraisal().stage == "signoff"
    assert moment(play.item().due_at) == at(1, 23, 18)
    pass_time(play.uow, at(1, 23))
    assert play.appraisal().outcome == "silence"


def test_what_is_refused(play: Play) -> None:
    to_scoring(play)
    refused("past", Malformed, play, CLERK, until=dt.date(2026, 1, 8))
    refused("nobody", Refused, play, CLERK, stages=["appeal"])
    refused("nobody", Refused, play, CLERK, until=dt.date(2026, 1, 12))
    refused("cohort", Malformed, play)
    refused("stage", Malformed, play, stages=["closed"])
    refused("stage", Malformed, play, stages=["lunch"])
    refused("unknown-unit", NotFound, play, units=["moon"])
    refused("unknown-person", NotFound, play, "9999")
    refused("not-hr", Refused, play, CLERK, by=DIRECTOR)


@pytest.mark.parametrize("of", [OFFICER, PERSONNEL, DIRECTOR])
def test_nobody_extends_his_own_or_a_superiors(play: Play, of: str) -> None:
    to_scoring(play)
    refused("own-or-superior", Refused, play, of)


def test_nobody_extends_his_own_through_somebody_else(play: Play) -> None:
    to_scoring(play)
    refused("own-or-superior", Refused, play, CLERK, by=play.office.proxy(OFFICER, CLERK))


def test_without_a_reason_nothing_moves(play: Play) -> None:
    to_scoring(play)
    with pytest.raises(Malformed, match="Say why"):
        extensions.extend(
            play.uow,
            actor=play.who(OFFICER),
            now=at(1, 9),
            cycle=QUARTER,
            cohort=Cohort([CLERK]),
            until=dt.date(2026, 1, 20),
            reason="  ",
        )


def hold(play: Play, of: str = CLERK, *, now: dt.datetime | None = None, by: str = OFFICER) -> str:
    item = f"W{play.item(of).id}"
    holds.hold(play.uow, actor=play.who(by), now=now or at(1, 13, 12), item=item, reason="in dispute before a court")
    return item


def test_on_hold_nothing_is_due_nothing_is_reminded_and_nothing_runs_out(play: Play) -> None:
    to_scoring(play)
    item = hold(play)
    assert (play.item().due_at, play.item().next_action_at) == (None, None)
    pass_time(play.uow, at(2, 9))
    assert holders(play)["assessor"] == PERSONNEL
    late = overdue.overdue(play.uow, actor=play.who(PRESIDENT), now=at(2, 9), cycle=QUARTER)
    assert item not in {one.item for one in late}
    assert play.rows("SELECT id FROM message WHERE work_item_id = :id AND kind = 'overdue'", id=play.item().id) == []


def test_released_it_has_the_working_days_that_were_left(play: Play) -> None:
    to_scoring(play)
    item = hold(play)
    done = holds.release(
        play.uow, actor=play.who(OFFICER), now=at(1, 20, 12), item=item, reason="the court has decided"
    )
    # Held from the 13th to the 20th, five working days: as many later than the 15th.
    assert done.due_at == at(1, 22, 18)
    pass_time(play.uow, at(1, 22, 17))
    assert holders(play)["assessor"] == PERSONNEL
    pass_time(play.uow, at(1, 22))
    assert holders(play)["assessor"] == DIRECTOR


def test_whoever_holds_it_may_still_act_and_that_ends_the_hold(play: Play) -> None:
    to_scoring(play)
    hold(play)
    play.act(PERSONNEL, "submit", at=at(1, 14, 12))
    assert moment(play.item().due_at) == at(1, 19, 18)


def test_a_hold_is_made_once_and_ended_once_by_hr_at_a_distance(play: Play) -> None:
    to_scoring(play)
    item = hold(play)
    for of, by, code in (
        (CLERK, OFFICER, "held"),
        (CLERK, DIRECTOR, "not-hr"),
        (PERSONNEL, OFFICER, "own-or-superior"),
    ):
        with pytest.raises(Refused) as raised:
            hold(play, of, by=by)
        assert raised.value.code == code
    holds.release(play.uow, actor=play.who(OFFICER), now=at(1, 14), item=item, reason="settled")
    with pytest.raises(Refused) as again:
        holds.release(play.uow, actor=play.who(OFFICER), now=at(1, 14), item=item, reason="settled")
    assert again.value.code == "not-held"
    with pytest.raises(NotFound, match="no open work item W999"):
        holds.hold(play.uow, actor=play.who(OFFICER), now=at(1, 14), item="W999", reason="no such thing")
    with pytest.raises(Malformed, match="does not name a work item"):
        holds.hold(play.uow, actor=play.who(OFFICER), now=at(1, 14), item="77", reason="no such thing")


def test_notice_that_comes_during_a_hold_starts_the_window_at_its_release(play: Play) -> None:
    released(play)
    item = hold(play, now=at(1, 12, 9))
    play.act(OFFICER, "deliver", at=at(1, 12, 12), reason="handed over", witness="Zhao Min")
    assert play.item().due_at is None
    pass_time(play.uow, at(1, 30))
    assert play.appraisal().stage == "signoff"
    done = holds.release(play.uow, actor=play.who(OFFICER), now=at(2, 2, 12), item=item, reason="settled")
    assert done.due_at == at(2, 9, 18)
    pass_time(play.uow, at(2, 9))
    assert play.appraisal().outcome == "silence"


def test_a_cycle_is_proposed_around_what_is_on_hold(play: Play) -> None:
    to_scoring(play)
    for of in (OFFICER, PERSONNEL, SECURITY, DIRECTOR, ESCORT):
        play.act(PRESIDENT, "exclude", of=of, at=at(1, 9), reason="a test of holds")
    actor = play.who(OFFICER)
    with pytest.raises(Refused, match="Still to do: 1 in “Scoring”"):
        finalising.propose(play.uow, actor=actor, now=at(1, 13), cycle=QUARTER)
    hold(play)
    proposal = finalising.propose(play.uow, actor=actor, now=at(1, 14), cycle=QUARTER)
    assert (proposal.carried, proposal.rows) == (1, 5)


def test_the_overdue_list_says_with_whom_how_late_and_when_last_reminded(play: Play) -> None:
    released(play)
    finding = play.rows("SELECT id FROM finding")[0].id
    play.act(CLERK, "object", at=at(1, 12, 12), reason="I was elsewhere.", lines={f"F{finding}": None})
    reminded, item = at(1, 20, 9), play.item()
    with play.uow.write() as tx:
        about = {"dedupe_key": "a reminder", "kind": "overdue", "person_id": item.holder_id, "work_item_id": item.id}
        sent = {"payload": "{}", "state": "sent", "created_at": reminded, "sent_at": reminded}
        tx.insert(table_of(Message), {**about, **sent, "policy": "hold", "attempt": 1, "fence": 1})
    late = overdue.overdue(play.uow, actor=play.who(PRESIDENT), now=at(1, 22, 12), cycle=QUARTER)
    mine = next(one for one in late if one.appraisal == f"{QUARTER}/{CLERK}@clerical")
    assert (mine.stage, mine.number, mine.days, mine.reminded_at, mine.stuck) == ("appeal", "1002", 3, reminded, None)


def test_what_nobody_can_take_stands_first(play: Play) -> None:
    to_scoring(play)
    for evening in (at(1, 15), at(1, 22), at(1, 29), at(2, 5)):
        pass_time(play.uow, evening)
    late = overdue.overdue(play.uow, actor=play.who(PRESIDENT), now=at(2, 6), cycle=QUARTER)
    assert late[0].stuck == "nobody-left"
    assert [one.stuck is None for one in late] == sorted(one.stuck is None for one in late)


def test_hr_sees_nothing_of_his_own_and_his_superiors_lateness_and_others_see_no_list(play: Play) -> None:
    to_scoring(play)
    seen = {one.appraisal for one in overdue.overdue(play.uow, actor=play.who(OFFICER), now=at(1, 20), cycle=QUARTER)}
    assert {code.split("/")[1].split("@")[0] for code in seen} == {CLERK, ESCORT, SECURITY}
    with pytest.raises(Refused) as raised:
        overdue.overdue(play.uow, actor=play.who(CLERK), now=at(1, 20), cycle=QUARTER)
    assert raised.value.code == "not-hr"


def test_whoever_is_away_under_protection_is_in_no_overdue_list(play: Play) -> None:
    to_scoring(play)
    Plan(play.uow, play.office).absence(PERSONNEL, dt.date(2026, 1, 9), None)
    late = overdue.overdue(play.uow, actor=play.who(PRESIDENT), now=at(1, 20), cycle=QUARTER)
    assert PERSONNEL not in {one.number for one in late}


def test_the_audit_says_nothing_against_holds_and_extensions(play: Play) -> None:
    before = verify(play.uow).count
    to_scoring(play)
    extend(play, ESCORT)
    item = hold(play)
    holds.release(play.uow, actor=play.who(OFFICER), now=at(1, 14), item=item, reason="settled")
    assert verify(play.uow).count == before
