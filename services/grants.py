"""Who may do what is granted by decision and not by the reporting line: publishing, importing, changing people."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable

from services import naming
from services.access import granted_roles, own_or_superior
from services.actors import Actor
from services.errors import Refused
from services.unit_of_work import Transaction
from workflow.vocabulary import Role


def today(tx: Transaction, now: dt.datetime) -> dt.date:
    """Return the day that `now` is in the organisation's zone.

    Raises:
        NotFound: nothing has been set up yet.
    """
    return now.astimezone(zoneinfo.ZoneInfo(naming.organisation(tx).zone)).date()


def demand(tx: Transaction, actor: Actor, now: dt.datetime, roles: Iterable[Role], doing: str) -> None:
    """Let the system, and people with one of the granted `roles` today, pass.

    `doing` completes the sentence "Only ... may ...".

    Raises:
        Refused: the actor has none of them.
    """
    if actor.person_id is None:
        return
    wanted = tuple(roles)
    if granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint(wanted):
        raise Refused(f"Only somebody with the grant {' or '.join(wanted)} may {doing}.", "not-granted")


def demand_typist(tx: Transaction, actor: Actor, on: dt.date) -> None:
    """Of an entry by proxy, let pass only who has that grant on the day, with a reason (W17); a delegate needs none.

    Raises:
        Refused: the one at the keyboard may not enter for others, or gives no reason.
    """
    if actor.typed_by is None or actor.typed_by == actor.person_id or actor.delegated:
        return
    if Role.PROXY not in granted_roles(tx, actor.typed_by, on):
        raise Refused("Entering for somebody else needs the grant proxy.", "not-granted")
    if not actor.reason or not actor.reason.strip():
        raise Refused("An entry for somebody else needs a reason; say why he does not enter it himself.", "reason")


def demand_distance(tx: Transaction, actor: Actor, now: dt.datetime, person_id: int, doing: str) -> None:
    """Refuse what somebody decides about himself or about anybody above him (domain.md, section 5).

    Raises:
        Refused: the person is the actor or one of his superiors.
    """
    for one in (actor.person_id, actor.typed_by):
        if own_or_superior(tx, one, person_id, today(tx, now)):
            raise Refused(
                f"Nobody may {doing} for himself or for one of his superiors; another officer must do it.",
                "own-or-superior",
            )
