"""From actions to effects: the table of section 4, carried out.

Owns what each kind of effect does to the machines, and on which days. Must not know how actions
came to be believed, nor how a day is answered.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final, Generic

import msgspec

from timeline.domain.dates import Edtf
from timeline.domain.events import ActionRecorded, Scope
from timeline.domain.litigation import DECIDES, HOLDS_BACK, MOVES, reopen, take_back
from timeline.domain.machines import (
    FIRST_DAY,
    LAST_DAY,
    Atom,
    Case,
    Confirmed,
    End,
    Key,
    PartEffect,
    Spell,
    Stage,
    Standing,
    State,
    Suspension,
)
from timeline.domain.vocabulary import (
    ACTIONS,
    END_REASON,
    IN_FORCE_FROM_ENACTMENT,
    NEEDS_EXECUTIVE,
    RANK,
    Action,
    Effect,
    ForceReason,
    Instrument,
)


class Deed(msgspec.Struct, frozen=True):
    """An action as believed, with its event, its place in the record and who acts.

    `because` are the events that it rests on, itself and its corrections; `case` is the case that
    its litigation effect belongs to.
    """

    event: str
    position: int
    action: ActionRecorded
    because: frozenset[str]
    case: str = ""

    @property
    def docketed(self) -> bool:
        """Tell whether what it does depends on other deeds."""
        return ACTIONS[self.action.action].effect in _DOCKETED


class Effects(msgspec.Struct):
    """What one deed does by itself: the atoms of the machines.

    From the day `begins` on, the beginning that it records is not to come any more. `parts` are what
    touches a part for a time. `first` is the first day of all.
    """

    first: int = LAST_DAY
    begins: int = FIRST_DAY
    stage: list[Atom[Stage]] = msgspec.field(default_factory=list)
    standing: list[Atom[Standing]] = msgspec.field(default_factory=list)
    parts: list[tuple[PartEffect, list[Atom[Spell]]]] = msgspec.field(default_factory=list)
    confirmed: list[Atom[Confirmed]] = msgspec.field(default_factory=list)


class Dockets(msgspec.Struct):
    """What suspensions and courts do, all deeds together.

    `suspensions` are by part, `cases` by case and part, where None is the whole policy. Both are by
    track besides: None, or the name of a suspension or injunction that ends by itself.
    """

    suspensions: dict[tuple[str | None, str | None], list[Atom[Suspension]]] = msgspec.field(
        default_factory=dict
    )
    cases: dict[tuple[str, str | None, str | None], list[Atom[Case]]] = msgspec.field(
        default_factory=dict
    )


def earliest_day(when: Edtf) -> int:
    """Return the earliest bound as a proleptic ordinal, FIRST_DAY where open."""
    return FIRST_DAY if when.earliest is None else when.earliest.toordinal()


def latest_day(when: Edtf) -> int:
    """Return the latest bound as a proleptic ordinal, LAST_DAY where open."""
    return LAST_DAY if when.latest is None else when.latest.toordinal()


def action_key(action: ActionRecorded, position: int, when: Edtf | None = None) -> Key:
    """Return the order of an action (rule 1), by its own date or another of its dates."""
    moment = action.occurred if when is None else when
    return Key(
        earliest_day(moment),
        latest_day(moment),
        1,
        RANK[action.action],
        moment.time or "",
        position,
    )


def part_of(action: ActionRecorded) -> str | None:
    """Return the part of the policy that an action covers: None for the whole (rule 5)."""
    if action.scope is Scope.FULL and action.provision is None:
        return None
    return action.provision or ""


_DOCKETED: Final = frozenset({Effect.SUSPEND, Effect.RESUME, Effect.LITIGATE})
"""Effects that are written with regard to other deeds: what lifts is to find what it lifts."""


def effects_of(instrument: Instrument, deed: Deed) -> Effects:
    """Return what a deed does by itself.

    Args:
        instrument: decides what enacts, and when force begins where no date is given (rule 2).
        deed: an action as believed.

    """
    action = deed.action
    effects = Effects(first=earliest_day(action.occurred))
    if deed.docketed:
        if action.effective is not None:
            effects.first = min(effects.first, earliest_day(action.effective))
        return effects
    _WRITERS[ACTIONS[action.action].effect](_Draft(deed, effects, instrument))
    if action.effective is not None:
        keys = [atom.key for atom in effects.stage]
        keys += [atom.key for atom in effects.standing]
        keys += [atom.key for _, atoms in effects.parts for atom in atoms]
        effects.first = min(effects.first, *(key.earliest for key in keys), LAST_DAY)
    return effects


def docketed(deeds: Iterable[Deed]) -> Dockets:
    """Return what suspensions and courts do.

    Args:
        deeds: those that are docketed, in any order, those of its lawsuits included.

    """
    dockets = Dockets()
    suspensions: _Docket[Suspension] = _Docket()
    cases: dict[str, _Docket[Case]] = defaultdict(_Docket)
    ordered = list(deeds)
    for deed in ordered:
        litigates = ACTIONS[deed.action.action].effect is Effect.LITIGATE
        (cases[deed.case] if litigates else suspensions).add(deed.action)
    for deed in ordered:
        draft = _Filing(deed, dockets, suspensions, cases[deed.case])
        _FILERS[ACTIONS[deed.action.action].effect](draft)
    suspensions.close()
    for case in cases.values():
        case.close()
    return dockets


class _Lift(msgspec.Struct, Generic[State], frozen=True):
    """The atoms that undo an effect of the same part, or of every part; `lasting`: for good."""

    part: str | None
    lasting: bool
    atoms: tuple[Atom[State], ...]

    @property
    def key(self) -> Key:
        """Where it folds."""
        return self.atoms[0].key


class _Docket(Generic[State]):
    """What is known of all suspensions, or of a case, while their actions are written.

    Where several suspensions or injunctions overlap, each ends by itself: those with an end of
    their own have a track of their own. What lifts is written into the tracks that it can reach:
    not into those that are over by then, or were lifted before.
    """

    def __init__(self) -> None:
        self.parts: set[str | None] = {None}
        self.injunctions = 0
        self._tracks: list[tuple[str | None, list[Atom[State]]]] = []
        self._lifts: list[_Lift[State]] = []

    def add(self, action: ActionRecorded) -> None:
        """Note one of the actions, before any is written."""
        self.parts.add(part_of(action))
        self.injunctions += action.action is Action.ENJOINED

    def reached(self, part: str | None) -> set[str | None]:
        """Return the parts that an action on a part reaches: all, if it names none (rule 5)."""
        return self.parts if part is None else {part}

    def track(self, part: str | None, begins: Atom[State], over: Atom[State]) -> list[Atom[State]]:
        """Return a new track; `close` adds what lifts its effect."""
        atoms = [begins, over]
        self._tracks.append((part, atoms))
        return atoms

    def lift(self, part: str | None, *atoms: Atom[State], lasting: bool) -> None:
        """Note what an action makes of the tracks of a part, or of every part."""
        self._lifts.append(_Lift(part, lasting, atoms))

    def close(self) -> None:
        """Write what lifts into each track."""
        self._lifts.sort(key=lambda lift: lift.key)
        for part, atoms in self._tracks:
            begins, over = atoms
            last = over.certainly
            following = bisect_right(self._lifts, begins.key, key=lambda lift: lift.key)
            for index in range(following, len(self._lifts)):
                lift = self._lifts[index]
                if lift.key.earliest >= last:
                    break
                if lift.part in {None, part}:
                    atoms.extend(lift.atoms)
                    last = min(last, lift.key.latest) if lift.lasting else last


class _Telling(msgspec.Struct, frozen=True):
    """One deed on its way into atoms."""

    deed: Deed

    @property
    def acts_on(self) -> Edtf:
        """The date on which the action acts: the effective one, else its own."""
        return self.deed.action.effective or self.deed.action.occurred

    @property
    def ends(self) -> bool:
        """Tell whether the action's effect ends by itself."""
        return self.deed.action.until is not None

    @property
    def part(self) -> str | None:
        """The part that the action covers, None for the whole."""
        return part_of(self.deed.action)

    @property
    def track(self) -> str:
        """The name of the action's track: an event that comes and goes has one for each stretch."""
        return f"{self.deed.event}/{earliest_day(self.acts_on)}"

    @property
    def term(self) -> str | None:
        """The action's event, where it sets an end to the whole policy."""
        return self.deed.event if self.ends and self.part is None else None

    def key(self, when: Edtf | None = None) -> Key:
        return action_key(self.deed.action, self.deed.position, when)

    def atom(self, key: Key, apply: Callable[[State], State]) -> Atom[State]:
        return Atom(key, self.deed.because, apply)

    def over(self, begins: Key, apply: Callable[[State], State]) -> list[Atom[State]]:
        """Return the end of the action's own effect, if it has one.

        It folds after its beginning, also where it may come, or is known to come, before that.
        """
        until = self.deed.action.until
        if until is None:
            return []
        first, last = earliest_day(until), latest_day(until)
        earliest = FIRST_DAY if first == FIRST_DAY else first + 1
        latest = min(last + 1, LAST_DAY)
        if earliest > begins.earliest:
            key = Key(earliest, latest, 0, begins.rank, "", self.deed.position)
            return [Atom(key, self.deed.because, apply)]
        key = begins._replace(latest=max(latest, begins.latest), step=1)
        return [Atom(key, self.deed.because, apply, certain=max(latest, begins.earliest))]


