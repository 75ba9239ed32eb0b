"""From events to changes of the read models.

Owns which policies an event touches, and the rows that they had and have. Must not know the
database: it reads the log through a port, and hands out changes.
"""

from collections.abc import Callable, Container, Iterable, Sequence

from timeline.domain.belief import PastEvent
from timeline.domain.events import PoliciesMerged
from timeline.domain.vocabulary import EventType
from timeline.projections.changes import Changes
from timeline.projections.graph import Graph
from timeline.projections.lineage import Lineage
from timeline.projections.memory import KeptReferences, Memory
from timeline.projections.model import Part, ReadModel, Rows, parts, rows_of
from timeline.projections.wave import Wave


class Projector:
    """Takes events, in order, into changes of the read models.

    Not safe for threads. After a lost race the caller says `forget`.
    """

    def __init__(
        self,
        models: Sequence[ReadModel],
        log: KeptReferences,
        *,
        only: Container[str] | None = None,
        on_worked: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind what is taken where.

        Args:
            models: make rows.
            log: has the events.
            only: the policies whose rows are made; all by default.
            on_worked: called now and then, every few milliseconds, also within one event; what it
                raises ends the work.

        """
        self._models = models
        self._log = log
        self._only = only
        self._on_worked = on_worked
        self._memory = Memory(log)
        self._graph = Graph(self._memory, 0, on_worked)
        self._past = Graph(self._memory, 0, on_worked)

    def forget(self) -> None:
        """Drop all that is remembered; it is read from the log again."""
        self._memory.forget()
        self._graph.forget()

    def advance(
        self,
        events: Sequence[PastEvent],
        changes: Changes,
        enough: Callable[[], bool] = lambda: False,
    ) -> Sequence[PastEvent]:
        """Take events into the read models.

        Args:
            events: the next events of the log, in order.
            changes: what the read models' rows become is added here.
            enough: asked after each event, whether the rest is left for later.

        Returns:
            The events that were taken in, at least one of those that there are.

        """
        if not events:
            return events
        seen = [event for event in events if not self._log.hides(event)]
        self._memory.now = events[0].position - 1
        self._memory.expect(seen)
        for number, event in enumerate(events, 1):
            if not self._log.hides(event):
                self._take(event, changes)
                self._on_worked()
            if enough():
                events = events[:number]
                break
        # What is erased goes, whether the policy's events wait or not.
        erased = {event.policy for event in events if event.type is EventType.PAYLOAD_ERASED}
        if erased:
            self.rewrite(erased, events[-1].position, changes)
        self._memory.shrink()
        self._graph.shrink()
        return events

    def _take(self, event: PastEvent, changes: Changes) -> None:
        if self._only is None:
            alone = self._graph.alone(event)
            if alone is not None:
                self._memory.add(event)
                old, new = parts(*alone.followed(self._memory, event))
                changes.advance(event.policy, self._rows(old), self._rows(new), event.position)
                return
        past = self._past.at(event.position - 1)
        self._memory.add(event)
        self._graph.position = event.position
        if isinstance(event.data, PoliciesMerged):
            self._graph.merge()
        for policy, before, after in Wave(self._graph, past).spread(event):
            if self._only is not None and policy not in self._only:
                continue
            old, new = parts(before.seen, after.seen)
            changes.advance(policy, self._rows(old), self._rows(new), event.position)

    def _rows(self, part: Part | None) -> Rows:
        return {} if part is None else rows_of(self._models, part)

    def rewrite(self, policies: Iterable[str], until: int, changes: Changes) -> None:
        """Write all rows anew that depend on policies, at whatever position.

        What bears on them is taken in once more, from its first event: with what replaces erased
        payloads, and without what is hidden.

        Args:
            policies: on what the rows depend.
            until: the position that the rows are to reflect.
            changes: what the read models' rows become is added here.

        """
        lineage = Lineage(self._log, until)
        touched = lineage.downstream(policies)
        for policy in sorted(touched):
            changes.rewrite(policy)
        again = Projector(self._models, self._log, only=touched, on_worked=self._on_worked)
        again.replay(lineage.events(touched), changes)
        self.forget()

    def replay(self, events: Sequence[PastEvent], changes: Changes) -> None:
        """Take in events of some policies alone, in the record's order."""
        for event in events:
            self._memory.now = event.position - 1
            self._take(event, changes)
            self._on_worked()
            self._memory.shrink()
