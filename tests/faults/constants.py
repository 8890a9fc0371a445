"""What several modules, and the processes they start, agree on; it imports little, so that a process starts fast."""

from services.audit import AuditKeys

KEYS = AuditKeys("k1", {"k1": b"a key that only the tests use"})
FIRST = 5001
"""The number of the first clerk of the crowd."""