class _Draft(_Telling, frozen=True):
    """A deed whose effects depend on no other."""

    effects: Effects
    instrument: Instrument


class _Filing(_Telling, frozen=True):
    """A deed that is filed with others of its kind."""

    dockets: Dockets
    suspensions: _Docket[Suspension]
    case: _Docket[Case]


def _stage(draft: _Draft) -> None:
    value = str(draft.deed.action.action)
    _add_stage(draft, lambda state: Stage(value, state.enacted))


def _add_stage(draft: _Draft, apply: Callable[[Stage], Stage]) -> None:
    draft.effects.stage.append(draft.atom(draft.key(), apply))


def _add_standing(draft: _Draft, key: Key, apply: Callable[[Standing], Standing]) -> None:
    draft.effects.standing.append(draft.atom(key, apply))


def _add_spell(draft: _Draft, kind: PartEffect, key: Key) -> None:
    """Let an effect on a part go on, until it is over."""
    atoms = [
        draft.atom(key, lambda _: Spell(begun=True)),
        *draft.over(key, lambda state: Spell(begun=state.begun, over=state.begun)),
    ]
    draft.effects.parts.append((kind, atoms))


def _amend(draft: _Draft) -> None:
    value = str(draft.deed.action.action)
    _add_stage(draft, lambda state: state if state.enacted else Stage(value, enacted=False))
    if draft.ends:
        _extend(draft)


