"""The terminal, run in this process against a real SQLite data folder.

`office` is the tiny office of `tests.services.builders` in practice data, with nothing opened; `quarter` the same with
2026Q1 open since noon of 5 January. `appraise("cycle", "list")` runs a command there and returns what it printed.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.app import run
from config.settings import load_settings
from config.wiring import Wiring, wire
from models.database import open_database
from models.migrate import upgrade
from tests.services import builders
from tests.services.builders import TinyOffice
from tests.services.closing import vouch

OPENED_AT = "2026-01-05T12:00"
"""When the quarter opens, in Shanghai."""


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """Runs commands in a data folder. Call it with the words of a command line; `at` is the moment to act at."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: str, at: str | None = OPENED_AT) -> Ran:
        before = ["--dir", str(self.folder), *([] if at is None else ["--at", at])]
        self.capture.readouterr()
        code = run([*before, *words])
        printed = self.capture.readouterr()
        return Ran(code, printed.out, printed.err)

    def ok(self, *words: str, at: str | None = OPENED_AT) -> Ran:
        """Run a command that must succeed."""
        ran = self(*words, at=at)
        assert ran.code == 0, ran.err + ran.out
        return ran

    @contextmanager
    def opened(self) -> Iterator[Wiring]:
        """The database and what belongs to it, for tests that set something up or look into it."""
        with wire(load_settings({"data_dir": self.folder})) as wiring:
            yield wiring


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's environment, `.env` and working folder out of it."""
    for name in ("APPRAISE_DATA_DIR", "APPRAISE_TOKEN", "APPRAISE_LANGUAGE", "APPRAISE_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def empty_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated database and no organisation."""
    folder = tmp_path_factory.mktemp("empty")
    engine = open_database(load_settings({"data_dir": folder}).database_url)
    upgrade(engine)
    engine.dispose()
    return folder


@pytest.fixture(scope="session")
def office_data(tmp_path_factory: pytest.TempPathFactory, empty_data: Path) -> tuple[Path, TinyOffice]:
    """A data folder with the tiny office, and its ids."""
    folder = tmp_path_factory.mktemp("office") / "data"
    shutil.copytree(empty_data, folder)
    with wire(load_settings({"data_dir": folder})) as wiring:
        office = builders.build_office(wiring.uow)
        vouch(wiring.uow)
    return folder, office


@pytest.fixture(scope="session")
def quarter_data(tmp_path_factory: pytest.TempPathFactory, office_data: tuple[Path, TinyOffice]) -> Path:
    """A data folder with the tiny office and its first quarter opened."""
    folder = tmp_path_factory.mktemp("quarter") / "data"
    shutil.copytree(office_data[0], folder)
    with wire(load_settings({"data_dir": folder})) as wiring:
        builders.open_quarter(wiring.uow, office_data[1])
    return folder


@pytest.fixture
def people(office_data: tuple[Path, TinyOffice]) -> Mapping[str, int]:
    """The ids of the office's people by employee number."""
    return office_data[1].people


@pytest.fixture
def nothing(tmp_path: Path, empty_data: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The terminal on a migrated database without an organisation."""
    return _terminal(tmp_path, empty_data, capsys)


@pytest.fixture
def office(tmp_path: Path, office_data: tuple[Path, TinyOffice], capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The terminal on the tiny office; nothing is opened."""
    return _terminal(tmp_path, office_data[0], capsys)


@pytest.fixture
def quarter(tmp_path: Path, quarter_data: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The terminal on the tiny office with its first quarter open."""
    return _terminal(tmp_path, quarter_data, capsys)


def _terminal(tmp_path: Path, template: Path, capture: pytest.CaptureFixture[str]) -> Terminal:
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    return Terminal(folder, capture)
