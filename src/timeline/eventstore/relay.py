"""Appends one after the other, each planned while the one before it is being committed.

Owns what a plan may rest on before it is committed, and that no plan outlives what it rests on. For
one caller with much to record; many callers with little share a `Writer`.

While a server commits, this process has nothing to do but to plan what comes next. It plans on the
picture that the batch under way will leave; should that batch not be committed as it is, the plan is
thrown away. Events that change what others mean (retractions, erasures) are waited for instead.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

import msgspec

from timeline.domain.decide import reaches_below
from timeline.eventstore.assembly import RandomBytes
from timeline.eventstore.committing import Committer
from timeline.eventstore.errors import StoreBusy, StoreUnavailable
from timeline.eventstore.instants import Clock
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import Batch, EventStore, View
from timeline.eventstore.sequencing import Plan, plan, request_for


class _UnderWay:
    """A batch that is being committed."""

    def __init__(
        self, prepared: "Prepared", planned: Plan, batch: Batch, committing: "Future[bool]"
    ) -> None:
        self.append = prepared.append
        self.expected = prepared.expected
        self.planned = planned
        self.batch = batch
        self.committing = committing
        self.recorded = False


class Prepared(msgspec.Struct, frozen=True):
    """An append with its plan, if it could be planned yet, and the batch that this rests on."""

    append: Append
    expected: int = 0
    planned: Plan | None = None
    behind: _UnderWay | None = None


class Relay:
    """Records appends in order: `prepare` the next, `settle` the last, `start` the next."""

    def __init__(self, store: EventStore, *, clock: Clock, random_bytes: RandomBytes) -> None:
        """Bind a store.

        Args:
            store: where to append.
            clock: tells the time of recording.
            random_bytes: gives that many unguessable bytes, for the salts.

        """
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._committer = Committer(
            store, clock=clock, random_bytes=random_bytes, announce=lambda _position, _events: None
        )
        self._under_way: _UnderWay | None = None
        self._outcome: Outcome | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="timeline-relay")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let what is under way come to its end."""
        self._thread.shutdown()

    def prepare(self, append: Append) -> Prepared:
        """Plan an append as if what is under way were recorded, as far as that can be told."""
        former = self._under_way
        if former is not None and not _plain(append):
            return Prepared(append)
        try:
            view = self._store.view(request_for([append]))
        except (StoreBusy, StoreUnavailable):
            return Prepared(append)
        behind = None
        # The whole head: another writer's batch may have as many events.
        if former is not None and view.head != former.batch.head:
            if view.head.position != former.expected:
                return Prepared(append)
            view, behind = _after(former, view, append), former
        planned = plan(view, [append], clock=self._clock, random_bytes=self._random_bytes)
        return Prepared(append, view.head.position, planned, behind)

    def start(self, prepared: Prepared) -> None:
        """Begin to record an append, after all before it.

        Raises:
            DomainError: the record refuses an event.
            AppendRefused: an id, an expected version or the condition stands against it.
            StoreBusy: nothing was recorded.
            StoreUnavailable: nothing was recorded.
            OutcomeUnknown: it may have been recorded; the same ids can be sent again.

        """
        planned, behind = prepared.planned, prepared.behind
        if planned is None or (behind is not None and not behind.recorded):
            self._outcome = self._anew(prepared.append)
            return
        (result,) = planned.results
        if not isinstance(result, Outcome):
            raise result
        self._outcome = result
        if planned.batch is None:
            return
        committing = self._thread.submit(self._store.commit, prepared.expected, planned.batch)
        self._under_way = _UnderWay(prepared, planned, planned.batch, committing)
        if not (self._store.commits_elsewhere and _plain(prepared.append)):
            wait([committing])

    def settle(self) -> Outcome:
        """Wait for what was started last; return its outcome, or raise as `start` does."""
        under_way, self._under_way = self._under_way, None
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            msg = "nothing was started"
            raise RuntimeError(msg)
        if under_way is None:
            return outcome
        doubtful = False
        try:
            under_way.recorded = under_way.committing.result()
        except StoreBusy:
            pass
        except StoreUnavailable as error:
            doubtful = error.interrupted
        return outcome if under_way.recorded else self._anew(under_way.append, doubtful=doubtful)

    def _anew(self, append: Append, *, doubtful: bool = False) -> Outcome:
        """Record an append by itself, with all attempts that this takes; `doubtful`: once more."""
        (result,) = self._committer.record([append], doubtful=doubtful)
        if isinstance(result, Outcome):
            return result
        raise result


def _plain(append: Append) -> bool:
    """Tell whether an append needs no more than what it names, and changes no more than it adds."""
    return append.condition is None and not any(
        reaches_below(draft.proposal) for draft in append.drafts
    )


def _after(former: _UnderWay, view: View, append: Append) -> View:
    """Return what an append's view will be once the batch is committed that it does not show yet."""
    situation = view.situation.fork()
    situation.merge(former.planned.situation)
    # Of these alone: what every batch before it recorded would else be handed on for ever.
    recorded = {id: former.planned.known[id] for id in append.ids if id in former.planned.known}
    return View(head=former.batch.head, known={**recorded, **view.known}, situation=situation)
