"""Published rubrics and workflows: frozen versions, known by their digest, refused with what shows the fault."""

import datetime as dt

import pytest
from sqlalchemy import select, update

from catalog.shelf import rubric_text, workflow_text
from services import definitions, organisation_import
from services.actors import SYSTEM, Actor
from services.audit import EVENT
from services.errors import AppraiseError, Environment, Malformed, NotFound, Refused
from services.organisation_state import snapshot
from services.unit_of_work import UnitOfWork
from tests.services.sheets import bank, xlsx

NOW = dt.datetime(2025, 12, 20, 4, 0, tzinfo=dt.UTC)
RUBRIC = rubric_text("bank-office")
WORKFLOW = workflow_text("quarterly")
LONGER = WORKFLOW.replace("returns = 3 ", "returns = 4 ")


def rubric(uow: UnitOfWork, text: str = RUBRIC, *, now: dt.datetime = NOW) -> definitions.Published:
    return definitions.publish_rubric(uow, actor=SYSTEM, now=now, text=text, where="bank-office.toml")


def workflow(uow: UnitOfWork, text: str = WORKFLOW) -> definitions.Published:
    return definitions.publish_workflow(uow, actor=SYSTEM, now=NOW, text=text, where="quarterly.toml")


def test_a_rubric_is_published_with_its_warnings_and_read_back(uow: UnitOfWork) -> None:
    published = rubric(uow)

    assert (published.name, published.version, published.new) == ("bank-office", 1, True)
    assert {"item-without-rule", "sum-not-max"} <= {problem.code for problem in published.problems}
    with uow.read() as tx:
        found = definitions.rubric_of(tx, published.id)
        assert (found.digest, len(found.posts)) == (published.digest, 8)
        assert definitions.rubric_of(tx, published.id, published.digest) is found


def test_the_same_content_again_is_the_same_row_also_with_other_comments(uow: UnitOfWork) -> None:
    first = rubric(uow)

    again = rubric(uow, "# read once more\n" + RUBRIC)

    assert (again.id, again.version, again.new) == (first.id, 1, False)
    with uow.read() as tx:
        events = tx.all(select(EVENT.c.kind).where(EVENT.c.stream == "org"))
    assert [row.kind for row in events] == ["rubric.published"]


def test_other_content_is_the_next_version_and_the_first_stays(uow: UnitOfWork) -> None:
    first = workflow(uow)

    second = workflow(uow, LONGER)

    assert (second.version, second.name) == (2, first.name)
    with uow.read() as tx:
        assert definitions.workflow_of(tx, first.id).limits.returns == 3
        assert definitions.workflow_of(tx, second.id).limits.returns == 4
        assert definitions.lifecycle_of(tx, second.id).digest == second.digest
        assert definitions.named(tx, "workflow", "quarterly").version == 2
        assert definitions.named(tx, "workflow", "quarterly@1").id == first.id
    assert [(row.name, row.version) for row in definitions.list_definitions(uow, "workflow")] == [
        ("quarterly", 1),
        ("quarterly", 2),
    ]


def test_publishing_a_workflow_writes_one_row_for_each_move_it_compiles_to(uow: UnitOfWork) -> None:
    published = workflow(uow)

    moves = definitions.WORKFLOW_MOVE
    with uow.read() as tx:
        rows = tx.all(select(moves).where(moves.c.definition_id == published.id))
        lifecycle = definitions.lifecycle_of(tx, published.id)
    assert {(row.action, row.from_stage, row.to_stage, row.outcome) for row in rows} == {
        (move.action, move.from_stage, move.to_stage, move.outcome) for move in lifecycle.moves
    }
    assert ("approve", "review", "signoff", None) in {
        (row.action, row.from_stage, row.to_stage, row.outcome) for row in rows
    }


