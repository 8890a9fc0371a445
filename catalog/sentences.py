"""Says in another language what the program has said in English: refusals, problems, faults, advice.

Whoever refuses something writes one English sentence where he stands, and nothing else. A catalogue (`locale/zh`) has
each such sentence as a template, with its parts in braces, and its Chinese. Here the template is found that a sentence
was made from; its parts are said in the other language too where they are words and not names or figures. A sentence
that no template fits stays as it is.

A part that is to be typed as it stands, or is a name that the code knows, is written `{part!s}` in the Chinese text.
On a page a sentence that tells of a command would help nobody: `locale/en-page` and `locale/zh-page` have what a page
says instead.
"""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from string import Formatter
from typing import Any

from catalog.glossary import Language, glossary
from catalog.po import read_folder
from catalog.shelf import Kind, names, workflow_text

_FORMATTER = Formatter()
_ENDS = re.compile(r"(?<=[.!?]) (?=[A-Z`“\"'(])")
"""Where one sentence ends and another begins."""
_MARKS = ".?!:"
_LISTED = re.compile(r", and | and |, or | or |; |, ")
_JOINED = {", and ": "和", " and ": "和", ", or ": "或", " or ": "或", "; ": "；", ", ": "、"}
_SPOKEN = re.compile(r"(?<!`)\b[a-z]+ [a-z]+\b")
"""Words of a sentence; the name of a place has none of ours, or is a saying itself."""
_FILLED = re.compile(r"\{(\w+)(!s)?\}")
_QUOTED = re.compile(r"'([^']*)'")
_LOOSE = 8
"""A template with fewer letters of its own fits much that was not made from it, and needs parts that speak for it."""
_LONGEST = 4000
"""Characters of a line that are looked through; what is longer is a text of somebody and no sentence of ours."""
_MOST = 150
"""So often a sentence and its parts are looked for; what somebody typed into a sentence must not take longer."""
_EACH = 10
"""So much oftener for each further line of it."""
_DEEPEST = 6
"""How far parts are looked into; a sentence quotes another one or two deep."""


def said(sentence: str, language: Language, *, on_page: bool = False) -> str:
    """Return what was said in English in `language`; `on_page` for who reads a page and has no terminal."""
    search, lines = copy(_sayings(language, on_page)), sentence.split("\n")
    search.left = _MOST + _EACH * (len(lines) - 1)
    return "\n".join(search.say(line) for line in lines)


@dataclass(frozen=True)
class Saying:
    """A template and its text in another language."""

    template: str
    text: str

    @cached_property
    def steps(self) -> tuple[tuple[str, str | None], ...]:
        """What stands before each part, and the part; behind the last part None."""
        return tuple((literal, name) for literal, name, *_ in _FORMATTER.parse(self.template))

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """What stands between the parts."""
        return tuple(literal for literal, _ in self.steps if literal)

    @cached_property
    def loose(self) -> bool:
        """Whether the template says so little that it fits other sentences too."""
        return sum(letter.isalpha() for literal in self.literals for letter in literal) < _LOOSE

    @cached_property
    def anchor(self) -> str:
        """The longest literal: a sentence without it is none of these, which is quickly seen."""
        return max(self.literals, key=len, default="")

    def parts(self, sentence: str) -> dict[str, str] | None:
        """Return the parts of a sentence that was made from this template, or None; one named twice is the same twice.

        Each literal is looked for once, from left to right: what somebody typed into a sentence cannot make it long.
        """
        if self.anchor not in sentence:
            return None
        found: dict[str, str] = {}
        before, at = None, 0
        for literal, name in self.steps:
            start = sentence.find(literal, at) if name is not None else len(sentence) - len(literal)
            if start < at or not sentence.startswith(literal, start) or (before is None and start > 0):
                return None
            if before is not None and found.setdefault(before, sentence[at:start]) != sentence[at:start]:
                return None
            before, at = name, start + len(literal)
        if before is not None and found.setdefault(before, sentence[at:]) != sentence[at:]:
            return None
        return found


