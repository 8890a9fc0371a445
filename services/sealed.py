"""Small facts that a browser keeps for us: readable, and useless once anything in them is changed."""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from scoring.canonical import canonical
from services.audit import AuditKeys

LONGEST = 4000
"""Characters; a browser keeps no more in one cookie."""


def seal(keys: AuditKeys, purpose: str, fields: Mapping[str, Any]) -> str:
    """Return facts for one purpose with a seal that only who has the audit key can make."""
    body = base64.urlsafe_b64encode(canonical(fields)).decode()
    return f"{body}.{_mac(keys.secrets[keys.current], purpose, body)}"


def unsealed(keys: AuditKeys, purpose: str, text: str | None) -> Mapping[str, Any] | None:
    """Return the facts, or None: there are none, they are for another purpose, or they were changed."""
    if not text or len(text) > LONGEST or not text.isascii():
        return None
    body, _, mac = text.partition(".")
    if not any(hmac.compare_digest(mac, _mac(secret, purpose, body)) for secret in keys.secrets.values()):
        return None
    found: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body))
    return found


def _mac(secret: bytes, purpose: str, body: str) -> str:
    return hmac.new(secret, f"sealed\n{purpose}\n{body}".encode(), "sha256").hexdigest()
