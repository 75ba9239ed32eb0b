"""The force of the executive orders on any day, worked out from the rows of the two files alone.

Owns a closed reading of the design's rules 2, 3, 5, 7 and 8 for what occurs in these files. Must
not use the product's fold, nor the events that the rows are recorded as.

- An order is in force from its signing, until the first act that ends it in whole; nothing brings
  it back, the end of the act's own order included.
- An act that is dated before the signing cannot have ended the whole, since the signing came after
  it. Ended in part by then (13062 alone), an order begins in part, as it does where actions say so.
- What is continued until a day ends after it, or after that of the latest order to continue it; one
  that comes later brings it back.
- A suspension holds while the suspending order is in force.
- Where the sides disagree on "in part", the acting order is believed, and the answer is `maybe` if
  the other's word would change it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple

from timeline.importers.disposition_notes import iso_date
from timeline.importers.executive_orders import CONTINUED_UNTIL, Edge, Order

ENDING: Final = {"revokes", "supersedes", "terminates"}
IN_FORCE: Final = {"in_force", "partially_in_force"}


class Act(NamedTuple):
    """What an order does to another; `claimed` tells that the other side differs on `partial`."""

    actor: str
    verb: str
    day: date
    partial: bool
    claimed: bool


class Answer(NamedTuple):
    """The force that is believed, every force that is possible, and whether it is in force."""

    force: str
    possible: frozenset[str]
    in_force: str


class Oracle:
    """Answers for every order and day."""

    def __init__(self, orders: Iterable[Order], edges: Iterable[Edge]) -> None:
        self._signed = {order.number: date.fromisoformat(order.signed) for order in orders}
        self._acts: dict[str, list[Act]] = defaultdict(list)
        said: dict[tuple[str, str, str], dict[bool, Edge]] = defaultdict(dict)
        for edge in edges:
            said[edge.relation][edge.inverse] = edge
        for (_, target, _), sides in said.items():
            if target in self._signed:
                self._acts[target].append(self._act(sides))

    def _act(self, sides: dict[bool, Edge]) -> Act:
        own = sides.get(False) or sides[True]
        other = sides.get(True) or own
        day = self._signed.get(own.actor) or date.fromisoformat(iso_date(own.cited))
        differs = other.partial != own.partial
        return Act(own.actor, own.verb, day, own.partial, differs)

    def days(self, number: str) -> list[date]:
        """Return every day on which an order's force can change."""
        found = {self._signed[number]}
        for act in self._acts[number]:
            found.add(act.day)
            if act.verb == "continues":
                found.add(_until(act) + timedelta(days=1))
            if act.verb == "suspends":
                found.update(self.days(act.actor))
        return sorted(found)

    def answer(self, number: str, day: date) -> Answer:
        """Return what is to be answered for an order and a day."""
        believed = self._force(number, day)
        claims = (act for act in self._acts[number] if act.claimed)
        possible = {believed, *(self._force(number, day, claim) for claim in claims)}
        answers = {"yes" if force in IN_FORCE else "no" for force in possible}
        in_force = "maybe" if len(answers) > 1 else answers.pop()
        return Answer(believed, frozenset(possible), in_force)

    def _force(self, number: str, day: date, claim: Act | None = None) -> str:
        """Return the force on a day, with the other side's word taken for one act."""
        signed = self._signed[number]
        if day < signed:
            return "not_enacted"
        done = [
            act._replace(partial=not act.partial) if act == claim else act
            for act in self._acts[number]
            if act.day <= day
        ]
        ended = any(act.verb in ENDING and not act.partial and act.day >= signed for act in done)
        continued = [act for act in done if act.verb == "continues"]
        if ended or (continued and _until(max(continued, key=lambda act: act.day)) < day):
            return "no_longer_in_force"
        suspended = (act for act in done if act.verb == "suspends")
        if any(self._force(act.actor, day) in IN_FORCE for act in suspended):
            return "suspended"
        partly = any(act.verb in ENDING and act.partial for act in done)
        return "partially_in_force" if partly else "in_force"


def _until(act: Act) -> date:
    return date.fromisoformat(CONTINUED_UNTIL[act.actor])
