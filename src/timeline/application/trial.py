"""Trying an append: what it would make of the policies, without recording anything.

Owns the order: read as for recording, judged by the writer's own rules on what the log holds now,
then looked at through the fold. Must not know HTTP; writes nothing and holds no lock.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from timeline.application.access import Principal
from timeline.application.changes import difference
from timeline.application.errors import InvalidRequest
from timeline.application.queries import RecordQuery
from timeline.application.record import Recorder
from timeline.domain.belief import PastEvent
from timeline.eventstore.assembly import RandomBytes
from timeline.eventstore.instants import Clock
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.sequencing import plan, request_for
from timeline.projections.foresight import Turn, foresee, state_on
from timeline.projections.log import Log

MAX_SHOWN: Final = 200
"""Policies in one answer, some 400 KB at their usual size; an append may be about a thousand."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of an append.

    Attributes:
        outcome: as the append would have it; not `created` where all of it is recorded already.
        position: the head of the log that it was tried on.
        as_of: the date of before and after.
        policies: each policy that would change, before and after; those of the events first.
        truncated: whether there are, or may be, more of them.

    """

    outcome: Outcome
    position: int
    as_of: str
    policies: list[dict[str, Any]]
    truncated: bool


class Trials:
    """Tries what a principal sends."""

    def __init__(
        self,
        recorder: Recorder,
        store: EventStore,
        log: Log,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._recorder = recorder
        self._store = store
        self._log = log
        self._clock = clock
        self._random_bytes = random_bytes

    def attempt(self, body: bytes, principal: Principal, query: RecordQuery) -> Tried:
        """Try the event, or the atomic batch, that a JSON document holds.

        Args:
            body: what would be recorded.
            principal: who would record it.
            query: the date asked about; today where there is none.

        Raises:
            InvalidRequest: the document is malformed.
            NotAllowed: an event needs a higher role.
            DomainError: the record refuses an event.
            EventStoreError: the append is refused, or the store cannot be asked.

        """
        day = query.as_of or self._clock().date()
        append = self._recorder.read(body, principal)
        view = self._store.view(request_for([append]))
        (result,), *_ = plan(view, [append], clock=self._clock, random_bytes=self._random_bytes)
        if isinstance(result, Exception):
            raise result
        head = view.head.position
        turns: dict[str, Turn] = {}
        cut = False
        if result.created:
            turns, cut = foresee(self._log, head, _as_recorded(append, result))
        shown = _shown(turns, append)
        return Tried(
            outcome=result,
            position=head,
            as_of=day.isoformat(),
            policies=[_difference(each, turns[each], day) for each in shown[:MAX_SHOWN]],
            truncated=cut or len(shown) > MAX_SHOWN,
        )


def require_dry_run(query: RecordQuery) -> None:
    """Raise where a date is asked about and nothing is tried."""
    if query.as_of is not None and not query.dry_run:
        raise InvalidRequest(field="as_of", reason="`as_of` goes with `dry_run=true`")


def _as_recorded(append: Append, outcome: Outcome) -> list[PastEvent]:
    return [
        PastEvent(
            position=receipt.position,
            id=receipt.id,
            policy=receipt.policy,
            version=receipt.version,
            type=receipt.type,
            recorded_at=receipt.recorded_at,
            recorded_by=append.recorded_by,
            data=draft.proposal.data,
        )
        for draft, receipt in zip(append.drafts, outcome.events, strict=True)
    ]


def _shown(turns: dict[str, Turn], append: Append) -> Sequence[str]:
    """Return the policies of the events in their order, then the others that would change."""
    if not turns:
        return []
    own = dict.fromkeys(draft.proposal.policy for draft in append.drafts)
    return [*own, *(policy for policy, turn in turns.items() if turn.changes and policy not in own)]


def _difference(policy: str, turn: Turn, day: date) -> dict[str, Any]:
    before = state_on(turn.before, day.toordinal()) if turn.before else None
    return difference(policy, before, state_on(turn.after, day.toordinal()))
