"""The key file of the audit chain: one key a line, `NAME HEXADECIMAL`; the last one signs, the others verify."""

import re
import secrets
from pathlib import Path

from config.key_files import OTHERS, make_once
from services.audit import AuditKeys
from services.errors import Environment

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,40}) (?P<key>(?:[0-9a-f]{2}){32,})")


def read_audit_keys(path: Path) -> AuditKeys:
    """Return the keys of a file.

    Raises:
        Environment: the file is missing, can be read by others, or has a line that is no key.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise Environment(
            f"The audit key file {path} is missing; put its copy back, or nothing written so far can be verified. For "
            "a new database `appraise db upgrade` makes it, once for all machines.",
            "audit-key-missing",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Environment(f"The audit key file {path} cannot be read: {error}.", "audit-key-unreadable") from error
    if mode & OTHERS:
        raise Environment(
            f"Others than you may use the audit key file {path}; take their rights away with `chmod 600`.",
            "audit-key-exposed",
        )
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match["name"] in keys:
            raise Environment(
                f"Line {number} of the audit key file {path} is not a name of its own and a hexadecimal key; "
                "put the file's copy back.",
                "audit-key-malformed",
            )
        keys[match["name"]] = bytes.fromhex(match["key"])
    if not keys:
        raise Environment(f"The audit key file {path} is empty; put its copy back.", "audit-key-malformed")
    return AuditKeys(list(keys)[-1], keys)


def create_audit_keys(path: Path) -> AuditKeys:
    """Return the keys of a file, made with one new key (mode 0600) if it is not there; two makers get the same key.

    Raises:
        Environment: the file cannot be written, or the one that is there is wrong.
    """
    try:
        make_once(path, f"k1 {secrets.token_hex(32)}\n".encode(), mode=0o600)
    except OSError as error:
        raise Environment(f"The audit key file {path} cannot be written: {error}.", "audit-key-unwritable") from error
    return read_audit_keys(path)
