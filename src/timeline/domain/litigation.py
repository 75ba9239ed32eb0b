"""How court actions move a case (rule 6).

Owns the moves from one state of a case to the next, and their undoing. Must not know dates, nor
which machines an action reaches: `effects` writes the moves into atoms.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from timeline.domain.machines import LASTING, Case
from timeline.domain.vocabulary import Action, Litigation

Move: TypeAlias = Callable[[Case, str | None], Case]
"""What an action makes of a case, given its own event where its effect ends by itself."""


def _on_merits(case: Case, status: Litigation, by: str | None) -> Case:
    """Return the case with another status on the merits, and what it was if that is for a time."""
    lasting = case.merits if case.by is None else case.before
    if lasting is status:
        by = None
    before = Litigation.NONE if by is None else lasting
    return msgspec.structs.replace(case, merits=status, by=by, before=before)


def _decide(status: Litigation) -> Move:
    """Return the move to a status that leaves no injunction."""

    def decide(case: Case, by: str | None) -> Case:
        return msgspec.structs.replace(_on_merits(case, status, by), enjoined=None, stayed=None)

    return decide


def reopen(case: Case, by: str | None) -> Case:
    """Open the case, or open it again; what was struck down stays so until that is reversed."""
    if case.merits is Litigation.STRUCK_DOWN:
        return case
    return _on_merits(case, Litigation.CHALLENGED, by)


def _enjoin(case: Case, by: str | None) -> Case:
    """Forbid, in a case that is open."""
    enjoined = LASTING if by is None else by
    return msgspec.structs.replace(reopen(case, None), enjoined=enjoined, stayed=None)


def _stay(case: Case, by: str | None) -> Case:
    """Hold the injunction back."""
    if case.enjoined is None or case.stayed == LASTING:
        return case
    return msgspec.structs.replace(case, stayed=LASTING if by is None else by)


def _lift(case: Case, by: str | None) -> Case:
    """Lift the injunction; for a time, as a stay does, where that ends by itself."""
    if by is not None:
        return _stay(case, by)
    return msgspec.structs.replace(case, enjoined=None, stayed=None)


def take_back(case: Case, event: str) -> Case:
    """End what an event brought about for a time."""
    if case.by == event:
        case = msgspec.structs.replace(case, merits=case.before, by=None, before=Litigation.NONE)
    if case.enjoined == event:
        case = msgspec.structs.replace(case, enjoined=None, stayed=None)
    if case.stayed == event:
        case = msgspec.structs.replace(case, stayed=None)
    return case


def lapse(case: Case, event: str) -> Case:
    """Interrupt what an event brought about for a time."""
    return msgspec.structs.replace(take_back(case, event), lapsed=case.lapsed | {event})


def finish(case: Case, event: str) -> Case:
    """End what an event brought about for a time, so that it does not come back."""
    return msgspec.structs.replace(take_back(case, event), lapsed=case.lapsed - {event})


def come_back(case: Case, event: str, move: Callable[[Case], Case]) -> Case:
    """Bring about again, by the same move, what was interrupted."""
    if event not in case.lapsed:
        return case
    return move(msgspec.structs.replace(case, lapsed=case.lapsed - {event}))


MOVES: Final[dict[Action, Move]] = {
    Action.CHALLENGED: reopen,
    Action.APPEALED: reopen,
    Action.REVERSED: _decide(Litigation.CHALLENGED),
    Action.ENJOINED: _enjoin,
    Action.INJUNCTION_STAYED: _stay,
    Action.INJUNCTION_LIFTED: _lift,
    Action.UPHELD: _decide(Litigation.UPHELD),
    Action.STRUCK_DOWN: _decide(Litigation.STRUCK_DOWN),
    Action.DISMISSED: _decide(Litigation.DISMISSED),
}
"""How an action moves a case from one status to the next (rule 6)."""

HOLDS_BACK: Final = frozenset({Action.INJUNCTION_STAYED, Action.INJUNCTION_LIFTED})
DECIDES: Final = frozenset({Action.REVERSED, Action.UPHELD, Action.STRUCK_DOWN, Action.DISMISSED})
