"""Whole records, recomputed by brute force from their events, from the design's section 4 alone.

Owns a naive reading of the rules for records whose dates are exact days: which events stand, who
is merged into whom, whom relations name, and day by day whether they act. What follows for the axes
is `fold_oracle`'s. Must not use what the domain and the projections compute of histories.

What an open claim leads to is the answer of a record in which that one value stands instead.

Where something is uncertain for all that (an ordinance without a date), `Uncertain` is raised, and
whoever asks compares less.

Where the rules leave a choice, this is the one taken here:

- A relation acts only if its policy is in force on the relation's own day or later, not before it
  alone: who was repealed before the day on which he repeals, repeals nothing.
- An action that tells of the same effect as a relation replaces it: its dates count. One action
  tells of one relation. Of those that name the same part, or else of all, the two that are nearest
  in time are one; what is over before the other begins is another effect.
- An action holds as a relation of its kind and by the same one does: an ending while that one's
  policy is not struck down, a suspension while it is in force (a lawsuit: until it is dismissed).
  What a lawsuit enjoins is moved by its case.
- Striking an extender down does not take an extension back.
- In a cycle the effect of a relation is dated by its own day, or the day on which its policy is in
  force by its own actions alone, whichever is later; of equal days the earlier position is first.
- A policy is part of a cycle through a relation that names it whatever day it has, and through a
  selector that names it whether or not it was in force on the day that is asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, wraps
from typing import Any, Final, NamedTuple, TypeVar

from fold_oracle import COURT, NEVER, Answer, Oracle, Told
from timeline.domain.belief import PastEvent
from timeline.domain.events import ActionRecorded, decode_data
from timeline.domain.vocabulary import EventType

Json = dict[str, Any]
T = TypeVar("T")

AMOUNTS_TO: Final = {
    "amends": "amended",
    "repeals": "repealed",
    "rescinds": "rescinded",
    "supersedes": "superseded",
    "suspends": "suspended",
    "continues": "extended",
    "extends": "extended",
    "challenges": "challenged",
    "enjoins": "enjoined",
    "stays": "suspended",
    "upholds": "upheld",
}
"""What a relation is on the timeline of its target."""

ENDS: Final = {"repeals", "rescinds", "supersedes"}
HOLDS: Final = {"suspends", "enjoins", "stays"}
EXTENDS: Final = {"continues", "extends"}
BILLS: Final = {"ordinance", "statute", "local_law", "bill"}
ENACTS: Final = {"signed", "issued", "enacted", "override_passed", "lapsed_into_law", "took_effect"}
YES: Final = {"in_force", "partially_in_force"}


class Uncertain(Exception):
    """The answer depends on something that is not known, beyond what is compared."""


class Said(NamedTuple):
    """An event that stands, with its data as believed."""

    event: str
    position: int
    policy: str
    data: Json


class Claim(NamedTuple):
    """What an open dispute says instead."""

    event: str
    field: str
    value: Any

    def replaces(self, event: str, data: Json) -> Json:
        """Return an event's data with the claimed value; a description that is silent stays so."""
        silent = "reason" in data and self.field not in data
        return data if event != self.event or silent else {**data, self.field: self.value}


class Cut(NamedTuple):
    """Within a cycle, only relations with an effect before this one count."""

    cycle: frozenset[str]
    before: tuple[int, int]


ALONE: Final = (0, 0)
"""Before every effect."""


def ordinal(day: str) -> int:
    """Return an exact day's number."""
    try:
        return date.fromisoformat(day).toordinal()
    except ValueError:
        raise Uncertain(day) from None


def key_of(citation: Any) -> str:
    """Return how an identifier, or text that cites one, compares."""
    if isinstance(citation, dict):
        scheme, value = citation["scheme"], citation["value"]
    else:
        scheme, _, value = citation.partition(":")
    return f"{scheme}:{value.replace(' ', '')}".casefold()


