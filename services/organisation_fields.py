"""From a row of the spreadsheet to the row of a table: numbers and codes become ids."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from models.initials import initials
from services.errors import Refused
from services.organisation_checks import assignment_of
from services.organisation_state import State


def _organisation_row(values: Mapping[str, Any], _: State) -> dict[str, Any]:
    return dict(values)


def _unit_row(values: Mapping[str, Any], state: State) -> dict[str, Any]:
    # The unit above and the head may not be written yet; units are written a second time when both are.
    return {
        "code": values["code"],
        "name": values["name"],
        "parent_id": state.units.get(values["parent"]),
        "head_id": state.people.get(values["head"]),
    }


def _post_row(values: Mapping[str, Any], _: State) -> dict[str, Any]:
    return {
        "code": values["code"],
        "name_en": values["name-en"],
        "name_zh": values["name-zh"],
        "aliases": json.dumps(values["aliases"], ensure_ascii=False),
    }


def _person_row(values: Mapping[str, Any], _: State) -> dict[str, Any]:
    row = {name: values[name] for name in ("number", "name", "language", "joined", "left")}
    return row | {"initials": initials(values["name"])}


def _assignment_row(values: Mapping[str, Any], state: State) -> dict[str, Any]:
    return {
        "person_id": state.people[values["number"]],
        "post_id": state.posts[values["post"]],
        "unit_id": state.units[values["unit"]],
        "manager_id": _person(values["manager"], state),
        "in_charge_id": _person(values["in-charge"], state),
        "kind": values["kind"],
        "main": values["main"],
        "weight": values["weight"],
        **_days(values),
    }


def _override_row(values: Mapping[str, Any], state: State) -> dict[str, Any]:
    assignments = state.of("assignments")
    key = assignment_of({key: stored.values for key, stored in assignments.items()}, values)
    if key is None:
        raise Refused(f"{values['number']} is not in the post {values['post']} then.", "no-such-assignment")
    return {
        "assignment_id": assignments[key].id,
        "role": values["role"],
        "person_id": state.people[values["holder"]],
        **_days(values),
    }


def _absence_row(values: Mapping[str, Any], state: State) -> dict[str, Any]:
    return {"person_id": state.people[values["number"]], "kind": values["kind"], **_days(values)}


def _grant_row(values: Mapping[str, Any], state: State) -> dict[str, Any]:
    unit = values["unit"]
    return {
        "person_id": state.people[values["number"]],
        "role": values["role"],
        "unit_id": None if unit is None else state.units[unit],
        **_days(values),
    }


def _conflict_row(values: Mapping[str, Any], state: State) -> dict[str, Any]:
    return {
        "person_id": state.people[values["number"]],
        "other_id": state.people[values["other"]],
        **_days(values),
    }


def _site_row(values: Mapping[str, Any], _: State) -> dict[str, Any]:
    return {"code": values["code"], "name": values["name"], "closed_months": json.dumps(values["closed-months"])}


def _closure_row(values: Mapping[str, Any], _: State) -> dict[str, Any]:
    return dict(values)


def _person(number: str | None, state: State) -> int | None:
    return None if number is None else state.people[number]


def _days(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"valid_from": values["from"], "valid_to": values["to"]}


ROWS: Mapping[str, Callable[[Mapping[str, Any], State], dict[str, Any]]] = {
    "organisation": _organisation_row,
    "units": _unit_row,
    "posts": _post_row,
    "people": _person_row,
    "assignments": _assignment_row,
    "overrides": _override_row,
    "absences": _absence_row,
    "grants": _grant_row,
    "conflicts": _conflict_row,
    "sites": _site_row,
    "closure-days": _closure_row,
}
"""By sheet: the columns of the table, but for the text of a reason."""
