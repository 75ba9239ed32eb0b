"""The batch under construction: entries, payloads, tags and write-side rows of accepted appends.

Owns how accepted events become bytes and rows, and what an erasure does to both. Must not judge:
`sequencing` has done that, or is about to.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Final, NamedTuple, TypeAlias

import msgspec

from timeline.domain.events import (
    DATA_TYPES,
    Data,
    PayloadErased,
    PolicyDescribed,
    PolicyRegistered,
    read,
)
from timeline.domain.evolve import evolve, own_tags, tags
from timeline.domain.situation import (
    Description,
    Situation,
    SubjectState,
    Tag,
    describe,
    named_event,
)
from timeline.domain.vocabulary import EventType
from timeline.eventstore.lookup import DESCRIBING
from timeline.eventstore.model import Draft, Head, Outcome, Receipt
from timeline.eventstore.protocol import Batch, Known, NewEntry, Payload, TagRow, View
from timeline.eventstore.retagging import Line, tags_by_position, tags_left
from timeline.transparency.entries import SALT_BYTES, Envelope, commitment, entry
from timeline.transparency.merkle import leaf_hash

RandomBytes: TypeAlias = Callable[[int], bytes]
"""Gives that many unguessable bytes."""

Tags: TypeAlias = frozenset[Tag]


class Planned(msgspec.Struct, frozen=True, gc=False):
    """An event that has been let pass, and its place."""

    draft: Draft
    position: int
    version: int
    recorded_by: str
    retracts: tuple[str, ...]
    tags: Tags


class Retag(msgspec.Struct, frozen=True, gc=False):
    """The tags of one event change."""

    position: int
    before: Tags
    after: Tags


class TagLedger:
    """The difference that a batch makes to the tags of the log."""

    def __init__(self) -> None:
        self.tagged: dict[int, Tags] = {}
        self.untagged: dict[int, Tags] = {}

    def add(self, position: int, tags: Tags) -> None:
        """Take in the tags of an event of this batch, which has none yet."""
        self.tagged[position] = tags

    def apply(self, retag: Retag) -> None:
        """Take one change in: what comes and goes within a batch is never written."""
        position = retag.position
        here = self.tagged.get(position, _NONE)
        gone = self.untagged.get(position, _NONE)
        leaving = retag.before - retag.after
        coming = retag.after - retag.before
        self.tagged[position] = (here - leaving) | (coming - gone)
        self.untagged[position] = (gone - coming) | (leaving - here)


_NONE: Final[Tags] = frozenset()


class _Sealed(NamedTuple):
    """A planned event as it is written, and as it is told."""

    entry: NewEntry
    payload: Payload
    known: Known


class Assembly:
    """All appends of a group that have been accepted so far, on top of the snapshot."""

    def __init__(self, view: View, random_bytes: RandomBytes) -> None:
        self.view = view
        self.situation = view.situation.fork()
        self.known = dict(view.known)
        self.planned: list[Planned] = []
        self.recorded_at = view.head.recorded_at
        self.replaced: dict[str, Data | None] = {}
        self.ledger = TagLedger()
        self._entries: list[NewEntry] = []
        self._payloads: dict[str, Payload] = {}
        self._random_bytes = random_bytes
        self._layer = self.situation.fork()

    def trial(self, recorded_by: str) -> "Trial":
        """Return an append on top, to be accepted, or thrown away once there is another."""
        # One layer for all of them: making one takes longer than judging an event.
        self._layer.clear()
        return Trial(self, self._layer, recorded_by)

    def accept(self, trial: "Trial", recorded_at: str) -> Outcome:
        """Take an append in, at one instant."""
        batch = self.view.head.position + len(self.planned) + 1
        salts = self._random_bytes(SALT_BYTES * len(trial.planned))
        sealed = [
            _seal(planned, batch, recorded_at, salts[at : at + SALT_BYTES])
            for at, planned in zip(count(step=SALT_BYTES), trial.planned, strict=False)
        ]
        self.situation.merge(trial.situation)
        self.planned += trial.planned
        self.recorded_at = recorded_at
        for planned, (new, payload, known) in zip(trial.planned, sealed, strict=True):
            id = known.receipt.id
            self.ledger.add(planned.position, planned.tags)
            self._entries.append(new)
            self._payloads[id] = payload
            self.known[id] = known
        for retag in trial.retags:
            self.ledger.apply(retag)
        for id, data in trial.replaced.items():
            self._forget(id, data)
        return Outcome(tuple(each.known.receipt for each in sealed), created=True)

    def batch(self) -> Batch | None:
        """Return what is to be written, or None where that is nothing."""
        if not self.planned:
            return None
        start = self.view.head.position
        subjects = self.situation.subjects
        return Batch(
            head=Head(
                start + len(self.planned),
                self.recorded_at,
                self.view.head.frontier.extend(new.leaf_hash for new in self._entries),
            ),
            entries=tuple(self._entries),
            payloads=tuple(self._payloads.values()),
            tagged=_rows(self.ledger.tagged),
            untagged=_rows(self.ledger.untagged),
            streams=tuple(self.situation.changed_streams()),
            subjects=tuple(filter(self._kept, self.situation.changed_subjects())),
            erased=tuple(
                sorted(
                    subjects[id].position for id in self.replaced if subjects[id].position <= start
                )
            ),
        )

    def _forget(self, id: str, data: Data | None) -> None:
        """Note that an event's payload is erased: it is not written, or no longer compared."""
        self.replaced[id] = data
        self._payloads.pop(id, None)
        known = self.known.get(id)
        if known is not None:
            receipt = msgspec.structs.replace(known.receipt, erased=True)
            self.known[id] = msgspec.structs.replace(known, receipt=receipt, salt=None)

    def _kept(self, subject: SubjectState) -> bool:
        """Tell whether a subject has a row: its entry alone does not say all, or it has one."""
        return (
            subject.retracted_by is not None
            or subject.erased_by is not None
            or bool(subject.retracts)
            or subject.duplicate is not None
            or subject.disputes
            or subject.id in self.view.situation.subjects
        )


