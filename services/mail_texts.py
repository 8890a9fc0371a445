"""The texts of the mails: read from the shelf, checked field by field, filled in without any expression language.

A text may only name the fields of its kind, so that nothing which is not meant for a mail can get into one.
"""

import functools
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.shelf import NotOnShelfError, mail_text
from services.errors import Malformed
from services.messages import KINDS, Way

LANGUAGES = ("en", "zh")
_ALL = frozenset({"recipient", "organisation", "link"})
_APPRAISAL = frozenset({"cycle", "code", "person", "post"})
_ITEM = _APPRAISAL | {"stage", "turn", "due", "due_day", "left", "actions"}
_FINDING = frozenset({"finding", "day", "known", "rule", "clause", "happening", "document", "recorder", "amount"})
FIELDS: Mapping[str, frozenset[str]] = {
    "your-turn": _ALL | _ITEM,
    "due-soon": _ALL | _ITEM,
    "due-today": _ALL | _ITEM,
    "overdue": _ALL | _ITEM,
    "reminded": _ALL | _ITEM,
    "returned": _ALL | _ITEM,
    "deadline-moved": _ALL | _ITEM,
    "passed-upward": _ALL | _ITEM,
    "passed-on": _ALL | _APPRAISAL | {"stage"},
    "released": _ALL | _APPRAISAL | {"days", "actions"},
    "accepted-by-silence": _ALL | _APPRAISAL,
    "objection-made": _ALL | _ITEM,
    "objection-noted": _ALL | _APPRAISAL,
    "appeal-decided": _ALL | _APPRAISAL,
    "finding-recorded": _ALL | _FINDING | {"days"},
    "finding-reply": _ALL | {"finding", "person", "rule", "day"},
    "claim-made": _ALL | {"finding", "person", "rule", "day"},
    "duty-missing": _ALL | {"month", "rule", "clause", "left"},
    "delegated": _ALL | {"person", "first", "last"},
    "proxy-entry": _ALL,
    "password-link": _ALL,
    "result-final": _ALL | {"cycle"},
    "opening-problems": _ALL | {"cycle", "plan", "from", "to", "opening", "standing", "problems"},
    "monday-list": _ALL | {"count", "lines"},
    "to-sign": _ALL | {"cycle", "count", "digest"},
    "failures": _ALL | {"count", "lines"},
    "digest": _ALL | {"summary", "count", "lines"},
    "test": _ALL,
}
"""What a text of each kind may name. No kind has a score, a total, a grade or a judge's words."""
LINE_FIELDS: Mapping[str, frozenset[str]] = {
    **{kind: FIELDS[kind] for kind in KINDS if KINDS[kind].way == Way.DIGEST},
    "monday-list": frozenset({"unit", "person", "holder", "cycle", "left", "reminded"}),
    "failures": frozenset({"source", "code", "number", "since"}),
}
"""The kinds that have a text of one line, and what it may name: notices in a digest, and rows of a list."""


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    subject: str
    body: str
    line: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1]
    en: _Words
    zh: _Words


@dataclass(frozen=True, slots=True)
class MailText:
    """The subject and the body of one kind in one language, and for some kinds the line of a digest or a list."""

    subject: Template
    body: Template
    line: Template | None = None

    def fill(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Return subject and body with every field replaced once; a value is never read as a text again.

        Raises:
            Malformed: a value with a line break would enter the subject.
        """
        subject = self.subject.substitute(values)
        if any(character in subject for character in "\r\n"):
            raise Malformed("The subject of a mail would have a line break; nothing was sent.", "bad-header")
        return subject, self.body.substitute(values)

    def fill_line(self, values: Mapping[str, str]) -> str:
        """Return the one line that stands for this notice or row.

        Raises:
            Malformed: its kind has no line.
        """
        if self.line is None:
            raise Malformed("A mail of this kind has no text of one line; nothing was sent.", "bad-mail-text")
        return " ".join(self.line.substitute(values).split())


def read_mail_text(kind: str, text: str, *, where: str) -> Mapping[str, MailText]:
    """Return the texts of a kind by language.

    Raises:
        Malformed: it is no such file, or names a field that its kind does not have; the sentence says where.
    """
    try:
        content = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"{where} is not TOML: {error}.", "bad-mail-text") from error
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        place = ".".join(map(str, wrong["loc"]))
        raise Malformed(f"{where}: {place}: {wrong['msg']}.", "bad-mail-text") from error
    texts = {}
    for language, words in (("en", content.en), ("zh", content.zh)):
        place = f"{where}: {language}"
        subject = _template(words.subject, FIELDS[kind], f"{place}.subject")
        body = _template(words.body, FIELDS[kind], f"{place}.body")
        if (words.line is not None) != (kind in LINE_FIELDS):
            sentence = "this kind needs a line" if kind in LINE_FIELDS else "this kind has no line"
            raise Malformed(f"{place}.line: {sentence}.", "bad-mail-text")
        line = None if words.line is None else _template(words.line, LINE_FIELDS[kind], f"{place}.line")
        texts[language] = MailText(subject, body, line)
    return texts


def load_mail_texts(read: Callable[[str], str] = mail_text) -> Mapping[tuple[str, str], MailText]:
    """Return every text by kind and language; `read` gives the file of a kind.

    Raises:
        Malformed: a text is missing or wrong.
    """
    return {(kind, language): words for kind in KINDS for language, words in _text_of(kind, read).items()}


def read_shipped_text(kind: str) -> Mapping[str, MailText]:
    """Return the texts of one kind that ships, by language; also of the trial mail, which is no kind of message.

    Raises:
        Malformed: the text is missing or wrong.
    """
    return _text_of(kind, mail_text)


def _text_of(kind: str, read: Callable[[str], str]) -> Mapping[str, MailText]:
    try:
        text = read(kind)
    except NotOnShelfError as error:
        raise Malformed(f"There is no text for mails of the kind {kind}: {error}", "bad-mail-text") from error
    return read_mail_text(kind, text, where=f"catalog/mails/{kind}.toml")


@functools.cache
def shipped_mail_texts() -> Mapping[tuple[str, str], MailText]:
    """Return the texts that ship with the project, read once."""
    return load_mail_texts()


def _template(text: str, fields: frozenset[str], where: str) -> Template:
    template = Template(text)
    if not template.is_valid():
        raise Malformed(f"{where}: a $ stands alone; write $$ for a dollar sign.", "bad-mail-text")
    unknown = sorted(set(template.get_identifiers()) - fields)
    if unknown:
        known = ", ".join(sorted(fields))
        raise Malformed(f"{where}: there is no field ${unknown[0]}; there are {known}.", "bad-mail-text")
    return template
