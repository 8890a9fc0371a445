"""A program that acts for somebody through the API, by a token of his."""

from collections.abc import Mapping
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from services import tokens
from tests.web.browsing import ADDRESS, Pages

API = "/api/v1"


class Program:
    """One person's program."""

    def __init__(self, pages: Pages, number: str, **limits: Any) -> None:
        self.pages = pages
        self.number = number
        self.token = tokens.new(pages.play.uow, now=pages.clock.now(), number=number, **limits)
        self.client = TestClient(
            pages.app,
            base_url=ADDRESS,
            headers={"authorization": f"Bearer {self.token}"},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def get(self, path: str, **headers: str) -> Response:
        """Ask for something under /api/v1."""
        return self.client.get(f"{API}{path}", headers=headers)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Response:
        """Do something; the names of headers have a line below where HTTP has a dash."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{API}{path}", json=body, headers=named)