def _seal(planned: Planned, batch: int, recorded_at: str, salt: bytes) -> _Sealed:
    draft = planned.draft
    id, policy, type, _ = msgspec.structs.astuple(draft.proposal)
    envelope = Envelope(
        id=id,
        position=planned.position,
        policy=policy,
        version=planned.version,
        type=_TYPE_NAMES[type],
        schema=draft.schema,
        batch=batch,
        recorded_at=recorded_at,
        recorded_by=planned.recorded_by,
    )
    committed = commitment(salt, draft.data)
    written = entry(envelope, committed)
    receipt = Receipt(
        id=id,
        policy=policy,
        version=planned.version,
        position=planned.position,
        recorded_at=recorded_at,
        type=type,
    )
    new = NewEntry(
        envelope=envelope,
        subject=named_event(draft.proposal.data),
        entry=written,
        leaf_hash=leaf_hash(written),
    )
    known = Known(receipt=receipt, commitment=committed, salt=salt)
    return _Sealed(new, Payload(planned.position, draft.data, salt), known)


_TYPE_NAMES: Final = {type: type.value for type in EventType}
"""Asking a member for its value takes as long as writing the entry."""


class Trial:
    """One append on top of an assembly: what it would change."""

    def __init__(self, assembly: Assembly, situation: Situation, recorded_by: str) -> None:
        self.recorded_by = recorded_by
        self.situation = situation
        self.planned: list[Planned] = []
        self.retags: list[Retag] = []
        self.replaced: dict[str, Data | None] = {}
        self._assembly = assembly

    def record(self, draft: Draft) -> None:
        """Take in an event that was let pass."""
        proposal = draft.proposal
        before = len(self._assembly.planned) + len(self.planned)
        position = self._assembly.view.head.position + before + 1
        version = evolve(self.situation, proposal, position)
        if type(proposal.data) is PayloadErased:
            self._erase(proposal.data)
        found = tags(self.situation.streams[proposal.policy], proposal.data)
        retracts = self.situation.subjects[proposal.id].retracts
        self.planned.append(Planned(draft, position, version, self.recorded_by, retracts, found))

    def _erase(self, erasure: PayloadErased) -> None:
        """Rewrite the tags of an event whose payload goes, and of those that follow it."""
        subject = self.situation.subjects[erasure.event]
        new: Data | None = None
        if erasure.replacement is not None:
            new = read(DATA_TYPES[subject.type], erasure.replacement, "data.replacement")
        old = self._data_of(subject.id)
        self.retags.append(Retag(subject.position, own_tags(old), tags_left(old, new)))
        if subject.type in DESCRIBING:
            lines = self._lines(subject.policy)
            replaced = _descriptions(self._assembly.replaced | self.replaced)
            before = tags_by_position(lines, replaced)
            after = tags_by_position(lines, replaced | _descriptions({subject.id: new}))
            self.retags += (
                Retag(position, before[position], after[position])
                for position in before
                if before[position] != after[position]
            )
        self.replaced[subject.id] = new

    def _data_of(self, id: str) -> Data | None:
        for planned in self._planned():
            if planned.draft.id == id:
                return planned.draft.proposal.data
        return self._assembly.view.contents.get(id)

    def _lines(self, policy: str) -> list[Line]:
        """Return every event of a policy up to here."""
        lines = list(self._assembly.view.lines.get(policy, ()))
        for planned in self._planned():
            proposal = planned.draft.proposal
            if proposal.policy == policy:
                told = _description(proposal.id, proposal.data)
                flips = planned.retracts[-1] if planned.retracts else None
                lines.append(Line(planned.position, proposal.id, told, flips))
        return lines

    def _planned(self) -> Iterable[Planned]:
        yield from self._assembly.planned
        yield from self.planned


def _description(id: str, data: Data | None) -> Description | None:
    return describe(id, data) if isinstance(data, PolicyRegistered | PolicyDescribed) else None


def _descriptions(replaced: dict[str, Data | None]) -> dict[str, Description | None]:
    return {id: _description(id, data) for id, data in replaced.items()}


def _rows(tags: Mapping[int, Tags]) -> tuple[TagRow, ...]:
    return tuple(TagRow(tag, position) for position in tags for tag in sorted(tags[position]))
