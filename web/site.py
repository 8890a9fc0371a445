"""What one application works with: the wiring, the templates in each language, and the limits of a session."""

import asyncio
import datetime as dt
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from config.settings import Settings
from config.wiring import Wiring
from models.database import POOL_OVERFLOW
from services.sessions import Limits
from web.openid_provider import Client, Provider
from web.render import Templates

READINGS = POOL_OVERFLOW
"""Pages that read at once in one process; there are `POOL_SIZE` connections more, for what is sent meanwhile."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Site:
    """One application's own things."""

    wiring: Wiring
    templates: Templates
    limits: Limits
    openid: Provider | None = None
    """Who logs people in beside us, or in our place."""
    readings: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READINGS))
    """What a page takes before it reads. It keeps its connection from one thread to the next: were more of them begun
    than there are connections, those without one could take every thread, and no page would ever end."""

    @property
    def secure(self) -> bool:
        """Whether people reach the pages over https."""
        return self.wiring.settings.base_url.startswith("https://")

    @property
    def origin(self) -> str:
        """Scheme, name and port of the configured address, as a browser writes them."""
        parts = urlsplit(self.wiring.settings.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names under which the pages answer; on the loopback all of its names."""
        host = urlsplit(self.wiring.settings.base_url).hostname or ""
        return LOOPBACK if host in LOOPBACK else frozenset({host})

    @property
    def cookie(self) -> str:
        """The name of the cookie of a session; over https no other name of the domain can set it."""
        return "__Host-appraise" if self.secure else "appraise"


def site_of(wiring: Wiring) -> Site:
    """Return the site of a wiring."""
    settings = wiring.settings
    limits = Limits(dt.timedelta(minutes=settings.session_idle_minutes), dt.timedelta(hours=settings.session_hours))
    return Site(wiring, Templates(), limits, openid_of(settings))


def openid_of(settings: Settings) -> Provider | None:
    """Return the OpenID provider of the settings, or None."""
    if settings.openid_issuer is None or settings.openid_client is None:
        return None
    client = Client(
        settings.openid_issuer,
        settings.openid_client,
        settings.client_secret(),
        settings.openid_called,
        settings.openid_claim,
        settings.openid_scopes,
        settings.openid_timeout_seconds,
        settings.openid_ca_file,
    )
    return Provider(client)
