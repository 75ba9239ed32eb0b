"""From actions to effects: the table of section 4, carried out.

Owns what each kind of effect does to the machines, and on which days. Must not know how actions
came to be believed, nor how a day is answered.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, NamedTuple

import msgspec

from timeline.domain.dates import Edtf
from timeline.domain.events import ActionRecorded, Scope
from timeline.domain.litigation import (
    DECIDES,
    HOLDS_BACK,
    MOVES,
    come_back,
    finish,
    lapse,
    reopen,
)
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


class Lapse(NamedTuple):
    """Days from the first up to the last on which an effect may be interrupted.

    It is `sure` to be there on the last day, whether or not it was interrupted.
    """

    first: int
    last: int
    sure: bool


class Deed(msgspec.Struct, frozen=True):
    """An action as believed, with its event, its place in the record and who acts.

    `because` are the events that it rests on, itself and its corrections; `case` is the case that
    its litigation effect belongs to. A `doubtful` one may never have happened, and on the days of
    `lapses` its effect may be interrupted. Of several deeds of one event that are to happen `once`
    only the first does anything. One that `floats` may come after what else happens meanwhile.
    """

    event: str
    position: int
    action: ActionRecorded
    because: frozenset[str]
    case: str = ""
    doubtful: bool = False
    lapses: tuple[Lapse, ...] = ()
    once: bool = False
    floats: bool = False

    @property
    def docketed(self) -> bool:
        """Tell whether what it does depends on other deeds."""
        return ACTIONS[self.action.action].effect in _DOCKETED

    @property
    def docket(self) -> str | None:
        """Among which docketed deeds it is: those of its case, or None for all suspensions."""
        litigates = ACTIONS[self.action.action].effect is Effect.LITIGATE
        return self.case if litigates else None


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
        deeds: those of some dockets, each with all of its deeds, in any order.

    """
    dockets = Dockets()
    suspensions: _Docket[Suspension] = _Docket()
    cases: dict[str, _Docket[Case]] = defaultdict(_Docket)
    ordered = list(deeds)
    for deed in ordered:
        (suspensions if deed.docket is None else cases[deed.docket]).add(deed.action)
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


class _Track(msgspec.Struct, Generic[State]):
    """The atoms of one effect that ends by itself, from `last` on for sure.

    It has come `back` for the last time by that day.
    """

    part: str | None
    back: int
    last: int
    atoms: list[Atom[State]]


class _Docket(Generic[State]):
    """What is known of all suspensions, or of a case, while their actions are written.

    Where several suspensions or injunctions overlap, each ends by itself: those with an end of
    their own have a track of their own. What lifts is written into the tracks that it can reach:
    not into those that are over by then, or were lifted before.
    """

    def __init__(self) -> None:
        self.parts: set[str | None] = {None}
        self.injunctions = 0
        self._tracks: list[_Track[State]] = []
        self._lifts: list[_Lift[State]] = []

    def add(self, action: ActionRecorded) -> None:
        """Note one of the actions, before any is written."""
        self.parts.add(part_of(action))
        self.injunctions += action.action is Action.ENJOINED

    def reached(self, part: str | None) -> set[str | None]:
        """Return the parts that an action on a part reaches: all, if it names none (rule 5)."""
        return self.parts if part is None else {part}

    def track(
        self, part: str | None, back: int, atoms: Iterable[Atom[State]], over: Sequence[Atom[State]]
    ) -> list[Atom[State]]:
        """Return a new track; `close` adds what lifts its effect.

        Args:
            part: that of its effect.
            back: the day by which the effect has come back after the last interruption.
            atoms: its beginning first.
            over: its end, if it has one.

        """
        last = over[0].certainly if over else LAST_DAY
        track = _Track(part, back, last, [*atoms, *over])
        self._tracks.append(track)
        return track.atoms

    def lift(self, part: str | None, *atoms: Atom[State], lasting: bool) -> None:
        """Note what an action makes of the tracks of a part, or of every part."""
        self._lifts.append(_Lift(part, lasting, atoms))

    def close(self) -> None:
        """Write what lifts into each track."""
        self._lifts.sort(key=lambda lift: lift.key)
        for track in self._tracks:
            last = track.last
            begins = track.atoms[0].key
            following = bisect_right(self._lifts, begins, key=lambda lift: lift.key)
            for index in range(following, len(self._lifts)):
                lift = self._lifts[index]
                if lift.key.earliest >= last:
                    break
                if lift.part in {None, track.part}:
                    track.atoms.extend(lift.atoms)
                    if lift.lasting and lift.key.earliest >= track.back:
                        last = min(last, lift.key.latest)


