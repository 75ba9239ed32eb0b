"""From what a source says of a policy now, and what was recorded of it, to the events between.

Owns the chain of a statement: its own event, and what was recorded later because the source changed
what it says of it. Pure. Must not know any format, nor how events are recorded.

A statement's chain is told by its ids, `event_id(system, about, step)`, so that nothing has to be
kept beside the log. What the source said last follows from the chain alone; what others recorded
decides what can still be said: an editor's correction is disputed, not overridden, and what an
editor took back or restored is left so.

A source's own time of a policy is kept in its description's origin: by it a version is told that is
older than what is recorded, and passed over. Whatever a newer version changes, the time goes along.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from timeline.domain.errors import InvalidData
from timeline.domain.events import Stance
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft, Recorded
from timeline.eventstore.sent import Sent
from timeline.eventstore.sent import plain as plain_event
from timeline.importers.chains import (
    EMPTY,
    Chain,
    Stream,
    changed,
    held,
    moment,
    new_sources,
    plain,
    written,
)
from timeline.importers.errors import Unrecordable
from timeline.importers.sketch import Json, Place, Sketch, Statement, event_id
from timeline.transparency.errors import CanonicalError


class Kind(StrEnum):
    """What an event is to whoever imports."""

    RECORDED = "recorded"
    CORRECTED = "corrected"
    DISPUTED = "disputed"
    RETRACTED = "retracted"
    RESTORED = "restored"


class Change(NamedTuple):
    """An event to record, and where in the input it stands."""

    draft: Draft
    kind: Kind
    place: Place


class Age(StrEnum):
    """How old a source's version of a policy is, by its own time, beside what is recorded."""

    OLDER = "older"
    UNTOLD = "untold"
    """As old as that, or nobody tells."""
    NEWER = "newer"


class Reconciled(NamedTuple):
    """The events between, in order, how many statements there is nothing new about, and the age."""

    changes: tuple[Change, ...]
    known: int
    age: Age = Age.UNTOLD


def reconcile(system: str, sketch: Sketch, recorded: Sequence[Recorded]) -> Reconciled:
    """Return the events that lead from what a source said before to what it says now.

    Args:
        system: the source's name.
        sketch: what it says now.
        recorded: the policy's whole stream, in order.

    Raises:
        Unrecordable: naming the statement that the record does not take, and why.

    """
    return _Reconciler(system, sketch, recorded).run()


