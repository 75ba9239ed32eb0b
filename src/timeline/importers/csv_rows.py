"""What rows say of one policy, by the rules of a mapping.

Owns the payloads that rules and cells make together, and what tells one action from another. Pure.
Must not know how rows are read or gathered.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from timeline.domain.vocabulary import Action, EventType, Instrument, Relation
from timeline.importers.csv_cells import details, identifiers, needed, parties, sources
from timeline.importers.csv_mapping import (
    ActionRule,
    Cell,
    CsvMapping,
    RelationRule,
    Row,
    SourceRule,
    as_field,
    columns,
    filled,
    slug,
)
from timeline.importers.errors import BadCell
from timeline.importers.sketch import Json, Note, NoteKind, Place, Refused, Sketch, Statement

MAX_ABOUT: Final = 500
"""Characters of an origin's id that the record takes."""

Word = TypeVar("Word", Action, Instrument)


class Told(NamedTuple):
    """A row, and what it is to its policy.

    Attributes:
        place: where it stands.
        row: its cells by column.
        describes: whether it is a row of the policies' table.
        rules: the indexes of the rules for actions and relations that it is under.

    """

    place: Place
    row: Row
    describes: bool
    rules: Sequence[int]


class Drawer:
    """Draws policies from their rows."""

    def __init__(self, mapping: CsvMapping) -> None:
        """Take the rules."""
        self.mapping = mapping
        self.describing = sorted({column for column, _ in columns(mapping.policy)})

    def draw(self, policy: str, told: Sequence[Told]) -> tuple[Sketch | Refused, list[Note]]:
        """Return what a policy's rows say of it together, and what is to be known of that.

        Args:
            policy: its id.
            told: its rows, in their order.

        """
        drawing = _Drawing(self, policy)
        try:
            return drawing.sketch(told), drawing.notes
        except BadCell as error:
            return Refused(place=drawing.place, field=error.column, reason=error.reason), []


