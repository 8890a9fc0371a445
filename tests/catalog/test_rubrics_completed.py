"""The completed rubric: faithful where the source speaks, and plainly the project's own proposal where it is cut."""

import pytest

from catalog import shelf
from scoring.rubric import Item, Post, Rubric, load_rubric

CUT = ("personnel-officer", "clerical", "logistics", "escort", "cash-driver")
"""The posts whose items the source does not have, or not all (domain.md, section 1)."""


@pytest.fixture(scope="module")
def faithful() -> Rubric:
    return load_rubric(shelf.rubric_text("bank-office"), where="bank-office.toml")


@pytest.fixture(scope="module")
def completed() -> Rubric:
    return load_rubric(shelf.rubric_text("bank-office-completed"), where="bank-office-completed.toml")


def proposed_items(rubric: Rubric) -> list[tuple[Post, Item]]:
    return [(post, item) for post in rubric.posts for item in post.items if item.proposed]


def without_proposals(rubric: Rubric) -> list[Post]:
    """The posts as they are without what is proposed and without the remark that a responsibility is not assessed."""
    return [
        post.model_copy(
            update={
                "responsibilities": tuple(
                    entry.model_copy(update={"not_assessed": ""}) for entry in post.responsibilities
                ),
                "items": tuple(
                    item.model_copy(update={"rules": tuple(rule for rule in item.rules if not rule.proposed)})
                    for item in post.items
                    if not item.proposed
                ),
            }
        )
        for post in rubric.posts
    ]


def test_without_its_proposals_it_is_the_faithful_rubric(faithful: Rubric, completed: Rubric) -> None:
    stripped = without_proposals(completed)
    assert [post.model_dump() for post in stripped] == [post.model_dump() for post in faithful.posts]
    assert sum(len(post.items) for post in stripped) == 20
    assert sum(len(post.rules) for post in stripped) == 26


def test_its_readings_are_those_of_the_faithful_rubric_but_for_the_grade(faithful: Rubric, completed: Rubric) -> None:
    assert completed.settings == faithful.settings.model_copy(update={"grade": "bands"})
    assert completed.adoption == faithful.adoption


def test_the_only_proposed_rule_of_a_faithful_item_is_the_one_for_the_dues(completed: Rubric) -> None:
    added = [
        rule
        for post in completed.posts
        for item in post.items
        if not item.proposed
        for rule in item.rules
        if rule.proposed
    ]
    assert [rule.id for rule in added] == ["A6.1"]
    assert added[0].min == 3
    assert added[0].max == 5


def test_it_says_on_its_face_that_it_is_a_proposal(completed: Rubric) -> None:
    assert "the project's own proposal" in completed.title
    assert shelf.rubric_text("bank-office-completed").splitlines()[0].startswith("# THE PROJECT'S OWN PROPOSAL")


def test_proposed_items_stand_in_the_cut_posts_only_and_all_their_rules_are_proposed(completed: Rubric) -> None:
    proposed = proposed_items(completed)
    assert {post.id for post, _ in proposed} == set(CUT)
    assert [item.id for _, item in proposed if not all(rule.proposed for rule in item.rules)] == []
    assert [item.id for post in completed.posts if post.id in CUT for item in post.items if not item.proposed] == ["P1"]


def test_no_proposed_rule_cites_the_source_and_each_says_that_it_is_proposed(completed: Rubric) -> None:
    proposed = [rule for post in completed.posts for rule in post.rules if rule.proposed]
    assert [rule.id for rule in proposed if rule.line is not None or rule.words] == []
    assert [rule.id for rule in proposed if not rule.clause.startswith("Proposed by the project, not in")] == []


@pytest.mark.parametrize("post_id", CUT)
def test_every_responsibility_of_a_cut_post_has_an_item_and_every_item_a_rule(completed: Rubric, post_id: str) -> None:
    post = completed.post(post_id)
    assessed = [name for item in post.items for name in item.responsibilities]
    assert assessed == [responsibility.id for responsibility in post.responsibilities]
    assert [item.id for item in post.items if all(rule.award for rule in item.rules)] == []


@pytest.mark.parametrize("post_id", [*CUT, "director", "deputy-security", "deputy-personnel"])
def test_the_points_of_every_post_reach_its_maximum(completed: Rubric, post_id: str) -> None:
    post = completed.post(post_id)
    assert post.points == post.maximum == 100


def test_a_proposed_item_cites_the_responsibility_it_assesses(completed: Rubric) -> None:
    for post, item in proposed_items(completed):
        cited = {entry.id: (entry.line, entry.words) for entry in post.responsibilities}
        assert (item.line, item.words) == cited[item.responsibilities[0]], item.id


def test_no_two_proposed_rules_of_one_post_have_the_same_trigger(completed: Rubric) -> None:
    for post in completed.posts:
        triggers = [rule.trigger for rule in post.rules if rule.proposed]
        assert len(set(triggers)) == len(triggers), post.id


def test_the_proposal_uses_every_kind_of_rule_and_recurrence_the_cut_posts_call_for(completed: Rubric) -> None:
    proposed = [rule for post in completed.posts if post.id in CUT for rule in post.rules if rule.proposed]
    assert {rule.kind for rule in proposed} == {"range", "fixed", "per-unit"}
    assert {rule.recurrence.kind for rule in proposed} == {
        "each",
        "once-per-key",
        "once-per-period",
        "at-most",
        "escalating",
    }
    assert any(rule.award for rule in proposed)


def test_the_bands_reach_from_nothing_to_an_open_top(completed: Rubric) -> None:
    (table,) = completed.bands
    top, *_, last = table.rows
    assert (top.label, top.to, top.below) == ("excellent", None, None)
    assert (last.label, last.from_, last.above) == ("incompetent", None, None)
    assert [row.below for row in table.rows[1:]] == [row.from_ for row in table.rows[:-1]]
