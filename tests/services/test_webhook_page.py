"""The receiver that docs/how-to/webhooks.md shows verifies what Appraise sends, and nothing else."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services import webhook_deliveries
from services.webhooks import KINDS, TEST
from tests.services.builders import OFFICER
from tests.services.playing import Play
from tests.services.receiving import receiver
from tests.services.test_webhooks import NOW, deliver, key, register

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "webhooks.md"


def shown() -> Callable[..., dict[str, Any] | None]:
    """Return the function that stands on the page, as who copies it has it."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102 - it is our own page
    found: Callable[..., dict[str, Any] | None] = names["told"]
    return found


def test_the_receiver_of_the_page_takes_what_is_ours_once(play: Play) -> None:
    told, seen = shown(), set[str]()
    with receiver() as other:
        register(play, other.url)
        webhook_deliveries.try_out(play.uow, actor=play.who(OFFICER), now=NOW, webhook=1)
        deliver(play)
        (one,) = other.got
    assert told(one.headers, one.body, key(play), set()) == one.told
    assert told(one.headers, one.body + b" ", key(play), seen) is None
    assert told({**one.headers, "webhook-id": "another"}, one.body, key(play), seen) is None
    late = {**one.headers, "webhook-timestamp": str(int(one.headers["webhook-timestamp"]) - 1000)}
    assert told(late, one.body, key(play), seen) is None
    assert told(one.headers, one.body, "whsec_" + "A" * 43 + "=", seen) is None
    rotated = {**one.headers, "webhook-signature": f"v1,AAAA {one.headers['webhook-signature']}"}
    assert told(rotated, one.body, key(play), seen) == one.told
    assert told(one.headers, one.body, key(play), seen) is None, "a name that is known already"


def test_the_page_lists_every_kind() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(rows) == {*KINDS, TEST}
