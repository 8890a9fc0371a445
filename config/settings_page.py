"""docs/reference/settings.md, written from the settings themselves: `python -m config.settings_page > that file`."""

import sys

from config.openid_settings import OpenIdSettings
from config.setting_fields import words_of
from config.settings import Settings, variable
from services.life_settings import TABLE, LifeSettings

HEAD = """\
# Settings

Every setting is an environment variable, or a line of a file `.env` in the folder from which Appraise is started; the
environment wins, and an empty one counts as not set. All are read and checked once, at the start; a wrong one, or a
name that begins with `APPRAISE_` and is not in this table, stops the start with one sentence. This page is written by
`python -m config.settings_page`.

| variable | what it is for | accepts | default |
|---|---|---|---|
"""

OF_PEOPLE = """
## What follows from changes of people

These belong to the organisation and lie in its database. HR or an operator shows and changes them with `appraise person
settings`, and each change stands in the audit. What they do is told in
[when people change](../how-to/when-people-change.md#what-an-organisation-may-want-otherwise).

| setting | what it is for | accepts | default |
|---|---|---|---|
"""


def settings_page() -> str:
    """Return the page."""
    rows = []
    # What it takes over from another part comes first in it, and last on the page.
    fields = sorted(Settings.model_fields.items(), key=lambda one: one[0] in OpenIdSettings.model_fields)
    for name, field in fields:
        words = words_of(field)
        rows.append(f"| `{variable(name)}` | {field.description} | {words['accepts']} | {words['shown']} |\n")
    defaults = LifeSettings().to_json()
    lives = [f"| `{name}` | {one.text} | {one.accepts} | {defaults[name]} |\n" for name, one in TABLE.items()]
    return HEAD + "".join(rows) + OF_PEOPLE + "".join(lives)


if __name__ == "__main__":
    sys.stdout.write(settings_page())