def _pass(draft: _Draft) -> None:
    if draft.instrument in NEEDS_EXECUTIVE:
        _stage(draft)
    else:
        _enact(draft)


def _enact(draft: _Draft) -> None:
    value = str(draft.deed.action.action)
    _add_stage(draft, lambda _: Stage(value, enacted=True))
    own = draft.key()
    effective = draft.deed.action.effective
    if effective is None and draft.instrument in IN_FORCE_FROM_ENACTMENT:
        _begin_on(draft, own, draft.term)
        return
    begins = None if effective is None else draft.key(effective)
    began = begins is not None and begins <= own

    def enact(state: Standing) -> Standing:
        """Enact; anew after an end, then with the force that it gave itself for the past."""
        term = state.term if began else draft.term or state.term
        if state.ended is not None and state.ended.key < own:
            whole = draft.part is None
            state = Standing(begun=began and whole, partly_begun=began and not whole)
            term = draft.term
        return msgspec.structs.replace(state, enacted=True, term=term)

    _add_standing(draft, own, enact)
    if begins is not None:
        _begin_on(draft, begins, draft.term if began else None)
    else:
        _expire_after(draft, own)


def _begin(draft: _Draft) -> None:
    _add_stage(draft, lambda state: Stage(state.value, enacted=True))
    _begin_on(draft, draft.key(draft.acts_on), draft.term)