class _Telling(msgspec.Struct, frozen=True):
    """One deed on its way into atoms."""

    deed: Deed

    @property
    def acts_on(self) -> Edtf:
        """The date on which the action acts: the effective one, else its own."""
        return self.deed.action.effective or self.deed.action.occurred

    @property
    def ends(self) -> bool:
        """Tell whether the action's effect ends by itself, for good or for a time."""
        return self.deed.action.until is not None or bool(self.deed.lapses)

    @property
    def part(self) -> str | None:
        """The part that the action covers, None for the whole."""
        return part_of(self.deed.action)

    @property
    def track(self) -> str:
        """The name of the action's effect: an event that comes and goes has one for each stretch."""
        until = self.deed.action.until
        dates = (self.acts_on, *(() if until is None else (until,)))
        bounds = (f"{earliest_day(each)}..{latest_day(each)}" for each in dates)
        return "/".join((self.deed.event, *bounds))

    @property
    def back(self) -> int:
        """The day by which the effect has come back after its last interruption."""
        return self.deed.lapses[-1].last if self.deed.lapses else FIRST_DAY

    @property
    def term(self) -> str | None:
        """The action's event, where it sets an end to the whole policy."""
        return self.deed.event if self.ends and self.part is None else None

    def key(self, when: Edtf | None = None) -> Key:
        return action_key(self.deed.action, self.deed.position, when)

    def atom(self, key: Key, apply: Callable[[State], State]) -> Atom[State]:
        certain = LAST_DAY if self.deed.doubtful else None
        return Atom(key, self.deed.because, apply, certain, self.deed.floats)

    def lapsing(
        self,
        begins: Key,
        lapse: Callable[[State], State],
        come_back: Callable[[State], State],
    ) -> Iterator[Atom[State]]:
        """Yield what may interrupt the action's effect, and what brings it back.

        That may come at any time in between, so after any other action.
        """
        until = self.deed.action.until
        ends = LAST_DAY if until is None else earliest_day(until) + 1
        for first, last, sure in self.deed.lapses:
            key = begins._replace(earliest=first, latest=last, time="", step=1)
            if first == begins.earliest:
                key = key._replace(latest=max(last, begins.latest))
            elif first == ends:
                key = key._replace(phase=0, step=-1)
            yield Atom(key, self.deed.because, lapse, LAST_DAY)
            yield Atom(key, self.deed.because, come_back, LAST_DAY, floats=True)
            if sure:
                yield self.atom(key._replace(earliest=last, step=0), come_back)

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
        *draft.lapsing(key, _pass_by, lambda state: Spell(begun=state.begun)),
        *draft.over(key, _pass_by),
    ]
    draft.effects.parts.append((kind, atoms))


def _pass_by(state: Spell) -> Spell:
    return Spell(begun=state.begun, over=state.begun)


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
            state = Standing(
                begun=began and whole, partly_begun=began and not whole, marks=state.marks
            )
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
            state = Standing(enacted=True, marks=state.marks)
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

    _add_standing(draft, key, _once(draft, extend))
    _expire_after(draft, key)


def _end(draft: _Draft) -> None:
    key = draft.key(draft.acts_on)
    if draft.part is None:
        _end_all(draft, key)
    elif draft.ends:
        _add_spell(draft, PartEffect.ENDED, key)
    else:
        _add_standing(draft, key, _once(draft, _end_partly))


def _end_partly(state: Standing) -> Standing:
    return msgspec.structs.replace(state, partly_ended=True)


def _end_all(draft: _Draft, key: Key) -> None:
    """End force for good, or for a time: an end's own end gives back what was left of the term."""
    reason = END_REASON[draft.deed.action.action]
    ending = End(reason, draft.key(), temporary=draft.ends, doubtful=draft.deed.doubtful)

    def end(state: Standing) -> Standing:
        if not ending.temporary:
            return msgspec.structs.replace(state, ended=ending, term=None)
        ended = state.ended is not None and not state.ended.temporary
        return state if ended else msgspec.structs.replace(state, ended=ending)

    lapsed = f"{draft.deed.event} lapsed"

    def undo(state: Standing) -> Standing:
        ended = None if state.ended == ending else state.ended
        return msgspec.structs.replace(state, ended=ended, marks=state.marks - {lapsed})

    def lapse(state: Standing) -> Standing:
        return msgspec.structs.replace(undo(state), marks=state.marks | {lapsed})

    def come_back(state: Standing) -> Standing:
        if lapsed not in state.marks:
            return state
        return msgspec.structs.replace(end(state), marks=state.marks - {lapsed})

    _add_standing(draft, key, _once(draft, end))
    draft.effects.standing.extend(draft.lapsing(key, lapse, come_back))
    draft.effects.standing.extend(draft.over(key, undo))


