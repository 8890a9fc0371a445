"""Who scores, reviews and decides in the bank's office, told again from its rules alone (W1, W2).

Staff are scored by their deputy, reviewed by the director, appeals decided by the vice-president; deputies by director,
president, secretary; the director by vice-president, president, secretary. Nobody has two parts, nobody one of his own.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

ASSESSOR, REVIEWER, DECIDER = "assessor", "reviewer", "decider"
Parts = dict[str, int]
Acted = Mapping[str, Collection[int]]


@dataclass(frozen=True)
class Chiefs:
    """The ids of those who are one of a kind."""

    president: int
    vice: int
    secretary: int
    director: int


@dataclass(frozen=True)
class Seat:
    """One appraisal: who is appraised in which post, below which deputy; `out` are those who can hold nothing today."""

    chiefs: Chiefs
    person: int
    post: str
    boss: int | None
    out: Collection[int]
    acted: Acted

    @property
    def line(self) -> tuple[int | None, int, int, int]:
        """From the nearest upward."""
        return self.boss, self.chiefs.director, self.chiefs.vice, self.chiefs.president

    @property
    def usual(self) -> tuple[int, int, int]:
        """How high in the line the scorer stands, and who reviews and decides."""
        chiefs = self.chiefs
        if self.post == "director":
            return 2, chiefs.president, chiefs.secretary
        if self.post.startswith("deputy"):
            return 1, chiefs.president, chiefs.secretary
        return 0, chiefs.director, chiefs.vice

    def level(self, person: int | None, default: int) -> int:
        """How high in the line somebody stands."""
        return max((place for place, one in enumerate(self.line) if one == person and one is not None), default=default)

    def fits(self, person: int | None, role: str, taken: Parts, gone: tuple[str, int] | None = None) -> bool:
        """Whether somebody may have a part beside those that are taken; `gone` lost his and decides at most."""
        if person is None or person == self.person or person in self.out:
            return False
        if gone is not None and person == gone[1] and role in {gone[0], ASSESSOR, REVIEWER}:
            return False
        if any(person == other for part, other in taken.items() if part != role):
            return False
        return not any(person in who for part, who in self.acted.items() if part != role)

    def first(
        self, candidates: Iterable[int | None], role: str, taken: Parts, gone: tuple[str, int] | None = None
    ) -> int | None:
        """The first of some who may have a part."""
        return next((one for one in candidates if self.fits(one, role, taken, gone)), None)

    def _reviewer(self, wanted: int | None, taken: Parts, gone: tuple[str, int] | None = None) -> int | None:
        above = self.line[self.level(taken[ASSESSOR], self.usual[0]) + 1 :]
        first = [wanted] if wanted in above else []
        return self.first([*first, *above, self.chiefs.secretary], REVIEWER, taken, gone)

    def _decider(self, present: int | None, taken: Parts, gone: tuple[str, int] | None = None) -> int | None:
        chiefs = self.chiefs
        reserve = (self.usual[2], chiefs.secretary, chiefs.vice, chiefs.president)
        return self.first((present, *reserve), DECIDER, taken, gone)

    def opened(self) -> Parts | None:
        """Who has which part when the cycle opens."""
        first, reviewer, _ = self.usual
        parts: Parts = {}
        return self._filled(parts, self.first(self.line[first:], ASSESSOR, parts), reviewer, None, None)

    def passed_up(self, parts: Parts, role: str) -> Parts | None:
        """Who has which part when the days of one were over; None where nobody is left."""
        gone = (role, parts[role])
        if role == ASSESSOR:
            start = self.level(parts[ASSESSOR], self.usual[0]) + 1
            return self._filled(
                {}, self.first(self.line[start:], ASSESSOR, {}, gone), parts[REVIEWER], parts[DECIDER], gone
            )
        taken = {ASSESSOR: parts[ASSESSOR]}
        floor = self.level(parts[REVIEWER], self.level(parts[ASSESSOR], self.usual[0]))
        reviewer = self.first([*self.line[floor + 1 :], self.chiefs.secretary], REVIEWER, taken, gone)
        if reviewer is None:
            return None
        taken[REVIEWER] = reviewer
        decider = self._decider(parts[DECIDER], taken, gone)
        return None if decider is None else {**taken, DECIDER: decider}

    def without(self, parts: Parts, gone: int) -> Parts | None:
        """Who has which part when the scorer is there no more."""
        first = self.usual[0]
        assessor = self.first(self.line[first:], ASSESSOR, {})
        if assessor is None or parts[ASSESSOR] != gone:
            return None
        taken = {ASSESSOR: assessor}
        present = parts[REVIEWER]
        above = self.line[self.level(assessor, first) + 1 :]
        stays = self.fits(present, REVIEWER, taken) and (self.level(present, -1) < 0 or present in above)
        return self._filled({}, assessor, present if stays else self.usual[1], parts[DECIDER], None, kept=stays)

    def _filled(
        self,
        parts: Parts,
        assessor: int | None,
        reviewer: int | None,
        decider: int | None,
        gone: tuple[str, int] | None,
        *,
        kept: bool = False,
    ) -> Parts | None:
        if assessor is None:
            return None
        parts[ASSESSOR] = assessor
        reviews = reviewer if kept else self._reviewer(reviewer, parts, gone)
        if reviews is None:
            return None
        parts[REVIEWER] = reviews
        decides = self._decider(decider, parts, gone)
        return None if decides is None else {**parts, DECIDER: decides}
