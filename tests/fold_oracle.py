"""The fold, worked out again by brute force, from the design's section 4 alone.

Owns a naive reading of the rules: one world, into which one thing after the other happens. For a
day, every choice of the things that may have happened by then makes one world, and the answer is
the set of what these worlds show. Must not use what `effects` and `periods` compute.

Where the rules leave a choice, the reading taken here is stated in a comment.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain, combinations
from typing import Any, Final, NamedTuple

from timeline.domain.dates import Edtf
from timeline.domain.events import ActionRecorded
from timeline.domain.vocabulary import ACTIONS

EVER: Final = -1
NEVER: Final = date.max.toordinal() + 1
FOR_GOOD: Final = 0
"""Stands where the position of what ends by itself would."""

ORDERS: Final = {
    "executive_order",
    "executive_directive",
    "proclamation",
    "court_order",
    "resolution",
    "motion",
}
BILLS: Final = {"bill", "ordinance", "statute", "local_law"}
SPEECH: Final = {"lawsuit", "statement"}

ENACTING: Final = {"override_passed", "lapsed_into_law", "signed", "issued", "enacted"}
ENDING: Final = {"repealed", "rescinded", "superseded", "expired"}
SILENT: Final = {"took_effect", "extended", "suspended", "resumed", "confirmed", "other"} | ENDING
COURT: Final = {
    "challenged",
    "appealed",
    "reversed",
    "enjoined",
    "injunction_stayed",
    "injunction_lifted",
    "upheld",
    "struck_down",
    "dismissed",
}
DECISIONS: Final = {
    "reversed": "challenged",
    "upheld": "upheld",
    "dismissed": "dismissed",
    "struck_down": "struck_down",
}
GRAVITY: Final = ("none", "dismissed", "upheld", "challenged", "enjoined", "struck_down")
RANKS: Final = [str(action) for action in ACTIONS]


class Told(NamedTuple):
    """An action with its place in the record; `of` is its case where others know it by a name."""

    position: float
    action: ActionRecorded
    of: str | None = None

    @property
    def name(self) -> str:
        """The action's word."""
        return str(self.action.action)

    @property
    def part(self) -> str | None:
        """The part it covers; None is the whole."""
        if self.action.provision is None and self.action.scope == "full":
            return None
        return self.action.provision or ""

    @property
    def case(self) -> str:
        """The case that it belongs to."""
        if self.of is not None:
            return self.of
        by = self.action.by
        return "" if by is None else f"{by.policy}/{by.citation}"

    @property
    def passing(self) -> bool:
        """Tell whether its effect ends by itself."""
        return self.action.until is not None

    def key(self, when: Edtf) -> tuple[Any, ...]:
        """Rule 1: (earliest, latest, rank, time of day, position)."""
        first, last = bounds(when)
        return (first, last, 1, RANKS.index(self.name), when.time or "", self.position, 0)


class Moment(NamedTuple):
    """Something that happens: an action (`occurs`), its effect (`acts`), or its end (`ends`)."""

    key: tuple[Any, ...]
    possible: int
    certain: int
    kind: str
    told: Told


class Answer(NamedTuple):
    """What the axes may show on a day."""

    stage: frozenset[str | None]
    force: frozenset[str]
    reasons: frozenset[str | None]
    litigation: frozenset[str]


def bounds(when: Edtf) -> tuple[int, int]:
    """Return the bounds in days."""
    return (
        EVER if when.earliest is None else when.earliest.toordinal(),
        NEVER if when.latest is None else when.latest.toordinal(),
    )


def moments(told: Told) -> Iterator[Moment]:
    """Yield what an action makes happen, and when."""
    action = told.action
    acts_on = action.effective or action.occurred
    if action.effective is None:
        yield _moment("occurs acts", told, action.occurred)
    else:
        yield _moment("occurs", told, action.occurred)
        yield _moment("acts", told, action.effective)
    if action.until is None:
        return
    begins = told.key(acts_on)
    first, last = bounds(action.until)
    first = EVER if first == EVER else first + 1
    last = NEVER if last >= NEVER - 1 else last + 1
    if first > begins[0]:
        # A term that ended the day before is over as the day begins, ahead of the day's actions.
        key = (first, last, 0, begins[3], "", told.position, 0)
        yield Moment(key, first, last, "ends", told)
    else:
        # An end never precedes its own beginning, whatever its bounds allow.
        key = (begins[0], max(last, begins[1]), *begins[2:6], 1)
        yield Moment(key, begins[0], max(last, begins[0]), "ends", told)


