"""That nothing is recorded any more: a fact of the database, beside the log's head.

Owns the queries that set it, take it away and ask for it. Must not know who finds out that a log is
another one than was signed, nor who says that it goes on. Each append asks in the statement that
moves the head (`sqlite`, `postgresql`), so that it holds for every process once it is committed.
"""

from sqlalchemy import Connection, Engine, select, update

from timeline.eventstore.database import statement, write_transaction
from timeline.eventstore.stops import Stop
from timeline.eventstore.tables import log_head


def stop(connection: Connection, why: Stop) -> bool:
    """Have nothing recorded any more, by whatever process; tell whether there was no reason yet.

    The first one stays.
    """
    query = update(log_head).where(log_head.c.stopped.is_(None)).values(stopped=why.write())
    return connection.execute(query).rowcount > 0


def resume(engine: Engine) -> Stop | None:
    """Let recording go on; return what had stopped it, or None where nothing had."""
    with write_transaction(engine) as connection:
        found = of(connection, holding=True)
        if found is not None:
            connection.execute(update(log_head).values(stopped=None))
    return found


def stopped(engine: Engine) -> Stop | None:
    """Return why nothing is recorded; None where the log goes on."""
    with statement(engine) as connection:
        return of(connection)


def of(connection: Connection, *, holding: bool = False) -> Stop | None:
    """Return the same within a transaction; `holding` keeps it as it is until the commit."""
    query = select(log_head.c.stopped)
    found = connection.execute(query.with_for_update() if holding else query).scalar_one_or_none()
    return None if found is None else Stop.read(found)
