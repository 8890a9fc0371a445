"""What nobody may do: act out of order, twice, on others' work, on a cycle that is not open, on what has changed."""

import pytest

from catalog.shelf import workflow_text
from services import cycles, findings
from services.access import GRANT
from services.actors import SYSTEM
from services.appraisals import Words, act, act_many
from services.desk import show, work
from services.enrolment import enrol
from services.errors import AppraiseError, Conflict, Malformed, NotFound
from services.standing import ASSIGNMENT
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECRETARY,
    SECURITY,
    VICE,
    assignment,
    granted,
    noon,
)
from tests.services.closing import close_all, finalise, put
from tests.services.playing import ANSWERED, APPROVED, FEBRUARY, SUBMITTED, Play
from workflow.definition import load_definition

LEGAL: dict[str, set[tuple[str, str]]] = {
    "draft": {(CLERK, "state"), (PERSONNEL, "start"), ("system", "skip"), (OFFICER, "exclude")},
    "scoring": {(CLERK, "state"), (PERSONNEL, "submit"), (OFFICER, "exclude")},
    "review": {
        (DIRECTOR, "approve"),
        (DIRECTOR, "return"),
        (DIRECTOR, "change"),
        (DIRECTOR, "strike"),
        (PERSONNEL, "take-back"),
        (OFFICER, "exclude"),
    },
    "signoff": {
        (CLERK, "read"),
        (CLERK, "accept"),
        (CLERK, "object"),
        (DIRECTOR, "take-back"),
        *((OFFICER, action) for action in ("refuse", "deliver", "no-access", "exclude")),
    },
    "appeal": {(CLERK, "withdraw"), (VICE, "decide"), (VICE, "send-back"), (OFFICER, "exclude")},
    "closed": set(),
}
"""Who may do what in which stage when its guards agree, written down from domain.md and not read from the workflow."""

ACTIONS = sorted({move.action for move in load_definition(workflow_text("quarterly"), where="shelf").moves})
PEOPLE = (CLERK, PERSONNEL, DIRECTOR, VICE, OFFICER, SECURITY, "system")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("stage", LEGAL)
def test_whatever_is_not_somebodys_move_in_a_stage_is_refused_in_one_sentence_and_recorded(
    play: Play, stage: str
) -> None:
    code = play.deduct("C3.1", 5)
    play.bring(stage, lines={code: None})
    before, tried, mistyped = play.appraisal(), 0, 0
    for action in (*ACTIONS, "to_closed", "stands_at", ""):
        for who in PEOPLE:
            if (who, action) in LEGAL[stage]:
                continue
            actor = SYSTEM if who == "system" else play.office.actor(who)
            words = Words(comment="Because.", witness="Person 1009", lines={code: "strike"})
            with pytest.raises(AppraiseError) as refusal:
                act(play.uow, actor=actor, now=ANSWERED, appraisal=f"{QUARTER}/{CLERK}", action=action, words=words)
            tried += 1
            unheard_of = action not in ACTIONS and who != SECURITY
            mistyped += unheard_of
            assert refusal.value.exit_code == (4 if who == SECURITY else 2 if unheard_of else 3), (who, action)
            assert refusal.value.sentence.endswith(".")
            assert "\n" not in refusal.value.sentence
    assert play.appraisal() == before
    assert tried == (len(ACTIONS) + 3) * len(PEOPLE) - len(LEGAL[stage])
    assert len(play.refusals()) == tried - mistyped, "what no workflow knows is a slip of the hand, not an attempt"


def test_an_outsider_is_told_the_same_as_of_what_does_not_exist(play: Play) -> None:
    play.bring("review")
    outsiders = (play.office.actor(SECURITY), play.office.actor(SECRETARY), play.office.actor(ESCORT))
    for actor in outsiders:
        said = []
        for appraisal in (f"{QUARTER}/{CLERK}", f"{QUARTER}/4711"):
            with pytest.raises(NotFound) as refusal:
                act(play.uow, actor=actor, now=SUBMITTED, appraisal=appraisal, action="approve")
            said.append((refusal.value.code, refusal.value.sentence.replace(appraisal, "X")))
        assert said[0] == said[1]


@pytest.mark.parametrize(
    ("appraisal", "error"),
    [
        ("2026Q1", Malformed),
        ("2026Q1/", Malformed),
        ("/1008", Malformed),
        ("2026Q1/1008@", Malformed),
        ("2026Q1/1008 ", Malformed),
        ("2026Q2/1008", NotFound),
        ("2026Q1/9999", NotFound),
        ("2026Q1/1008@escort", NotFound),
        (4711, NotFound),
        (-1, NotFound),
    ],
)
def test_an_appraisal_that_is_not_there_is_not_found(
    play: Play, appraisal: str | int, error: type[AppraiseError]
) -> None:
    with pytest.raises(error, match="does not name an appraisal" if error is Malformed else f"{appraisal}, or it is"):
        act(play.uow, actor=play.office.actor(PERSONNEL), now=SUBMITTED, appraisal=appraisal, action="start")


