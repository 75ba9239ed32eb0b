"""What a source said of a policy before: the chains of its statements in the policy's stream.

Owns how a statement's events are found, what they add up to, and when two ways to say something
differ. Pure. Must not know what is to be recorded next: that is `reconcile`'s business.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from timeline.domain.events import Scope
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Recorded
from timeline.importers.sketch import Json, event_id


class Stream:
    """A policy's stream: which of its events stand, and who corrected what.

    What is erased counts as taken back by its erasure: whoever had it erased decided that.

    Attributes:
        version: how many events there are.
        raw: the events by their ids, in order.
        taken_back: what does not stand, with the event that takes it back.
        first: the id of the registration.
        is_retracted: whether that is retracted.

    """

    def __init__(self, recorded: Sequence[Recorded]) -> None:
        self.version = len(recorded)
        self.raw = {each.id: each for each in recorded}
        self.taken_back: dict[str, str] = {}
        self._replaced: dict[str, Json | None] = {}
        self._corrections: dict[str, list[str]] = {}
        for each in recorded:
            if each.type is EventType.PAYLOAD_ERASED:
                erasure = _read(each.data)
                self._replaced[erasure["event"]] = erasure.get("replacement")
        for each in recorded:
            if each.type is EventType.ACTION_CORRECTED and (data := self.data(each.id)):
                self._corrections.setdefault(data["event"], []).append(each.id)
        for each in reversed(recorded):
            if each.type is EventType.EVENT_RETRACTED and each.id not in self.taken_back:
                self.taken_back[(self.data(each.id) or {})["event"]] = each.id
        self.first = recorded[0].id if recorded else None
        self.is_retracted = self.first in self.taken_back
        for each in recorded:
            if each.erased_by is not None and each.type is not EventType.EVENT_RETRACTED:
                self.taken_back[each.id] = each.erased_by

    def data(self, id: str) -> Json | None:
        """Return an event's data, or what replaces it; None where it is erased without that."""
        data = self.raw[id].data
        return self._replaced.get(id) if data is None else _read(data)

    def corrections(self, action: str) -> Iterator[tuple[str, Json]]:
        """Yield the corrections of an action that stand, by their ids."""
        for id in self._corrections.get(action, ()):
            data = self.data(id)
            if data is not None and id not in self.taken_back:
                yield id, data


def _read(data: bytes | None) -> Json:
    read: Json = msgspec.json.decode(data or b"{}")
    return read


class Chain:
    """What was recorded of one statement.

    Attributes:
        first: the id of its own event, recorded or not.
        recorded: the ids of those that are recorded, in order.
        ids: those, and what is about to be recorded of it.

    """

    def __init__(self, system: str, first: str, about: str, stream: Stream) -> None:
        """Find what is recorded.

        Args:
            system: the source's name.
            first: the id of the statement's own event.
            about: what the ids of the later ones follow from.
            stream: where they are.

        """
        self.first = first
        self._system = system
        self._about = about
        self.ids: list[str] = []
        while (id := self.next_id()) in stream.raw:
            self.ids.append(id)
        self.recorded = tuple(self.ids)

    @classmethod
    def of(cls, system: str, about: str, type: EventType, stream: Stream) -> "Chain":
        """Return the chain of a statement."""
        first = event_id(system, about)
        if type is EventType.SOURCE_ATTACHED:
            return cls.of_source(system, first, stream)
        return cls(system, first, about, stream)

    @classmethod
    def of_source(cls, system: str, first: str, stream: Stream) -> "Chain":
        """Return the chain of an attached source by its event's id.

        Such an event does not name its origin, so what follows it is told by its own id.
        """
        return cls(system, first, f"event/{first}", stream)

    def next_id(self) -> str:
        """Return the id of what is recorded next of it."""
        return event_id(self._system, self._about, len(self.ids)) if self.ids else self.first

    def last(self, type: EventType, stream: Stream) -> str:
        """Return the last event that says the whole of the statement."""
        return next(id for id in reversed(self.recorded) if stream.raw[id].type is type)

    def said(self, type: EventType, stream: Stream) -> Json | None:
        """Return what the source said last; None where a part of it is erased."""
        said: Json = {}
        for id in self.recorded:
            data = stream.data(id)
            if stream.raw[id].data is None or data is None:
                return None
            if stream.raw[id].type is type:
                said = dict(data)
            elif stream.raw[id].type is not EventType.EVENT_RETRACTED:
                _take_in(said, data)
        return said

    def told_at(self, stream: Stream) -> datetime | None:
        """Return the newest time of the source's own that what is recorded holds."""
        times = (moment(stream.data(id) or {}) for id in self.recorded)
        return max((time for time in times if time is not None), default=None)

    def says_gone(self, event: str, stream: Stream) -> bool:
        """Tell whether the source's last word on an event was that it is taken back."""
        gone = False
        for id in self.recorded:
            if stream.raw[id].type is EventType.EVENT_RETRACTED:
                gone = (stream.data(id) or {}).get("event") == event
        return gone


EMPTY: Final[Mapping[str, Any]] = {
    **{name: [] for name in ("actors", "identifiers", "topics", "sponsors")},
    "scope": Scope.FULL,
}
"""What says in a description or a claim that a field is empty; null says so of all others."""


def moment(data: Json) -> datetime | None:
    """Return the source's own time of what it says; None where it gives none, or none to compare."""
    try:
        found = datetime.fromisoformat((data.get("origin") or {}).get("recorded") or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def plain(data: Json) -> Json:
    """Return data as it will be read from the record."""
    plain: Json = msgspec.json.decode(msgspec.json.encode(data))
    return plain


def written(data: Json) -> bytes | None:
    """Return data in the record's order of keys; None where it is no text that can be written."""
    try:
        return _encoder.encode(data)
    except UnicodeEncodeError:
        return None


_encoder: Final = msgspec.json.Encoder(order="sorted")


def held(data: Json, name: str) -> Any:
    """Return a field's value as it compares: what is empty is absent."""
    value = data.get(name)
    return None if value == [] or value == EMPTY.get(name) else value


def changed(said: Json, now: Json) -> Json:
    """Return the fields that differ, with their new values; None where they are cleared.

    Sources that a statement has are not compared: they add up.
    """
    names = {**said, **now}.keys() - {"sources"}
    return {
        name: held(now, name)
        for name in sorted(names)
        if _told(held(said, name), name) != _told(held(now, name), name)
    }


def _told(value: Any, name: str) -> Any:
    return _without_retrieved(value) if name == "source" else value


def _without_retrieved(source: Json) -> Json:
    return {name: value for name, value in source.items() if name != "retrieved"}


def new_sources(said: Json, now: Json) -> list[Json]:
    """Return the sources that were not given before, whenever they were retrieved."""
    known = [_without_retrieved(each) for each in said.get("sources", ())]
    return [each for each in now.get("sources", ()) if _without_retrieved(each) not in known]


def _take_in(said: Json, data: Json) -> None:
    """Change what was said by a correction, a new description, or a source."""
    claim = data.get("claim")
    if claim is not None:
        said[claim["field"]] = claim["value"]
    elif "source" in data:
        said["sources"] = [*said.get("sources", ()), data["source"]]
    elif "changes" in data:
        changes = dict(data["changes"])
        more = [*changes.pop("sources", ()), *data.get("sources", ())]
        said.update(changes)
        said["sources"] = [*said.get("sources", ()), *more]
    else:
        said.update({name: value for name, value in data.items() if name != "reason"})