class Sayings:
    """Every saying of one language, and the words that are parts of some."""

    def __init__(self, texts: Mapping[str, str], words: Mapping[str, str], *, foreign: bool) -> None:
        self._fixed = {template: text for template, text in texts.items() if "{" not in template}
        open_ = [Saying(template, text) for template, text in texts.items() if "{" in template]
        self._open = sorted(open_, key=lambda one: -sum(map(len, one.literals)))
        self._words = words
        self._foreign = foreign
        self._between = "" if foreign else " "
        self.left = 0

    def say(self, line: str) -> str:
        """Return a line in this language, with the blanks around it."""
        bare = line.strip()
        if not 0 < len(bare) <= _LONGEST:
            return line
        found = self.find(bare, 0)
        return line if found is None else line.replace(bare, found, 1)

    def find(self, sentence: str, depth: int) -> str | None:
        """Return a sentence in this language, or None for an unknown one; `depth` is how far it lies in others."""
        if sentence in self._fixed:
            return self._fixed[sentence]
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            return None
        ways = (self._made, self._all, self._placed, self._loosely_made, self._nested, self._several, self._begun)
        return next((found for way in ways if (found := way(sentence, depth)) is not None), None)

    def _made(self, sentence: str, depth: int) -> str | None:
        """Return a sentence that was made from one template, with nothing but words and names in its parts."""
        for saying in self._open:
            parts = None if saying.loose else saying.parts(sentence)
            if parts is None or any(_ENDS.search(part) for part in parts.values()):
                continue
            if not saying.template.startswith("{") or not any(": " in part for part in parts.values()):
                return self._filled(saying, parts, depth)
        return None

    def _nested(self, sentence: str, depth: int) -> str | None:
        """Return a sentence made from a template that has others in its parts, but for the first."""
        for saying in self._open:
            parts = None if saying.loose else saying.parts(sentence)
            if parts is None:
                continue
            if not saying.template.startswith("{") or not _ENDS.search(next(iter(parts.values()))):
                return self._filled(saying, parts, depth)
        return None

    def _loosely_made(self, sentence: str, depth: int) -> str | None:
        """Return a sentence of a template of few words: each of its parts is known, or no more than a code."""
        for saying in self._open:
            parts = saying.parts(sentence) if saying.loose else None
            if parts is None or any(_ENDS.search(part) for part in parts.values()):
                continue
            if (saying.template[-1] in _MARKS) != (sentence[-1] in _MARKS):
                continue  # a part of a sentence and no whole one, or the other way round
            if all(" " not in part or self._part(part, depth + 1) != part for part in parts.values()):
                return self._filled(saying, parts, depth)
        return None

    def _filled(self, saying: Saying, parts: Mapping[str, str], depth: int) -> str:
        def fill(hole: re.Match[str]) -> str:
            part = parts[hole[1]]
            return self._part(part, depth + 1) if self._foreign and not hole[2] else part

        return _FILLED.sub(fill, saying.text)

    def _all(self, sentence: str, depth: int) -> str | None:
        """Return several sentences, each of which is known."""
        pieces = _ENDS.split(sentence)
        found = [self.find(piece, depth + 1) for piece in pieces] if len(pieces) > 1 else [None]
        return None if None in found else self._between.join(map(str, found))

    def _several(self, sentence: str, depth: int) -> str | None:
        """Return several sentences, of which at least one is known."""
        pieces = _ENDS.split(sentence)
        found = [self.find(piece, depth + 1) for piece in pieces] if len(pieces) > 1 else []
        if not any(found):
            return None
        return self._between.join(piece if text is None else text for piece, text in zip(pieces, found, strict=True))

    def _placed(self, sentence: str, depth: int) -> str | None:
        """Return `place: sentence`, as problems and faults are listed."""
        place, colon, rest = sentence.partition(": ")
        while colon:
            found = self.find(rest, depth + 1)
            if found is not None:
                return self._at(place, found, depth)
            more, colon, rest = rest.partition(": ")
            place = f"{place}: {more}"
        return None

    def _at(self, place: str, found: str, depth: int) -> str | None:
        if not self._foreign:
            return f"{place}: {found}"
        theirs = self._part(place, depth + 1)
        is_place = theirs != place or not _SPOKEN.search(place)
        return f"{theirs}：{found}" if is_place else None

    def _begun(self, sentence: str, depth: int) -> str | None:
        """Return a sentence that was given a capital where it stands."""
        begun = sentence[:1].lower() + sentence[1:]
        return None if begun == sentence else self._fixed.get(begun) or self._made(begun, depth)

    def _part(self, part: str, depth: int) -> str:
        """Return what fills a part: a saying, a word, a list of these, or itself."""
        bare = part.strip()
        quoted = _QUOTED.fullmatch(bare)
        if quoted is not None:
            return f"“{quoted[1]}”"
        found = self._fixed.get(bare) or self._words.get(bare) or self._words.get(bare.lower())
        if found is None and " " in bare:
            found = self.find(bare, depth) or self._list(bare, depth)
        return part if found is None else found

    def _list(self, part: str, depth: int) -> str | None:
        pieces = _LISTED.split(part)
        if len(pieces) == 1 or depth > _DEEPEST:
            return None
        if any(" " in piece and self._part(piece, depth + 1) == piece for piece in pieces):
            return None  # a text with commas in it, and no list
        joins = [_JOINED[join] for join in _LISTED.findall(part)]
        said_ = [self._part(piece, depth + 1) for piece in pieces]
        return said_[0] + "".join(join + piece for join, piece in zip(joins, said_[1:], strict=True))


@functools.cache
def _sayings(language: Language, on_page: bool) -> Sayings:  # noqa: FBT001 - a key of the cache
    texts = {} if language == "en" else sayings_of(language)
    if on_page:
        texts = texts | sayings_of(f"{language}-page")
    return Sayings(texts, _words(language), foreign=language != "en")


def sayings_of(folder: str) -> dict[str, str]:
    """Return the templates and texts of a folder of `catalog/locale`: `zh`, `zh-page` or `en-page`.

    Raises:
        CatalogueError: a file cannot be read, or two of them have different texts for one template.
    """
    return read_folder(files("catalog") / "locale" / folder)


def _words(language: Language) -> dict[str, str]:
    """Return the words of the glossary and of the workflows that ship, by what they are called in the code."""
    if language == "en":
        return {}
    words: dict[str, str] = {}
    for term in glossary().values():
        theirs = term.wording(language)
        for word in (term.id, term.en.one, term.en.many):
            if term.kind != "heading" and word:
                words.setdefault(word.lower(), theirs.one)
    for name in names(Kind.WORKFLOW):
        words |= dict(_wordings(tomllib.loads(workflow_text(name)), language))
    return words


def _wordings(node: Any, language: Language) -> Iterator[tuple[str, str]]:
    """Yield what stands in both languages somewhere in a definition."""
    if isinstance(node, Mapping):
        if isinstance(node.get("en"), str) and isinstance(node.get(language), str):
            yield node["en"], node[language]
        for child in node.values():
            yield from _wordings(child, language)
    elif isinstance(node, list):
        for child in node:
            yield from _wordings(child, language)
