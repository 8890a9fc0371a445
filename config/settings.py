"""Every setting, read once from the environment and `.env`; nothing below `config` reads either."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from config.openid_settings import OpenIdSettings
from config.setting_fields import secret, setting, with_password
from config.setting_problems import ENV_FILE, PREFIX, SettingsError, sentences, unknown, variable

__all__ = ["ENV_FILE", "IN_MEMORY", "PREFIX", "Settings", "SettingsError", "load_settings", "variable"]

IN_MEMORY = "memory://"
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


_READ_FILES = (
    *(f"{name}_password_file" for name in ("database", "database_owner", "broker", "smtp")),
    "smtp_ca_file",
    "webhook_ca_file",
    "token_file",
)
"""What is read once, at the start, and must be there."""


class Settings(OpenIdSettings):
    """All settings, frozen. Each is `APPRAISE_` and the field's name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    data_dir: Path = setting(
        Path("appraise-data"),
        "a folder",
        "Where the embedded database, the audit key and other local files lie.",
        shown="./appraise-data",
    )
    database_password_file: Path | None = setting(
        None,
        "a file you can read, and no password in the database address",
        "A file whose first line is the password of the database address.",
        shown="none",
    )
    database_owner_password_file: Path | None = setting(
        None,
        "a file you can read, and no password in the owner's database address",
        "A file whose first line is the password of the owner's database address.",
        shown="none",
    )
    broker_password_file: Path | None = setting(
        None,
        "a file you can read, and no password in the broker's address",
        "A file whose first line is the password of the broker's address.",
        shown="none",
    )
    database_url: str = setting(
        lambda data: f"sqlite:///{data['data_dir'] / 'appraise.sqlite3'}",
        "a database address that begins with sqlite:/// or postgresql://",
        "The database the application works on; on PostgreSQL, as the role that may not change audit rows.",
        shown="appraise.sqlite3 in the data folder",
        secret=True,
    )
    database_owner_url: str = setting(
        lambda data: data["database_url"],
        "a database address that begins with sqlite:/// or postgresql://",
        "The same database as the role that owns the tables; only `appraise db upgrade|backup|restore` use it.",
        shown="the database address",
        secret=True,
    )
    broker_url: str = setting(
        IN_MEMORY,
        "memory://, or an address that begins with redis:// or rediss://",
        "What rings the workers: memory:// keeps them in this process, Redis lets them run in processes of their own.",
        secret=True,
    )
    worker: bool = setting(True, "on or off", "Whether this process runs worker threads.", shown="on")
    worker_threads: int = setting(2, "a whole number from 1 to 32", "How many jobs run at once.", ge=1, le=32)
    sweep_seconds: float = setting(
        3,
        "a number of seconds from 0.05 to 60",
        "How often the sweep looks for what is owed and was not rung for.",
        ge=0.05,
        le=60,
    )
    lease_seconds: int = setting(
        120,
        "a whole number of seconds from 10 to 3600",
        "How long a worker may hold a job or a mail before another takes it over.",
        ge=10,
        le=3600,
    )
    chunk_size: int = setting(
        1000,
        "a whole number from 500 to 2000",
        "How many appraisals one transaction opens or finalises.",
        ge=500,
        le=2000,
    )
    smtp_host: str | None = setting(
        None,
        "the name or address of a mail server",
        "The server that takes the mails; without one they wait, and HR prints the list of notices.",
        shown="none",
        pattern=r"^[A-Za-z0-9.:_-]+$",
    )
    smtp_port: int = setting(587, "a port from 1 to 65535", "The mail server's port.", ge=1, le=65535)
    smtp_tls: Literal["none", "starttls", "implicit"] = setting(
        "starttls",
        "none, starttls or implicit",
        "How the connection to the mail server is protected.",
    )
    smtp_user: str | None = setting(None, "a user name", "Who logs in to the mail server.", shown="none")
    smtp_password: SecretStr | None = setting(
        None,
        "a password, or nothing when the password file is set",
        "The password for the mail server.",
        shown="none",
        secret=True,
    )
    smtp_password_file: Path | None = setting(
        None,
        "a file you can read, and no password set beside it",
        "A file whose first line is that password.",
        shown="none",
    )
    smtp_timeout_seconds: float = setting(
        30,
        "a number of seconds from 1 to 300",
        "How long one answer of the mail server may take.",
        ge=1,
        le=300,
    )
    smtp_ca_file: Path | None = setting(
        None,
        "a file of certificates in PEM form that you can read",
        "Whose certificates the mail server may show, where a certificate authority of your own signed it.",
        shown="the machine's",
    )
    mail_per_minute: int | None = setting(
        None,
        "a whole number from 1 to 100000",
        "How many mails a minute all senders together hand over at most.",
        shown="any number",
        ge=1,
        le=100_000,
    )
    mail_from: str = setting(
        "appraise@localhost",
        "one e-mail address without spaces or line breaks",
        "The sender's address of every mail.",
    )
    webhook_timeout_seconds: float = setting(
        10,
        "a number of seconds from 0.1 to 60",
        "How long the receiver of a webhook has to take the connection, and then to answer.",
        ge=0.1,
        le=60,
    )
    webhook_private: bool = setting(
        False,
        "on or off",
        "Whether webhooks may go to this machine and to private networks, and there over http.",
        shown="off",
    )
    webhook_ca_file: Path | None = setting(
        None,
        "a file of certificates in PEM form that you can read",
        "Whose certificates receivers of webhooks may show, where a certificate authority of your own signed them.",
        shown="the machine's",
    )
    base_url: str = setting(
        "http://127.0.0.1:8000",
        "an address that begins with http:// or https://, without a query",
        "Where people reach the pages: what links begin with, and the only name they answer to; with https:// the "
        "cookie of a login goes over https only.",
    )
    proxy_addresses: str | None = setting(
        None,
        "addresses or networks, separated by commas",
        "Which reverse proxies stand before the pages: what they say of the client's address is believed.",
        shown="none",
        pattern=r"^[0-9A-Fa-f.:/, ]+$",
    )
    session_idle_minutes: int = setting(
        60, "a whole number of minutes from 5 to 1440", "After how long without a click a login ends.", ge=5, le=1440
    )
    session_hours: int = setting(
        12, "a whole number of hours from 1 to 168", "After how long a login ends whatever happens.", ge=1, le=168
    )
    password_again: bool = setting(
        True, "on or off", "Whether accepting, approving and signing ask for the password once more.", shown="on"
    )
    advice_far_percent: int = setting(
        10, "percent from 1 to 100", "How far from the last total a reviewer is advised to look.", ge=1, le=100
    )
    advice_few: int = setting(
        3, "a whole number from 1 to 1000", "With fewer amounts given before, none is said to be unlike.", ge=1, le=1000
    )
    audit_key_file: Path = setting(
        lambda data: data["data_dir"] / "audit.key",
        "a file",
        "The key of the audit chain; it never lies in the database.",
        shown="audit.key in the data folder",
    )
    audit_key_copy: str | None = setting(
        None,
        "a few words or a path",
        "Where the copy of the audit key is kept; doctor repeats it, and asks for it while it is empty.",
        shown="none",
    )
    checkpoint_key_file: Path = setting(
        lambda data: data["audit_key_file"].with_name("checkpoint.key"),
        "a file",
        "The private key that signs checkpoints, made with the first; the public key lies beside it, ending in .pub.",
        shown="checkpoint.key beside the audit key",
    )
    checkpoint_place: str | None = setting(
        None,
        "a few words or a path",
        "Where checkpoints and their public key are kept, away from this machine; doctor repeats it, and asks for it.",
        shown="none",
    )
    token: SecretStr | None = setting(
        None,
        "a token, or nothing when the token file is set",
        "Whose token commands act with, outside demo and practice data.",
        shown="none",
        secret=True,
    )
    token_file: Path | None = setting(
        None,
        "a file you can read, and no token set beside it",
        "A file whose first line is that token.",
        shown="none",
    )
    language: Literal["en", "zh"] = setting("en", "en or zh", "The language of the terminal.")
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info",
        "debug, info, warning or error",
        "From which level log lines are written.",
    )
    log_format: Literal["text", "json"] = setting("text", "text or json", "The form of a log line.")

    @field_validator("data_dir", "audit_key_file", "checkpoint_key_file", *_READ_FILES)
    @classmethod
    def _fix_place(cls, value: Path | None) -> Path | None:
        """Bind a relative path to the folder the process started in."""
        return None if value is None else Path(os.path.normpath(value.expanduser().absolute()))

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _check_database(cls, value: str, info: ValidationInfo) -> str:
        scheme, mark, rest = value.partition("://")
        if not mark or scheme not in {"sqlite", "postgresql", "postgresql+psycopg"} or not rest.strip("/"):
            raise ValueError
        if scheme == "sqlite" and not rest.startswith("/"):
            raise ValueError
        address = f"postgresql+psycopg://{rest}" if scheme == "postgresql" else value
        return with_password(address, info)

    @field_validator("broker_url")
    @classmethod
    def _check_broker(cls, value: str, info: ValidationInfo) -> str:
        parts = urlsplit(value)
        if value != IN_MEMORY and (parts.scheme not in {"redis", "rediss"} or not parts.hostname):
            raise ValueError
        _ = parts.port  # raises ValueError where it is no port
        return with_password(value, info)

    @field_validator("mail_from")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        if not ADDRESS.fullmatch(value):
            raise ValueError
        return value

    @field_validator("base_url")
    @classmethod
    def _check_base(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError
        return value.rstrip("/")

    @field_validator(*_READ_FILES)
    @classmethod
    def _check_readable(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_file() and os.access(value, os.R_OK)):
            raise ValueError
        return value

    @model_validator(mode="after")
    def _take_one(self) -> Self:
        """Refuse a secret that is given twice: which one holds would be a guess."""
        for name in ("smtp_password", "token"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ValueError(f"{name}_file")
        return self

    @property
    def embedded(self) -> bool:
        """Whether the worker is in the process that asks, and not rung for over Redis."""
        return self.broker_url == IN_MEMORY

    def mail_password(self) -> str | None:
        """Return the password for the mail server, from the setting or its file."""
        return secret(self.smtp_password, self.smtp_password_file)

    def access_token(self) -> str | None:
        """Return the token commands act with, from the setting or its file."""
        return secret(self.token, self.token_file)


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings: `overrides` (by field name) before the environment before `.env` before the defaults.

    Raises:
        SettingsError: A setting is wrong, or a variable that begins with APPRAISE_ is none.
    """
    given = dict(overrides or {})
    kept = {name: value for name, value in dotenv_values(ENV_FILE).items() if name.startswith(PREFIX)}
    found = {name.upper(): value for name, value in {**kept, **os.environ}.items() if name.upper().startswith(PREFIX)}
    problems = unknown(found, given, Settings.model_fields)
    if problems:
        raise SettingsError(problems)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(sentences(error, found, Settings.model_fields)) from None