class _Drawing:
    """One policy."""

    def __init__(self, drawer: Drawer, policy: str) -> None:
        self.notes: list[Note] = []
        self.place = Place("", 0)
        self._mapping = drawer.mapping
        self._rules = drawer.mapping.rules
        self._describing = drawer.describing
        self._policy = policy
        self._system = drawer.mapping.system
        self._seen: Counter[str] = Counter()
        self._by_id: dict[str, Json] = {}
        self._said: set[tuple[str, bytes]] = set()

    def sketch(self, told: Sequence[Told]) -> Sketch:
        about = f"policy/{self._policy}"
        self.place = told[0].place
        first = next((each for each in told if each.describes), None)
        if first is None:
            reason = f"No row of the policies' table is about {self._policy}"
            raise BadCell(column="policy", reason=reason)
        described = self._one_description(first, told)
        statements = tuple(self._statements(told))
        return Sketch(
            policy=self._policy,
            about=about,
            described={**described, "origin": {"system": self._system, "id": about}},
            statements=statements,
            place=first.place,
            whole=self._mapping.whole,
        )

    # ---- what it is

    def _one_description(self, first: Told, told: Sequence[Told]) -> Json:
        """Return what the first row says; the others' columns are the same, or that is told."""
        self.place = first.place
        rule = self._mapping.policy
        name = filled(rule.id, first.row)
        described = self._described(first.row)
        for each in told:
            if not each.describes or all(
                each.row[name] == first.row[name] for name in self._describing
            ):
                continue
            self.place = each.place
            other = filled(rule.id, each.row)
            if other.casefold() != name.casefold():
                reason = (
                    f"{other[:80]!r} and {name[:80]!r} of {first.place} make the same policy id"
                )
                raise BadCell(column=rule.id, reason=reason)
            if self._described(each.row, quiet=True) != described:
                self._note(
                    NoteKind.DOUBTFUL, "rows that describe a policy otherwise; the first counts"
                )
        return described

    def _described(self, row: Row, *, quiet: bool = False) -> Json:
        rule = self._mapping.policy
        described: Json = {
            "title": needed("title", rule.title, row),
            "instrument": self._word(Instrument, "instrument", rule.instrument, row, quiet=quiet),
            "jurisdiction": needed("jurisdiction", rule.jurisdiction, row),
            "sources": self._cited((), row),
        }
        for key, cell in (("body", rule.body), ("summary", rule.summary)):
            if cell is not None and (found := as_field(cell).text(row)):
                described[key] = found
        if rule.topics is not None and (topics := as_field(rule.topics).texts(row)):
            described["topics"] = topics
        if sponsors := list(parties(rule.sponsors, row)):
            described["sponsors"] = sponsors
        if names := list(identifiers(rule.identifiers, row)):
            described["identifiers"] = names
        return described

    # ---- what happened to it

    def _statements(self, told: Sequence[Told]) -> Iterator[Statement]:
        for each in told:
            self.place = each.place
            for index in each.rules:
                rule = self._rules[index]
                if rule.when is not None and not rule.when.holds(each.row):
                    continue
                if isinstance(rule, RelationRule):
                    yield from self._relations(rule, each.row)
                else:
                    yield from self._action(rule, each.row)

    def _action(self, rule: ActionRule, row: Row) -> Iterator[Statement]:
        occurred = as_field(rule.occurred)
        day = occurred.date(row)
        if not day:
            if rule.optional:
                return
            reason = "The date is missing: `optional = true` passes over rows without one"
            raise BadCell(column=occurred.shown, reason=reason)
        data = self._deed(rule, row, day)
        about = self._about(rule, row, data)
        if about is None:
            return
        data["origin"] = {"system": self._system, "id": about}
        yield Statement(about=about, type=EventType.ACTION_RECORDED, data=data, place=self.place)

    def _deed(self, rule: ActionRule, row: Row, day: str) -> Json:
        action = as_field(rule.action)
        data: Json = {
            "action": self._word(Action, "action", rule.action, row),
            "occurred": day,
            "sources": self._cited(rule.sources, row),
        }
        label = as_field(rule.label).text(row) if rule.label is not None else ""
        if not label and action.column is not None:
            label = " ".join(row[action.column].split())
        if not label and data["action"] is Action.OTHER:
            label = as_field(rule.occurred).shown
        if label:
            data["label"] = label
        return data | details(rule, row)

    def _relations(self, rule: RelationRule, row: Row) -> Iterator[Statement]:
        """Yield how a row's policy bears on others; what stands in several rows is told once."""
        for value in as_field(rule.target).texts(row):
            target, name = _target(rule, value)
            data: Json = {
                "relation": self._relation(rule, row),
                "target": target,
                "sources": self._cited(rule.sources, row),
                **details(rule, row),
            }
            if rule.occurred is not None and (day := as_field(rule.occurred).date(row)):
                data["occurred"] = day
            provision = f"/{data['provision']}" if "provision" in data else ""
            about = f"{self._policy}/{data['relation']}/{name}{provision}"
            about = about if len(about) <= MAX_ABOUT else f"{about[:400]}/{_digest(about)}"
            if about in self._by_id:
                if self._by_id[about] != data:
                    self._note(
                        NoteKind.DOUBTFUL, "rows that tell a relation otherwise; the first counts"
                    )
                continue
            self._by_id[about] = dict(data)
            data["origin"] = {"system": self._system, "id": about}
            type = EventType.RELATION_ASSERTED
            yield Statement(about=about, type=type, data=data, place=self.place)

    def _relation(self, rule: RelationRule, row: Row) -> Relation:
        """Return a relation of the vocabulary; `cites`, with a note, for what is none."""
        found = needed("relation", rule.relation, row)
        try:
            return Relation(slug(found).replace("-", "_"))
        except ValueError:
            self._note(NoteKind.UNKNOWN_LABEL, f"relation {' '.join(found.split())[:80]!r}")
            return Relation.CITES

    def _cited(self, rules: Sequence[SourceRule], row: Row) -> list[Json]:
        """Return the sources of what a row tells: its own, or its policy's."""
        found = sources(rules, row) or sources(self._mapping.policy.sources, row)
        if not found:
            reason = "The row has neither a link nor a citation: give a `citation`"
            raise BadCell(column="sources", reason=reason)
        return found

    def _about(self, rule: ActionRule, row: Row, data: Json) -> str | None:
        """Return what the source calls an action; None where it has been told already.

        Without an id of its own, an action whose column is its kind is told by that kind, so that
        another date corrects it; any other by its date and words, and their count.
        """
        action = as_field(rule.action)
        if rule.id is not None:
            if not (name := filled(rule.id, row)):
                raise BadCell(column=rule.id, reason="The action's id is empty")
            about = f"{self._policy}/action/{name}"
            known = self._by_id.setdefault(about, dict(data))
            if known != data:
                raise BadCell(
                    column=rule.id,
                    reason=f"Another row has the id {name[:80]!r} and says otherwise",
                )
            self._seen[about] += 1
            return about if self._seen[about] == 1 else None
        if action.value is not None:
            about = f"{self._policy}/{action.value}/{as_field(rule.occurred).shown}"
            # The policy's columns stand in each of its rows.
            said = (about, msgspec.json.encode(data))
            if said in self._said:
                return None
            self._said.add(said)
        else:
            told = "\n".join((data["occurred"], data.get("label", ""), str(data["action"])))
            about = f"{self._policy}/{_digest(told)}"
        self._seen[about] += 1
        about += f"/{self._seen[about]}" if self._seen[about] > 1 else ""
        return about

    def _word(
        self, kind: type[Word], key: str, cell: Cell, row: Row, *, quiet: bool = False
    ) -> Word:
        """Return a word of the vocabulary; `other`, with a note, for what is none."""
        found = needed(key, cell, row)
        try:
            return kind(slug(found).replace("-", "_"))
        except ValueError:
            if not quiet:
                self._note(NoteKind.UNKNOWN_LABEL, f"{key} {' '.join(found.split())[:80]!r}")
            return kind("other")

    def _note(self, kind: NoteKind, about: str) -> None:
        self.notes.append(Note(kind=kind, about=about, place=self.place))


def _target(rule: RelationRule, value: str) -> tuple[Json, str]:
    """Return a relation's target, and what it is called."""
    if rule.scheme is not None:
        return {"citation": {"scheme": rule.scheme, "value": value}}, f"{rule.scheme}:{value}"
    policy = slug(f"{rule.prefix}{value}")
    return {"policy": policy}, policy


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
