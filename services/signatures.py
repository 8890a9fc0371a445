"""Ed25519 signatures (RFC 8032), by which somebody without the application and its audit key can check a checkpoint."""

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a signature is checked with; `raw` is 32 bytes."""

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the raw key: what people compare."""
        return hashlib.sha256(self.raw).hexdigest()

    def pem(self) -> bytes:
        """Return the key as a PEM file, as OpenSSL writes and reads it (RFC 8410)."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether the owner of the private key signed this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs; it never leaves the machine."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """The key its signatures are checked with."""
        return PublicKey(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self.private.sign(message)

    def pem(self) -> bytes:
        """Return the key as a PEM file without a password (PKCS 8)."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_signing_key() -> SigningKey:
    """Return a key that nobody had before."""
    return SigningKey(Ed25519PrivateKey.generate())


def signing_key(pem: bytes) -> SigningKey:
    """Read a private key.

    Raises:
        ValueError: it is no Ed25519 key in PEM without a password.
    """
    try:
        key = load_pem_private_key(pem, None)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("it is a key of another kind")  # noqa: TRY004 - the content is wrong, not a type of ours
    return SigningKey(key)


def public_key(pem: bytes) -> PublicKey:
    """Read a public key.

    Raises:
        ValueError: it is no Ed25519 key in PEM.
    """
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is a key of another kind")  # noqa: TRY004 - as above
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
