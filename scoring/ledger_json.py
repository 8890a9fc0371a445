"""Reading a ledger from JSON, the format of `rubric score --ledger`: figures are decimals in quotes, days ISO dates."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StringConstraints, ValidationError

from scoring.errors import LedgerError
from scoring.ledger import DutyRecord, Finding, Ledger, Revision
from scoring.shape import Decimal, Frozen

WorkingDays = Callable[[dt.date, dt.date, str | None], frozenset[dt.date]]
"""Gives the working days from one day to another of the calendar named; None names the rubric's."""


def _iso_day(value: object) -> object:
    # pydantic would also take a number of seconds, and a moment at midnight, for a day
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError(f'"{value}" is no day; write it like "2026-02-03".')
    if isinstance(value, int | float):
        raise ValueError(f'{value} is no day in quotes; write it like "2026-02-03".')  # noqa: TRY004 - pydantic's own
    return value


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""A name: the same with and without blanks around it, since nobody sees those."""

Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Day = Annotated[dt.date, BeforeValidator(_iso_day)]


def _share(value: Fraction) -> Fraction:
    if not 0 <= value <= 1:
        raise ValueError("coverage is a share from 0 to 1; 80 per cent is 0.8.")
    return value


class PeriodPart(Frozen):
    """The first and the last day of the period, both included."""

    from_: Annotated[Day, Field(alias="from")]
    to: Day


class AssignmentPart(Frozen):
    """The days the post was held, both included; an open side reaches beyond the period."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None


class RevisionPart(Frozen):
    """A decision about a line at review or appeal; the last of a list is in force."""

    kind: Literal["change", "strike", "lower", "keep"]
    amount: Decimal | None = None
    by: Literal["review", "appeal", "correction"] = "review"


class FindingPart(Frozen):
    """A finding. `on` is the day it happened, `known` the day it became known (by default the same).

    `document` is another word for `key`.
    """

    rule: Text
    on: Day
    id: Text | None = None
    known: Day | None = None
    counted_on: Day | None = None
    amount: Decimal | None = None
    units: Decimal | None = None
    key: Text | None = None
    document: Text | None = None
    incident: Text | None = None
    reason: str = ""
    sub_reasons: tuple[Text, ...] = ()
    evidence: tuple[Text, ...] = ()
    recorded_by: str = ""
    voided: StrictBool = False
    replaces: Text | None = None
    revisions: tuple[RevisionPart, ...] = ()


class DutyPart(Frozen):
    """A duty in a month: its coverage or the sites inspected, or why it is excused."""

    rule: Text
    month: Month
    coverage: Annotated[Decimal, AfterValidator(_share)] | None = None
    sites: tuple[Text, ...] = ()
    excused: str | None = None
    voided: StrictBool = False
    revisions: tuple[RevisionPart, ...] = ()


class LedgerFile(Frozen):
    """The ledger of one assignment in one period."""

    period: PeriodPart
    assignment: AssignmentPart = AssignmentPart()
    findings: tuple[FindingPart, ...] = ()
    duties: tuple[DutyPart, ...] = ()
    sites: tuple[Text, ...] = ()
    closed: dict[str, tuple[Month, ...]] = Field(default_factory=dict)
    calendar: Text | None = None
    post: Text | None = None


def ledger_from_json(content: Any, *, working_days: WorkingDays, where: str = "ledger") -> Ledger:
    """Read a ledger from parsed JSON. `working_days` is asked once, for the period and the calendar the ledger names.

    Raises LedgerError with every problem, each naming its key.
    """
    try:
        file = LedgerFile.model_validate(content)
    except ValidationError as error:
        sentences = "\n".join(_sentence(where, fault) for fault in error.errors())
        raise LedgerError(sentences, code="malformed", where=where) from None
    _agree(file, where)
    first, last = file.period.from_, file.period.to
    return Ledger(
        period_from=first,
        period_to=last,
        working_days=working_days(first, last, file.calendar),
        assignment_from=file.assignment.from_,
        assignment_to=file.assignment.to,
        findings=tuple(_finding(part, number) for number, part in enumerate(file.findings, start=1)),
        duties=tuple(_duty(part) for part in file.duties),
        sites=frozenset(file.sites),
        closed={site: frozenset(months) for site, months in file.closed.items()},
        duty_revisions=_duty_revisions(file),
        post=file.post,
    )


