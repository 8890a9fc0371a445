"""A set of ids knows what it was given, however far apart the ids are."""

from hypothesis import given
from hypothesis import strategies as st

from services.id_sets import IdSet


@given(st.lists(st.integers(min_value=-(2**63), max_value=2**63 - 1)), st.integers())
def test_it_is_a_set(ids: list[int], other: int) -> None:
    made = IdSet()
    assert [made.add(number) for number in ids] == [number not in ids[:place] for place, number in enumerate(ids)]
    assert len(made) == len(set(ids))
    assert all(number in made for number in ids)
    assert (other in made) is (other in ids)