def erase(events: Sequence[tuple[PastEvent, Json]]) -> list[tuple[PastEvent, Json | None]]:
    """Return the events with what erasures left of them, which holds at every position."""
    left = {
        raw["event"]: raw.get("replacement")
        for event, raw in events
        if event.type is EventType.PAYLOAD_ERASED
    }
    return [(event, left.get(event.id, raw)) for event, raw in events]


def remembered(method: Callable[..., T]) -> Callable[..., T]:
    """Keep what a method returns: the record at one position does not change."""

    @wraps(method)
    def look_up(self: "RecordOracle", *given: Any) -> T:
        key = (method.__name__, *map(repr, given))
        if key not in self.remembered:
            self.remembered[key] = method(self, *given)
        found: T = self.remembered[key]
        return found

    return look_up


class RecordOracle:
    """What a record says at one position, or would say if a claim were so."""

    def __init__(
        self,
        events: Sequence[tuple[PastEvent, Json | None]],
        position: int,
        claim: Claim | None = None,
    ) -> None:
        self.position = position
        self.events = [(event, raw) for event, raw in events if event.position <= position]
        self.claim = claim
        self.remembered: dict[Any, Any] = {}

    # --- what stands

    @cached_property
    def standing(self) -> list[Said]:
        """The events that no standing retraction takes back."""
        gone: set[str] = set()
        for event, raw in reversed(self.events):
            if raw is None:
                gone.add(event.id)
            elif event.type is EventType.EVENT_RETRACTED and event.id not in gone:
                gone.add(raw["event"])
        return [
            Said(
                event.id,
                event.position,
                event.policy,
                {"type": str(event.type), **self.as_claimed(event.id, raw)},
            )
            for event, raw in self.events
            if raw is not None and event.id not in gone
        ]

    def as_claimed(self, event: str, data: Json) -> Json:
        """Return an event's data in the world of the claim."""
        return data if self.claim is None else self.claim.replaces(event, data)

    def of_type(self, type: str, *policies: str) -> list[Said]:
        """Return the standing events of a type, of some policies or of all."""
        return [
            said
            for said in self.standing
            if said.data["type"] == type and (not policies or said.policy in policies)
        ]

    @cached_property
    def registrations(self) -> dict[str, Json]:
        """The registrations, also those that are taken back."""
        return {
            event.policy: self.as_claimed(event.id, raw)
            for event, raw in self.events
            if event.type is EventType.POLICY_REGISTERED and raw is not None
        }

    def retracted(self, policy: str) -> bool:
        """Tell whether a policy is out of the record."""
        return not self.of_type("PolicyRegistered", policy)

    @remembered
    def survivor(self, policy: str) -> str:
        """Return who tells a policy's story."""
        for said in self.of_type("PoliciesMerged"):
            if said.data["duplicate"] == policy:
                return self.survivor(said.policy)
        return policy

    @remembered
    def members(self, policy: str) -> list[str]:
        """Return the policy and all that are merged into it."""
        return [each for each in self.registrations if self.survivor(each) == policy]

    @cached_property
    def told(self) -> list[str]:
        """The policies with a story of their own."""
        return sorted(
            each
            for each in self.registrations
            if self.survivor(each) == each and not self.retracted(each)
        )

    @remembered
    def described(self, policy: str) -> Json:
        """Return a policy's own description."""
        found = dict(self.registrations[policy])
        for said in self.of_type("PolicyDescribed", policy):
            found.update(said.data)
        return found

    @remembered
    def identifiers(self, policy: str) -> set[str]:
        """Return the identifiers of a policy and of those merged into it."""
        return {
            key_of(each)
            for member in self.members(policy)
            for each in self.described(member).get("identifiers", [])
        }

    @remembered
    def actions(self, policy: str) -> list[Said]:
        """Return the actions after their corrections."""
        members = self.members(policy)
        found = []
        for said in self.of_type("ActionRecorded", *members):
            data = dict(said.data)
            for correction in self.of_type("ActionCorrected", *members):
                if correction.data["event"] == said.event:
                    data.update(correction.data["changes"])
            data = self.as_claimed(said.event, data)
            data = {name: value for name, value in data.items() if value is not None}
            found.append(said._replace(data=data))
        return found

    @remembered
    def relations(self, policy: str) -> list[Said]:
        """Return the relations that a policy asserts."""
        return self.of_type("RelationAsserted", *self.members(policy))

    @remembered
    def claims(self) -> list[Claim]:
        """Return what open disputes about standing events say."""
        stands = {said.event for said in self.standing}
        settled = {
            each
            for said in self.of_type("ActionCorrected")
            for each in said.data.get("settles", ())
        }
        return [
            Claim(said.data["event"], claim["field"], claim["value"])
            for said in self.of_type("SourceAttached")
            if (claim := said.data.get("claim")) is not None
            and said.data["stance"] == "disputes"
            and said.event not in settled
            and said.data["event"] in stands
        ]

    # --- who names whom

    def sources(self, policy: str) -> Iterator[tuple[str, Said]]:
        """Yield the relations of others that name a policy."""
        for source in self.told:
            for said in self.relations(source) if source != policy else ():
                if said.data["relation"] in AMOUNTS_TO and self.names(said, policy):
                    yield source, said

    def names(self, said: Said, policy: str) -> bool:
        """Tell whether a relation names a policy."""
        target = said.data["target"]
        if "policy" in target:
            return target["policy"] in self.members(policy)
        if "citation" in target:
            return key_of(target["citation"]) in self.identifiers(policy)
        return self.selects(target["selector"], policy)

    @remembered
    def selects(self, selector: Json, policy: str) -> bool:
        """Tell whether a policy meets a selector's criteria."""
        described = self.described(policy)
        for name in ("instrument", "jurisdiction"):
            if selector.get(name, described[name]) != described[name]:
                return False
        if set(selector.get("except", ())) & set(self.members(policy)):
            return False
        bounds = [selector.get(name) for name in ("occurred_from", "occurred_until")]
        if bounds == [None, None]:
            return True
        own = sorted(self.own(policy), key=lambda told: told.key(told.action.occurred))
        enacting = [
            told.action.occurred.text
            for told in own
            if told.name in ENACTS
            or (told.name == "passed" and described["instrument"] not in BILLS)
        ]
        if not enacting:
            return False
        first, last = (ordinal(day) if day else None for day in bounds)
        occurred = ordinal(enacting[0])
        return (first is None or first <= occurred) and (last is None or occurred <= last)

    @remembered
    def cycle(self, one: str, other: str) -> frozenset[str]:
        """Return the cycle that two policies share, empty if there is none."""
        if other not in self.reach(one) or one not in self.reach(other):
            return frozenset()
        return frozenset(each for each in self.reach(one) if one in self.reach(each))

    @remembered
    def reach(self, policy: str) -> frozenset[str]:
        """Return all that bear on a policy, directly or through others."""
        found: set[str] = set()
        waiting = [policy]
        while waiting:
            new = {source for source, _ in self.sources(waiting.pop())} - found
            found |= new
            waiting.extend(new)
        return frozenset(found)

    # --- when relations act

    @remembered
    def days(self) -> list[int]:
        """Return every day on which anything can change."""
        found = {1}
        for said in (*self.of_type("ActionRecorded"), *self.of_type("RelationAsserted")):
            found |= self._days_of(said.data)
        for correction in self.of_type("ActionCorrected"):
            found |= self._days_of(correction.data["changes"])
        if self.claim is not None:
            found |= self._days_of({self.claim.field: self.claim.value})
        return sorted(found)

    @staticmethod
    def _days_of(data: Mapping[str, Any]) -> set[int]:
        named = (data.get(name) for name in ("occurred", "effective", "until"))
        days = {ordinal(day) for day in named if day}
        return days | {day + 1 for day in days}

    @remembered
    def in_force(self, policy: str, day: int, cut: Cut | None) -> bool:
        """Tell whether a policy is in force; a lawsuit, filed and not dismissed."""
        answer = self.answer(policy, day, cut)
        if self.described(policy)["instrument"] == "lawsuit":
            occurred = [ordinal(said.data["occurred"]) for said in self.actions(policy)]
            filed = bool(occurred) and min(occurred) <= day
            return filed and answer.litigation != frozenset({"dismissed"})
        (force,) = answer.force
        if force == "unknown":
            raise Uncertain(policy)
        return force in YES

    @remembered
    def answer(self, policy: str, day: int, cut: Cut | None) -> Answer:
        """Return the axes of a policy that bears on others."""
        return self.world(policy, cut).answer(day)

    @remembered
    def effect(self, source: str, said: Said) -> tuple[int, int]:
        """Return where a relation stands in the order of effects."""
        alone = Cut(frozenset(), ALONE)
        first = next((day for day in self.days() if self.in_force(source, day, alone)), NEVER)
        own = said.data.get("effective") or said.data.get("occurred")
        return max(ordinal(own), first) if own else first, said.position

    def cut_of(self, source: str, said: Said, target: str) -> Cut | None:
        """Return what does not count for a relation's own policy."""
        cycle = self.cycle(source, target)
        return Cut(cycle, self.effect(source, said)) if cycle else None

    @remembered
    def acts(self, source: str, said: Said, target: str) -> list[tuple[int, bool]]:
        """Return from each day on whether a relation's effect holds."""
        data, cut = said.data, self.cut_of(source, said, target)
        own = data.get("effective") or data.get("occurred")
        begins = ordinal(own) if own else 0
        until = ordinal(data["until"]) if data.get("until") else NEVER
        fired = False
        found = []
        for day in self.days():
            now = day >= begins and self.in_force(source, day, cut)
            fired = fired or now
            if data["relation"] in HOLDS:
                found.append((day, now and day <= until))
            elif data["relation"] in ENDS:
                struck = "struck_down" in self.court(source, day, cut)
                found.append((day, fired and not struck and day <= until))
            else:
                found.append((day, fired))
        return found

    def court(self, policy: str, day: int, cut: Cut | None) -> set[str]:
        """Return what courts say of the whole policy."""
        oracle = self.world(policy, cut)
        world = oracle.world([each for each in oracle.moments if each.certain <= day])
        return {status for (_, part), (status, _, _) in world.merits.items() if part is None}

    # --- the fold of one policy

    @remembered
    def world(self, policy: str, cut: Cut | None = None) -> Oracle:
        """Return the worlds of a policy."""
        return Oracle(self.described(policy)["instrument"], list(self.deeds(policy, cut)))

    @remembered
    def own(self, policy: str) -> list[Told]:
        """Return a policy's own actions."""
        return [Told(said.position, action_of(said.data)) for said in self.actions(policy)]

    def bearing(self, policy: str, cut: Cut | None) -> list[tuple[str, Said]]:
        """Return the relations that count for a policy, in the order of their effect."""
        found: list[tuple[str, Said]] = []
        if cut is not None and cut.before == ALONE:
            return found
        for source, said in self.sources(policy):
            late = cut is not None and source in cut.cycle
            if not (late and cut is not None and self.effect(source, said) >= cut.before):
                found.append((source, said))
        return [each for each in found if self.was_in_force(each, policy, found, cut)]

    def was_in_force(
        self, one: tuple[str, Said], policy: str, others: list[tuple[str, Said]], cut: Cut | None
    ) -> bool:
        """Tell whether a policy meets `in_force_on`, before the relation's own effect."""
        asked = asks(one[1])
        if asked is None:
            return True
        before = [
            each
            for each in others
            if asks(each[1]) is None
            or (
                self.effect(*each) < self.effect(*one)
                and self.was_in_force(each, policy, others, cut)
            )
        ]
        deeds = list(self.deeds(policy, cut, before))
        (force,) = Oracle(self.described(policy)["instrument"], deeds).answer(ordinal(asked)).force
        if force == "unknown":
            raise Uncertain(policy)
        return force in YES

    def deeds(
        self,
        policy: str,
        cut: Cut | None,
        bearing: list[tuple[str, Said]] | None = None,
    ) -> Iterator[Told]:
        """Yield a policy's own actions, and what relations amount to."""
        if bearing is None:
            bearing = self.bearing(policy, cut)
        keys = {key: source for source, _ in bearing for key in self.keys(source)}
        told_twice = self.told_twice(policy, bearing)
        for told in self.own(policy):
            by = by_key(told.action)
            named = told._replace(of=keys.get(by, by))
            kin = [each for each in bearing if self.akin(told, *each)]
            if not kin or kin[0][1].data["relation"] in {"amends", "upholds"}:
                yield named
                continue
            twin = next((each for each in kin if told_twice.get(each[1].position) == told), None)
            source, said = twin or kin[0]
            until = said.data.get("until") if twin else None
            yield from self.held(named, policy, source, said, until, cut)
        moved: set[tuple[int, str | None]] = set()
        for source, said in bearing:
            twin_told = said.position in told_twice
            if said.data["relation"] == "challenges" or self.enjoins(source, said):
                yield from self.case(source, said, policy, moved, told=twin_told)
            elif not twin_told:
                yield from self.spells(source, said, policy)

    def held(
        self,
        told: Told,
        target: str,
        source: str,
        said: Said,
        until: str | None,
        cut: Cut | None,
    ) -> Iterator[Told]:
        """Yield an action for as long as the policy of a relation of its kind lets it hold."""
        own = told.action
        begins = acting_day(told)
        until = until if own.until is None else own.until.text
        last = ordinal(until) if until else NEVER
        cut = self.cut_of(source, said, target) or cut
        days = [(day, begins <= day <= last) for day in self.days()]
        holds = [(day, now and self.holding(source, said, day, cut)) for day, now in days]
        if holds == days and (until is None) == (own.until is None):
            yield told
            return
        for begun, end in stretches(holds):
            dates = (own.occurred.text, None if own.effective is None else own.effective.text)
            action = amounting(
                {**said.data, "scope": str(own.scope), "provision": own.provision},
                *(dates if begun == begins else (iso(begun), None)),
                None if end is None else iso(end),
            )
            yield told._replace(position=told.position + begun / 1e7, action=action)

    def holding(self, source: str, said: Said, day: int, cut: Cut | None) -> bool:
        """Tell whether a relation's policy lets an action of the same kind hold."""
        if said.data["relation"] in ENDS:
            return "struck_down" not in self.court(source, day, cut)
        if said.data["relation"] in HOLDS and not self.enjoins(source, said):
            return self.in_force(source, day, cut)
        return True

    @remembered
    def keys(self, policy: str) -> set[str]:
        """Return the names by which `by` can give a policy."""
        names = {f"policy/{member}" for member in self.members(policy)}
        return names | {f"citation/{each}" for each in self.identifiers(policy)}

    def enjoins(self, source: str, said: Said) -> bool:
        """Tell whether a lawsuit enjoins."""
        lawsuit: bool = self.described(source)["instrument"] == "lawsuit"
        return lawsuit and said.data["relation"] == "enjoins"

    def akin(self, told: Told, source: str, said: Said) -> bool:
        """Tell whether an action is of a relation's kind and by the same one, on the same part."""
        provisions = {told.action.provision, said.data.get("provision")} - {None}
        return (
            told.name == AMOUNTS_TO[said.data["relation"]]
            and by_key(told.action) in self.keys(source)
            and len(provisions) < 2
        )

    def told_twice(self, policy: str, bearing: Sequence[tuple[str, Said]]) -> dict[int, Told]:
        """Return the actions that tell of the same effect as a relation, by its position."""
        found: dict[int, Told] = {}
        actions = sorted(self.own(policy), key=lambda told: told.key(told.action.occurred))
        while True:
            left = [
                (*self.distance(told, source, said, policy), number, said.position)
                for number, told in enumerate(actions)
                for source, said in bearing
                if said.position not in found
                and told not in found.values()
                and self.akin(told, source, said)
                and self.may_be_one(told, source, said, policy)
            ]
            if not left:
                return found
            *_, number, position = min(left)
            found[position] = actions[number]

    def distance(self, told: Told, source: str, said: Said, target: str) -> tuple[bool, int]:
        """Return how far an action is from a relation: in its part, then in days."""
        other_part = told.action.provision != said.data.get("provision")
        return other_part, abs(self.day_of(source, said, target) - acting_day(told))

    def may_be_one(self, told: Told, source: str, said: Said, target: str) -> bool:
        """Tell whether neither an action nor a relation is over before the other begins."""
        until = said.data.get("until")
        own = told.action.until
        return (until is None or ordinal(until) >= acting_day(told)) and (
            own is None or ordinal(own.text) >= self.day_of(source, said, target)
        )

    def day_of(self, source: str, said: Said, target: str) -> int:
        """Return the day from which a relation says it acts, or on which its policy first can."""
        own = said.data.get("effective") or said.data.get("occurred")
        if own:
            return ordinal(own)
        cut = self.cut_of(source, said, target)
        return next((day for day in self.days() if self.in_force(source, day, cut)), NEVER)

    def spells(self, source: str, said: Said, target: str) -> Iterator[Told]:
        """Yield a relation as an action for each stretch of days on which it acts."""
        data = said.data
        if data["relation"] in {"amends", "upholds"}:
            return
        for begun, last in stretches(self.acts(source, said, target)):
            until = None if last is None else iso(last)
            if data["relation"] in EXTENDS:
                until = data.get("until")
            yield Told(
                said.position + begun / 1e7, amounting(data, iso(begun), None, until), source
            )

    def case(
        self, source: str, said: Said, target: str, moved: set[Any], *, told: bool
    ) -> Iterator[Told]:
        """Yield what opens a case, and the moves of its lawsuit."""
        data = said.data
        first = sorted(self.own(source), key=lambda each: each.key(each.action.occurred))
        if not told and data["relation"] == "challenges":
            occurred = data.get("occurred") or (first[0].action.occurred.text if first else None)
            if occurred is None:
                raise Uncertain(source)
            dates = (occurred, data.get("effective"), data.get("until"))
            yield Told(said.position, amounting(data, *dates), source)
        elif not told:
            days = [day for day, acts in self.acts(source, said, target) if acts]
            for day in days[:1]:
                yield Told(
                    said.position, amounting(data, iso(day), None, data.get("until")), source
                )
        if self.described(source)["instrument"] == "lawsuit":
            yield from self.moves(source, said, moved)

    def moves(self, source: str, said: Said, moved: set[Any]) -> Iterator[Told]:
        """Yield what a lawsuit's own stream says of a case, once for all its relations."""
        for each in self.actions(source):
            if each.data["action"] not in COURT:
                continue
            part = {name: each.data.get(name) for name in ("scope", "provision")}
            if part["provision"] is None and part["scope"] in {None, "full"}:
                part = {name: said.data.get(name) for name in ("scope", "provision")}
            action = action_of({**each.data, **part})
            identity = (each.position, Told(0, action).part)
            if identity not in moved:
                moved.add(identity)
                yield Told(each.position, action, source)

    # --- answers

    @cached_property
    def accounts(self) -> list["RecordOracle"]:
        """The record as each open claim has it."""
        return [RecordOracle(self.events, self.position, claim) for claim in self.claims()]

    def answers(self, policy: str, day: int) -> tuple[Answer, list[Answer]]:
        """Return the believed answer, and those that follow from each open claim."""
        return self.answer(policy, day, None), [
            each.answer(policy, day, None) for each in self.accounts
        ]

    def begun(self, policy: str) -> tuple[int, int]:
        """Return from which day on a policy may be listed, and from which it has to be.

        An action of it, as believed or as an open claim has it, has occurred by the one, and has had
        an effect by the other, if that was before. What a relation does to it counts.
        """
        moments = [
            each
            for oracle in (self, *self.accounts)
            for each in oracle.world(policy).moments
            if each.kind != "ends"
        ]
        occurred = [each.possible for each in moments if "occurs" in each.kind]
        return (
            min((each.possible for each in moments), default=NEVER),
            min(occurred, default=NEVER),
        )

    def items(self, policy: str) -> dict[str, tuple[str, str, str | None]]:
        """Return the items of a policy's timeline: event to action, day, and last day of effect."""
        found = {
            said.event: (said.data["action"], said.data["occurred"], said.data.get("until"))
            for said in self.actions(policy)
        }
        bearing = self.bearing(policy, None)
        told_twice = self.told_twice(policy, bearing)
        for source, said in bearing:
            if said.position in told_twice:
                continue
            data = said.data
            begins = data.get("effective") or data.get("occurred")
            cut = self.cut_of(source, said, policy)
            held = [
                day
                for day in self.days()
                if (begins is None or day >= ordinal(begins)) and self.in_force(source, day, cut)
            ]
            if not held and data["relation"] != "challenges":
                continue
            occurred = data.get("occurred") or data.get("effective") or "XXXX"
            late = begins is None or (bool(held) and held[0] != ordinal(begins))
            if late and held and data["relation"] != "challenges":
                occurred = iso(held[0])
            until = data.get("until")
            if data["relation"] in ENDS | HOLDS:
                for _, last in stretches(self.acts(source, said, policy)):
                    until = None if last is None else iso(last)
            found[said.event] = (AMOUNTS_TO[data["relation"]], occurred, until)
        return found