_OBJECT = "this is no object; write keys and values in braces, or leave the key out."
_MESSAGES = {
    "extra_forbidden": "this key is unknown; delete it or correct its name.",
    "missing": "this key is missing; add it.",
    "model_type": _OBJECT,
    "dict_type": _OBJECT,
    "tuple_type": "this is no list; write it in square brackets, or leave the key out.",
    "string_type": "this is no text; write it in quotes.",
    "string_too_short": "this is empty; write something, or leave the key out.",
    "string_pattern_mismatch": 'this is no month; write it like "2026-02".',
    "bool_type": "write true or false, without quotes.",
    "date_from_datetime_parsing": "there is no such day; correct it.",
    "date_type": 'this is no day; write it like "2026-02-03".',
}


def _sentence(where: str, fault: Any) -> str:
    path = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"]) or "the ledger"
    message = _MESSAGES.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "literal_error":
        message = f"{fault['input']!r} is not possible; write one of {fault['ctx']['expected']}."
    return f"{where}: `{path}`: {message}"


def _agree(file: LedgerFile, where: str) -> None:
    """Refuse what each part admits and the whole contradicts."""

    def refuse(key: str, why: str) -> LedgerError:
        return LedgerError(f"{where}: `{key}`: {why}", code="malformed", where=key)

    for wrong in _days(file):
        raise refuse(*wrong)
    first, last = file.period.from_.strftime("%Y-%m"), file.period.to.strftime("%Y-%m")
    for number, duty in enumerate(file.duties, start=1):
        key = f"duties.{number}"
        if not first <= duty.month <= last:
            raise refuse(key, f"{duty.month} is not in the period; correct the month.")
        if duty.coverage is None and not duty.sites and not duty.excused and not duty.voided and not duty.revisions:
            raise refuse(key, "it says neither coverage nor sites nor why it is excused; add one.")
        unknown = sorted(set(duty.sites) - set(file.sites))
        if unknown:
            raise refuse(key, f"the site {unknown[0]} is not in the ledger's `sites`; add it there or correct it.")
    for site in file.closed:
        if site not in file.sites:
            raise refuse("closed", f"the site {site} is not in the ledger's `sites`; add it there or correct it.")
    for number, finding in enumerate(file.findings, start=1):
        if finding.key is not None and finding.document is not None and finding.key != finding.document:
            raise refuse(f"findings.{number}", "`key` and `document` name two things; keep one.")


def _days(file: LedgerFile) -> Iterator[tuple[str, str]]:
    """Yield what the days of period and assignment contradict: the key, and why."""
    begin, end = file.assignment.from_, file.assignment.to
    if file.period.from_ > file.period.to:
        yield "period", "it ends before it begins; exchange the days."
    if begin is not None and end is not None and begin > end:
        yield "assignment", "it ends before it begins; exchange the days."
    if (begin is not None and begin > file.period.to) or (end is not None and end < file.period.from_):
        yield "assignment", "no day of it is in the period, so there is nothing to score; correct the days."


def _finding(part: FindingPart, number: int) -> Finding:
    return Finding(
        id=part.id or f"F{number}",
        rule=part.rule,
        happened=part.on,
        known=part.known or part.on,
        amount=part.amount,
        units=part.units,
        key=part.key or part.document,
        incident=part.incident,
        reason=part.reason.strip(),
        sub_reasons=part.sub_reasons,
        voided=part.voided,
        counted_on=part.counted_on,
        revision=_chain(part.revisions),
        replaces=part.replaces,
        evidence=part.evidence,
        recorded_by=part.recorded_by,
    )


def _duty(part: DutyPart) -> DutyRecord:
    return DutyRecord(part.rule, part.month, part.coverage, frozenset(part.sites), part.excused, part.voided)


def _duty_revisions(file: LedgerFile) -> dict[tuple[str, str], Revision]:
    found: dict[tuple[str, str], Revision] = {}
    for duty in file.duties:
        chain = _chain(duty.revisions, found.get((duty.rule, duty.month)))
        if chain is not None:
            found[duty.rule, duty.month] = chain
    return found


def _chain(parts: tuple[RevisionPart, ...], before: Revision | None = None) -> Revision | None:
    for part in parts:
        before = Revision(part.kind, part.amount, part.by, before)
    return before
