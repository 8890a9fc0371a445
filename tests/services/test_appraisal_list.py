"""The list of appraisals: whoever has a relation to one finds it there, nobody else does, and a page costs the same."""

import pytest

from services import work_items
from services.actors import SYSTEM
from services.appraisal_list import appraisals_page
from services.sight import Relation
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    VICE,
    noon,
)
from tests.services.counting import sent
from tests.services.playing import Play

NOW = noon(4, 1)


def listed(play: Play, number: str) -> dict[str, Relation]:
    found = appraisals_page(play.uow, actor=play.who(number), now=NOW)
    return {row.number: row.relation for row in found.rows}


def test_each_finds_what_he_has_to_do_with(play: Play) -> None:
    assert listed(play, ESCORT) == {ESCORT: Relation.APPRAISEE}
    assert listed(play, PERSONNEL) == {
        PERSONNEL: Relation.APPRAISEE,
        OFFICER: Relation.JUDGE,
        CLERK: Relation.JUDGE,
    }
    assert set(listed(play, OFFICER).values()) == {Relation.HR, Relation.APPRAISEE}
    assert len(listed(play, PRESIDENT)) == 6


def test_who_decides_appeals_finds_one_only_once_it_is_there(play: Play) -> None:
    line = play.deduct("C3.1", 4)
    (row,) = play.rows(
        "SELECT person.number FROM party JOIN person ON person.id = party.person_id"
        " JOIN appraisal ON appraisal.id = party.appraisal_id"
        " WHERE party.role = 'decider' AND appraisal.person_id = :person",
        person=play.office.people[CLERK],
    )
    assert row.number in {VICE, SECRETARY}
    assert CLERK not in listed(play, row.number)
    play.bring("appeal", lines={line: None})
    assert listed(play, row.number)[CLERK] is Relation.APPEAL_JUDGE


def test_who_had_a_part_still_finds_it(play: Play) -> None:
    play.bring("scoring")
    work_items.reassign(
        play.uow,
        actor=play.who(PRESIDENT),
        now=NOW,
        item=f"W{play.item().id}",
        number=SECURITY,
        reason="He is away until May.",
    )
    assert listed(play, PERSONNEL)[CLERK] is Relation.FORMER
    assert listed(play, SECURITY)[CLERK] is Relation.JUDGE


def test_pages_follow_each_other_and_are_narrowed(play: Play) -> None:
    first = appraisals_page(play.uow, actor=play.who(PRESIDENT), now=NOW, limit=4)
    second = appraisals_page(play.uow, actor=play.who(PRESIDENT), now=NOW, limit=4, after=first.next or 0)
    assert (len(first.rows), len(second.rows), second.next) == (4, 2, None)
    assert not {row.code for row in first.rows} & {row.code for row in second.rows}
    play.bring("scoring")
    by_stage = appraisals_page(play.uow, actor=play.who(PRESIDENT), now=NOW, stage="scoring", cycle="2026Q1")
    assert [row.number for row in by_stage.rows] == [CLERK]
    assert appraisals_page(play.uow, actor=play.who(PRESIDENT), now=NOW, cycle="2030").rows == ()
    assert len(appraisals_page(play.uow, actor=SYSTEM, now=NOW).rows) == 6


@pytest.mark.parametrize("number", [DIRECTOR, OFFICER])
def test_a_page_sends_six_statements_at_most_however_long_it_is(play: Play, number: str) -> None:
    counts = []
    for limit in (1, 50):
        with sent(play.uow.engine) as statements:
            appraisals_page(play.uow, actor=play.who(number), now=NOW, limit=limit)
        counts.append(len(statements))
    assert max(counts) <= 6, counts
