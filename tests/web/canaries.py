"""Words and figures planted in the office that only some may ever be shown, and who may."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from models.columns import table_of
from models.people import Grant, Person
from services import attachments, findings, naming, people
from services.appraisals import Words, act
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PRESIDENT,
    QUARTER,
    SECRETARY,
    SECURITY,
    VICE,
    granted,
    noon,
)
from tests.services.closing import JUDGES
from tests.services.playing import FEBRUARY, SUBMITTED, Play
from web.api_table import PREFIX

RULES = {ESCORT: ("E3.1", "7", "93"), CLERK: ("C3.1", "4", "96"), DIRECTOR: ("D1.1", "5", "95")}
"""Whose ledger, by which rule, how many points, and what is left of a hundred."""
ABSENCE = "canary-absence"
OUTSIDER = "1010"
"""Somebody who has no post, and so nothing to do with anybody."""


@dataclass(frozen=True)
class Role:
    """Somebody who asks, what he is granted for it, and which canaries he must never see."""

    number: str
    grant: str | None
    never: tuple[str, ...]


def facts(*numbers: str) -> tuple[str, ...]:
    """Name what people wrote about these people and what they wrote themselves."""
    return tuple(f"canary-{kind}-{number}" for number in numbers for kind in ("finding", "reply", "statement"))


def judgement(*numbers: str) -> tuple[str, ...]:
    """Name the amounts, totals and words of the judges of these people."""
    return tuple(
        one
        for number in numbers
        for one in (f"canary-judgement-{number}", f'"amount":"{RULES[number][1]}"', f':"{RULES[number][2]}"')
    )


def address(number: str) -> str:
    """Name the address of somebody."""
    return f"p{number}@example.org"


ROLES: Mapping[str, Role] = {
    "employee": Role(
        ESCORT,
        None,
        (*facts(CLERK, DIRECTOR), *judgement(ESCORT, CLERK, DIRECTOR), "canary-document", address(CLERK), ABSENCE),
    ),
    "assessor": Role(SECURITY, None, (*facts(CLERK, DIRECTOR), *judgement(CLERK, DIRECTOR), address(ESCORT), ABSENCE)),
    "reviewer": Role(DIRECTOR, None, (*judgement(DIRECTOR), address(ESCORT), ABSENCE)),
    "hr": Role(OFFICER, None, judgement(DIRECTOR)),
    "approver": Role(PRESIDENT, None, (address(ESCORT), ABSENCE)),
    "auditor": Role(SECRETARY, "auditor", (address(ESCORT), ABSENCE)),
    "operator": Role(
        OUTSIDER,
        "operator",
        (*facts(*RULES), *judgement(*RULES), "canary-document", ABSENCE),
    ),
    "stranger": Role(OUTSIDER, None, (*facts(*RULES), *judgement(*RULES), "canary-document", address(ESCORT), ABSENCE)),
}


def planted(play: Play) -> dict[str, str]:
    """Plant the canaries; the appraisals of escort and clerk lie before their reviewer then. Return what to ask for."""
    with play.uow.write() as tx:
        nobody = {"language": "en", "joined": None, "left": None, "erased_at": None}
        tx.insert(table_of(Person), {"number": OUTSIDER, "name": "Outsider", **nobody})
    document = play.document("canary-document", "circular")
    lines = {}
    for number, (rule, amount, _) in RULES.items():
        judge = JUDGES[number][0] if number != DIRECTOR else VICE
        lines[number] = findings.add(
            play.uow,
            actor=play.who(judge),
            now=noon(4, 1),
            number=number,
            rule=rule,
            happened=FEBRUARY,
            amount=Fraction(amount),
            reason=f"canary-finding-{number}",
            document=document if number == CLERK else None,
        ).code
        attachments.attach(
            play.uow,
            actor=play.who(judge),
            now=noon(4, 1),
            item=lines[number],
            name="log.txt",
            content=f"canary-finding-{number}".encode(),
        )
        reply = f"canary-reply-{number}"
        findings.reply(play.uow, actor=play.who(number), now=noon(4, 1), finding=lines[number], text=reply)
        _move(play, number, "state", f"canary-statement-{number}", by=number)
        if number != DIRECTOR:
            _move(play, number, "submit", f"canary-judgement-{number}", by=judge)
    people.record_absence(
        play.uow,
        actor=play.who(OFFICER),
        now=noon(4, 1),
        number=ESCORT,
        kind="leave",
        first=dt.date(2026, 3, 2),
        last=dt.date(2026, 3, 3),
        reason=ABSENCE,
    )
    return {"document": document, "finding": lines[ESCORT], "other": lines[CLERK]}


def _move(play: Play, number: str, action: str, words: str, *, by: str) -> None:
    at = noon(4, 1) if action == "state" else SUBMITTED
    act(
        play.uow,
        actor=play.who(by),
        now=at,
        appraisal=f"{QUARTER}/{number}",
        action=action,
        words=Words(comment=words),
    )


def give(play: Play, number: str, role: str) -> None:
    """Give somebody a grant for the whole organisation."""
    with play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(naming.person(tx, number).id, role))


def paths(known: Mapping[str, str]) -> list[str]:
    """Name every address of the API at which something of the planted people lies."""
    found = ["/organisation", "/people", "/cycles", f"/cycles/{QUARTER}", f"/cycles/{QUARTER}/status"]
    found += [f"/cycles/{QUARTER}/proposal", *(f"/cycles/{QUARTER}/export?form={form}" for form in ("csv", "json"))]
    found += [
        "/delegations",
        f"/cycles/{QUARTER}/results",
        "/appraisals",
        "/findings",
        "/documents",
        "/work-items",
        "/audit/views",
    ]
    found += [f"/documents/{known['document']}", f"/documents/{known['document']}/findings", "/audit/verification"]
    found += [f"/audit/streams/{name}" for name in ("org", "refusals", f"cycle:{QUARTER}", "ledger:1", "ledger:9")]
    for number in RULES:
        found += [f"/people/{number}", f"/delegations?number={number}"]
        found += [f"/findings?number={number}", f"/appraisals?number={number}"]
        base = f"/appraisals/{QUARTER}/{number}"
        found += [base, f"{base}/explanation", f"{base}/findings", f"{base}/duties", f"{base}/audit"]
    found += [
        f"/{one}" for file in (1, 2, 3) for one in (f"files/{file}", f"findings/F{file}", f"findings/F{file}/files")
    ]
    return [PREFIX + path for path in found]