def _moment(kind: str, told: Told, when: Edtf) -> Moment:
    first, last = bounds(when)
    return Moment(told.key(when), first, last, kind, told)


class World:
    """One possible world, in which one thing after the other happens."""

    def __init__(self, instrument: str, deeds: Sequence[Told]) -> None:
        self.instrument = instrument
        self.stage: str | None = None
        self.is_law = False
        self.enacted = False
        self.begun = False
        self.part_begun = False
        self.part_ended = False
        self.end: dict[str, Any] | None = None
        self.term: float | None = None
        self.spells: dict[float, dict[str, Any]] = {}
        self.suspensions: dict[float, dict[str, Any]] = {}
        self.parts = {(told.case, told.part) for told in deeds if told.name in COURT}
        self.parts |= {(case, None) for case, _ in self.parts}
        self.merits: dict[tuple[str, str | None], tuple[str, float | None, str]] = dict.fromkeys(
            self.parts, ("none", None, "none")
        )
        self.injunctions: dict[float, dict[str, Any]] = {}

    def happen(self, moment: Moment) -> None:
        """Let a moment happen."""
        told = moment.told
        if "occurs" in moment.kind:
            self.occur(told)
        if "acts" in moment.kind:
            self.act(told)
        if moment.kind == "ends":
            self.over(told)

    # --- the stage, and enactment

    def enacts(self, told: Told) -> bool:
        """Tell whether the action enacts this instrument."""
        return told.name in ENACTING or (told.name == "passed" and self.instrument not in BILLS)

    def occur(self, told: Told) -> None:
        """Let an action happen, apart from its effect."""
        if told.name == "amended":
            if not self.is_law:
                self.stage = "amended"
        elif told.name == "took_effect":
            self.is_law = True
        elif told.name not in SILENT | COURT:
            self.stage = told.name
            self.is_law = self.is_law or self.enacts(told)
        silent = told.action.effective is None
        if not self.enacts(told) or (silent and self.instrument in ORDERS):
            return
        own = told.key(told.action.occurred)
        begins = None if told.action.effective is None else told.key(told.action.effective)
        early = begins is not None and begins <= own
        if self.end is not None and self.end["key"] < own:
            # Enacted again: what was before is of the past, but force may reach back.
            self.anew()
            self.begun = early and told.part is None
            self.part_begun = early and told.part is not None
            self.term = told.position if self.sets_term(told) else None
        elif self.sets_term(told) and not early:
            self.term = told.position
        self.enacted = True

    def anew(self) -> None:
        """Forget the beginning and the end."""
        self.begun = self.part_begun = self.part_ended = False
        self.end = self.term = None

    def sets_term(self, told: Told) -> bool:
        """Tell whether the action's `until` is that of the policy."""
        return told.passing and told.part is None

    # --- effects

    def act(self, told: Told) -> None:
        """Let an action take effect."""
        if self.enacts(told):
            if told.action.effective is not None or self.instrument in ORDERS:
                self.begin(told)
        elif told.name == "took_effect":
            self.begin(told)
        elif told.name == "extended" or (told.name == "amended" and told.passing):
            self.extend(told)
        elif told.name in ENDING:
            self.finish(told)
        elif told.name == "suspended":
            self.suspensions[told.position] = {"part": told.part, "lifted": None}
        elif told.name == "resumed":
            self.resume(told)
        elif told.name in COURT:
            self.litigate(told)

    def begin(self, told: Told) -> None:
        """Begin; anew after an end, if the action comes later than what ended."""
        own = told.key(told.action.occurred)
        if self.end is not None and self.end["key"] < own:
            self.anew()
            self.enacted = True
        if told.part is not None and told.passing:
            self.spells[told.position] = {"kind": "begun", "over": False}
            return
        self.enacted = True
        if told.part is None:
            self.begun = True
        else:
            self.part_begun = True
        # An enactment sets its term as it happens, or as it begins, whichever is first.
        effective = told.action.effective
        late = self.enacts(told) and effective is not None and told.key(effective) > own
        if self.sets_term(told) and not late:
            self.term = told.position

    def extend(self, told: Told) -> None:
        """Move the end, or keep a part beyond it."""
        if told.part is not None:
            self.spells[told.position] = {"kind": "kept", "over": False}
            return
        if self.end is not None and self.end["reason"] != "expired" and not self.end["passing"]:
            return
        if self.end is not None and self.end["reason"] == "expired":
            self.end = None
        self.term = told.position if told.passing else None

    def finish(self, told: Told) -> None:
        """End: a lasting end overrides a passing one, and of lasting ones the last counts."""
        if told.part is not None:
            if told.passing:
                self.spells[told.position] = {"kind": "ended", "over": False}
            else:
                self.part_ended = True
            return
        end = {
            "reason": told.name,
            "key": told.key(told.action.occurred),
            "passing": told.passing,
            "by": told.position,
        }
        if not told.passing:
            self.end, self.term = end, None
        elif self.end is None or self.end["passing"]:
            self.end = end

    def resume(self, told: Told) -> None:
        """Lift the suspensions of the part, or all; of resumptions the latest counts."""
        for event, suspension in list(self.suspensions.items()):
            if told.part in {None, suspension["part"]}:
                if told.passing:
                    suspension["lifted"] = told.position
                else:
                    del self.suspensions[event]

    def litigate(self, told: Told) -> None:
        """Move the case."""
        by = told.position if told.passing else None
        reached = [
            each for each in self.parts if each[0] == told.case and told.part in {None, each[1]}
        ]
        if told.name in {"challenged", "appealed", "enjoined"}:
            for each in reached:
                if self.merits[each][0] != "struck_down":
                    self.judge(each, "challenged", None if told.name == "enjoined" else by)
        if told.name == "enjoined":
            self.injunctions[told.position] = {"case": told.case, "part": told.part, "held": None}
        if told.name in DECISIONS:
            for each in reached:
                self.judge(each, DECISIONS[told.name], by)
            self.lift(told, None)
        if told.name == "injunction_stayed":
            self.lift(told, by or FOR_GOOD)
        if told.name == "injunction_lifted":
            self.lift(told, by)

    def lift(self, told: Told, held: float | None) -> None:
        """Undo the injunctions of the case and part, or let something hold them back.

        Of what holds an injunction back for a time the latest counts.
        """
        for event, injunction in list(self.injunctions.items()):
            if injunction["case"] != told.case or told.part not in {None, injunction["part"]}:
                continue
            if held is None:
                del self.injunctions[event]
            elif injunction["held"] != FOR_GOOD:
                injunction["held"] = held

    def judge(self, part: tuple[str, str | None], status: str, by: float | None) -> None:
        """Set the merits of a case, for good or for a time; what lasts is kept beneath."""
        now, passing, before = self.merits[part]
        lasting = now if passing is None else before
        if by is None or lasting == status:
            self.merits[part] = (status, None, "none")
        else:
            self.merits[part] = (status, by, lasting)

    # --- ends of effects

    def over(self, told: Told) -> None:
        """End what the action brought about (rule 3)."""
        event = told.position
        if event in self.spells:
            self.spells[event]["over"] = True
        if self.term == event and (self.end is None or self.end["passing"]):
            self.end = {
                "reason": "expired",
                "key": told.key(told.action.occurred),
                "passing": False,
                "by": event,
            }
            self.term = None
        elif self.end is not None and self.end["by"] == event and self.end["passing"]:
            self.end = None
        self.suspensions.pop(event, None)
        for suspension in self.suspensions.values():
            if suspension["lifted"] == event:
                suspension["lifted"] = None
        self.injunctions.pop(event, None)
        for injunction in self.injunctions.values():
            if injunction["held"] == event:
                injunction["held"] = None
        for part, (_, by, before) in self.merits.items():
            if by == event:
                self.merits[part] = (before, None, "none")

    # --- answers

    def litigation(self) -> str:
        """Rule 6: the gravest open case."""
        statuses = [status for status, _, _ in self.merits.values()]
        if any(each["held"] is None for each in self.injunctions.values()):
            statuses.append("enjoined")
        return max(statuses, key=GRAVITY.index, default="none")

    def force(self, *, to_begin: bool) -> tuple[str, str | None]:
        """Rule 4: the first that applies."""
        if self.instrument in SPEECH:
            return "not_applicable", None
        spells = {(each["kind"], each["over"]) for each in self.spells.values()}
        struck = {part for (_, part), merits in self.merits.items() if merits[0] == "struck_down"}
        held = {each["part"] for each in self.suspensions.values() if each["lifted"] is None}
        held |= {each["part"] for each in self.injunctions.values() if each["held"] is None}
        nothing_begun = not (self.begun or self.part_begun or ("begun", False) in spells)
        reason = "struck_down" if None in struck else None
        reason = self.end["reason"] if self.end else reason
        kept = self.end is not None and reason == "expired" and ("kept", False) in spells
        partly = (
            kept
            or not self.begun
            or self.part_ended
            or ("ended", False) in spells
            or bool((struck | held) - {None})
        )
        values = (
            ("not_enacted", not (self.enacted or spells & {("begun", False), ("begun", True)})),
            ("not_yet_in_force", nothing_begun and to_begin),
            ("no_longer_in_force", None in struck or (self.end is not None and not kept)),
            ("suspended", None in held),
            ("unknown", nothing_begun),
            ("partially_in_force", partly),
            ("in_force", True),
        )
        force = next(value for value, applies in values if applies)
        return force, reason if force == "no_longer_in_force" else None


