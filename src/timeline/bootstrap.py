"""The one place where settings become a wired application.

Owns the order in which parts start and stop. Must not hold any rule of its own.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import Engine

from timeline.application.access import Access
from timeline.application.reading import Reader
from timeline.application.record import Recorder
from timeline.application.trial import Trials
from timeline.domain.upcasting import check_chain
from timeline.eventstore.database import check_durability, create_engine
from timeline.eventstore.instants import Clock, instant
from timeline.eventstore.relay import Relay
from timeline.eventstore.schema import check_schema
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.watching import Watcher
from timeline.eventstore.writer import Writer
from timeline.ids import EventIds
from timeline.projections.collecting import collect_seldom
from timeline.projections.follower import Follower
from timeline.projections.lease import Lease
from timeline.projections.log import Log
from timeline.projections.runner import Runner
from timeline.settings import Settings

STOP_TIMEOUT_S: Final = 10.0


class Application(msgspec.Struct, frozen=True):
    """All parts of a running service, wired."""

    settings: Settings
    engine: Engine
    store: SqlStore
    writer: Writer
    watcher: Watcher
    log: Log
    runner: Runner
    follower: Follower
    recorder: Recorder
    trials: Trials
    reader: Reader
    access: Access
    clock: Clock

    def relay(self) -> Relay:
        """Return what records much, one append after the other, for one caller."""
        return Relay(self.store, clock=self.clock, random_bytes=os.urandom)


def now() -> datetime:
    """Return the time: the one clock of the service."""
    return datetime.now(UTC)


def holder_name() -> str:
    """Return what the lease on the read models calls this process: host, process, and chance."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


@contextmanager
def application(
    settings: Settings, *, follow: bool = True, clock: Clock = now
) -> Iterator[Application]:
    """Yield a wired application on a migrated database, and stop it in order.

    Args:
        settings: from the environment.
        follow: keep the read models current in a thread; commands that only read need not.
        clock: tells the time of recording, and what today is.

    Raises:
        UpcasterMissing: older events could not be read.
        SchemaError: the schema is older or newer than this version knows.
        NotDurable: the database may lose what it acknowledged.
        StoreUnavailable: the database cannot be reached.

    """
    collect_seldom()
    check_chain()
    engine = create_engine(settings.database_url, must_exist=True)
    try:
        check_schema(engine)
        check_durability(engine)
        store = SqlStore(engine)
        log = Log(store)
        runner = Runner(engine, log)
        writer = Writer(store, clock=clock)
        follower = Follower(runner, Lease(engine, holder_name()), lambda: writer.crowded)
        watcher = Watcher(engine)
        watcher.on_grown(follower.wake)
        writer.on_committed(watcher.tell)
        recorder = Recorder(writer, EventIds())
        app = Application(
            settings=settings,
            engine=engine,
            store=store,
            writer=writer,
            watcher=watcher,
            log=log,
            runner=runner,
            follower=follower,
            recorder=recorder,
            trials=Trials(recorder, store, log, clock, os.urandom),
            reader=Reader(engine, store, clock),
            access=Access(engine, lambda: instant(clock())),
            clock=clock,
        )
        if follow:
            follower.start()
            watcher.start()
        try:
            yield app
        finally:
            writer.close(STOP_TIMEOUT_S)
            if follow:
                watcher.stop(STOP_TIMEOUT_S)
                follower.stop(STOP_TIMEOUT_S)
    finally:
        engine.dispose()
