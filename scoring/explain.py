"""A score in plain sentences (R20), made from its steps alone; the total can be recomputed from the sentences alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from scoring.numbers import parse_decimal, to_decimal
from scoring.phrases import SENTENCES, WORDS, Language
from scoring.result import Score

_ABOUT = ("units", "key", "incident", "known", "replaces")
_BY_KIND = {"revised": "kind", "recurrence": "kind", "rounded": "figure", "period-left-out": "why"}
_BY_BOUND = frozenset({"rule-clamp", "group-clamp", "total-clamp"})


def explain(score: Score | Mapping[str, Any], language: Language = "en") -> tuple[str, ...]:
    """Return one sentence for each step of a score, or of its JSON, naming rule, finding, clamp and clause."""
    return explain_steps(score.steps if isinstance(score, Score) else score["steps"], language)


def explain_steps(steps: Iterable[Mapping[str, Any]], language: Language = "en") -> tuple[str, ...]:
    """Return one sentence for each step, of a score or of a person's mean."""
    return tuple(_sentence(step, language) for step in steps)


def _sentence(step: Mapping[str, Any], language: Language) -> str:
    words = WORDS[language]
    facts: dict[str, Any] = {**step}
    for name in ("title", "trigger"):
        if name in step:
            facts[name] = step[name][language]
    if "clause" in step:
        facts["source"] = words["source" if "line" in step else "clause"].format_map(step)
    code = step["code"]
    if code == "item":
        facts["cited"] = words["cited"].format_map(step) if "line" in step else ""
    elif code == "finding":
        code = "award" if step["award"] else "finding"
        facts["about"] = "".join(words[name].format_map(step) for name in _ABOUT if name in step)
    elif code == "duty-missed":
        facts["asked"] = _share(step["asked"], words)
        facts["reached"] = words["sites"].format_map(step) if "sites" in step else _share(step["coverage"], words)
    elif code == "band":
        facts["label"] = facts.get("title", step["label"])
        facts["yields"] = "".join(words[name].format_map(step) for name in ("number", "coefficient") if name in step)
    elif code in _BY_KIND:
        code = f"{code}-{step[_BY_KIND[code]]}"
    elif code in _BY_BOUND:
        code = f"{code}-{step['bound']}"
    if "by" in step:
        facts["counted_by"] = step["by"]
        facts["by"] = words.get(step["by"], step["by"])
    if "items" in step:
        facts["items"] = ", ".join(step["items"])
    return SENTENCES[language][code].format_map(facts)


def _share(share: str, words: Mapping[str, str]) -> str:
    return words["share"].format(share=to_decimal(100 * parse_decimal(share)))
