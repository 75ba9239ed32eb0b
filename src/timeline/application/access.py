"""Who may do what: principals, their roles and tokens.

Owns the table of tokens. A token is random, shown once and stored hashed; a principal's name is
public and permanent (every event carries it), so it is never reused. Must not know HTTP.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Engine,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from timeline.application.errors import (
    AlreadyRevoked,
    NotAllowed,
    PrincipalTaken,
    TokenUnknown,
    UnknownPrincipal,
)
from timeline.domain.events import PrincipalName, read
from timeline.domain.vocabulary import EventType
from timeline.eventstore.database import read_snapshot, write_transaction
from timeline.eventstore.errors import CorruptStore
from timeline.eventstore.tables import WORD, metadata

TOKEN_PREFIX: Final = "timeline_"  # noqa: S105 - a prefix that secret scanners can look for
TOKEN_BYTES: Final = 32

REMEMBERED_S: Final = 1.0
"""How long a token that was recognised is not looked up again: a revocation by another process counts
after that at the latest, one by this process at once."""

MAX_REMEMBERED: Final = 1_000
"""Tokens that are remembered, far more than are in use within a second."""


class Role(StrEnum):
    """What a principal may do; each role may do all that the ones before it may."""

    READER = "reader"
    RECORDER = "recorder"
    CURATOR = "curator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Tell whether this role is enough."""
        return _RANKS[self] >= _RANKS[needed]


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}


NEEDED_ROLE: Final[dict[EventType, Role]] = {
    EventType.POLICY_REGISTERED: Role.RECORDER,
    EventType.POLICY_DESCRIBED: Role.RECORDER,
    EventType.ACTION_RECORDED: Role.RECORDER,
    EventType.ACTION_CORRECTED: Role.CURATOR,
    EventType.SOURCE_ATTACHED: Role.RECORDER,
    EventType.RELATION_ASSERTED: Role.RECORDER,
    EventType.EVENT_RETRACTED: Role.CURATOR,
    EventType.POLICIES_MERGED: Role.CURATOR,
    EventType.PAYLOAD_ERASED: Role.ADMIN,
}

tokens: Final = Table(
    "tokens",
    metadata,
    Column("name", WORD, nullable=False),
    Column("role", WORD, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("created_at", WORD, nullable=False),
    Column("revoked_at", WORD, nullable=True),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("token_hash"),
    CheckConstraint("role IN ('reader', 'recorder', 'curator', 'admin')", name="role_is_known"),
    info={"kind": "access", "grants": ("SELECT", "INSERT", "UPDATE")},
)


class Principal(msgspec.Struct, frozen=True):
    """Who acts, and what it may do."""

    name: str
    role: Role

    def require(self, needed: Role, field: str = "Authorization") -> None:
        """Raise NotAllowed where the role is too low."""
        if not self.role.covers(needed):
            raise NotAllowed(
                needed=needed.value, principal=self.name, role=self.role.value, field=field
            )


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept about a token: everything but the token."""

    name: str
    role: Role
    created_at: str
    revoked_at: str | None


class Access:
    """Makes, lists, revokes and recognises tokens."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._now = now
        self._monotonic = monotonic
        self._remembered: dict[bytes, tuple[float, Principal]] = {}

    def create(self, name: str, role: Role) -> str:
        """Make a principal with a token.

        Args:
            name: a slug of at most 64 characters that no principal ever had.
            role: what it may do.

        Returns:
            The token. It is not kept and cannot be shown again.

        Raises:
            InvalidData: the name is no slug.
            PrincipalTaken: the name is or was in use.

        """
        read(PrincipalName, name, "name")
        token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        row = insert(tokens).values(
            name=name, role=role.value, token_hash=_hash(token), created_at=self._now()
        )
        if self._taken(name):
            raise PrincipalTaken(name=name)
        try:
            with write_transaction(self._engine) as connection:
                connection.execute(row)
        except CorruptStore as error:
            # The key stands against it: another process made the same name in this moment.
            if self._taken(name):
                raise PrincipalTaken(name=name) from error
            raise
        return token

    def _taken(self, name: str) -> bool:
        with read_snapshot(self._engine) as connection:
            found = connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first()
        return found is not None

    def revoke(self, name: str) -> None:
        """Make a principal's token worthless, for good.

        Raises:
            UnknownPrincipal: nobody has or had a token of this name.
            AlreadyRevoked: it is worthless since another moment.

        """
        try:
            self._revoke(name)
        finally:
            self._remembered.clear()

    def _revoke(self, name: str) -> None:
        with write_transaction(self._engine) as connection:
            revoked = connection.execute(
                update(tokens)
                .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )
        if revoked.rowcount != 1:
            since = next((each.revoked_at for each in self.records() if each.name == name), None)
            if since is None:
                raise UnknownPrincipal(name=name)
            raise AlreadyRevoked(name=name, since=since)

    def records(self) -> list[TokenRecord]:
        """Return what is kept about every token, by name."""
        with read_snapshot(self._engine) as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.name)).all()
        return [
            TokenRecord(
                name=row.name,
                role=Role(row.role),
                created_at=row.created_at,
                revoked_at=row.revoked_at,
            )
            for row in rows
        ]

    def remembered(self, token: str) -> Principal | None:
        """Return whose token this is where that was looked up within REMEMBERED_S."""
        looked_up_s, principal = self._remembered.get(_hash(token), (-REMEMBERED_S, None))
        return principal if self._monotonic() - looked_up_s < REMEMBERED_S else None

    def recognise(self, token: str) -> Principal:
        """Return whose token this is, as the database has it now; raises TokenUnknown."""
        began_s = self._monotonic()
        with read_snapshot(self._engine) as connection:
            row = connection.execute(
                select(tokens.c.name, tokens.c.role).where(
                    tokens.c.token_hash == _hash(token), tokens.c.revoked_at.is_(None)
                )
            ).first()
        if row is None:
            raise TokenUnknown
        principal = Principal(row.name, Role(row.role))
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[_hash(token)] = began_s, principal
        return principal


def _hash(token: str) -> bytes:
    """Return the token's SHA-256; it has 256 random bits, so that no slow hash is needed."""
    return hashlib.sha256(token.encode()).digest()
