"""Whether a request under a key is a repeated one, for who checks something before he asks again."""

from services.actors import Actor
from services.request_keys import FIND
from services.unit_of_work import UnitOfWork


def asked_before(uow: UnitOfWork, *, actor: Actor, request: str | None) -> bool:
    """Tell whether somebody asked for something under this key already, and so is answered as then."""
    if request is None:
        return False
    with uow.read() as tx:
        return tx.first(FIND, {"asker": actor.actor_id, "asked": request}) is not None
