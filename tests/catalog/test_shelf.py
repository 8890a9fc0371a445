"""The shelf gives what ships, by kind and name, and says what there is when asked for something else."""

import tomllib

import pytest

from catalog import shelf


def test_both_rubrics_are_on_the_shelf() -> None:
    assert shelf.names(shelf.Kind.RUBRIC) == ("bank-office", "bank-office-completed")


@pytest.mark.parametrize("name", shelf.names(shelf.Kind.RUBRIC))
def test_a_rubric_is_named_like_its_file(name: str) -> None:
    assert tomllib.loads(shelf.rubric_text(name))["id"] == name


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    with pytest.raises(shelf.NotOnShelfError, match=r"No rubric named 'nobody'.*bank-office, bank-office-completed"):
        shelf.rubric_text("nobody")


@pytest.mark.parametrize("name", ["../rubrics/bank-office", "/etc/hostname", "bank-office.toml", ""])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(shelf.NotOnShelfError):
        shelf.content(shelf.Kind.RUBRIC, name)
