"""Digests of the live read models, recorded at each day's last checkpoint, and what became of them.

Owns when they are taken, and what a later replay says of them. Must not know how rows come about,
nor who signs.

A day's digests can be taken at any time after it, since rows of a position stay as they are; but for
erasures, which act at every position. So they name the last one that the rows had taken in.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec
import structlog
from sqlalchemy import Engine

from timeline.eventstore.protocol import EventStore
from timeline.eventstore.published import Digests, Published
from timeline.eventstore.schema import head_revision
from timeline.projections.digest import digest
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.reading import view

LOOK_S: Final = 60.0
"""How often it is looked whether a day is over: one query of a few rows."""

OTHERS_LOOKS: Final = 10
"""Looks after which a process that does not advance the read models takes digests, too: who does has
failed to by then, or has no key."""

DigestDifference = Literal["erasure", "parked", "schema", "unexplained"]

_log = structlog.get_logger(__name__)


class Recorded(Digests, frozen=True, kw_only=True):
    """Digests as they were recorded, and why they are not what the log gives now; None: they are.

    `erasure`: something was erased since, and the rows of every position may have changed with it.
    `parked`: events of a policy wait. `schema`: the rows lie in other tables now. `unexplained`: none
    of these; the rows were others then, or
    this version makes others of the same log.
    """

    difference: DigestDifference | None


def compared(
    recorded: Digests,
    found: Mapping[str, str],
    last_erasure: int | None,
    schema: str,
    *,
    parked: bool,
) -> Recorded:
    """Return recorded digests beside those that the log gives now.

    Args:
        recorded: at the same position.
        found: by read model.
        last_erasure: the position of the last one that the log has.
        schema: the revision of the tables.
        parked: whether some of what the position has waits.

    """
    difference: DigestDifference | None = None
    if recorded.models != found:
        if recorded.last_erasure != last_erasure:
            difference = "erasure"
        elif parked:
            difference = "parked"
        else:
            difference = "unexplained" if recorded.schema == schema else "schema"
    return Recorded(**msgspec.structs.asdict(recorded), difference=difference)


class Digester:
    """Takes the digests of days that are over. Not safe for threads."""

    def __init__(self, engine: Engine, store: EventStore, published: Published) -> None:
        """Bind a record.

        Args:
            engine: has the read models.
            store: has the log.
            published: has the checkpoints, and takes the digests.

        """
        self._engine = engine
        self._log = Log(store)
        self._published = published

    def due(self) -> bool:
        """Tell whether a day is over that has no digests."""
        return self._published.digests_due() is not None

    def record(self, on_page: Callable[[], None] = lambda: None) -> Digests | None:
        """Record the digests of the first day that is over and has none.

        Args:
            on_page: called every few milliseconds; what it raises ends the work.

        Returns:
            What was recorded; None where nothing is due, or the read models cannot tell yet: they
            have not come so far, or events of a policy wait that came before.

        """
        due = self._published.digests_due()
        if due is None:
            return None
        day, size = due
        with view(self._engine) as live:
            waiting = (each.hidden_from for each in live.parked.values())
            if live.position < size or any(hidden <= size for hidden in waiting):
                return None
            models = {
                model.name: digest(live.connection, model, live.slots[model.name], size, on_page)
                for model in MODELS
            }
            reached = live.position
        found = Digests(
            day=day,
            size=size,
            last_erasure=self._log.last_erasure(reached),
            schema=head_revision(),
            models=models,
        )
        self._published.record_digests(found)
        _log.info("log.digests.recorded", day=day, position=size)
        return found


class _Stopped(Exception):
    """The process ends, and the work with it."""


class Digesting:
    """A thread that has digests recorded soon after a day is over.

    It rests as long as it works, so that what is served beside it loses little; signing has a thread
    of its own.
    """

    def __init__(self, digester: Digester, leads: Callable[[], bool]) -> None:
        """Bind what records.

        Args:
            digester: records.
            leads: tells whether this process advances the read models: of several, one does.

        """
        self._digester = digester
        self._leads = leads
        self._late = 0
        self._began_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digesting", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop, also in the middle of the work."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> bool:
        """Record the digests of one day, where it is this process's turn; tell whether it did."""
        try:
            if not self._digester.due():
                self._late = 0
                return False
            self._late += 1
            if not self._leads() and self._late <= OTHERS_LOOKS:
                return False
            self._began_s = time.monotonic()
            return self._digester.record(self._rest) is not None
        except _Stopped:
            return False
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
            _log.warning("log.digests.failed", error=f"{type(error).__name__}: {error}")
            return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self.look():
                self._stopping.wait(LOOK_S)

    def _rest(self) -> None:
        if self._stopping.wait(time.monotonic() - self._began_s):
            raise _Stopped
        self._began_s = time.monotonic()
