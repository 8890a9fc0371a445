"""How the fields of a form are labelled on the page it was sent from: found out by making that page once more.

Who comes back after his session ran out sees what he had typed under the labels under which he typed it.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.routing import Match

from services.errors import AppraiseError
from web.policy import About, access
from web.requests import Asked

_TYPED = frozenset({"text", "date", "number", "search", "textarea"})
"""Fields that somebody types into; boxes that are ticked and lists that are picked from are sent as they were."""

Kept = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Label:
    """The label of a field, and its kind: `textarea`, or the type of the input."""

    text: str
    kind: str


def labels_of(visit: Asked, action: str, kept: Kept) -> Mapping[str, Label]:
    """Return the labels of the form that goes to `action`, by the names of its fields; none without such a page.

    The page is looked for where the form goes to, above that, and at the appraisal that the form names.
    """
    above = [action]
    while len(above) < _HIGHEST and above[-1].count("/") > 1:
        above.append(above[-1].rpartition("/")[0])
    named = [f"/appraisals/{code}" for code in kept.get("appraisal", ())]
    for path in (*above, *named):
        found = _Labels(action)
        found.feed(_page(visit, path, kept))
        if found.labels:
            return found.labels
    return {}


_HIGHEST = 3
"""How many addresses are looked at: of the form, and of what its last parts belong to."""


def _page(visit: Asked, path: str, kept: Kept) -> str:
    """Return a page as the viewer sees it, empty where there is none for him. Nothing is marked as seen by this."""
    fetched = [*visit.request.scope["headers"], (b"sec-purpose", b"prefetch")]
    scope = {**visit.request.scope, "method": "GET", "path": path, "headers": fetched}
    for route in visit.request.app.routes:
        if not isinstance(route, APIRoute):
            continue
        match, found = route.matches(scope)
        row = access("GET", route.path)
        if (
            match is not Match.FULL
            or row is None
            or (row.about is About.OFFICE and row.grants.isdisjoint(visit.person.roles))
        ):
            continue
        asked: dict[str, Any] = dict(found["path_params"])
        for name, parameter in inspect.signature(route.endpoint).parameters.items():
            if parameter.annotation is str and name in kept and name not in asked:
                asked[name] = kept[name][-1]
        try:
            answer = route.endpoint(replace(visit, request=Request({**scope, **found})), **asked)
        except AppraiseError:
            return ""
        return bytes(answer.body).decode()
    return ""


@dataclass
class _Field:
    name: str
    kind: str
    id: str
    label: str


@dataclass
class _Form:
    actions: set[str]
    fields: list[_Field] = field(default_factory=list)


class _Labels(HTMLParser):
    """Reads the labels of the form that goes to one address, also by a button of its own."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action
        self._forms: list[_Form] = []
        self._by_id: dict[str, str] = {}
        self._open: tuple[str, int] | None = None
        self._said: list[str] = []

    @property
    def labels(self) -> Mapping[str, Label]:
        """The labels by the names of the fields."""
        return {
            one.name: Label(label, one.kind)
            for form in self._forms
            if self._action in form.actions
            for one in form.fields
            if one.kind in _TYPED and (label := self._by_id.get(one.id, one.label))
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms.append(_Form({values.get("action", "")}))
        elif tag == "label":
            self._open, self._said = (values.get("for", ""), len(self._forms[-1].fields) if self._forms else 0), []
        elif not self._forms:
            return
        elif tag == "button" and "formaction" in values:
            self._forms[-1].actions.add(values["formaction"])
        elif tag in {"input", "textarea"} and values.get("name"):
            kind = "textarea" if tag == "textarea" else values.get("type", "text")
            label = values.get("aria-label", "")
            self._forms[-1].fields.append(_Field(values["name"], kind, values.get("id", ""), label))

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._said.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag != "label" or self._open is None:
            return
        said = " ".join("".join(self._said).split())
        target, first = self._open
        if target:
            self._by_id[target] = said
        for one in self._forms[-1].fields[first:] if self._forms else ():
            one.label = one.label or said
        self._open = None
