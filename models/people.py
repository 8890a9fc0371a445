"""The organisation and its people: units, posts, persons, and who was where from when to when."""

import datetime as dt
from fractions import Fraction

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from models import columns as c
from workflow.vocabulary import GRANTED_ROLES, HOLDER_ROLES


class Organisation(SQLModel, table=True):
    """One row: one database is one organisation.

    `kind` is demo, practice or live; only the first two let anybody act as anybody.
    """

    id: int | None = c.key()
    name: str = c.text()
    kind: str = c.text_enum(("demo", "practice", "live"))
    zone: str = c.text()
    language: str = c.text_enum(("en", "zh"))
    calendar: str = c.text()
    settings: str = c.text(default="{}")
    created_at: dt.datetime = c.moment()


class Unit(SQLModel, table=True):
    """A unit of the organisation; the tree is by `parent_id`."""

    id: int | None = c.key()
    code: str = c.text(unique=True)
    name: str = c.text()
    parent_id: int | None = c.ref("unit.id", null=True)
    head_id: int | None = c.ref("person.id", null=True)


class ClosureDay(SQLModel, table=True):
    """A day the organisation closes, or works, against the public calendar."""

    __tablename__ = "closure_day"
    id: int | None = c.key()
    day: dt.date = c.day()
    kind: str = c.text_enum(("closed", "working"))
    name: str = c.text()
    __table_args__ = (UniqueConstraint("day"),)


class Post(SQLModel, table=True):
    """A post; its code is the post id that rubrics use, its names are shown to people."""

    id: int | None = c.key()
    code: str = c.text(unique=True)
    name_en: str = c.text()
    name_zh: str = c.text()
    aliases: str = c.text(default="[]")


class Person(SQLModel, table=True):
    """A person. The employee number is unique for ever; `erased_at` empties the name and its initials, nothing else.

    `initials` (see `models.initials`) are there to be searched by.
    """

    id: int | None = c.key()
    number: str = c.text(unique=True)
    name: str = c.text()
    language: str = c.text_enum(("en", "zh"))
    joined: dt.date | None = c.day(null=True)
    left: dt.date | None = c.day(null=True)
    erased_at: dt.datetime | None = c.moment(null=True)
    initials: str | None = c.text(null=True)
    __table_args__ = (Index("ix_person_initials", "initials", "number"),)


class Contact(SQLModel, table=True):
    """The only place of an e-mail address. Rows end; the open one is in force."""

    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    email: str = c.text()
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)


class Assignment(SQLModel, table=True):
    """A person in a post from one day to another (inclusive), with a manager and a person in charge of the post.

    `kind` acting gives the powers of the post and is not appraised (domain.md, 5b). `ledger_lock` is raised by
    every ledger write that finds no appraisal yet, so that an opening and a finding cannot pass each other.
    """

    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    post_id: int = c.ref("post.id", index=True)
    unit_id: int = c.ref("unit.id", index=True)
    manager_id: int | None = c.ref("person.id", null=True)
    in_charge_id: int | None = c.ref("person.id", null=True)
    kind: str = c.text_enum(("regular", "acting"), default="regular")
    main: bool = c.flag(default=True)
    weight: Fraction | None = c.points(null=True)
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)
    ledger_lock: int = c.number(default=0)


class ReportingOverride(SQLModel, table=True):
    """Names a holder of one role for one assignment, against the reporting line, with a reason."""

    __tablename__ = "reporting_override"
    id: int | None = c.key()
    assignment_id: int = c.ref("assignment.id", index=True)
    role: str = c.text_enum(HOLDER_ROLES)
    person_id: int = c.ref("person.id")
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)


class Delegation(SQLModel, table=True):
    """A dated substitute for what a person holds."""

    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    delegate_id: int = c.ref("person.id")
    role: str | None = c.text_enum(HOLDER_ROLES, null=True)
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)


