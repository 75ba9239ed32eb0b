"""Recording without a thread: what a writer does with one group, at once and repeatably."""

from itertools import count

from builders import one
from timeline.eventstore.committing import Committer
from timeline.eventstore.instants import Clock
from timeline.eventstore.model import Append, Draft, Outcome
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.waiting import Result
from timeline.transparency.entries import SALT_BYTES


class Recorder:
    """Records groups of appends in a store; salts count up, so that bytes repeat."""

    def __init__(self, store: EventStore, clock: Clock, *, salts_after: int = 0) -> None:
        self.store = store
        self.commits: list[int] = []
        self.waits: list[float] = []
        self._salts = count(salts_after + 1)
        self._committer = Committer(
            store,
            clock=clock,
            random_bytes=self._randomness,
            announce=lambda position, _events: self.commits.append(position),
            sleep=self.waits.append,
        )

    def group(self, *appends: Append) -> list[Result]:
        """Record appends as one group; return outcomes and refusals."""
        return self._committer.record(appends)

    def append(self, append: Append) -> Outcome:
        """Record one append, or raise why not."""
        (result,) = self.group(append)
        if isinstance(result, Outcome):
            return result
        raise result

    def drafts(self, *drafts: Draft) -> list[str]:
        """Record each draft by itself; return their ids."""
        for draft in drafts:
            self.append(one(draft))
        return [draft.id for draft in drafts]

    def _randomness(self, size: int) -> bytes:
        assert size % SALT_BYTES == 0
        salts = (next(self._salts).to_bytes(SALT_BYTES) for _ in range(size // SALT_BYTES))
        return b"".join(salts)


def positions(result: object) -> list[int]:
    """Return the positions of an outcome's events; what is no outcome fails the test."""
    assert isinstance(result, Outcome), result
    return [receipt.position for receipt in result.events]
