"""The triggers by which a database refuses to change what is recorded.

Owns which there have to be, by the kind of database, and whether they are. Must not know what each
refuses: migrations make them.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, text

_PUBLISHED: Final = ("log_nodes", "log_checkpoints", "log_keys", "log_cosignatures", "log_digests")

GUARDS: Final[Mapping[str, frozenset[str]]] = {
    "sqlite": frozenset(
        {
            *(
                f"{table}.refuse_{verb}"
                for table in ("log_entries", "log_payloads", *_PUBLISHED)
                for verb in ("update", "delete", "replace")
            ),
            "log_head.refuse_going_back",
            "log_head.refuse_stopped",
            "log_head.refuse_delete",
            "log_head.refuse_replace",
        }
    ),
    "postgresql": frozenset(
        {
            *(f"{table}.refuse_change" for table in ("log_entries", "log_payloads", *_PUBLISHED)),
            "log_payloads.refuse_delete",
            "log_head.refuse_going_back",
            "log_head.refuse_delete",
        }
    ),
}
"""Their names."""

_THERE: Final = {
    "sqlite": text("SELECT name FROM sqlite_master WHERE type = 'trigger'"),
    # What fires in every kind of session, as that of a replica.
    "postgresql": text(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'"
        " AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
    ),
}


def missing(connection: Connection) -> list[str]:
    """Return the names of those that are not there, or switched off."""
    kind = connection.dialect.name
    return sorted(GUARDS[kind] - set(connection.execute(_THERE[kind]).scalars()))
