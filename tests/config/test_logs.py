import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.logs import say_only_faults, set_up_logs


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_what_happened_to_which_id(out: io.StringIO) -> None:
    structlog.get_logger("tasks").info("job done", job="relay", cycle="2026Q1", appraisal="2026Q1/1007", count=3)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "job done",
        "level": "info",
        "logger": "tasks",
        "job": "relay",
        "cycle": "2026Q1",
        "appraisal": "2026Q1/1007",
        "count": 3,
    }


def test_names_points_and_secrets_have_no_place_in_a_line(out: io.StringIO) -> None:
    structlog.get_logger("services").warning(
        "refused", person="王芳", total="97.5", amount=4, comment="late again", token="s3same", email="a@b.example"
    )
    assert not any(word in out.getvalue() for word in ("王芳", "97.5", "late", "s3same", "example", "amount"))
    assert lines(out)[0]["event"] == "refused"


@pytest.mark.parametrize("value", ["Wang Fang", "王芳", "a@b.example", "redis://:pw@host/0", "two words", ["a b"]])
def test_free_text_in_an_allowed_field_is_withheld(value: object, out: io.StringIO) -> None:
    structlog.get_logger("services").info("odd", key=value)
    assert lines(out)[0]["key"] in ("(withheld)", ["(withheld)"])


def test_an_error_is_its_class_and_its_places_without_its_message(out: io.StringIO) -> None:
    try:
        raise ValueError("Wang Fang has 97.5 points")
    except ValueError:
        structlog.get_logger("tasks").exception("job failed", job="relay")
    (line,) = lines(out)
    assert line["error"] == "ValueError"
    assert line["frames"][0].startswith("test_logs:") or ":test_an_error" in line["frames"][0]
    assert "Wang" not in out.getvalue()


def test_a_library_says_its_template_and_not_what_was_filled_in(out: io.StringIO) -> None:
    log = logging.getLogger("a_library.connection")
    log.info("Connected to %s", "redis://:s3same@host/0")
    try:
        raise RuntimeError("Wang Fang")
    except RuntimeError:
        log.exception("Task %s failed", "Wang Fang")
    log.error(RuntimeError("Wang Fang"))
    said = lines(out)
    assert [line["event"] for line in said] == ["Connected to %s", "Task %s failed", "(withheld)"]
    assert said[1]["error"] == "RuntimeError"
    assert not any(word in out.getvalue() for word in ("s3same", "Wang"))


def test_the_level_holds_for_our_lines_and_for_those_of_libraries(out: io.StringIO) -> None:
    structlog.get_logger("tasks").debug("not this")
    logging.getLogger("kombu").debug("nor this")
    assert out.getvalue() == ""


def test_the_text_form_is_one_line_without_colours() -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    try:
        set_up_logs("info", "text", stream)
        structlog.get_logger("tasks").info("job done", job="relay")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "job=relay" in stream.getvalue()


def test_a_command_says_faults_alone_on_stderr_and_nothing_in_its_answer(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    try:
        say_only_faults()
        structlog.get_logger("tasks").info("mails", state="sent", count=3)
        structlog.get_logger("tasks").warning("a job failed", job="relay", name="Wang Fang")
    finally:
        structlog.reset_defaults()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "a job failed" in printed.err
    assert "job=relay" in printed.err
    assert "mails" not in printed.err
    assert "Wang" not in printed.err


def test_where_it_is_said_where_lines_go_a_command_changes_nothing(out: io.StringIO) -> None:
    say_only_faults()
    structlog.get_logger("tasks").info("mails", state="sent", count=3)
    assert [(line["event"], line["state"], line["count"]) for line in lines(out)] == [("mails", "sent", 3)]