def test_a_stale_version_is_a_conflict(play: Play) -> None:
    play.bring("review")
    words = "has changed since you looked at it (version 2, you saw 1); look again and decide anew."
    play.refused(DIRECTOR, "approve", "stale", words, error=Conflict, seen=1)
    play.refused(DIRECTOR, "approve", "stale", "(version 2, you saw 3)", error=Conflict, seen=3)
    play.act(DIRECTOR, "approve", seen=2)


def test_who_looked_at_what_is_gone_is_told_who_was_faster(play: Play) -> None:
    play.bring("review")
    play.refused(DIRECTOR, "approve", "stale", "1006 (submit, 2026-04-02 12:00) was faster: ", error=Conflict, seen=1)
    play.refused(DIRECTOR, "approve", "stale", "1006 (start, 2026-04-01 12:00) was faster: ", error=Conflict, seen=0)


def test_who_typed_for_another_is_named_where_he_was_faster(play: Play) -> None:
    with play.uow.write() as tx:
        tx.insert(GRANT, granted(play.office.people[ESCORT], "proxy"))
    play.act(play.office.proxy(PERSONNEL, ESCORT), "start")
    play.refused(PERSONNEL, "submit", "stale", "1009 for 1006 (start, ", error=Conflict, seen=0)


def test_a_version_tells_nobody_that_there_is_an_appraisal_he_has_nothing_to_do_with(play: Play) -> None:
    play.refused(ESCORT, "approve", "unknown-appraisal", "or it is not yours to see", error=NotFound, seen=7)


def test_findings_that_were_entered_since_somebody_looked_are_a_conflict(play: Play) -> None:
    play.bring("scoring")
    seen = play.appraisal().ledger_version
    play.deduct("C3.1", 4)
    words = "The findings of 2026Q1/1008@clerical have changed since you looked at them"
    play.refused(PERSONNEL, "submit", "stale-ledger", words, error=Conflict, ledger_seen=seen)
    play.act(PERSONNEL, "submit", ledger_seen=seen + 1)


def test_after_the_submission_nothing_enters_the_ledger_and_after_a_return_it_does(play: Play) -> None:
    play.bring("review")
    with pytest.raises(AppraiseError, match="The ledger of 2026-02-03 is closed") as refusal:
        play.deduct("C3.1", 4)
    assert refusal.value.code == "ledger-closed"
    play.act(DIRECTOR, "return", reason="Enter it.")
    play.deduct("C3.1", 4)


def test_a_cancelled_cycle_moves_nothing(play: Play) -> None:
    play.bring("review")
    hr = play.office.actor(OFFICER)
    cycles.cancel(play.uow, actor=hr, now=APPROVED, cycle=QUARTER, reason="Wrong rubric.")
    assert play.item() is None
    play.refused(DIRECTOR, "approve", "cycle-open", "The cycle is cancelled", at=APPROVED)
    play.refused(OFFICER, "exclude", "cycle-open", "The cycle is cancelled", at=APPROVED, reason="So.")
    play.refused(SYSTEM, "skip", "stage", "is not possible now", at=APPROVED)


