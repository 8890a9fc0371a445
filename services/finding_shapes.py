"""What a finding looks like to who may see it, and what of it is judgement."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from services.file_views import Files
from services.ledger_rows import finding_line


@dataclass(frozen=True, slots=True)
class ReplyView:
    """What the person wrote beside a finding, and when."""

    at: dt.datetime
    text: str | None


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A decision about a finding at review or appeal; `amount`, in points, belongs to change and lower."""

    kind: str
    amount: Fraction | None
    at: dt.datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding as somebody sees it. `amount`, in points, is None where it is not yet released: then `hidden` is True.

    `ranged` says that the recorder picked the amount from a range; `award` that it gives points. `counts` is False for
    a void finding and for a claim that is not confirmed. `number` and `recorded_by` are employee numbers, `person` and
    `recorder` the same with the names.
    """

    id: int
    number: str
    person: str
    post: str
    rule: str
    clause: str
    trigger: Mapping[str, str]
    award: bool
    ranged: bool
    happened: dt.date
    known: dt.date
    counted_on: dt.date
    amount: Fraction | None
    units: Fraction | None
    document: str | None
    incident: str | None
    reason: str | None
    sub_reasons: tuple[str, ...]
    recorded_by: str
    recorder: str
    recorded_at: dt.datetime
    claimed: bool
    confirmed: bool
    voided: bool
    void_reason: str | None
    replaces: str | None
    replies: tuple[ReplyView, ...]
    revisions: tuple[RevisionView, ...]
    hidden: bool = False
    files: Files = ()

    @property
    def code(self) -> str:
        """What people type: `F1042`."""
        return finding_line(self.id)

    @property
    def counts(self) -> bool:
        """Whether it counts in a score."""
        return not self.voided and (not self.claimed or self.confirmed)


def redact(view: FindingView, *, judgement: bool) -> FindingView:
    """Take out of a finding what is judgement: an amount picked from a range, and decisions about it."""
    if judgement:
        return view
    if view.ranged:
        return replace(view, amount=None, hidden=True, revisions=())
    return replace(view, revisions=())