def _begin_on(draft: _Draft, key: Key, term: str | None) -> None:
    """Let force begin; anew, with a term of its own, where the action follows an end.

    What was enacted before the end does not undo it: repealed in March, in force never in July.
    """
    own = draft.key()
    whole = draft.part is None
    passing = draft.ends and not whole

    def begin(state: Standing) -> Standing:
        if state.ended is not None and state.ended.key < own:
            state = Standing(enacted=True)
        if passing:
            return state
        return msgspec.structs.replace(
            state,
            enacted=True,
            begun=state.begun or whole,
            partly_begun=state.partly_begun or not whole,
            term=term or state.term,
        )

    draft.effects.begins = max(draft.effects.begins, key.latest)
    _add_standing(draft, key, begin)
    if passing:
        _add_spell(draft, PartEffect.BEGUN, key)
    _expire_after(draft, key)


def _expire_after(draft: _Draft, begins: Key) -> None:
    """Let force expire when the term that this action set is over, if it still is the term."""
    if draft.term is None:
        return
    end = End(ForceReason.EXPIRED, draft.key())

    def expire(state: Standing) -> Standing:
        if state.term != draft.term or (state.ended is not None and not state.ended.temporary):
            return state
        return msgspec.structs.replace(state, ended=end, term=None)

    draft.effects.standing.extend(draft.over(begins, expire))


def _extend(draft: _Draft) -> None:
    """Move the end; once it has passed, reopen and keep the gap. What was repealed stays so."""
    key = draft.key(draft.acts_on)
    if draft.part is not None:
        _add_spell(draft, PartEffect.KEPT, key)
        return

    def extend(state: Standing) -> Standing:
        expired = state.ended is not None and state.ended.expired
        if state.ended is not None and not (expired or state.ended.temporary):
            return state
        return msgspec.structs.replace(
            state, term=draft.term, ended=None if expired else state.ended
        )

    _add_standing(draft, key, extend)
    _expire_after(draft, key)


def _end(draft: _Draft) -> None:
    key = draft.key(draft.acts_on)
    if draft.part is None:
        _end_all(draft, key)
    elif draft.ends:
        _add_spell(draft, PartEffect.ENDED, key)
    else:
        _add_standing(draft, key, lambda state: msgspec.structs.replace(state, partly_ended=True))


def _end_all(draft: _Draft, key: Key) -> None:
    """End force for good, or for a time: an end's own end gives back what was left of the term."""
    ending = End(END_REASON[draft.deed.action.action], draft.key(), temporary=draft.ends)

    def end(state: Standing) -> Standing:
        if not ending.temporary:
            return msgspec.structs.replace(state, ended=ending, term=None)
        ended = state.ended is not None and not state.ended.temporary
        return state if ended else msgspec.structs.replace(state, ended=ending)

    def undo(state: Standing) -> Standing:
        return msgspec.structs.replace(state, ended=None) if state.ended == ending else state

    _add_standing(draft, key, end)
    draft.effects.standing.extend(draft.over(key, undo))