def numbered(actions: Sequence[ActionRecorded]) -> list[Told]:
    """Return actions as recorded one after the other."""
    return [Told(position, action) for position, action in enumerate(actions, start=1)]


class Oracle:
    """Answers for any day by trying every world."""

    def __init__(self, instrument: str, deeds: Sequence[Told]) -> None:
        self.instrument = instrument
        self.deeds = deeds
        each = (moment for told in self.deeds for moment in moments(told))
        self.moments = sorted(each, key=lambda moment: moment.key)
        probe = World(instrument, self.deeds)
        self.beginnings = [
            moment.certain
            for moment in self.moments
            if "acts" in moment.kind
            and (
                moment.told.name == "took_effect"
                or (
                    probe.enacts(moment.told)
                    and (moment.told.action.effective is not None or instrument in ORDERS)
                )
            )
        ]

    def uncertain(self, day: int) -> list[Moment]:
        """Return what may have happened by a day, and may not."""
        return [each for each in self.moments if each.possible <= day < each.certain]

    def answer(self, day: int) -> Answer:
        """Return what the axes may show on a day."""
        certain = [each for each in self.moments if each.certain <= day and each.possible <= day]
        uncertain = self.uncertain(day)
        worlds = [
            self.world([*certain, *chosen])
            for chosen in chain.from_iterable(
                combinations(uncertain, size) for size in range(len(uncertain) + 1)
            )
        ]
        to_begin = any(day < each for each in self.beginnings)
        forces = [world.force(to_begin=to_begin) for world in worlds]
        return Answer(
            frozenset(world.stage for world in worlds),
            frozenset(force for force, _ in forces),
            frozenset(reason for _, reason in forces),
            frozenset(world.litigation() for world in worlds),
        )

    def world(self, happened: Sequence[Moment]) -> World:
        """Return the world in which just these things happened, in the order of rule 1."""
        world = World(self.instrument, self.deeds)
        for moment in sorted(happened, key=lambda moment: moment.key):
            world.happen(moment)
        return world

    def uncertain_axes(self, day: int) -> dict[str, int]:
        """Return of how many independent things an axis is uncertain on a day.

        Where it is one at most, the fold has to agree with the worlds exactly; where it is more,
        it may also count combinations that no world shows.
        """
        courts: set[Any] = set()
        others: set[Any] = set()
        for moment in self.uncertain(day):
            told = moment.told
            if told.name in COURT:
                courts |= self._of_a_case(told)
            elif told.name in {"suspended", "resumed"}:
                others |= self._of_suspensions(told)
            elif told.part is not None and told.passing and told.name != "other":
                others |= {("spell", told.position), "standing"}
            elif told.part is not None and told.name == "extended":
                others |= {("spell", told.position)}
            else:
                others |= {"standing"}
        return {"stage": 1, "litigation": len(courts), "force": len(courts | others)}

    def _of_a_case(self, told: Told) -> set[Any]:
        case = [each for each in self.deeds if each.name in COURT and each.case == told.case]
        parts = {each.part for each in case} | {None} if told.part is None else {told.part}
        injunctions = [each for each in case if each.name == "enjoined"]
        found: set[Any] = {("case", told.case, part) for part in parts}
        if len(injunctions) > 1:
            found |= {
                ("injunction", each.position)
                for each in injunctions
                if each.passing and (told.name != "enjoined" or each is told)
            }
        return found

    def _of_suspensions(self, told: Told) -> set[Any]:
        found: set[Any] = set()
        for each in self.deeds:
            reached = each is told or (told.name == "resumed" and told.part in {None, each.part})
            if each.name in {"suspended", "resumed"} and reached:
                track = each.position if each.passing and each.name == "suspended" else None
                found.add(("suspension", each.part, track))
        return found
