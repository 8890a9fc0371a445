"""How a setting is declared: what it accepts, what it is for, its default in words; and secrets that lie in files."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationInfo
from pydantic.fields import FieldInfo


def setting(default: Any, accepts: str, text: str, *, shown: str = "", secret: bool = False, **limits: Any) -> Any:
    """Declare a setting: what it accepts, what it is for, its default in words, whether it is kept from view."""
    words: Any = {"accepts": accepts, "shown": shown, "secret": secret}
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**given, description=text, json_schema_extra=words, repr=not secret, **limits)


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
    """Return the first line of a file, without what surrounds it."""
    return file.read_text(encoding="utf-8").split("\n", 1)[0].strip()


def secret(value: SecretStr | None, file: Path | None) -> str | None:
    """Return a secret that stands in a setting or in its file."""
    if value is not None:
        return value.get_secret_value()
    return first_line(file) if file else None


def words_of(field: FieldInfo) -> dict[str, Any]:
    """Return what the field accepts, its default in words (`shown`), and whether it is `secret`."""
    words = dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}
    words["shown"] = words.get("shown") or str(field.default)
    return words
