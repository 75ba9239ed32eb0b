"""The one place where settings become a wired application.

Owns the order in which parts start and stop. Must not hold any rule of its own.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Engine, make_url

from timeline.application.access import Access
from timeline.application.digesting import Digester, Digesting
from timeline.application.key_files import KeyFile
from timeline.application.proving import Prover
from timeline.application.reading import Reader
from timeline.application.record import Recorder
from timeline.application.signing import Signer, Signing
from timeline.application.trial import Trials
from timeline.domain.upcasting import check_chain
from timeline.eventstore.copying import check_finished
from timeline.eventstore.database import check_durability, create_engine
from timeline.eventstore.instants import Clock, instant
from timeline.eventstore.published import Published
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
"""How long all threads together may take to end: half of what `serve` grants a process, which has
answered what was at hand by then."""


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
    published: Published
    prover: Prover
    access: Access
    clock: Clock
    signing: Signing | None
    """Signs the log, where this process has a key."""

    def relay(self) -> Relay:
        """Return what records much, one append after the other, for one caller."""
        return Relay(self.store, clock=self.clock, random_bytes=os.urandom)


def now() -> datetime:
    """Return the time: the one clock of the service."""
    return datetime.now(UTC)


def key_file(settings: Settings) -> KeyFile | None:
    """Return the file of the log's keys: the one that is set, or one beside an SQLite database.

    With another database there is none where none is set: nothing is signed.
    """
    if settings.signing_key_file is not None:
        return KeyFile(settings.signing_key_file)
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or url.database is None:
        return None
    return KeyFile(Path(f"{url.database}.key"))


def holder_name() -> str:
    """Return what the lease on the read models calls this process: host, process, and chance."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


@contextmanager
def application(
    settings: Settings, *, follow: bool = True, records: bool = True, clock: Clock = now
) -> Iterator[Application]:
    """Yield a wired application on a migrated database, and stop it in order.

    Args:
        settings: from the environment.
        follow: keep the read models current in a thread, and sign the log in another.
        records: something may be recorded, so that the log has to be the one that was signed last;
            whoever only reads needs no access to its keys.
        clock: tells the time of recording, and what today is.

    Raises:
        UpcasterMissing: older events could not be read.
        SchemaError: the schema is older or newer than this version knows.
        KeyFileError: the log's keys cannot be used.
        NotDurable: the database may lose what it acknowledged.
        CopyUnfinished: a log was copied into the database in part.
        StoreUnavailable: the database cannot be reached.

    """
    collect_seldom()
    check_chain()
    engine = create_engine(settings.database_url, must_exist=True)
    try:
        check_schema(engine)
        check_durability(engine)
        check_finished(engine)
        store = SqlStore(engine)
        log = Log(store)
        runner = Runner(engine, log)
        writer = Writer(store, clock=clock)
        follower = Follower(runner, Lease(engine, holder_name()), lambda: writer.crowded)
        watcher = Watcher(engine)
        watcher.on_grown(follower.wake)
        writer.on_committed(watcher.tell)
        recorder = Recorder(writer, EventIds())
        published = Published(engine)
        signer = _signer(settings, store, published, clock) if records else None
        signing = None if signer is None else Signing(signer)
        digester = Digester(engine, store, published)
        digesting = None if signer is None else Digesting(digester, lambda: follower.leading)
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
            published=published,
            prover=Prover(store, published),
            access=Access(engine, lambda: instant(clock())),
            clock=clock,
            signing=signing,
        )
        if signing is not None:
            signing.check()
        with _running(app, digesting) if follow else _writing(app):
            yield app
    finally:
        engine.dispose()


@contextmanager
def _running(app: Application, digesting: Digesting | None) -> Iterator[None]:
    """Run the threads of a service for as long as the block lasts."""
    app.follower.start()
    app.watcher.start()
    if app.signing is not None:
        app.watcher.on_grown(app.signing.wake)
        app.signing.start()
    if digesting is not None:
        digesting.start()
    parts = [app.watcher.stop, app.follower.stop]
    if app.signing is not None:
        # After the writer, so that what it recorded last is signed, too.
        parts.insert(0, app.signing.stop)
    if digesting is not None:
        parts.append(digesting.stop)
    try:
        yield
    finally:
        stop_in_time([app.writer.close, *parts])


@contextmanager
def _writing(app: Application) -> Iterator[None]:
    """Stop what records, at the end of the block."""
    try:
        yield
    finally:
        app.writer.close(STOP_TIMEOUT_S)


def stop_in_time(
    stops: Sequence[Callable[[float], None]], timeout_s: float = STOP_TIMEOUT_S
) -> None:
    """Stop parts one after the other, which all together take no longer than that.

    Args:
        stops: each has its part stop, and waits for that at most as many seconds as it is given.
        timeout_s: for all of them.

    """
    deadline = time.monotonic() + timeout_s

    def within(stop: Callable[[float], None]) -> None:
        stop(max(0.0, deadline - time.monotonic()))

    # Each is stopped also where one before it fails.
    with ExitStack() as parts:
        for stop in reversed(stops):
            parts.callback(within, stop)


def _signer(
    settings: Settings, store: SqlStore, published: Published, clock: Clock
) -> Signer | None:
    """Return what signs the log; None where no key is set, and none lies beside the database."""
    keys = key_file(settings)
    if keys is None or (settings.signing_key_file is None and not keys.signed_before()):
        return None
    keys.require_name(settings.log_origin)
    return Signer(store, published, keys, settings.log_origin, clock)
