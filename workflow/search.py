"""The search for the holders of one assignment: who stands where, who may have a part, and what was in the way."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from workflow.form import GroupForm, RolesForm
from workflow.parts import Holder, Office, Reporting, Resolution, RoleProblem, Skip, Source, Why
from workflow.vocabulary import JUDGING_ROLES, Role, Severity

_DOES = {Role.ASSESSOR: "score", Role.REVIEWER: "review", Role.DECIDER: "decide appeals"}

_OVERRIDE_FAULTS: Mapping[Why, tuple[str, str]] = MappingProxyType(
    {
        "self": ("override-is-appraisee", "the person himself"),
        "unavailable": ("override-unavailable", "somebody on a protected absence"),
        "recused": ("override-recused", "somebody with a conflict of interest"),
        "has-a-part": ("same-person-twice", "somebody who has another part already"),
    }
)

_PASSED: Mapping[Why, tuple[str, str]] = MappingProxyType(
    {
        "vacant": ("vacancy", "is vacant"),
        "unavailable": ("unavailable", "is held by somebody on a protected absence"),
        "recused": ("recusal", "is held by somebody with a conflict of interest"),
        "self": ("holder-is-appraisee", "is held by the person himself"),
        "has-a-part": ("same-person-twice", "is held by somebody who has another part already"),
        "not-above": ("reviewer-not-above", "is not above whoever scores"),
    }
)

_FOLLOWS: tuple[Why, ...] = ("has-a-part", "not-above")


class Search:
    """One search for the holders of one assignment."""

    def __init__(
        self,
        roles: RolesForm,
        reporting: Reporting,
        office: Office,
        acted: Mapping[str, frozenset[int]],
        gone: frozenset[tuple[Role, int]] = frozenset(),
    ) -> None:
        self.roles = roles
        self.reporting = reporting
        self.office = office
        self.acted = acted
        self.gone = gone
        self.found: dict[Role, Holder] = {}
        self.problems: list[RoleProblem] = []

    def answer(self) -> Resolution:
        """Return what was found."""
        assessor, reviewer, decider = (self.found.get(role) for role in JUDGING_ROLES)
        return Resolution(assessor, reviewer, decider, tuple(self.problems))

    def passed(self, holders: Mapping[str, int]) -> Resolution:
        """Return what was found when a part was passed on; where a part has nobody, everybody keeps what he had."""
        missing = next((role for role in JUDGING_ROLES if role not in self.found), None)
        self.problems.clear()  # they are about opening, and here only one matters
        if missing is None:
            return self.answer()
        self._problem(
            "nobody-left",
            Severity.ERROR,
            missing,
            f"Nobody without another part is left to {_DOES[missing]}.",
            "The item stays with its holder; name somebody by an override.",
        )
        self.found.clear()
        self.keep(holders)
        return self.answer()

    def no_group(self) -> RoleProblem:
        """Return the problem of a post that the workflow does not know."""
        post = self.reporting.post
        return RoleProblem(
            "no-group",
            Severity.ERROR,
            None,
            f"The workflow does not say who scores the post '{post}'.",
            "Add the post to a group of the workflow, or leave this person out with a reason.",
            MappingProxyType({"post": post}),
        )

    def people_at(self, position: str) -> tuple[tuple[int, bool], ...]:
        """Return who stands at a position, each with whether he is acting; acting holders come first."""
        form = self.roles.positions[position]
        if form.post is not None:
            return self._post(form.post)
        reporting = self.reporting
        person = {
            "in-charge": reporting.in_charge,
            "manager": reporting.manager,
            "manager-of-manager": reporting.manager_of_manager,
            "unit-head": reporting.unit_heads[form.level] if form.level < len(reporting.unit_heads) else None,
        }[form.column or form.relation or "manager"]
        if person is None:
            return ()
        stand_ins: tuple[tuple[int, bool], ...] = ()
        if person in self.office.unavailable:
            acting = {p for post in self.office.posts_of(person) for p in self.office.acting.get(post, ())}
            stand_ins = tuple((p, True) for p in sorted(acting))
        return (*stand_ins, (person, False))

    def _post(self, post: str) -> tuple[tuple[int, bool], ...]:
        acting = sorted(set(self.office.acting.get(post, ())))
        regular = sorted(set(self.office.holders.get(post, ())) - set(acting))
        return (*((p, True) for p in acting), *((p, False) for p in regular))

    def why_not(self, person: int, role: Role) -> Why | None:
        """Say why somebody cannot have a part, or None when he can."""
        if person == self.reporting.person:
            return "self"
        if person in self.office.unavailable or self._gave_up(person, role):
            return "unavailable"
        if self.office.conflict(person, self.reporting.person):
            return "recused"
        others = (holder.person for part, holder in self.found.items() if part is not role)
        if person in others or any(person in who for part, who in self.acted.items() if part != role):
            return "has-a-part"
        return None

    def _gave_up(self, person: int, role: Role) -> bool:
        """Say whether a part was taken from somebody and he takes none instead: only appeals he may still decide."""
        return any(person == one and (role in {part, Role.ASSESSOR, Role.REVIEWER}) for part, one in self.gone)

    def level(self, person: int | None, default: int) -> int:
        """Return how high in the line somebody stands, at least `default` when he stands nowhere in it."""
        places = [
            place
            for place, position in enumerate(self.roles.line)
            if person is not None and any(person == other for other, _ in self.people_at(position))
        ]
        return max(places, default=default)

    def position_of(self, person: int | None) -> str | None:
        """Return the highest position of the line at which somebody stands."""
        place = self.level(person, -1)
        return self.roles.line[place] if place >= 0 else None

    def above(self, role: Role, first: int) -> tuple[str, ...]:
        """Return the positions of the line above the holder of a part, or above the first place where it has none."""
        holder = self.found.get(role)
        if holder is None:
            return self.roles.line[first + 1 :]
        at = self.roles.line.index(holder.position) if holder.position in self.roles.line else first
        return self.roles.line[max(at, self.level(holder.person, first)) + 1 :]

    def keep(self, holders: Mapping[str, int]) -> None:
        """Let people keep the parts they have."""
        for role, person in holders.items():
            if role in JUDGING_ROLES:
                self.found[Role(role)] = Holder(person, "line", self.position_of(person) or role)

    def keep_or_fill_decider(self, present: int | None, group: GroupForm, reserve: tuple[str, ...]) -> None:
        """Leave the appeal with its decider unless he has another part now."""
        if present is not None and self.why_not(present, Role.DECIDER) is None:
            self.keep({Role.DECIDER: present})
        else:
            self.fill(Role.DECIDER, group.decider, (), reserve)

    def overrides(self) -> None:
        """Give the parts that were named explicitly; one that breaks a rule is refused with a problem."""
        for role in JUDGING_ROLES:
            person = self.reporting.overrides.get(role)
            if person is None:
                continue
            why = self.why_not(person, role)
            if why is None:
                self.found[role] = Holder(person, "override", "override")
            else:
                code, text = _OVERRIDE_FAULTS[why]
                self._problem(
                    code,
                    Severity.ERROR,
                    role,
                    f"The override names {text} to {_DOES[role]}.",
                    "Name somebody else, or end the override.",
                    person=person,
                )

    def fill(
        self,
        role: Role,
        first: str | None,
        line: Iterable[str],
        reserve: Iterable[str] = (),
        *,
        first_must_be_in: Iterable[str] | None = None,
    ) -> None:
        """Give a part to the first who may have it: the group's position, then the line, then the reserve."""
        if role in self.found:
            return
        skipped: list[Skip] = []
        for position, source in self._order(first, line, reserve):
            in_line = position in self.roles.line
            if position == first and first_must_be_in is not None and in_line and position not in first_must_be_in:
                skipped.append(Skip(position, None, "not-above"))
                continue
            holder = self._at(position, role, source, skipped)
            if holder is not None:
                self.found[role] = holder
                break
        self._report(role, first, skipped)

    def _order(self, first: str | None, line: Iterable[str], reserve: Iterable[str]) -> Iterator[tuple[str, Source]]:
        seen: set[str] = set()
        steps: list[tuple[str, Source]] = [] if first is None else [(first, "line")]
        steps += [(position, "vacancy") for position in line]
        steps += [(position, "reserve") for position in reserve]
        for position, source in steps:
            if position not in seen:
                seen.add(position)
                yield position, source

    def _at(self, position: str, role: Role, source: Source, skipped: list[Skip]) -> Holder | None:
        people = self.people_at(position)
        if not people:
            skipped.append(Skip(position, None, "vacant"))
        for acting in (True, False):
            here = [person for person, is_acting in people if is_acting is acting]
            if len(here) > 1:
                skipped.extend(Skip(position, person, "two-heads") for person in here)
                continue
            for person in here:
                why = self.why_not(person, role)
                if why is None:
                    return Holder(person, "acting" if acting else source, position, tuple(skipped))
                skipped.append(Skip(position, person, why))
        return None

    def _report(self, role: Role, first: str | None, skipped: list[Skip]) -> None:
        holder = self.found.get(role)
        for position in dict.fromkeys(skip.position for skip in skipped if skip.why == "two-heads"):
            self._problem(
                "two-heads",
                Severity.ERROR,
                role,
                f"Two people hold the position '{position}' at the same time.",
                "End one of the two assignments, or name who is meant by an override.",
                position=position,
            )
        if holder is None:
            self._problem(
                f"no-{role}",
                Severity.ERROR,
                role,
                f"Nobody is left to {_DOES[role]}.",
                "Name somebody by an override, or leave this person out with a reason.",
                position=first,
            )
        elif first is not None and holder.position != first:
            for skip in skipped:
                if skip.position == first:
                    self._passed_over(role, skip, holder)

    def _passed_over(self, role: Role, skip: Skip, holder: Holder) -> None:
        why = skip.why
        assessor = self.found.get(Role.ASSESSOR)
        if why == "not-above" and assessor and any(p == assessor.person for p, _ in self.people_at(skip.position)):
            why = "has-a-part"
        if why not in _PASSED:
            return
        details = {"position": skip.position, "person": skip.person, "proposed": holder.person}
        if why in _FOLLOWS and any(other.skipped for other in self.found.values() if other is not holder):
            return  # it follows from another part having been passed upward, which is reported itself
        if why == "self" and self.roles.positions[skip.position].column is not None:
            # A person who is his own superior in the list is a slip of the list, and not a case of the rules.
            self._problem(
                f"{role}-is-appraisee",
                Severity.ERROR,
                role,
                f"The column '{skip.position}' names the person himself.",
                f"Correct the column; the next upward to {_DOES[role]} is '{holder.position}'.",
                **details,
            )
            return
        code, text = _PASSED[why]
        self._problem(
            code,
            Severity.WARNING,
            role,
            f"The position '{skip.position}' {text}.",
            f"'{holder.position}' will {_DOES[role]} instead; name somebody else by an override if that is wrong.",
            **details,
        )

    def _problem(
        self, code: str, severity: Severity, role: Role, text: str, mend: str, **details: str | int | None
    ) -> None:
        self.problems.append(RoleProblem(code, severity, role.value, text, mend, MappingProxyType(dict(details))))
