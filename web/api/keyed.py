"""The key under which a program may send a request again without doing it twice."""

from typing import Annotated

from fastapi import Header

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A key of your own for this request: sent again under it, it is done once and answered as before. "
        "Another request under the same key is a conflict.",
        examples=["7f0c2b9e"],
    ),
]
