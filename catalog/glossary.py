"""The words people read, each once and in every language; terminal, mails and pages take theirs from here."""

import functools
import tomllib
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.shelf import glossary_text

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class GlossaryError(Exception):
    """The glossary cannot be read, or has no such word; one sentence."""


class Wording(BaseModel):
    """A term in one language: its singular, its plural where the language has one, and what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    one: str
    many: str = ""
    means: str


class Term(BaseModel):
    """One thing with its one name in each language. `kind` says what sort of thing it is, for the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    kind: str
    en: Wording
    zh: Wording

    def wording(self, language: Language) -> Wording:
        """Return the wording in `language`."""
        return self.zh if language == "zh" else self.en


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1]
    terms: tuple[Term, ...]


def read_glossary(text: str, *, where: str) -> dict[str, Term]:
    """Return the terms of a glossary file by id, in the file's order.

    Raises:
        GlossaryError: The text is not such a file, or has an id twice; the sentence names file and place.
    """
    try:
        content = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise GlossaryError(f"{where} is not TOML: {error}.") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise GlossaryError(f"{where}, {place}: {wrong['msg']}; correct that entry.") from error
    terms: dict[str, Term] = {}
    for each in content.terms:
        if each.id in terms:
            raise GlossaryError(f"{where} has the term {each.id!r} twice; remove one.")
        terms[each.id] = each
    return terms


@functools.cache
def glossary() -> dict[str, Term]:
    """Return the terms that ship, by id."""
    return read_glossary(glossary_text(), where="catalog/glossary.toml")


def term(identifier: str, language: Language = "en", *, count: int = 1) -> str:
    """Return the word for `identifier`, in the plural where the language has one and `count` is not one.

    Raises:
        GlossaryError: There is no such term.
    """
    wording = _find(identifier).wording(language)
    return wording.many if wording.many and count != 1 else wording.one


def meaning(identifier: str, language: Language = "en") -> str:
    """Return the plain definition of `identifier`.

    Raises:
        GlossaryError: There is no such term.
    """
    return _find(identifier).wording(language).means


def _find(identifier: str) -> Term:
    try:
        return glossary()[identifier]
    except KeyError:
        raise GlossaryError(f"The glossary has no term {identifier!r}; add it to catalog/glossary.toml.") from None
