"""Findings as people read them: a table, and under it the clause, the replies and the decisions of each."""

from collections.abc import Iterable, Sequence
from typing import Any

from cli.output import heading, plain, print_table, say
from cli.session import Session

_DECISIONS = {"change": "changed", "strike": "struck", "lower": "lowered", "keep": "kept"}
"""The glossary's word for each kind of decision about a finding."""


def print_findings(shared: Session, views: Sequence[Any]) -> None:
    """Print findings as a table, with the clause, the replies and the decisions under it."""
    language = shared.language
    print_table(
        "",
        heading(language, "finding", "rule", "happened", "points", "recorded-by", "standing", "facts"),
        [
            (
                view.code,
                view.rule,
                view.happened,
                heading(language, "not-released")[0].lower()
                if view.hidden
                else ""
                if view.amount is None
                else _signed(view),
                view.recorded_by,
                _state(shared, view),
                view.reason or view.trigger.get(language, ""),
            )
            for view in views
        ],
    )
    for view in views:
        say(*(f"  {line}" for line in _beside(shared, view)))


def _signed(view: Any) -> str:
    return f"{'+' if view.award else '-'}{plain(view.amount)}"


def _state(shared: Session, view: Any) -> str:
    if view.voided:
        return heading(shared.language, "void")[0].lower()
    if view.claimed and not view.confirmed:
        return "claimed"
    last = view.revisions[-1] if view.revisions else None
    if last is None:
        return ""
    return _decided(last, shared.language)


def _decided(revision: Any, language: Any) -> str:
    word = heading(language, _DECISIONS[revision.kind])[0].lower()
    return word if revision.amount is None else f"{word}: {plain(revision.amount)}"


def _beside(shared: Session, view: Any) -> Iterable[str]:
    if view.clause:
        yield f"{view.code} {view.rule}: {view.clause}"
    if view.void_reason:
        yield f"{view.code} void: {view.void_reason}"
    for one in view.replies:
        yield f"{view.code} reply {shared.local(one.at)}: {one.text or ''}"
    for one in view.revisions:
        yield f"{view.code} {_decided(one, shared.language)}, {shared.local(one.at)}: {one.reason or ''}"
