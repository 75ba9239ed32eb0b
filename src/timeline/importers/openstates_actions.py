"""What happened to a bill of Open States: its actions, and the votes that decided them.

Owns what classifications mean together, and which chamber's passage is the last. Pure. Must not know
how they are recorded: that is `openstates_bill`.

- A bill of two chambers passes with the second of them: the first chamber's passage is `advanced`, as
  is its vote to override. Each later one counts again, as a chamber concurs in what the other changed.
  A bill is of one chamber if its kind is, or its house is neither `upper` nor `lower`.
- A vote belongs to the action of that day and chamber with one of the motion's classifications. What was
  neither "yes" nor "no" counts as abstaining ("abstain", "not voting", "other", "paired") or as absent
  ("absent", "excused").
- The bulk export names an action's chamber, and classifies a vote's; the API does both.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from timeline.domain.events import MemberVote
from timeline.domain.vocabulary import Action, Instrument, Relation
from timeline.importers.json_fields import mapping, mappings, number, text, texts
from timeline.importers.sketch import Json, NoteKind

MAX_MEMBERS: Final = 1_000

VOTES: Final = {
    "yes": MemberVote.YES,
    "no": MemberVote.NO,
    "abstain": MemberVote.ABSTAIN,
    "not voting": MemberVote.ABSTAIN,
    "other": MemberVote.ABSTAIN,
    "paired": MemberVote.ABSTAIN,
    "absent": MemberVote.ABSENT,
    "excused": MemberVote.ABSENT,
}

CHAMBERS: Final = frozenset({"upper", "lower"})

_CHAMBER_OF: Final = {
    "senate": "upper",
    "house": "lower",
    "house of representatives": "lower",
    "house of delegates": "lower",
    "assembly": "lower",
    "general assembly": "lower",
    "legislature": "legislature",
    "council": "legislature",
}
"""How the bulk export names the chambers of actions."""

_UNSIGNED: Final = re.compile(r"\bwithout\b.*\bsignature", re.IGNORECASE)

LINE_ITEM: Final = "executive-veto-line-item"


class OpenStatesLabels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables of labels/openstates.toml."""

    actions: dict[str, Action]
    instruments: dict[str, Instrument]
    one_chamber: dict[str, bool]
    relations: dict[str, Relation]
    jurisdictions: dict[str, str]


class Deed(NamedTuple):
    """An action.

    Attributes:
        day: its date.
        words: its description.
        action: what it is, once both chambers are looked at.
        classes: its classifications that the table has, in the table's order.
        chamber: the chamber's classification, or its name where nobody knows that.
        body: the name of who acted.

    """

    day: str
    words: str
    action: Action
    classes: list[str]
    chamber: str
    body: str

    @property
    def partial(self) -> bool:
        """Whether it is about a part of the bill."""
        return self.classes[:1] == [LINE_ITEM]


def deeds(
    bill: Json, labels: OpenStatesLabels, note: Callable[[NoteKind, str], None]
) -> Iterator[Deed]:
    """Yield a bill's actions in their order; what is unknown or doubtful of them is noted."""
    both = _needs_both_chambers(bill, labels)
    done: dict[Action, set[str]] = {Action.PASSED: set(), Action.OVERRIDE_PASSED: set()}
    for fields in sorted(mappings(bill, "actions"), key=lambda each: number(each, "order")):
        classes = _classes(fields, labels, note)
        action = labels.actions[classes[0]] if classes else Action.OTHER
        house = mapping(fields, "organization")
        body = text(house, "name") or text(fields, "organization__name")
        chamber = text(house, "classification") or _CHAMBER_OF.get(body.casefold(), body)
        words = text(fields, "description")
        if action is Action.ENACTED and _UNSIGNED.search(words):
            action = Action.LAPSED_INTO_LAW
        if both and action in done and chamber != "legislature":
            done[action].add(chamber)
            action = action if len(done[action]) > 1 else Action.ADVANCED
        yield Deed(text(fields, "date")[:10], words, action, classes, chamber, body[:500])
    if len(done[Action.OVERRIDE_PASSED]) == 1:
        note(NoteKind.DOUBTFUL, "a veto that one of two chambers overrode")


def _needs_both_chambers(bill: Json, labels: OpenStatesLabels) -> bool:
    house = mapping(bill, "from_organization")
    chamber = text(house, "classification") or text(bill, "chamber")
    kinds = texts(bill, "classification")
    return chamber in CHAMBERS and not any(labels.one_chamber.get(each) for each in kinds)


def _classes(
    fields: Json, labels: OpenStatesLabels, note: Callable[[NoteKind, str], None]
) -> list[str]:
    """Return an action's classifications that the table has, in the table's order."""
    given = texts(fields, "classification")
    for each in given:
        if each not in labels.actions:
            note(NoteKind.UNKNOWN_LABEL, f"an action's classification {each[:60]!r}")
    if not given:
        note(NoteKind.UNKNOWN_LABEL, "actions without a classification")
    return [each for each in labels.actions if each in given]


def take_vote(deed: Deed, votes: list[Json]) -> Json | None:
    """Take the vote that decided an action out of those left; return it as the record has it."""
    for index, vote in enumerate(votes):
        house = mapping(vote, "organization")
        chamber = text(house, "classification") or text(vote, "organization__classification")
        if (
            text(vote, "start_date")[:10] == deed.day
            and chamber == deed.chamber
            and set(deed.classes).intersection(texts(vote, "motion_classification"))
        ):
            return _counted(votes.pop(index))
    return None


def _counted(vote: Json) -> Json:
    counts: Counter[MemberVote] = Counter()
    for each in mappings(vote, "counts"):
        if (option := VOTES.get(text(each, "option"))) is not None:
            counts[option] += number(each, "value")
    members = [
        {"name": name[:500], "vote": VOTES[said]}
        for each in mappings(vote, "votes")
        if (name := text(each, "voter_name")) and (said := text(each, "option")) in VOTES
    ]
    counted: Json = {str(each): count for each, count in counts.items()}
    return counted | ({"members": members[:MAX_MEMBERS]} if members else {})