def stretches(levels: Sequence[tuple[int, bool]]) -> Iterator[tuple[int, int | None]]:
    """Yield from when and up to when something holds; None where that has no end."""
    begun: int | None = None
    for day, holds in (*levels, (NEVER, False)):
        if holds and begun is None:
            begun = day
        elif not holds and begun is not None:
            yield begun, None if day == NEVER else day - 1
            begun = None


def asks(said: Said) -> str | None:
    """Return the day on which a relation's targets have to be in force."""
    day: str | None = said.data["target"].get("selector", {}).get("in_force_on")
    return day


def acting_day(told: Told) -> int:
    """Return the exact day on which an action acts."""
    return ordinal((told.action.effective or told.action.occurred).text)


def by_key(action: ActionRecorded) -> str:
    """Return who acts."""
    if action.by is None:
        return ""
    if action.by.policy is not None:
        return f"policy/{action.by.policy}"
    return f"citation/{key_of(action.by.citation)}"


def iso(day: int) -> str:
    """Return a day as text."""
    return date.fromordinal(day).isoformat()


def amounting(
    data: Json, occurred: str, effective: str | None, until: str | None
) -> ActionRecorded:
    """Return the action that a relation amounts to."""
    return action_of(
        {
            "action": AMOUNTS_TO[data["relation"]],
            "occurred": occurred,
            "effective": effective,
            "until": until,
            "scope": data.get("scope"),
            "provision": data.get("provision"),
        }
    )


_FIELDS: Final = ("action", "occurred", "effective", "until", "scope", "provision", "by")


def action_of(data: Mapping[str, Any]) -> ActionRecorded:
    """Return an action from what matters of its data."""
    given = {name: data[name] for name in _FIELDS if data.get(name) is not None}
    sources = [{"url": "https://example.org/"}]
    action = decode_data(EventType.ACTION_RECORDED, {**given, "sources": sources})
    assert isinstance(action, ActionRecorded)
    return action
