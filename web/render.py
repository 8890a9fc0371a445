"""Templates: everything is escaped, an unknown name is an error, and every text comes in the language of the viewer."""

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.glossary import Term, glossary, term
from catalog.sentences import said
from scoring.numbers import to_decimal
from web.limits import FILE_TERMS
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
        finalize=upright,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters["figure"] = figure
    made.filters["day"] = day
    made.filters["said"] = lambda sentence: said(sentence, language, on_page=True)
    made.globals["language"] = language
    made.globals["term"] = lambda name, count=1: term(name, language, count=count)
    made.globals["file_terms"] = FILE_TERMS
    made.filters["size"] = size
    made.globals["word"] = lambda name: word(name, language)
    return made


def upright(value: Any) -> Any:
    """Return a value with whatever would turn the writing around it made visible, as the terminal does it.

    A name may not make the number beside it read as another. Markup stays markup.
    """
    return value.translate(_TURNING) if isinstance(value, str) else value


_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}")


def figure(value: Fraction | str | None) -> str:
    """Return an exact figure without trailing zeros; a dash for none."""
    if value is None:
        return "–"
    return to_decimal(value) if isinstance(value, Fraction) else str(value)


def size(value: int) -> str:
    """Return a number of bytes as people say it: 12 kB, 3.4 MB."""
    thousands = max(round(value / 1000), 1)
    return f"{thousands} kB" if thousands < 1000 else f"{value / 1_000_000:.1f} MB"  # noqa: PLR2004 - a metric prefix


def day(value: dt.date | None) -> str:
    """Return a calendar day; a dash for none."""
    return "–" if value is None else f"{value:%Y-%m-%d}"


def word(name: str, language: Language) -> str:
    """Return the word for a role, a stage or an outcome as a heading has it; a name that is no term as it is."""
    found: Term | None = glossary().get(name)
    said = name if found is None else term(name, language)
    return said[:1].upper() + said[1:]
