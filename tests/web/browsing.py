"""A browser without a window: the application on a real database, people who log in, forms that are sent as shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from services import accounts
from tests.services.playing import Play

ADDRESS = "http://127.0.0.1:8000"
PASSWORD = "three plain words"


class Forms(HTMLParser):
    """The forms of a page: where each goes and what is in its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, list[str]]]] = []
        self._text: str | None = None
        self._chosen: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.found.append((values.get("action") or "", {}))
        elif not self.found:
            return
        elif tag == "input" and values.get("name"):
            ticked = values.get("type") not in {"checkbox", "radio"} or "checked" in values
            if ticked:
                self.found[-1][1].setdefault(str(values["name"]), []).append(values.get("value") or "")
        elif tag == "select":
            self._chosen = str(values["name"])
        elif tag == "option" and self._chosen is not None:
            # As a browser does: the one that is selected, else the first.
            if "selected" in values or self._chosen not in self.found[-1][1]:
                self.found[-1][1][self._chosen] = [values.get("value") or ""]
        elif tag == "textarea":
            self._text = str(values["name"])
            self.found[-1][1].setdefault(self._text, []).append("")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self.found[-1][1][self._text][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None


@dataclass
class Browser:
    """One person's browser. It follows nothing by itself, and says of each request that it came from our own page."""

    client: TestClient
    last: Response | None = None

    def get(self, path: str, **headers: str) -> Response:
        """Look at a page."""
        self.last = self.client.get(path, headers=headers)
        return self.last

    def post(self, path: str, values: Mapping[str, Any] | None = None, **headers: str) -> Response:
        """Send a form that carries nothing but these values."""
        self.last = self.client.post(path, data=dict(values or {}), headers=headers)
        return self.last

    def forms(self, page: Response) -> list[tuple[str, dict[str, list[str]]]]:
        """Return the forms of a page."""
        parser = Forms()
        parser.feed(page.text)
        return parser.found

    def send(self, page: Response, to: str, **values: Any) -> Response:
        """Fill in the form of a page that goes to a path, and send it."""
        for action, fields in self.forms(page):
            if action == to:
                return self.post(to, {**fields, **{name.replace("_", "-"): value for name, value in values.items()}})
        raise AssertionError(f"There is no form that goes to {to}, only {[action for action, _ in self.forms(page)]}")

    def send_files(self, page: Response, to: str, *files: tuple[str, bytes], **values: Any) -> Response:
        """Fill in the form of a page that goes to a path, choose files in its field for them, and send it."""
        for action, fields in self.forms(page):
            if action == to and "file" in fields:
                filled = {**fields, **{name.replace("_", "-"): value for name, value in values.items()}}
                del filled["file"]
                self.last = self.client.post(to, data=filled, files=[("file", file) for file in files])
                return self.last
        raise AssertionError(f"There is no form for files that goes to {to}.")

    def log_in(self, number: str, password: str = PASSWORD) -> Response:
        """Log in by the page."""
        return self.send(self.get("/login"), "/login", number=number, password=password)


@dataclass
class Pages:
    """The application, the office behind it, and a browser for whoever is asked for."""

    app: FastAPI
    play: Play
    clock: Any
    _known: set[str] = field(default_factory=set)

    def browser(self, number: str | None = None, *, address: str = ADDRESS) -> Browser:
        """Return a new browser; logged in, if somebody is named, who gets an account where he has none."""
        client = TestClient(
            self.app,
            base_url=address,
            headers={"origin": address, "sec-fetch-site": "same-origin"},
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        browser = Browser(client)
        if number is not None:
            if number not in self._known:
                self.account(number)
            answer = browser.log_in(number)
            assert answer.status_code == 303, answer.text
        return browser

    def account(self, number: str, password: str = PASSWORD) -> None:
        """Give somebody an account with a password."""
        made = accounts.invite(self.play.uow, now=self.clock.now(), number=number)
        accounts.set_password(self.play.uow, now=self.clock.now(), secret=made.secret, password=password)
        self._known.add(number)


def words_of(page: Response) -> str:
    """Return what a person reads on a page: without tags, and with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
