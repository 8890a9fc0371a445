"""What the mail says that sets a new password: the link, while it works and there is an address to send it to."""

from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from models.columns import table_of
from models.people import Account, Contact, LoginKey
from services.database_clock import database_now
from services.mail_words import Look, NotNeeded
from services.mailed_keys import mailed_secret

ACCOUNT = table_of(Account)
CONTACT = table_of(Contact)
LOGIN_KEY = table_of(LoginKey)

_KEY = (
    select(LOGIN_KEY.c.used_at, LOGIN_KEY.c.expires_at, ACCOUNT.c.disabled_at, database_now().label("wall"))
    .join(ACCOUNT, ACCOUNT.c.id == LOGIN_KEY.c.account_id)
    .where(LOGIN_KEY.c.id == bindparam("key"), ACCOUNT.c.person_id == bindparam("person"))
)
ADDRESS = select(CONTACT.c.id).where(
    CONTACT.c.person_id == bindparam("person"),
    CONTACT.c.valid_from <= bindparam("on"),
    or_(CONTACT.c.valid_to.is_(None), CONTACT.c.valid_to >= bindparam("on")),
)


def login_key(look_: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return the link; never for somebody without an address, whose mails HR prints and would read."""
    payload = look_.message.payload
    row = look_.tx.first(_KEY, {"key": payload.get("key"), "person": person.id})
    if row is None or row.used_at is not None or row.disabled_at is not None or row.expires_at <= row.wall:
        return NotNeeded("over")
    if look_.tx.first(ADDRESS, {"person": person.id, "on": look_.on}) is None:
        return NotNeeded("no-address")
    return {"link": look_.link("password", mailed_secret(look_.tx.keys, str(payload["nonce"])))}
