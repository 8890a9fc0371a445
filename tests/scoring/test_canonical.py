"""The one JSON form is what the standard library writes, byte for byte: verifiers without us rest on that."""

import datetime as dt
import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scoring.canonical import canonical

TEXTS = some.text(some.characters(exclude_categories=["Cs"]))
LEAVES = some.none() | some.booleans() | some.integers() | TEXTS
CONTENT = some.recursive(
    LEAVES,
    lambda inner: some.lists(inner) | some.dictionaries(TEXTS, inner) | some.tuples(inner, inner),
    max_leaves=30,
)


class Word(StrEnum):
    GIVEN = "given"


def plain(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(CONTENT)
def test_it_is_what_the_standard_library_writes(content: Any) -> None:
    assert canonical(content) == plain(content)


@pytest.mark.parametrize("content", [2**63, -(2**64), {"points": [10**30]}, Word.GIVEN, {Word.GIVEN: Word.GIVEN}])
def test_large_numbers_and_words_of_a_list_of_words_too(content: Any) -> None:
    assert canonical(content) == plain(content)


@pytest.mark.parametrize("content", [dt.date(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), object(), {1, 2}])
def test_what_has_no_json_form_is_refused(content: object) -> None:
    with pytest.raises(TypeError):
        canonical({"at": content})


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        canonical({"name": "\ud800"})
