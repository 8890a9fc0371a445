"""Whether a request that names itself by a key was made before: then it is answered as then, whatever changed since."""

from services.actors import Actor
from services.request_keys import FIND
from services.unit_of_work import UnitOfWork


def asked_before(uow: UnitOfWork, *, actor: Actor, request: str | None) -> bool:
    """Tell whether somebody asked for something under this key already, and so is answered as then."""
    if request is None:
        return False
    with uow.read() as tx:
        return tx.first(FIND, {"asker": actor.actor_id, "asked": request}) is not None
