"""What changed from one version of a rubric to the next, line by line, as people compare two sheets of paper."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scoring.rubric import Post, Rubric


@dataclass(frozen=True, slots=True)
class Changed:
    """One figure or text that differs: where (post, item or rule), which key, and both values, None for none."""

    post: str
    where: str
    key: str
    was: str | None
    now: str | None


def difference(old: Rubric, new: Rubric) -> tuple[Changed, ...]:
    """Return what differs in the posts of two rubrics, in the order of the new one; what is gone comes last."""
    before = {post.id: post for post in old.posts}
    after = {post.id: post for post in new.posts}
    found: list[Changed] = []
    for name in [*after, *(name for name in before if name not in after)]:
        found += _post(name, before.get(name), after.get(name))
    return tuple(found)


def _post(name: str, old: Post | None, new: Post | None) -> Iterator[Changed]:
    was, now = _lines(old), _lines(new)
    for where in [*now, *(where for where in was if where not in now)]:
        before, after = was.get(where, {}), now.get(where, {})
        for key in [*after, *(key for key in before if key not in after)]:
            if before.get(key) != after.get(key):
                yield Changed(name, where, key, before.get(key), after.get(key))


def _lines(post: Post | None) -> Mapping[str, Mapping[str, str]]:
    """Return the post, its items and its rules by id, each with what stands in it."""
    if post is None:
        return {}
    lines = {post.id: _plain(post.model_dump(by_alias=True, exclude={"items", "responsibilities", "groups"}))}
    for item in post.items:
        lines[item.id] = _plain(item.model_dump(by_alias=True, exclude={"rules"}))
        for rule in item.rules:
            lines[rule.id] = _plain(rule.model_dump(by_alias=True))
    return lines


def _plain(content: Mapping[str, Any]) -> dict[str, str]:
    plain: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            plain |= {f"{key}.{name}": text for name, text in _plain(value).items()}
        elif value not in (None, "", (), [], False):
            plain[key] = str(value)
    return plain