def test_a_proposed_or_final_cycle_moves_nothing_but_what_was_carried_over(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("appeal", lines={"F1": None})
    close_all(play.uow, play.office, but=(CLERK,))
    put(play.uow, play.office)
    play.refused(SECURITY, "submit", "ended", "The appraisal is closed", of=ESCORT, at=noon(4, 13))
    play.act(VICE, "decide", at=noon(4, 13), reason="Heard both.", lines={"F1": "3"})
    play.refused(CLERK, "object", "ended", "The appraisal is closed", at=noon(4, 13), reason="No.", lines={"F1": None})


def test_an_appeal_goes_on_after_its_cycle_is_final_and_stays_on_the_deciders_desk(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("appeal", lines={"F1": None})
    close_all(play.uow, play.office, but=(CLERK,))
    finalise(play.uow, play.office)
    owed = work(play.uow, actor=play.office.actor(VICE), now=noon(4, 20))
    assert [(item.appraisal, item.stage) for item in owed] == [("2026Q1/1008@clerical", "appeal")]
    assert owed[0].working_days_left is not None
    assert owed[0].working_days_left < 0, "it is overdue and still owed"
    play.act(VICE, "decide", at=noon(4, 20), reason="Heard both.", lines={"F1": "3"})


def test_many_are_approved_at_once_and_what_a_rule_refuses_is_set_aside_and_recorded(play: Play) -> None:
    for number in (CLERK, ESCORT, OFFICER):
        play.bring("review", of=number)
    play.act(DIRECTOR, "approve", of=ESCORT)
    names = [f"{QUARTER}/{number}" for number in (CLERK, ESCORT, OFFICER)]
    batch = act_many(
        play.uow, actor=play.office.actor(DIRECTOR), now=APPROVED, appraisals=names, action="approve", comment="Good."
    )
    assert [moved.code for moved in batch.moved] == ["2026Q1/1008@clerical", "2026Q1/1007@personnel-officer"]
    assert [code for code, _ in batch.aside] == ["2026Q1/1009@escort"]
    assert "already approved" in batch.aside[0][1]
    assert play.refusals() == [
        ("appraisal.act-many", {"action": "approve", "appraisal": "2026Q1/1009@escort", "code": "again"})
    ]
    assert {play.appraisal(number).stage for number in (CLERK, ESCORT, OFFICER)} == {"signoff"}
    macs = {move.mac for number in (CLERK, OFFICER) for move in play.moves(number)}
    assert len(macs) == 6, "each has a row of its own in its own chain"


def test_of_many_one_that_somebody_may_not_know_of_refuses_the_batch_like_one_that_does_not_exist(play: Play) -> None:
    play.bring("review")
    said = []
    for number in (SECURITY, "4711"):
        names = [f"{QUARTER}/{CLERK}", f"{QUARTER}/{number}"]
        with pytest.raises(NotFound) as refusal:
            act_many(play.uow, actor=play.office.actor(PERSONNEL), now=SUBMITTED, appraisals=names, action="take-back")
        said.append(refusal.value.sentence.replace(number, "NUMBER"))
    assert said[0] == said[1], "the answer tells which of the two exists"
    assert play.appraisal().stage == "review"


def test_a_guessed_version_tells_a_stranger_nothing(play: Play) -> None:
    play.bring("review")
    for seen in ({"seen": 99}, {"ledger_seen": 99}):
        play.refused(ESCORT, "accept", "unknown-appraisal", "is not yours to see", error=NotFound, **seen)
        play.refused(
            DIRECTOR, "approve", "stale" if "seen" in seen else "stale-ledger", "changed", error=Conflict, **seen
        )


def test_that_somebody_has_several_appraisals_is_told_to_no_stranger(play: Play) -> None:
    office = play.office
    with play.uow.write() as tx:
        superior = office.people[PERSONNEL]
        held = {"manager": superior, "in_charge": superior}
        tx.insert(ASSIGNMENT, assignment(office.people[CLERK], office.posts["escort"], office.unit, **held))
    enrol(play.uow, actor=play.office.actor(OFFICER), now=SUBMITTED, cycle=QUARTER, number=f"{CLERK}@escort")
    with pytest.raises(Malformed, match="2026Q1/1008@clerical, 2026Q1/1008@escort"):
        play.act(CLERK, "state")
    play.refused(ESCORT, "state", "unknown-appraisal", "is not yours to see", error=NotFound)
    with pytest.raises(NotFound, match="is not yours to see"):
        act_many(
            play.uow,
            actor=play.office.actor(ESCORT),
            now=SUBMITTED,
            appraisals=[f"{QUARTER}/{CLERK}", f"{QUARTER}/{ESCORT}"],
            action="state",
        )


def test_one_appraisal_named_twice_is_moved_once(play: Play) -> None:
    play.bring("review")
    names = [f"{QUARTER}/{CLERK}", f"{QUARTER}/{CLERK}@clerical"]
    batch = act_many(play.uow, actor=play.office.actor(DIRECTOR), now=SUBMITTED, appraisals=names, action="approve")
    assert [moved.version for moved in batch.moved] == [3]


def test_one_that_does_not_exist_refuses_the_batch(play: Play) -> None:
    play.bring("review")
    names = [f"{QUARTER}/{CLERK}", f"{QUARTER}/4711"]
    with pytest.raises(NotFound):
        act_many(play.uow, actor=play.office.actor(DIRECTOR), now=SUBMITTED, appraisals=names, action="approve")
    assert play.appraisal().stage == "review"
    empty = act_many(play.uow, actor=play.office.actor(DIRECTOR), now=SUBMITTED, appraisals=[], action="approve")
    assert (empty.moved, empty.aside) == ((), ())


@pytest.mark.parametrize("by", [CLERK, DIRECTOR, VICE, OFFICER, PRESIDENT, SECURITY])
def test_nobody_but_the_assessor_records_anything(play: Play, by: str) -> None:
    with pytest.raises(AppraiseError) as refusal:
        findings.add(
            play.uow,
            actor=play.office.actor(by),
            now=noon(4, 1),
            number=CLERK,
            rule="C3.2",
            happened=FEBRUARY,
        )
    assert refusal.value.exit_code == 3
    assert play.refusals()[-1][0] == "finding.add"
    assert play.rows("SELECT * FROM finding") == []


def test_a_sentence_of_refusal_never_reaches_the_record(play: Play) -> None:
    play.refused(SECURITY, "approve", "unknown-appraisal", "is not yours to see", error=NotFound)
    kind, payload = play.refusals()[-1]
    assert (kind, payload) == (
        "appraisal.act",
        {"action": "approve", "appraisal": "2026Q1/1008", "code": "unknown-appraisal"},
    )


def test_of_an_endless_code_only_the_beginning_is_recorded(play: Play) -> None:
    with pytest.raises(NotFound):
        show(play.uow, actor=play.office.actor(CLERK), now=SUBMITTED, appraisal=f"{QUARTER}/{'9' * 100_000}")
    kind, payload = play.refusals()[-1]
    assert (kind, payload["appraisal"]) == ("appraisal.show", f"{QUARTER}/{'9' * 193}")