def _once(draft: _Draft, apply: Callable[[Standing], Standing]) -> Callable[[Standing], Standing]:
    """Return what a deed does, or does unless another of its event has, where it is to happen once."""
    if not draft.deed.once:
        return apply
    fired = f"{draft.deed.event} fired"

    def apply_once(state: Standing) -> Standing:
        if fired in state.marks:
            return state
        return msgspec.structs.replace(apply(state), marks=state.marks | {fired})

    return apply_once


def _suspend(draft: _Filing) -> None:
    """Suspend a part, or all; on a track of its own where that ends by itself."""
    part = draft.part
    begins = draft.atom(draft.key(draft.acts_on), _hold)
    lasting = draft.dockets.suspensions.setdefault((part, None), [])
    if draft.ends:
        lapsing = draft.lapsing(begins.key, lambda _: Suspension(lapsed=True), _hold_again)
        track = draft.suspensions.track(
            part, draft.back, (begins, *lapsing), draft.over(begins.key, _end_suspension)
        )
        draft.dockets.suspensions[part, draft.track] = track
    else:
        lasting.append(begins)


def _hold(_: Suspension) -> Suspension:
    return Suspension(on=True)


def _hold_again(state: Suspension) -> Suspension:
    return Suspension(on=True) if state.lapsed else state


def _unsuspend(state: Suspension) -> Suspension:
    return Suspension(lapsed=state.lapsed)


def _end_suspension(_: Suspension) -> Suspension:
    return Suspension()


def _resume(draft: _Filing) -> None:
    """Lift the suspensions of the same part, or of every part where none is named (rule 5)."""
    event = draft.deed.event
    key = draft.key(draft.acts_on)

    def resume(state: Suspension) -> Suspension:
        on = draft.ends and state.on
        return msgspec.structs.replace(state, on=on, lifted=event)

    def undo(state: Suspension) -> Suspension:
        return msgspec.structs.replace(state, lifted=None) if state.lifted == event else state

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
    name = draft.track
    action = draft.deed.action.action
    by = name if draft.ends else None
    key = draft.key(draft.acts_on)
    move = MOVES[action]
    over = draft.over(key, lambda case: finish(case, name))
    atoms = [
        draft.atom(key, lambda case: move(case, by)),
        *draft.lapsing(
            key,
            lambda case: lapse(case, name),
            lambda case: come_back(case, name, lambda lapsed: move(lapsed, by)),
        ),
        *over,
    ]
    enjoins = action is Action.ENJOINED
    apart = enjoins and draft.ends and draft.case.injunctions > 1
    if apart:
        _enjoin_apart(draft, key)
    opening = _opening(draft, key) if enjoins else []
    for part in draft.case.reached(draft.part):
        machine = draft.dockets.cases.setdefault((draft.deed.case, part, None), [])
        machine.extend(opening if apart or (enjoins and part != draft.part) else atoms)
    if action in HOLDS_BACK and over:
        draft.case.lift(draft.part, *atoms, lasting=False)
    elif action in HOLDS_BACK | DECIDES:
        draft.case.lift(draft.part, draft.atom(key, _close), lasting=not draft.deed.doubtful)


def _opening(draft: _Filing, key: Key) -> list[Atom[Case]]:
    """Return what an injunction does to a case apart from enjoining: it is open, again and again."""
    name = draft.track
    return [
        draft.atom(key, _reopen),
        *draft.lapsing(
            key, lambda case: lapse(case, name), lambda case: come_back(case, name, _reopen)
        ),
    ]


def _reopen(case: Case) -> Case:
    return reopen(case, None)


def _enjoin_apart(draft: _Filing, key: Key) -> None:
    """Let an injunction that ends by itself run beside the other injunctions of its case.

    Its track holds the injunction alone; what else it does to the case stands with the rest.
    """
    name = draft.track

    def enjoin(case: Case) -> Case:
        return Case(enjoined=name, lapsed=case.lapsed)

    lapsing = draft.lapsing(
        key, lambda case: lapse(case, name), lambda case: come_back(case, name, enjoin)
    )
    track = draft.case.track(
        draft.part,
        draft.back,
        (draft.atom(key, enjoin), *lapsing),
        draft.over(key, lambda case: finish(case, name)),
    )
    draft.dockets.cases[draft.deed.case, draft.part, name] = track


def _close(case: Case) -> Case:
    return Case(lapsed=case.lapsed)


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
