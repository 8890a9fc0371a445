"""What one application works with: the wiring, the templates in each language, and the limits of a session."""

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.wiring import Wiring
from services.sessions import Limits
from web.render import Templates

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Site:
    """One application's own things."""

    wiring: Wiring
    templates: Templates
    limits: Limits

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
    return Site(wiring, Templates(), limits)