def _suspend(draft: _Filing) -> None:
    """Suspend a part, or all; on a track of its own where that ends by itself."""
    part = draft.part
    begins = draft.atom(draft.key(draft.acts_on), lambda _: Suspension(on=True))
    lasting = draft.dockets.suspensions.setdefault((part, None), [])
    over = draft.over(begins.key, _unsuspend)
    if over:
        track = draft.suspensions.track(part, begins, *over)
        draft.dockets.suspensions[part, draft.track] = track
    else:
        lasting.append(begins)


def _unsuspend(_: Suspension) -> Suspension:
    return Suspension()


def _resume(draft: _Filing) -> None:
    """Lift the suspensions of the same part, or of every part where none is named (rule 5)."""
    event = draft.deed.event
    key = draft.key(draft.acts_on)

    def resume(state: Suspension) -> Suspension:
        return Suspension(on=draft.ends and state.on, lifted=event)

    def undo(state: Suspension) -> Suspension:
        return Suspension(on=state.on) if state.lifted == event else state

    over = draft.over(key, undo)
    for part in draft.suspensions.reached(draft.part):
        lasting = draft.dockets.suspensions.setdefault((part, None), [])
        lasting.extend((draft.atom(key, resume), *over))
    lift = draft.atom(key, resume if over else _unsuspend)
    draft.suspensions.lift(draft.part, lift, *over, lasting=not over)


def _litigate(draft: _Filing) -> None:
    """Move the case, for the part that is named, or for all its parts.

    An injunction stands in the machine of its own part alone, since what lifts it names that part
    or none; the other parts see the case opened.
    """
    event = draft.deed.event
    action = draft.deed.action.action
    by = event if draft.ends else None
    key = draft.key(draft.acts_on)
    over = draft.over(key, lambda case: take_back(case, event))
    atoms = [draft.atom(key, lambda case: MOVES[action](case, by)), *over]
    opening = [draft.atom(key, lambda case: reopen(case, None))]
    enjoins = action is Action.ENJOINED
    apart = enjoins and draft.ends and draft.case.injunctions > 1
    if apart:
        _enjoin_apart(draft, key)
    for part in draft.case.reached(draft.part):
        machine = draft.dockets.cases.setdefault((draft.deed.case, part, None), [])
        machine.extend(opening if apart or (enjoins and part != draft.part) else atoms)
    if action in HOLDS_BACK and over:
        draft.case.lift(draft.part, *atoms, lasting=False)
    elif action in HOLDS_BACK | DECIDES:
        draft.case.lift(draft.part, draft.atom(key, _close), lasting=True)


def _enjoin_apart(draft: _Filing, key: Key) -> None:
    """Let an injunction that ends by itself run beside the other injunctions of its case.

    Its track holds the injunction alone; what else it does to the case stands with the rest.
    """
    event = draft.deed.event
    begins = draft.atom(key, lambda _: Case(enjoined=event))
    track = draft.case.track(draft.part, begins, *draft.over(key, _close))
    draft.dockets.cases[draft.deed.case, draft.part, draft.track] = track


def _close(_: Case) -> Case:
    return Case()


def _confirm(draft: _Draft) -> None:
    seen = draft.deed.action.occurred.text
    draft.effects.confirmed.append(draft.atom(draft.key(), lambda _: Confirmed(seen)))


def _nothing(_: _Draft) -> None:
    """Change no axis; its day is marked as every action's is."""


_WRITERS: Final[dict[Effect, Callable[[_Draft], None]]] = {
    Effect.STAGE: _stage,
    Effect.AMEND: _amend,
    Effect.PASS: _pass,
    Effect.ENACT: _enact,
    Effect.BEGIN: _begin,
    Effect.EXTEND: _extend,
    Effect.END: _end,
    Effect.CONFIRM: _confirm,
    Effect.NOTHING: _nothing,
}

_FILERS: Final[dict[Effect, Callable[[_Filing], None]]] = {
    Effect.SUSPEND: _suspend,
    Effect.RESUME: _resume,
    Effect.LITIGATE: _litigate,
}
