"""The key that signs checkpoints, in a file beside the audit key, and the public one beside it (G13)."""

from pathlib import Path

from config.key_files import OTHERS, make_once
from config.settings import Settings
from services.errors import Environment, Refused
from services.signatures import PublicKey, SigningKey, new_signing_key, public_key, signing_key


def public_file(settings: Settings) -> Path:
    """Return where the public key lies."""
    return settings.checkpoint_key_file.with_suffix(".pub")


def signing_key_of(settings: Settings, *, signed_before: bool, renew: bool = False) -> SigningKey:
    """Return the key that signs; it is made, with the public one, before the first checkpoint.

    Args:
        settings: where it lies.
        signed_before: whether there are checkpoints already; their key is not silently replaced.
        renew: make a new one although there are, because theirs is lost.

    Raises:
        Refused: it is to be renewed and is not lost.
        Environment: it is missing though it has signed, exposed, unreadable, or cannot be written.
    """
    path, public = settings.checkpoint_key_file, public_file(settings)
    try:
        if path.exists():
            if renew:
                raise Refused(f"The checkpoint key {path} is there, so no new one is made; use it.", "key-there")
        elif signed_before and not renew:
            raise Environment(
                f"The checkpoint key {path} is missing; put it back, or begin a new one with --new-key and give its "
                "public key to whoever checks.",
                "checkpoint-key-missing",
            )
        else:
            if public.exists():
                # Older checkpoints are still verified with it.
                public.rename(public.with_name(f"{public.stem}-{_read(public).fingerprint[:8]}.pub"))
            make_once(path, new_signing_key().pem(), mode=0o600)
        key = read_signing_key(path)
        make_once(public, key.public.pem(), mode=0o644)
    except OSError as error:
        raise Environment(f"The checkpoint key {path} cannot be made: {error}.", "checkpoint-key-unwritable") from error
    if _read(public) != key.public:
        raise Environment(
            f"The public key {public} is not the one of {path}; move it away, and it is written anew.",
            "wrong-public-key",
        )
    return key


def read_signing_key(path: Path) -> SigningKey:
    """Read the private key.

    Raises:
        Environment: it is missing, can be read by others, or is no key.
    """
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        said = error.strerror or error
        raise Environment(f"The checkpoint key {path} cannot be read: {said}.", "checkpoint-key-unreadable") from error
    if mode & OTHERS:
        raise Environment(
            f"Others than you may use the checkpoint key {path}; take their rights away with `chmod 600`.",
            "checkpoint-key-exposed",
        )
    try:
        return signing_key(content)
    except ValueError as error:
        raise Environment(
            f"The checkpoint key {path} is no Ed25519 key in PEM; put it back.", "checkpoint-key-malformed"
        ) from error


def read_public_key(settings: Settings, given: Path | None = None) -> PublicKey:
    """Read the public key, from the file that is given or from beside the private one.

    Raises:
        Environment: it is missing or is no key.
    """
    return _read(given or public_file(settings))


def _read(path: Path) -> PublicKey:
    try:
        return public_key(path.read_bytes())
    except OSError as error:
        raise Environment(
            f"The public key {path} cannot be read ({error.strerror or error}); name a copy of it with --public-key.",
            "no-public-key",
        ) from error
    except ValueError as error:
        raise Environment(
            f"{path} is no Ed25519 public key in PEM; name the one that was given to you.", "no-public-key"
        ) from error
