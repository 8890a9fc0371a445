"""The one JSON form of what is digested: sorted keys, no spaces, UTF-8. Digests and chains rest on its every byte."""

import json
from typing import Any

import orjson

_PLAIN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
# What the plain encoder refuses is refused here too: a moment is written as its owner says, not as an encoder does.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def canonical(content: Any) -> bytes:
    """Return the one JSON form of texts, whole numbers, truths and lists and mappings of them, keyed by texts.

    Raises:
        TypeError: something in it has no JSON form.
    """
    try:
        return orjson.dumps(content, option=_OPTIONS)
    except TypeError:
        # Whole numbers beyond 64 bits are written by the standard library alone; it also says what has no form.
        return _PLAIN.encode(content).encode()
