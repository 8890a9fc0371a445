"""Templates: everything is escaped, an unknown name is an error, and every text comes in the language of the viewer."""

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.glossary import Term, glossary, term
from scoring.numbers import to_decimal
from web.words import LANGUAGES, Language, catalogue

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """One environment for each language, made once for an application."""

    def __init__(self) -> None:
        self._environments = {language: environment(language) for language in LANGUAGES}

    def render(self, template: str, language: Language, values: Mapping[str, Any]) -> str:
        """Return a page or a part of one."""
        return self._environments[language].get_template(template).render(values)


def environment(language: Language) -> Environment:
    """Return what renders templates in a language."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters["figure"] = figure
    made.filters["day"] = day
    made.globals["language"] = language
    made.globals["term"] = lambda name, count=1: term(name, language, count=count)
    made.globals["word"] = lambda name: word(name, language)
    return made


def figure(value: Fraction | str | None) -> str:
    """Return an exact figure without trailing zeros; a dash for none."""
    if value is None:
        return "–"
    return to_decimal(value) if isinstance(value, Fraction) else str(value)


def day(value: dt.date | None) -> str:
    """Return a calendar day; a dash for none."""
    return "–" if value is None else f"{value:%Y-%m-%d}"


def word(name: str, language: Language) -> str:
    """Return the word for a role, a stage or an outcome as a heading has it; a name that is no term as it is."""
    found: Term | None = glossary().get(name)
    said = name if found is None else term(name, language)
    return said[:1].upper() + said[1:]
