"""docs/reference/glossary.md, written from the glossary: `python -m catalog.glossary_page > that file`."""

import itertools
import sys

from catalog.glossary import Term, glossary

HEAD = """\
# Glossary

One word, one thing: terminal and mails take their words from this list. It is written by
`python -m catalog.glossary_page` from `catalog/glossary.toml`.
"""
TITLES = {
    "thing": "What there is",
    "role": "Who acts",
    "stage": "Where an appraisal stands",
    "outcome": "How an appraisal ended",
    "cycle state": "Where a cycle stands",
    "roster status": "What opening does with a person",
    "severity": "How grave a problem is",
    "due": "Whether something is late",
    "machinery": "Behind the scenes",
    "heading": "Headings of tables",
}


def glossary_page() -> str:
    """Return the page."""
    parts = [HEAD]
    for kind, terms in itertools.groupby(glossary().values(), key=_kind):
        parts.append(f"\n## {TITLES[kind]}\n\n| English | 中文 | meaning | 含义 | id |\n|---|---|---|---|---|\n")
        parts.extend(f"| {t.en.one} | {t.zh.one} | {t.en.means} | {t.zh.means} | `{t.id}` |\n" for t in terms)
    return "".join(parts)


def _kind(term: Term) -> str:
    return term.kind


if __name__ == "__main__":
    sys.stdout.write(glossary_page())
