"""Secrets that lie in files of their own: the first line of each counts."""

from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import SecretStr, ValidationInfo


def with_password(url: str, info: ValidationInfo) -> str:
    """Return an address with the password of its file, if there is one.

    Raises:
        ValueError: the address has a password already: which one holds would be a guess.
    """
    file = info.data.get(f"{str(info.field_name).removesuffix('_url')}_password_file")
    if file is None:
        return url
    parts = urlsplit(url)
    if parts.password is not None or not parts.hostname:
        raise ValueError
    who, _, where = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{who}:{quote(first_line(file), safe='')}@{where}").geturl()


def first_line(file: Path) -> str:
    """Return the first line of a file, without blanks at its ends."""
    return file.read_text(encoding="utf-8").split("\n", 1)[0].strip()


def secret(value: SecretStr | None, file: Path | None) -> str | None:
    """Return a secret from its setting or its file, or None where neither is given."""
    if value is not None:
        return value.get_secret_value()
    return first_line(file) if file else None
