"""The settings of logging in by an OpenID provider, and whether a password does too."""

import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from config.setting_fields import secret, setting

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class OpenIdSettings(BaseSettings):
    """A part of `config.settings.Settings`."""

    openid_issuer: str | None = setting(
        None,
        "an address that begins with https:// (http:// on the loopback), without a query",
        "The OpenID provider by which people log in, exactly as it names itself; without one they log in by password.",
        shown="none",
    )
    openid_client: str | None = setting(
        None,
        "the name the provider gave us, together with its address",
        "Our name at the provider (client id).",
        shown="none",
    )
    openid_client_secret: SecretStr | None = setting(
        None,
        "a secret, or nothing when the secret file is set",
        "Our secret at the provider; without one we show by PKCE alone that a login is ours.",
        shown="none",
        secret=True,
    )
    openid_client_secret_file: Path | None = setting(
        None,
        "a file you can read, and no secret set beside it",
        "A file whose first line is that secret.",
        shown="none",
    )
    openid_name: str | None = setting(
        None,
        "a few words",
        "How people know the provider: it stands on the button.",
        shown="the name of its server",
        max_length=60,
    )
    openid_claim: str = setting(
        "email",
        "the name of a claim",
        "What of the provider's answer says who somebody is: `email`, confirmed, is looked up among the addresses; any "
        "other is an employee number.",
        pattern=r"^[A-Za-z0-9_:/.-]{1,200}$",
    )
    openid_scopes: str = setting(
        "openid email",
        "words with spaces between them, one of them openid",
        "What we ask the provider for; it must bring the claim into the identity token.",
        pattern=r"^([!#-\[\]-~]+ )*openid( [!#-\[\]-~]+)*$",
    )
    openid_timeout_seconds: float = setting(
        5, "a number of seconds from 1 to 60", "How long one answer of the provider may take.", ge=1, le=60
    )
    openid_ca_file: Path | None = setting(
        None,
        "a file of certificates in PEM form that you can read",
        "Whose certificates the provider may show, where a certificate authority of your own signed it.",
        shown="the machine's",
    )
    password_login: bool = setting(
        True,
        "on; or off while APPRAISE_OPENID_ISSUER is set",
        "Whether people may log in by employee number and password.",
        shown="on",
    )

    @field_validator("openid_client_secret_file", "openid_ca_file")
    @classmethod
    def _check_openid_file(cls, value: Path | None) -> Path | None:
        """Bind a relative path to the folder the process started in."""
        if value is None:
            return None
        file = Path(os.path.normpath(value.expanduser().absolute()))
        if not (file.is_file() and os.access(file, os.R_OK)):
            raise ValueError
        return file

    @field_validator("openid_issuer")
    @classmethod
    def _check_issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError where it is no port
        open_ = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not (open_ or parts.scheme == "https") or not parts.hostname or parts.username is not None:
            raise ValueError
        if parts.query or parts.fragment or not value.isprintable() or " " in value:
            raise ValueError
        return value

    @model_validator(mode="after")
    def _take_all_or_none(self) -> Self:
        """Refuse a provider without our name there, a name without a provider, and that nobody could log in."""
        if (self.openid_issuer is None) != (self.openid_client is None):
            raise ValueError("openid_client")
        if self.openid_client_secret and self.openid_client_secret_file:
            raise ValueError("openid_client_secret_file")
        if not self.password_login and self.openid_issuer is None:
            raise ValueError("password_login")
        return self

    @property
    def openid_called(self) -> str:
        """How people know the provider."""
        return self.openid_name or urlsplit(self.openid_issuer or "").hostname or ""

    def client_secret(self) -> str | None:
        """Return our secret at the provider, from the setting or its file."""
        return secret(self.openid_client_secret, self.openid_client_secret_file)
