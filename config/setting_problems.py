"""What is wrong with settings, a sentence each; and how a setting's variable is called."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from config.setting_fields import words_of

PREFIX = "APPRAISE_"
ENV_FILE = ".env"


class SettingsError(Exception):
    """The settings cannot be used. The message is one sentence; `problems` has one for each wrong setting."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems[0])
        self.problems = problems


def variable(name: str) -> str:
    """Return the environment variable of the field `name`."""
    return PREFIX + name.upper()


def unknown(
    found: Mapping[str, str | None], given: Mapping[str, Any], fields: Mapping[str, FieldInfo]
) -> tuple[str, ...]:
    """Return a sentence for each variable that is none of the `fields`, with the name that may have been meant."""
    names = {variable(name) for name in fields}
    problems = []
    for name in sorted({*found, *map(variable, given)} - names):
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
        mend = f"did you mean {near[0]}?" if near else "remove it, or look it up in docs/reference/settings.md."
        problems.append(f"{name} is not a setting: {mend}")
    return tuple(problems)


def sentences(
    error: ValidationError, found: Mapping[str, str | None], fields: Mapping[str, FieldInfo]
) -> tuple[str, ...]:
    """Return a sentence for each setting that cannot be used: what it is, what it must be, where to change it."""
    problems = []
    for wrong in error.errors():
        name = str(wrong["loc"][0]) if wrong["loc"] else str(wrong["ctx"]["error"])
        if wrong["type"] == "default_factory_not_called":
            continue
        words = words_of(fields[name])
        value = found.get(variable(name), wrong["input"])
        is_value = "has a value that cannot be used" if words["secret"] or not wrong["loc"] else f"is {str(value)!r}"
        problems.append(
            f"{variable(name)} {is_value}: it must be {words['accepts']}; "
            f"change it in the environment or in {ENV_FILE}, or remove it (the default is {words['shown']})."
        )
    return tuple(problems)