class _Reconciler:
    """One policy's sketch beside its stream."""

    def __init__(self, system: str, sketch: Sketch, recorded: Sequence[Recorded]) -> None:
        self._system = system
        self._sketch = sketch
        self._stream = Stream(recorded)
        self._description = Chain.of(
            system, sketch.about, EventType.POLICY_REGISTERED, self._stream
        )
        self._changes: list[Change] = []
        self._known = 0
        self._place = sketch.place
        self._chains: list[Chain] = []
        self._told: dict[str, Statement] = {}
        # Where statements' events are, by the ids that the source gives them; None: nowhere.
        self._current: dict[str, str | None] = {}

    def run(self) -> Reconciled:
        if self._stream.is_retracted:
            # Who took the registration back left nothing that could be said.
            return Reconciled((), 1 + len(self._sketch.statements))
        time, age = self._age()
        if age is Age.OLDER:
            return Reconciled((), 1 + len(self._sketch.statements), age)
        self._compare()
        if self._changes and age is Age.NEWER:
            self._keep(time)
        return Reconciled(tuple(self._changes), self._known, age)

    def _compare(self) -> None:
        attached = EventType.SOURCE_ATTACHED
        self._describe()
        for statement in self._sketch.statements:
            if statement.type is not attached:
                self._tell(statement, self._state)
        gone = list(self._gone()) if self._sketch.whole and self._stream.raw else []
        for chain, type in gone:
            if type is not attached:
                self._take_back(chain, type)
        for statement in self._sketch.statements:
            if statement.type is attached:
                self._tell(statement, self._attach)
        for chain, type in gone:
            if type is attached:
                self._take_back(chain, type)

    # ---- how old it is

    def _age(self) -> tuple[datetime | None, Age]:
        """Return the source's own time of what it says, and how that lies to what is recorded."""
        time = moment(self._sketch.described)
        told_at = self._description.told_at(self._stream)
        if time is None or time == told_at or not self._description.ids:
            return time, Age.UNTOLD
        return time, Age.OLDER if told_at is not None and time < told_at else Age.NEWER

    def _keep(self, time: datetime | None) -> None:
        """Record the source's own time of what changed, where no description does so already."""
        chain = self._description
        if not any(
            change.draft.id in chain.ids and moment(_read(change.draft.data)) == time
            for change in self._changes
        ):
            self._place = self._sketch.place
            data = {
                "origin": self._sketch.described["origin"],
                "reason": _NEWER.format(system=self._system),
            }
            self._record(chain, EventType.POLICY_DESCRIBED, data)

    # ---- the description

    def _describe(self) -> None:
        registered = EventType.POLICY_REGISTERED
        chain = self._description
        if not self._stream.raw:
            self._record(chain, registered, self._sketch.described, new=True)
        elif chain.ids and self._differs(chain, self._sketch.described):
            # Someone else's registration is theirs to describe.
            self._describe_anew(chain)
        self._current[chain.first] = self._stream.first or chain.first
        self._known += not self._changes
        self._chains.append(chain)

    def _describe_anew(self, chain: Chain) -> None:
        said = chain.said(EventType.POLICY_REGISTERED, self._stream)
        if said is None:
            return
        now = self._plain(self._sketch.described)
        told: Json = {}
        for name, value in changed(said, now).items():
            decider = self._describer(name)
            if decider in chain.ids:
                told[name] = value
            elif name != "origin":
                believed = self._stream.data(decider) or {}
                self._contradict(chain, decider, _Contradiction(name, value, believed, now))
        if told.keys() - {"origin"}:
            if new := new_sources(said, now):
                told["sources"] = [*said["sources"], *new]
            cleared = {name: EMPTY.get(name) for name in told if told[name] is None}
            reason = _OTHERWISE.format(system=self._system)
            self._record(chain, EventType.POLICY_DESCRIBED, {**told, **cleared, "reason": reason})
        else:
            self._add_sources(chain, chain.first, said, now)

    def _describer(self, name: str) -> str:
        """Return the event that decides a field of the description."""
        decider = self._stream.first or ""
        for id, each in self._stream.raw.items():
            describes = each.type is EventType.POLICY_DESCRIBED
            if (
                describes
                and id not in self._stream.taken_back
                and name in (self._stream.data(id) or {})
            ):
                decider = id
        return decider

    # ---- actions and relations

    def _tell(self, statement: Statement, of: Callable[[Chain, Statement], str | None]) -> None:
        """Record what is new of a statement; one that the source makes twice is one."""
        self._place = statement.place
        if statement.about in self._told:
            former = self._told[statement.about]
            if (former.type, former.data) != (statement.type, statement.data):
                raise self._unrecordable(
                    "", f"{statement.about} stands in {former.place} otherwise"
                )
            return
        chain = Chain.of(self._system, statement.about, statement.type, self._stream)
        self._told[statement.about] = statement
        self._chains.append(chain)
        before = len(self._changes)
        self._current[chain.first] = of(chain, statement)
        self._known += len(self._changes) == before

    def _state(self, chain: Chain, statement: Statement) -> str | None:
        """Record what is new of an action or a relation; return the event of it that stands."""
        if not chain.ids:
            return self._record(chain, statement.type, statement.data, new=True)
        self._expect(chain, statement)
        if statement.type is EventType.ACTION_RECORDED:
            return chain.first if self._restate(chain, statement) else None
        return self._reassert(chain, statement)

    def _expect(self, chain: Chain, statement: Statement) -> None:
        recorded = self._stream.raw[chain.first].type
        if recorded is not statement.type:
            raise self._unrecordable("type", f"{statement.about} is recorded as {recorded}")

    def _restate(self, chain: Chain, statement: Statement) -> bool:
        """Record what changed of an action; return whether it stands."""
        if not self._restored(chain, chain.first):
            return False
        if not self._differs(chain, statement.data):
            return True
        said = chain.said(statement.type, self._stream)
        if said is None:
            return True
        now = self._plain(statement.data)
        believed, theirs = self._believed(chain)
        corrected: Json = {}
        for name, value in changed(said, now).items():
            if name not in theirs:
                corrected[name] = value
            elif name != "origin":
                self._contradict(chain, chain.first, _Contradiction(name, value, believed, now))
        if corrected.keys() - {"origin"}:
            data: Json = {
                "event": chain.first,
                "changes": corrected,
                "reason": _OTHERWISE.format(system=self._system),
            }
            if new := new_sources(said, now):
                data["sources"] = new
            self._record(chain, EventType.ACTION_CORRECTED, data)
        else:
            self._add_sources(chain, chain.first, said, now)
        return True

    def _believed(self, chain: Chain) -> tuple[Json, set[str]]:
        """Return an action as corrected, and which fields someone else decided last."""
        believed = self._stream.data(chain.first) or {}
        theirs: set[str] = set()
        for id, data in self._stream.corrections(chain.first):
            changes = data["changes"]
            believed = {**believed, **changes}
            decided = changes.keys() - {"sources"}
            theirs = theirs - decided if id in chain.ids else theirs | decided
        return believed, theirs

    def _contradict(self, chain: Chain, event: str, claim: "_Contradiction") -> None:
        """Say that the source has another value than an editor, or that it has it no more."""
        for id in chain.recorded[1:]:
            claimed = (self._stream.data(id) or {}).get("claim") or {}
            if claimed.get("field") == claim.field and id not in self._stream.taken_back:
                self._retract(chain, id, _OTHERWISE)
        if held(claim.believed, claim.field) != held({claim.field: claim.value}, claim.field):
            data = {
                "event": event,
                "source": claim.now["sources"][0],
                "stance": Stance.DISPUTES,
                "claim": {
                    "field": claim.field,
                    "value": EMPTY.get(claim.field) if claim.value is None else claim.value,
                },
            }
            self._record(chain, EventType.SOURCE_ATTACHED, data, Kind.DISPUTED)

    def _reassert(self, chain: Chain, statement: Statement) -> str | None:
        """Assert what changed anew, as it cannot be corrected; return what stands."""
        last = chain.last(statement.type, self._stream)
        said = self._stream.data(last)
        if said is None:
            return None
        now = self._plain(statement.data)
        if not changed(said, now).keys() - {"origin"}:
            if not self._restored(chain, last):
                return None
            if "sources" in now:
                self._add_sources(
                    chain, last, chain.said(statement.type, self._stream) or said, now
                )
            return last
        taken_back = self._stream.taken_back.get(last)
        if taken_back is None:
            self._retract(chain, last, _OTHERWISE)
        elif taken_back not in chain.ids:
            return None
        return self._record(chain, statement.type, statement.data)

    def _restored(self, chain: Chain, event: str) -> bool:
        """Bring an event back that the source itself had taken back; return whether it stands."""
        taken_back = self._stream.taken_back.get(event)
        if taken_back is None:
            return True
        if taken_back not in chain.ids:
            return False
        self._retract(chain, taken_back, _AGAIN)
        return True

    def _attach(self, chain: Chain, statement: Statement) -> str | None:
        """Record what is new of an attached source, where what it is about stands."""
        data = self._plain(statement.data)
        event = self._current.get(data.get("event", ""), data.get("event"))
        if event is None:
            return None
        moved = msgspec.structs.replace(statement, data={**data, "event": event})
        if not chain.ids:
            return self._record(chain, moved.type, moved.data, new=True)
        self._expect(chain, statement)
        return self._reassert(chain, moved)

    # ---- what the source says no more

    def _gone(self) -> Iterator[tuple[Chain, EventType]]:
        """Yield the chains of statements of this source that it does not make any more.

        Attached sources that were recorded together with others of its statements are its own.
        """
        known = {id for chain in self._chains for id in chain.ids}
        taken_back = _NAMING_ORIGIN - self._sketch.untold
        for id, each in self._stream.raw.items():
            if id in known or each.type not in taken_back or each.data is None:
                continue
            origin = _decoder.decode(each.data).origin
            about = "" if origin is None or origin.system != self._system else origin.id
            if about and event_id(self._system, about) == id:
                chain = Chain.of(self._system, about, each.type, self._stream)
                known.update(chain.ids)
                yield chain, each.type
        yield from self._gone_sources(known)

    def _gone_sources(self, known: set[str]) -> Iterator[tuple[Chain, EventType]]:
        attached = EventType.SOURCE_ATTACHED
        batches = {self._stream.raw[id].batch for id in known if id in self._stream.raw}
        for each in self._sketch.statements:
            if each.type is attached:
                known.update(Chain.of(self._system, each.about, attached, self._stream).ids)
        for id, event in self._stream.raw.items():
            ours = event.type is attached and event.batch in batches and id not in known
            if ours and event.data is not None:
                chain = Chain.of_source(self._system, id, self._stream)
                known.update(chain.ids)
                yield chain, attached

    def _take_back(self, chain: Chain, type: EventType) -> None:
        """Retract what stands, unless someone else has restored it after it was taken back."""
        last = chain.last(type, self._stream)
        self._place = self._sketch.place
        if last not in self._stream.taken_back and not chain.says_gone(last, self._stream):
            self._retract(chain, last, _NO_MORE)

    # ---- what was said, and what is said

    def _differs(self, chain: Chain, data: Json) -> bool:
        """Tell whether data may be anything else than what one event alone said before."""
        return len(chain.ids) > 1 or self._stream.raw[chain.first].data != written(data)

    def _plain(self, data: Json) -> Json:
        """Return data as it will be read from the record."""
        try:
            return plain(data)
        except UnicodeEncodeError as error:
            raise self._unrecordable("data", "It holds a lone surrogate") from error

    # ---- events

    def _retract(self, chain: Chain, event: str, reason: str) -> None:
        kind = Kind.RESTORED if reason is _AGAIN else Kind.RETRACTED
        data = {"event": event, "reason": reason.format(system=self._system)}
        self._record(chain, EventType.EVENT_RETRACTED, data, kind)

    def _add_sources(self, chain: Chain, event: str, said: Json, now: Json) -> None:
        for source in new_sources(said, now):
            data = {"event": event, "source": source, "stance": Stance.SUPPORTS}
            self._record(chain, EventType.SOURCE_ATTACHED, data)

    def _record(
        self,
        chain: Chain,
        type: EventType,
        data: Json,
        kind: Kind = Kind.CORRECTED,
        *,
        new: bool = False,
    ) -> str:
        id = chain.next_id()
        proposed: Json = {
            "id": id,
            "policy": self._sketch.policy,
            "type": type,
            "data": data,
            "expected_version": None if self._changes else self._stream.version or "new",
        }
        try:
            draft = _draft(proposed)
        except InvalidData as error:
            raise self._unrecordable(error.field, str(error)) from error
        except CanonicalError as error:
            raise self._unrecordable(f"data.{error.path}", f"It holds {error.reason}") from error
        chain.ids.append(id)
        self._changes.append(Change(draft, Kind.RECORDED if new else kind, self._place))
        return id

    def _unrecordable(self, field: str, reason: str) -> Unrecordable:
        return Unrecordable(place=self._place, field=field, reason=reason)


def _draft(proposed: Json) -> Draft:
    """Read an event; raises InvalidData or CanonicalError for what the record does not take."""
    line = written(proposed)
    one = None if line is None else plain_event(line, Sent)
    return Draft.read(**proposed) if one is None else one


def _read(data: bytes) -> Json:
    read: Json = msgspec.json.decode(data)
    return read


class _Contradiction(NamedTuple):
    """A field's value as the source has it now, and what is believed instead."""

    field: str
    value: Any
    believed: Json
    now: Json


class _Origin(msgspec.Struct):
    system: str
    id: str


class _WithOrigin(msgspec.Struct):
    origin: _Origin | None = None


_decoder: Final = msgspec.json.Decoder(_WithOrigin)

_NAMING_ORIGIN: Final = frozenset({EventType.ACTION_RECORDED, EventType.RELATION_ASSERTED})

_OTHERWISE: Final = "{system} says this otherwise now."
_NEWER: Final = "{system} has a newer version, which changed what is recorded with this."
_NO_MORE: Final = "{system} does not say this any more."
_AGAIN: Final = "{system} says this again."
