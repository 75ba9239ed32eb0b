"""From actions to effects: the table of section 4, carried out.

Owns what each kind of effect does to the machines of `periods`, and on which days. Must not know
how actions came to be believed, nor how a day is answered.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from timeline.domain.dates import Edtf
from timeline.domain.events import ActionRecorded, Scope
from timeline.domain.periods import (
    FIRST_DAY,
    LAST_DAY,
    Atom,
    Case,
    Confirmed,
    Effects,
    End,
    Key,
    Stage,
    Standing,
    Suspension,
)
from timeline.domain.vocabulary import (
    ACTIONS,
    END_REASON,
    IN_FORCE_FROM_ENACTMENT,
    NEEDS_EXECUTIVE,
    RANK,
    WITHOUT_FORCE,
    Action,
    Effect,
    ForceReason,
    Instrument,
    Litigation,
)


class Deed(msgspec.Struct, frozen=True):
    """An action as believed, with its event, its place in the record and who acts.

    `case` is the case that its litigation effect belongs to.
    """

    event: str
    position: int
    action: ActionRecorded
    case: str = ""


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


def gather(instrument: Instrument, deeds: Iterable[Deed]) -> Effects:
    """Return the effects of a policy's actions.

    Args:
        instrument: decides what enacts, and when force begins where no date is given (rule 2).
        deeds: the actions as believed, in any order, those of its lawsuits included.

    """
    effects = Effects(applicable=instrument not in WITHOUT_FORCE)
    ordered = list(deeds)
    parts = {part_of(deed.action) for deed in ordered if _suspends(deed)} | {None}
    cases: dict[str, set[str | None]] = {}
    for deed in ordered:
        if ACTIONS[deed.action.action].effect is Effect.LITIGATE:
            cases.setdefault(deed.case, {None}).add(part_of(deed.action))
    for deed in ordered:
        effect = ACTIONS[deed.action.action].effect
        _WRITERS[effect](_Draft(effects, instrument, deed, parts, cases.get(deed.case, set())))
    return effects


def _suspends(deed: Deed) -> bool:
    return ACTIONS[deed.action.action].effect in {Effect.SUSPEND, Effect.RESUME}


class _Draft(msgspec.Struct, frozen=True):
    """One action on its way into the effects."""

    effects: Effects
    instrument: Instrument
    deed: Deed
    parts: set[str | None]
    case_parts: set[str | None]

    @property
    def acts_on(self) -> Edtf:
        """The date on which the action acts: the effective one, else its own."""
        return self.deed.action.effective or self.deed.action.occurred

    def key(self, when: Edtf | None = None) -> Key:
        return action_key(self.deed.action, self.deed.position, when)

    def end_key(self, begins: Key) -> Key | None:
        """Return when the action's own effect is over, never before it began; None: no end."""
        until = self.deed.action.until
        if until is None:
            return None
        first, last = earliest_day(until), latest_day(until)
        earliest = FIRST_DAY if first == FIRST_DAY else first + 1
        latest = LAST_DAY if last >= LAST_DAY - 1 else last + 1
        if earliest > begins.earliest:
            return Key(
                earliest,
                max(latest, begins.latest, earliest),
                0,
                begins.rank,
                "",
                self.deed.position,
            )
        return begins._replace(latest=max(latest, begins.latest), step=1)


def _stage(draft: _Draft) -> None:
    value = str(draft.deed.action.action)
    _add_stage(draft, lambda state: Stage(value, state.enacted))


def _add_stage(draft: _Draft, apply: Callable[[Stage], Stage]) -> None:
    draft.effects.stage.append(Atom(draft.key(), draft.deed.event, apply))


def _add_standing(draft: _Draft, key: Key, apply: Callable[[Standing], Standing]) -> None:
    draft.effects.standing.append(Atom(key, draft.deed.event, apply))


def _amend(draft: _Draft) -> None:
    value = str(draft.deed.action.action)
    _add_stage(draft, lambda state: state if state.enacted else Stage(value, enacted=False))
    if draft.deed.action.until is not None:
        _extend(draft)


def _pass(draft: _Draft) -> None:
    if draft.instrument in NEEDS_EXECUTIVE:
        _stage(draft)
    else:
        _enact(draft)


def _enact(draft: _Draft) -> None:
    value = str(draft.deed.action.action)
    _add_stage(draft, lambda _: Stage(value, enacted=True))
    event = draft.deed.event
    ends = draft.deed.action.until is not None
    if draft.deed.action.effective is None and draft.instrument in IN_FORCE_FROM_ENACTMENT:
        _begin_on(draft, draft.key())
        return

    def enact(state: Standing) -> Standing:
        return msgspec.structs.replace(state, enacted=True, term=event if ends else state.term)

    _add_standing(draft, draft.key(), enact)
    if draft.deed.action.effective is not None:
        _begin_on(draft, draft.key(draft.deed.action.effective))
    elif ends:
        _expire_after(draft, draft.key())


def _begin(draft: _Draft) -> None:
    _add_stage(draft, lambda state: Stage(state.value, enacted=True))
    _begin_on(draft, draft.key(draft.acts_on))


def _begin_on(draft: _Draft, key: Key) -> None:
    """Let force begin; anew, with a term of its own, where the action follows an end.

    What was enacted before the end does not undo it: repealed in March, in force never in July.
    """
    event = draft.deed.event
    own = draft.key()
    ends = draft.deed.action.until is not None
    whole = part_of(draft.deed.action) is None

    def begin(state: Standing) -> Standing:
        if not whole:
            return msgspec.structs.replace(state, enacted=True, partly_begun=True)
        if state.ended is not None and state.ended.key < own:
            return Standing(enacted=True, begun=True, term=event if ends else None)
        return msgspec.structs.replace(
            state, enacted=True, begun=True, term=event if ends else state.term
        )

    draft.effects.begins = True
    _add_standing(draft, key, begin)
    if ends:
        _expire_after(draft, key)


