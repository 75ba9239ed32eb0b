"""The vocabulary, and what becomes of an append, as the service answers them."""

from datetime import date, datetime

from msgspec import UNSET, UnsetType

from timeline.client.answers import Answer, Difference, Word


class ActionWord(Answer, frozen=True, kw_only=True):
    """An action; `rank` is the order of actions on one day."""

    action: Word
    rank: int
    effect: Word
    description: str


class InstrumentWord(Answer, frozen=True, kw_only=True):
    """An instrument."""

    instrument: Word
    needs_executive: bool
    in_force_from_enactment: bool
    has_force: bool


class RelationWord(Answer, frozen=True, kw_only=True):
    """A relation; whether it `acts` on its target's axes."""

    relation: Word
    description: str
    kind_of: Word | None
    acts: bool
    symmetric: bool


class EventTypeWord(Answer, frozen=True, kw_only=True):
    """A type of event, and the role that recording it needs."""

    type: Word
    schema: int
    role: str


class Vocabulary(Answer, frozen=True, kw_only=True):
    """The words of the record."""

    actions: tuple[ActionWord, ...]
    instruments: tuple[InstrumentWord, ...]
    relations: tuple[RelationWord, ...]
    event_types: tuple[EventTypeWord, ...]
    force: tuple[Word, ...]
    force_reasons: tuple[Word, ...]
    litigation: tuple[Word, ...]
    in_force: tuple[Word, ...]
    source_classes: tuple[Word, ...]
    stances: tuple[Word, ...]
    scopes: tuple[Word, ...]
    member_votes: tuple[Word, ...]


class RecordedEvent(Answer, frozen=True, kw_only=True):
    """Where an event stands in the record."""

    id: str
    policy: str
    version: int
    position: int
    recorded_at: datetime
    type: Word
    erased: bool | UnsetType = UNSET


class RecordedEvents(Answer, frozen=True, kw_only=True):
    """The events of an append, in the order in which they were sent."""

    events: tuple[RecordedEvent, ...]
    checkpoint: str | UnsetType | None = UNSET

    @property
    def position(self) -> int:
        """The position of the last one."""
        return max(event.position for event in self.events)


class TriedEvent(Answer, frozen=True, kw_only=True):
    """An event as it would be, or as it is where it is recorded already."""

    id: str
    policy: str
    version: int
    type: Word
    position: int | UnsetType = UNSET
    recorded_at: datetime | UnsetType = UNSET
    erased: bool | UnsetType = UNSET


class DryRun(Answer, frozen=True, kw_only=True):
    """What would become of an append, had it been recorded."""

    dry_run: bool
    known: bool
    position: int
    as_of: date
    events: tuple[TriedEvent, ...]
    policies: tuple[Difference, ...]
    truncated: tuple[str, ...]


class ChunkReport(Answer, frozen=True, kw_only=True):
    """Lines of a stream that are recorded; `first` and `last` are their numbers, from 1."""

    events: int
    created: int
    first: int
    last: int
    position: int
