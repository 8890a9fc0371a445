"""Where a webhook may point: an address of another system, and nothing behind our own walls unless that is allowed.

Whoever names an address makes this machine connect to it. So the name is resolved here, each of its addresses is
looked at, and the connection goes to one that was looked at, not to what the name resolves to a moment later.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.errors import Malformed, Refused

LONGEST_URL = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of an address that a connection needs. `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class NotReachable(Exception):  # noqa: N818 - it is what became of a delivery, and read as such
    """The address cannot be used: its name is unknown, or it leads to where it must not. `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def target_of(url: str) -> Target:
    """Return the parts of an address.

    Raises:
        Malformed: it is no address of the web, too long, or holds a password, a fragment or what no address has.
    """
    plain = len(url) <= LONGEST_URL and url.isascii() and url.isprintable() and " " not in url
    target = _parts(url) if plain else None
    if target is None:
        raise Malformed(
            f"{url[:100]!r} is no address that a webhook can have; write it like https://hr.example.org/appraise, "
            f"without a password and with at most {LONGEST_URL} characters.",
            "bad-url",
        )
    return target


def _parts(url: str) -> Target | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return None
    path = parts.path or "/"
    full = f"{path}?{parts.query}" if parts.query else path
    return Target(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], full)


def demand_allowed(target: Target, *, private: bool) -> None:
    """Let pass what may be registered: https, and http only where private addresses are allowed.

    An address that is written as a number is looked at now, a name when it is used.

    Raises:
        Refused: it may not.
    """
    if target.scheme != "https" and not private:
        raise Refused("A webhook goes to an address with https://; what it tells would be open to all between.", "http")
    try:
        number = ipaddress.ip_address(target.host)
    except ValueError:
        return
    if not private and not is_public(number):
        raise Refused(
            f"{target.host} lies in a private network or on this machine; whoever runs Appraise allows that with "
            "APPRAISE_WEBHOOK_PRIVATE.",
            "private-address",
        )


def resolved(target: Target, *, private: bool) -> str:
    """Return the address, as a number, to connect to.

    Raises:
        NotReachable: the name is unknown, or it is private or not HTTPS where that is not allowed.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise NotReachable("unknown-host") from error
    numbers = [str(entry[4][0]) for entry in found]
    # One private address among public ones is enough: which of them is taken is not ours to gamble on.
    if not private and not all(is_public(ipaddress.ip_address(number.partition("%")[0])) for number in numbers):
        raise NotReachable("private-address")
    if target.scheme != "https" and not private:
        raise NotReachable("not-https")
    return numbers[0]


def is_public(address: Address) -> bool:
    """Tell whether an address lies in the public network, also where it only wraps another one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved
