"""Log lines for operators: what happened to which id; never who, how many points, or with which secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

ALLOWED = frozenset(
    {
        "action", "appraisal", "attempt", "chunk", "code", "count", "cycle", "database", "definition", "due", "error",
        "fence", "finding", "frames", "job", "key", "kind", "lane", "late_seconds", "message", "mode", "of", "pid",
        "port", "queue", "retry_seconds", "role", "round", "rows", "seconds", "stage", "state", "step", "stream",
        "threads", "version", "work_item",
    }
)  # fmt: skip
"""What a line may say. A field that is not here is dropped: a new one has to be thought about first."""

STRUCTURAL = frozenset({"event", "level", "logger", "timestamp"})
CODE = re.compile(r"[A-Za-z0-9_.:/+-]{1,120}")
WITHHELD = "(withheld)"


def set_up_logs(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send our own lines, and those of the libraries, to `stream` (stderr by default).

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `text` or `json`.
        stream: where lines go.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_the_fault,
        drop_private,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, say_only_the_template, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def say_only_faults() -> None:
    """Let a command of the terminal say on stderr what failed and no more: what it prints is its answer.

    Does nothing where `set_up_logs` has said where lines go.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            name_the_fault,
            drop_private,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def drop_private(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    """Keep the allowed fields, and of their values only numbers and words that look like codes.

    Names, points, comments, addresses and tokens have no allowed field; free text in an allowed one is withheld.
    """
    for name in [name for name in line if name not in ALLOWED | STRUCTURAL and not name.startswith("_")]:
        del line[name]
    for name in ALLOWED & line.keys():
        line[name] = _plain(line[name])
    return line


def name_the_fault(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    """Replace an exception by its class and the places it passed: its message may quote what a person wrote."""
    fault = line.pop("exc_info", None)
    if fault is True:
        fault = sys.exc_info()
    if isinstance(fault, tuple):
        fault = fault[1]
    if isinstance(fault, BaseException):
        line["error"] = type(fault).__name__
        line["frames"] = _frames(fault)
    return line


def say_only_the_template(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    """Of a library's line keep the text it has in its source, without what was filled in."""
    record = line.get("_record")
    if isinstance(record, logging.LogRecord):
        line["event"] = record.msg if isinstance(record.msg, str) else WITHHELD
        line["exc_info"] = record.exc_info
    return line


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    text = str(value)
    return text if CODE.fullmatch(text) else WITHHELD


def _frames(fault: BaseException) -> list[str]:
    places = []
    step = fault.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        places.append(f"{step.tb_frame.f_globals.get('__name__', '?')}:{code.co_name}:{step.tb_lineno}")
        step = step.tb_next
    return places[-8:]
