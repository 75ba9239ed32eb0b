"""What an import would record, judged as if it were recorded, without writing anything.

Owns what a dry run takes into account of what it foresaw before: that lies in a temporary database
on disk, so that memory does not grow with the input. The rules are the writer's own.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final

import msgspec

from timeline.domain.decide import needs
from timeline.domain.events import PoliciesMerged
from timeline.domain.situation import Situation
from timeline.domain.vocabulary import EventType
from timeline.eventstore.assembly import RandomBytes
from timeline.eventstore.errors import IdConflict
from timeline.eventstore.instants import Clock
from timeline.eventstore.model import MAX_APPEND_EVENTS, Append, Draft, Outcome, Recorded
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.sequencing import plan, request_for

FIRST_BATCH: Final = 2**52
"""Positions that no log has reached are those of what is only foreseen."""


class Foreseeing:
    """Takes appends as the record would, and keeps what would be recorded apart."""

    def __init__(
        self,
        store: EventStore,
        database: sqlite3.Connection,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._outcome: Outcome | None = None
        self._batch = FIRST_BATCH

    def streams(self, policies: frozenset[str]) -> dict[str, list[Recorded]]:
        """Return the streams of policies, with what would be added to them."""
        found = self._store.streams(policies)
        for policy in policies:
            for id, type, batch, recorded_by, data in self._foreseen(policy):
                stream = found.setdefault(policy, [])
                stream.append(
                    Recorded(
                        id=id,
                        position=batch,
                        policy=policy,
                        version=len(stream) + 1,
                        type=EventType(type),
                        schema=1,
                        batch=batch,
                        recorded_at="",
                        recorded_by=recorded_by,
                        data=data,
                    )
                )
        return found

    def owner(self, event: str) -> str | None:
        """Return the policy that has an event, or would have it."""
        row = self._database.execute(
            "SELECT policy FROM foreseen WHERE id = ?", (event,)
        ).fetchone()
        if row is not None:
            return str(row[0])
        recorded = self._store.get(event)
        return None if recorded is None else recorded.policy

    def head(self) -> int:
        """Return the position up to which is recorded, without what is foreseen."""
        return self._store.head().position

    def prepare(self, append: Append) -> Append:
        """Do nothing: nothing is under way that would take long."""
        return append

    def start(self, append: Append) -> None:
        """Judge an append; raises what it would be refused for."""
        before = [*self._before(append)]
        self._check_ids(append)
        appends = [*before, append]
        view = self._store.view(request_for(appends))
        result = plan(view, appends, clock=self._clock, random_bytes=self._random_bytes).results[-1]
        if isinstance(result, Exception):
            raise result
        if result.created:
            self._keep(append)
        self._outcome = result

    def settle(self) -> Outcome:
        """Return what the last append would come to."""
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            msg = "nothing was started"
            raise RuntimeError(msg)
        return outcome

    def _foreseen(self, policy: str) -> Iterator[tuple[str, str, int, str, bytes]]:
        return self._database.execute(
            "SELECT id, type, batch, recorded_by, data FROM foreseen WHERE policy = ?"
            " ORDER BY number",
            (policy,),
        )

    def _before(self, append: Append) -> Iterator[Append]:
        """Yield what was foreseen of the policies that an append is about, or points at."""
        proposals = [draft.proposal for draft in append.drafts]
        own = {each.policy for each in proposals} | {
            each.data.duplicate for each in proposals if isinstance(each.data, PoliciesMerged)
        }
        drafts: list[Draft] = []
        for policy in sorted(needs(Situation(), proposals).policies):
            for id, type, _, _, data in self._foreseen(policy):
                drafts.append(
                    Draft.read(
                        id=id, policy=policy, type=EventType(type), data=msgspec.json.decode(data)
                    )
                )
                if policy not in own:
                    break
        for first in range(0, len(drafts), MAX_APPEND_EVENTS):
            yield Append(
                drafts=tuple(drafts[first : first + MAX_APPEND_EVENTS]), recorded_by="foreseen"
            )

    def _check_ids(self, append: Append) -> None:
        """Refuse an id that another policy's event would have by then."""
        for index, draft in enumerate(append.drafts):
            row = self._database.execute(
                "SELECT policy FROM foreseen WHERE id = ?", (draft.id,)
            ).fetchone()
            if row is not None and row[0] != draft.proposal.policy:
                raise IdConflict(id=draft.id, field=f"events[{index}].id")

    def _keep(self, append: Append) -> None:
        self._batch += 1
        self._database.executemany(
            "INSERT OR IGNORE INTO foreseen (id, policy, type, batch, recorded_by, data)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [_row(draft, append.recorded_by, self._batch) for draft in append.drafts],
        )


def _row(draft: Draft, recorded_by: str, batch: int) -> Sequence[object]:
    proposal = draft.proposal
    return (draft.id, proposal.policy, str(proposal.type), batch, recorded_by, draft.data)


@contextmanager
def foreseeing(
    store: EventStore, *, clock: Clock, random_bytes: RandomBytes
) -> Iterator[Foreseeing]:
    """Yield what judges appends on the record as it stands, and forgets them at the end."""
    # A database without a name lies in a file that goes when it is closed.
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE foreseen (number INTEGER PRIMARY KEY, id TEXT UNIQUE, policy TEXT,"
            " type TEXT, batch INTEGER, recorded_by TEXT, data BLOB);"
            "CREATE INDEX foreseen_policy ON foreseen (policy, number);"
        )
        yield Foreseeing(store, database, clock=clock, random_bytes=random_bytes)
