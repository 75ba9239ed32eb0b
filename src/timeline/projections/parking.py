"""Parked policies: what is kept of an event that broke the read models.

Owns the rows of `parked_policies`, and which errors are an event's fault rather than the
database's or the machine's. Must not know how events are applied.

A policy that is parked keeps the rows that it had. Its later events are hidden from the read
models, those of other policies are not, and progress moves on over both.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from timeline.eventstore.database import write_transaction
from timeline.eventstore.dialects import dialect_of
from timeline.eventstore.errors import CorruptStore, EventStoreError
from timeline.eventstore.model import Recorded
from timeline.projections.tables import parked_policies

MAX_ERROR: Final = 500
"""Characters kept of an error: enough to recognise it; the log has its traceback."""


FORGOTTEN: Final = "not told any more, since something was erased that it may repeat"


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """A policy whose events wait.

    `position` and `event` are those of the event that broke; events from `hidden_from` on are
    hidden, which is earlier where the event that broke erased something.
    """

    policy: str
    hidden_from: int
    position: int
    event: str
    error: str
    parked_ms: int
    retry: bool


def parked(connection: Connection) -> tuple[Parked, ...]:
    """Return the parked policies, those that broke first before the others."""
    rows = connection.execute(
        select(parked_policies).order_by(parked_policies.c.position, parked_policies.c.policy)
    )
    return tuple(Parked(**{**row._mapping, "retry": bool(row.retry)}) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping


def hidden(found: Iterable[Parked]) -> dict[str, int]:
    """Return from which position on the events of each policy are hidden."""
    return {each.policy: each.hidden_from for each in found}


def park(connection: Connection, event: Recorded, hidden_from: int, error: Exception) -> None:
    """Keep that an event broke the read models; once more where its policy is parked already."""
    unpark(connection, event.policy)
    connection.execute(
        insert(parked_policies).values(
            policy=event.policy,
            hidden_from=hidden_from,
            position=event.position,
            event=event.id,
            error=words(error),
            parked_ms=dialect_of(connection).clock_ms(),
            retry=False,
        )
    )


def unpark(connection: Connection, policy: str) -> None:
    """Forget that a policy was parked."""
    connection.execute(delete(parked_policies).where(parked_policies.c.policy == policy))


def keep_parked(connection: Connection, policy: str, error: Exception) -> None:
    """Keep that a policy was tried again in vain, and why."""
    connection.execute(
        update(parked_policies)
        .where(parked_policies.c.policy == policy)
        .values(error=words(error), retry=False)
    )


def ask_retry(engine: Engine, policies: Iterable[str]) -> None:
    """Have policies tried again by whoever advances the read models."""
    with write_transaction(engine) as connection:
        for policy in sorted(policies):
            connection.execute(
                update(parked_policies).where(parked_policies.c.policy == policy).values(retry=True)
            )


def forget_errors(connection: Connection, policies: Iterable[str]) -> None:
    """Keep no longer what broke policies: it may repeat what was erased.

    Args:
        connection: in the transaction that applies the erasure.
        policies: those on which it bears; others' are kept, and so are those of policies that are
            not parked.

    """
    for policy in sorted(policies):
        connection.execute(
            update(parked_policies)
            .where(parked_policies.c.policy == policy)
            .values(error=FORGOTTEN)
        )


def words(error: Exception) -> str:
    """Return an error in a line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    # What neither database nor JSON could hold may stand in an error, too.
    return text.replace("\0", "").encode(errors="replace").decode()[:MAX_ERROR]


def is_of_event(error: Exception) -> bool:
    """Tell whether an error comes of what is recorded, so that trying again would not help.

    A database that is busy, full or gone, or a machine without memory, is no reason to park a
    policy; a row that a constraint or a type refuses is.
    """
    cause = error.__cause__ if isinstance(error, CorruptStore) else error
    if isinstance(cause, IntegrityError | DataError):
        return True
    return not isinstance(error, EventStoreError | SQLAlchemyError | OSError | MemoryError)
