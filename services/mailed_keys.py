"""Keys that go by mail: made again at sending from the audit key and a random name, so that no row holds the secret."""

import hmac

from services.audit import AuditKeys


def mailed_secret(keys: AuditKeys, nonce: str) -> str:
    """Return the secret of a key that was promised by mail; whoever has only the database cannot."""
    # The oldest key: a new one must not change what was promised.
    return hmac.new(next(iter(keys.secrets.values())), b"login-key\n" + nonce.encode(), "sha256").hexdigest()
