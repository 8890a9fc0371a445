"""Whatever an organisation looks like, nobody has two parts and nobody one in his own appraisal."""

from hypothesis import given
from hypothesis import strategies as st

from catalog import shelf
from workflow.definition import load_definition
from workflow.parts import Office, Reporting
from workflow.roles import resolve, upward
from workflow.vocabulary import Severity

ROLES = load_definition(shelf.workflow_text("quarterly"), where="quarterly.toml").roles
POSTS = sorted({post for group in ROLES.groups for post in group.posts})
JUDGES = ["assessor", "reviewer", "decider"]
PEOPLE = st.integers(1, 7)
SOMEBODY = st.none() | PEOPLE
POSITIONS = ["director", "vice-president", "president", "secretary", "deputy-security"]


def by_post(most: int) -> st.SearchStrategy[dict[str, tuple[int, ...]]]:
    return st.dictionaries(st.sampled_from(POSITIONS), st.lists(PEOPLE, max_size=most).map(tuple))


OFFICES = st.builds(
    Office,
    holders=by_post(2),
    acting=by_post(2),
    unavailable=st.frozensets(PEOPLE, max_size=3),
    conflicts=st.frozensets(st.tuples(PEOPLE, PEOPLE), max_size=4),
)
REPORTINGS = st.builds(
    Reporting,
    person=PEOPLE,
    post=st.sampled_from(POSTS),
    in_charge=SOMEBODY,
    overrides=st.dictionaries(st.sampled_from(JUDGES), PEOPLE, max_size=3),
)
ACTED = st.dictionaries(st.sampled_from(JUDGES), st.frozensets(PEOPLE, max_size=2), max_size=2)


@given(REPORTINGS, OFFICES, ACTED)
def test_nobody_ever_has_two_parts(reporting: Reporting, office: Office, acted: dict[str, frozenset[int]]) -> None:
    resolution = resolve(ROLES, reporting, office, acted=acted)
    holders = resolution.people
    assert len(set(holders.values())) == len(holders)
    assert reporting.person not in holders.values()
    for role, person in holders.items():
        assert person not in office.unavailable
        assert not office.conflict(person, reporting.person)
        assert not any(person in who for other, who in acted.items() if other != role)
    missing = {f"no-{role}" for role in JUDGES if role not in holders}
    errors = {problem.code for problem in resolution.problems if problem.severity is Severity.ERROR}
    assert missing <= errors


@given(REPORTINGS, OFFICES, st.lists(st.sampled_from(JUDGES), max_size=6))
def test_passing_upward_never_gives_anybody_two_parts(reporting: Reporting, office: Office, late: list[str]) -> None:
    start = resolve(ROLES, reporting, office)
    holders = start.people
    for role in late if len(holders) == len(JUDGES) else []:
        resolution = upward(ROLES, reporting, office, holders, role)
        after = resolution.people
        assert len(set(after.values())) == len(JUDGES)
        assert reporting.person not in after.values()
        # Either the part has moved, or it is said that nobody is left.
        assert (after[role] != holders[role]) is (resolution.problems == ())
        holders = after