class Absence(SQLModel, table=True):
    """Days away. `protected` means not rated and never late; the reason is HR's alone, so it stands apart."""

    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    kind: str = c.text_enum(("leave", "protected"))
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)


class ConflictOfInterest(SQLModel, table=True):
    """`person_id` may neither score, review, decide nor record anything of `other_id`."""

    __tablename__ = "conflict_of_interest"
    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    other_id: int = c.ref("person.id", index=True)
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)
    reason_id: int | None = c.ref("text_body.id", null=True)


class Grant(SQLModel, table=True):
    """A power held by decision and not by the reporting line; dated, for the whole organisation or a unit."""

    __tablename__ = "access_grant"
    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    role: str = c.text_enum(GRANTED_ROLES)
    unit_id: int | None = c.ref("unit.id", null=True)
    valid_from: dt.date = c.day()
    valid_to: dt.date | None = c.day(null=True)


class Account(SQLModel, table=True):
    """A login; none exists by default."""

    id: int | None = c.key()
    person_id: int = c.ref("person.id")
    password_hash: str | None = c.text(null=True)
    created_at: dt.datetime = c.moment()
    disabled_at: dt.datetime | None = c.moment(null=True)
    __table_args__ = (UniqueConstraint("person_id"),)


class Session(SQLModel, table=True):
    """A login in progress; the token is kept only as a digest. Its moments are those of the database's clock.

    `roles` are the grants at the login, sorted: when they are others, the session is over.
    """

    id: int | None = c.key()
    account_id: int = c.ref("account.id", index=True)
    token_digest: str = c.text(unique=True)
    created_at: dt.datetime = c.moment()
    seen_at: dt.datetime = c.moment()
    ended_at: dt.datetime | None = c.moment(null=True)
    roles: str | None = c.text(null=True)


class LoginKey(SQLModel, table=True):
    """What sets a password once: from the terminal, from HR or by mail; kept only as a digest."""

    __tablename__ = "login_key"
    id: int | None = c.key()
    account_id: int = c.ref("account.id", index=True)
    digest: str = c.text(unique=True)
    expires_at: dt.datetime = c.moment()
    used_at: dt.datetime | None = c.moment(null=True)


class LoginAttempt(SQLModel, table=True):
    """A login that failed or is being tried, by what was typed (only its digest) and from where; kept for a day."""

    __tablename__ = "login_attempt"
    id: int | None = c.key()
    name_digest: str = c.text()
    address: str = c.text()
    at: dt.datetime = c.moment(index=True)
    __table_args__ = (
        Index("ix_login_attempt_name", "name_digest", "at"),
        Index("ix_login_attempt_address", "address", "at"),
    )


class Token(SQLModel, table=True):
    """A key a person's programs hold; kept only as a digest."""

    id: int | None = c.key()
    person_id: int = c.ref("person.id", index=True)
    digest: str = c.text(unique=True)
    scope: str = c.text(default="all")
    created_at: dt.datetime = c.moment()
    expires_at: dt.datetime | None = c.moment(null=True)
    revoked_at: dt.datetime | None = c.moment(null=True)


class RequestKey(SQLModel, table=True):
    """An idempotency key: the same request twice is answered once."""

    __tablename__ = "request_key"
    id: int | None = c.key()
    key: str = c.text()
    person_id: int = c.ref("person.id")
    request_digest: str = c.text()
    answer: str | None = c.text(null=True)
    created_at: dt.datetime = c.moment()
    __table_args__ = (UniqueConstraint("person_id", "key"),)


class ViewLog(SQLModel, table=True):
    """Who looked at whose results, and when."""

    __tablename__ = "view_log"
    id: int | None = c.key()
    viewer_id: int = c.ref("person.id")
    kind: str = c.text()
    object_id: int = c.number()
    at: dt.datetime = c.moment()
    __table_args__ = (Index("ix_view_log_object", "kind", "object_id"),)