def _expire_after(draft: _Draft, begins: Key) -> None:
    """Let force expire when the term that this action set is over, if it still is the term."""
    key = draft.end_key(begins)
    event = draft.deed.event
    end = End(ForceReason.EXPIRED, event, draft.key())
    if key is None:
        return

    def expire(state: Standing) -> Standing:
        if state.term != event or state.ended is not None:
            return state
        return msgspec.structs.replace(state, ended=end)

    _add_standing(draft, key, expire)


def _extend(draft: _Draft) -> None:
    """Move the end; once it has passed, reopen and keep the gap."""
    event = draft.deed.event
    ends = draft.deed.action.until is not None
    key = draft.key(draft.acts_on)

    def extend(state: Standing) -> Standing:
        expired = state.ended is not None and state.ended.reason is ForceReason.EXPIRED
        return msgspec.structs.replace(
            state, term=event if ends else None, ended=None if expired else state.ended
        )

    _add_standing(draft, key, extend)
    if ends:
        _expire_after(draft, key)


def _end(draft: _Draft) -> None:
    ending = End(END_REASON[draft.deed.action.action], draft.deed.event, draft.key())
    key = draft.key(draft.acts_on)
    whole = part_of(draft.deed.action) is None

    def end(state: Standing) -> Standing:
        if not whole:
            return msgspec.structs.replace(state, partly_ended=True)
        return msgspec.structs.replace(state, ended=ending)

    def undo(state: Standing) -> Standing:
        if state.ended != ending:
            return state
        return msgspec.structs.replace(state, ended=None)

    _add_standing(draft, key, end)
    over = draft.end_key(key)
    if over is not None and whole:
        _add_standing(draft, over, undo)


def _suspend(draft: _Draft) -> None:
    event = draft.deed.event
    key = draft.key(draft.acts_on)
    atoms = draft.effects.suspensions.setdefault(part_of(draft.deed.action), [])
    atoms.append(Atom(key, event, lambda _: Suspension(event)))
    over = draft.end_key(key)
    if over is not None:
        atoms.append(Atom(over, event, lambda state: Suspension() if state.by == event else state))


def _resume(draft: _Draft) -> None:
    """Lift the suspension of the same part, or of every part where none is named (rule 5)."""
    part = part_of(draft.deed.action)
    key = draft.key(draft.acts_on)
    for lifted in draft.parts if part is None else {part}:
        draft.effects.suspensions.setdefault(lifted, []).append(
            Atom(key, draft.deed.event, lambda _: Suspension())
        )


_OPEN: Final = frozenset({Litigation.ENJOINED, Litigation.STRUCK_DOWN})

_MOVES: Final[dict[Action, Callable[[Litigation], Litigation]]] = {
    Action.CHALLENGED: lambda now: now if now in _OPEN else Litigation.CHALLENGED,
    Action.APPEALED: lambda now: now if now in _OPEN else Litigation.CHALLENGED,
    Action.REVERSED: lambda _: Litigation.CHALLENGED,
    Action.ENJOINED: lambda _: Litigation.ENJOINED,
    Action.INJUNCTION_STAYED: lambda now: (
        Litigation.CHALLENGED if now is Litigation.ENJOINED else now
    ),
    Action.INJUNCTION_LIFTED: lambda now: (
        Litigation.CHALLENGED if now is Litigation.ENJOINED else now
    ),
    Action.UPHELD: lambda _: Litigation.UPHELD,
    Action.STRUCK_DOWN: lambda _: Litigation.STRUCK_DOWN,
    Action.DISMISSED: lambda _: Litigation.DISMISSED,
}
"""How an action moves a case from one status to the next (rule 6)."""


def _litigate(draft: _Draft) -> None:
    """Move the case, for the part that is named, or for all its parts."""
    event = draft.deed.event
    move = _MOVES[draft.deed.action.action]
    part = part_of(draft.deed.action)
    key = draft.key(draft.acts_on)
    over = draft.end_key(key)

    def apply(state: Case) -> Case:
        status = move(state.status)
        return state if status is state.status else Case(status, event)

    for each in draft.case_parts if part is None else {part}:
        atoms = draft.effects.cases.setdefault((draft.deed.case, each), [])
        atoms.append(Atom(key, event, apply))
        if over is not None:
            atoms.append(
                Atom(
                    over,
                    event,
                    lambda state: (
                        Case(Litigation.CHALLENGED, event) if state.by == event else state
                    ),
                )
            )


def _confirm(draft: _Draft) -> None:
    seen = draft.deed.action.occurred.text
    draft.effects.confirmed.append(Atom(draft.key(), draft.deed.event, lambda _: Confirmed(seen)))


def _nothing(draft: _Draft) -> None:
    """Mark the day, so that a policy with nothing but such an action is listed from it on."""
    draft.effects.confirmed.append(Atom(draft.key(), draft.deed.event, lambda state: state))


_WRITERS: Final[dict[Effect, Callable[[_Draft], None]]] = {
    Effect.STAGE: _stage,
    Effect.AMEND: _amend,
    Effect.PASS: _pass,
    Effect.ENACT: _enact,
    Effect.BEGIN: _begin,
    Effect.EXTEND: _extend,
    Effect.SUSPEND: _suspend,
    Effect.RESUME: _resume,
    Effect.END: _end,
    Effect.LITIGATE: _litigate,
    Effect.CONFIRM: _confirm,
    Effect.NOTHING: _nothing,
}