def test_a_workflow_without_a_way_out_is_refused_with_the_shortest_path(uow: UnitOfWork) -> None:
    with pytest.raises(Refused) as caught:
        workflow(uow, WORKFLOW.replace('from = "review"\nto = "signoff"', 'from = "review"\nto = "review"'))

    assert caught.value.exit_code == 3
    assert "The workflow quarterly cannot be published:" in caught.value.sentence
    assert "Shown by: appeal --withdraw--> signoff." in caught.value.sentence
    assert definitions.list_definitions(uow) == ()
    with uow.read() as tx:
        assert [row.stream for row in tx.all(select(EVENT.c.stream))] == ["refusals"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\nid = director\n", "bank-office.toml:2: this is not TOML"),
        (RUBRIC.replace("[settings]", "[settings]\nflor = 'zero'"), "Did you mean `floor`?"),
        (RUBRIC.replace('points = "30"', 'points = "thirty"', 1), "posts[director].items[D2].points"),
    ],
    ids=["no TOML", "unknown key", "no figure"],
)
def test_a_malformed_rubric_is_refused_with_line_key_and_mend(uow: UnitOfWork, text: str, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        rubric(uow, text)

    assert said in caught.value.sentence
    assert definitions.list_definitions(uow) == ()


def test_a_rubric_with_an_error_of_the_check_is_refused(uow: UnitOfWork) -> None:
    doubled = RUBRIC.replace('id = "D2"', 'id = "D1"', 1)
    assert doubled != RUBRIC

    with pytest.raises((Refused, Malformed)) as caught:
        rubric(uow, doubled)

    assert caught.value.code == "duplicate-id"
    assert "D1" in caught.value.sentence


def test_publishing_is_for_hr_and_the_operator(uow: UnitOfWork) -> None:
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(bank()), where="bank.xlsx")
    with uow.read() as tx:
        people = snapshot(tx).people

    with pytest.raises(Refused, match="Only somebody with the grant hr or operator may publish a rubric"):
        definitions.publish_rubric(uow, actor=Actor(people["1004"]), now=NOW, text=RUBRIC, where="bank-office.toml")

    hr = Actor(people["1003"])
    assert definitions.publish_rubric(uow, actor=hr, now=NOW, text=RUBRIC, where="bank-office.toml").new


def test_a_published_text_that_was_altered_is_not_used(uow: UnitOfWork) -> None:
    with uow.write() as tx:
        row = {"kind": "rubric", "name": "bank-office", "version": 1, "format": 1, "text": RUBRIC, "published_at": NOW}
        altered = tx.insert(definitions.DEFINITION, {**row, "digest": "0" * 64})
    with uow.read() as tx, pytest.raises(Environment, match="no longer has the content it was published with"):
        definitions.rubric_of(tx, altered)


def test_a_definition_cannot_be_changed_in_the_database(uow: UnitOfWork) -> None:
    published = rubric(uow)

    said = {
        "sqlite": "a row of definition is never changed",
        "postgresql": "The role .* may not do this to the database",
    }
    with pytest.raises(AppraiseError, match=said[uow.engine.name]), uow.write() as tx:
        tx.run(update(definitions.DEFINITION).where(definitions.DEFINITION.c.id == published.id).values(text="other"))


def test_what_is_not_there_is_named(uow: UnitOfWork) -> None:
    rubric(uow)
    with uow.read() as tx:
        with pytest.raises(NotFound, match="no published rubric with the id 99"):
            definitions.rubric_of(tx, 99)
        with pytest.raises(NotFound, match="no published workflow with the id 1"):
            definitions.lifecycle_of(tx, 1)
        with pytest.raises(NotFound, match="no published rubric bank-office@2"):
            definitions.named(tx, "rubric", "bank-office@2")
        with pytest.raises(Malformed, match="NAME or NAME@2"):
            definitions.named(tx, "rubric", "bank-office@two")


def test_no_version_judges_a_period_that_began_before_it_was_published(uow: UnitOfWork) -> None:
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(bank()), where="bank.xlsx")
    first = rubric(uow)
    # 16:30 UTC of 31 January is 1 February in Shanghai.
    late = dt.datetime(2026, 1, 31, 16, 30, tzinfo=dt.UTC)
    second = rubric(uow, RUBRIC.replace("duty-warning-working-days = 5", "duty-warning-working-days = 4"), now=late)
    assert second.version == 2

    with uow.read() as tx:
        in_force = {
            day: None if row is None else row.version
            for day in (dt.date(2025, 12, 19), dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 2, 1))
            for row in [definitions.in_force(tx, "rubric", "bank-office", day)]
        }
    assert first.version == 1
    assert list(in_force.values()) == [None, 1, 1, 2]
