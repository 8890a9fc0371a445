"""Reads what ships with the project, by kind and name, wherever the package is installed."""

from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable


class Kind(StrEnum):
    """What lies on the shelf; the value is the folder."""

    RUBRIC = "rubrics"
    WORKFLOW = "workflows"
    ORGANISATION = "organisation"
    MAIL = "mails"


_SUFFIX = {Kind.RUBRIC: ".toml", Kind.WORKFLOW: ".toml", Kind.ORGANISATION: ".xlsx", Kind.MAIL: ".toml"}


class NotOnShelfError(LookupError):
    """Nothing of that kind and name ships; the sentence names what does."""


def names(kind: Kind) -> tuple[str, ...]:
    """The names of everything of a kind, without suffix, in alphabetical order; empty when nothing of it ships."""
    return tuple(sorted(_of_kind(kind)))


def content(kind: Kind, name: str) -> bytes:
    """The bytes of one shipped file, named without its suffix.

    Raises:
        NotOnShelfError: nothing of that kind has that name.
    """
    shipped = _of_kind(kind)
    if name not in shipped:
        known = ", ".join(sorted(shipped)) or "nothing"
        raise NotOnShelfError(f"No {kind.name.lower()} named {name!r} ships with the project; there is: {known}.")
    return shipped[name].read_bytes()


def rubric_text(name: str) -> str:
    """The TOML of a shipped rubric, such as `bank-office` (the source as it is, domain.md sections 1 and 2).

    Raises:
        NotOnShelfError: no such rubric ships.
    """
    return content(Kind.RUBRIC, name).decode("utf-8")


def workflow_text(name: str) -> str:
    """The TOML of a shipped workflow, such as `quarterly` (domain.md, section 5).

    Raises:
        NotOnShelfError: no such workflow ships.
    """
    return content(Kind.WORKFLOW, name).decode("utf-8")


def mail_text(name: str) -> str:
    """The TOML of a shipped mail.

    Raises:
        NotOnShelfError: no such mail ships.
    """
    return content(Kind.MAIL, name).decode("utf-8")


def organisation_bytes(name: str) -> bytes:
    """The spreadsheet of a shipped sample organisation.

    Raises:
        NotOnShelfError: no such organisation ships.
    """
    return content(Kind.ORGANISATION, name)


def glossary_text() -> str:
    """The TOML of the glossary, which names the terms of the field once, in English and Chinese.

    Raises:
        NotOnShelfError: the installed package has no glossary.
    """
    glossary = files("catalog") / "glossary.toml"
    if not glossary.is_file():
        raise NotOnShelfError("The installed package has no catalog/glossary.toml; install it again.")
    return glossary.read_text(encoding="utf-8")


def _of_kind(kind: Kind) -> dict[str, Traversable]:
    folder = files("catalog") / kind.value
    if not folder.is_dir():
        return {}
    suffix = _SUFFIX[kind]
    return {
        entry.name.removesuffix(suffix): entry
        for entry in folder.iterdir()
        if entry.is_file() and entry.name.endswith(suffix)
    }
