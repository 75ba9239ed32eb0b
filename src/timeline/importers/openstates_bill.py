"""A bill of Open States, as a sketch.

Owns what its fields mean, whether they are named as in the API (version 3) or in the bulk export.
Pure. Must not know how bills are read.
Source of the fields: https://docs.openstates.org/api-v3/ and the bulk export of openstates.org.

- An action's id follows from its date and words, not from the id that Open States gives it, nor from its
  place: actions are written anew whenever a bill is scraped, and earlier ones are found later.
- A bill is refused where its actions or its related bills are not what they have to be: passed over, they
  would be taken back. Those that an answer of the API leaves out stay as they are.
- Bills are cited by session and identifier in the bulk's and the API's words alike.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from timeline.domain.vocabulary import EventType, Instrument, Relation
from timeline.importers.errors import Unrecordable
from timeline.importers.json_fields import mapping, mappings, text, texts
from timeline.importers.openstates_actions import OpenStatesLabels, deeds, take_vote
from timeline.importers.sketch import Json, Note, NoteKind, Place, Sketch, Statement

SYSTEM: Final = "openstates"

MAX_LISTED: Final = 64
"""Topics, sponsors and identifiers that the record takes of one policy."""

MAX_WORDS: Final = 1_000
"""Characters that the record takes of a title or a label."""

MAX_SOURCES: Final = 100

_STATEMENTS: Final = {
    "actions": EventType.ACTION_RECORDED,
    "related_bills": EventType.RELATION_ASSERTED,
}
_LISTS: Final = ("abstracts", "sources", "sponsors", "sponsorships", "versions", "votes")
_DIVISION: Final = re.compile(r"ocd-jurisdiction/(?P<segments>country:[^\s]+)/[a-z_]+")
_URL: Final = re.compile(r"https?://\S{1,1990}")
_WEAK: Final = re.compile(r"[^a-z0-9]+")


def sketch(bill: Json, place: Place, labels: OpenStatesLabels) -> tuple[Sketch, list[Note]]:
    """Return what a bill says, and what is to be known of it.

    Raises:
        Unrecordable: naming the field that is not what it has to be.

    """
    reader = _Reader(bill, place, labels)
    return reader.sketch(), reader.notes


class _Reader:
    """One bill."""

    def __init__(self, bill: Json, place: Place, labels: OpenStatesLabels) -> None:
        self.notes: list[Note] = []
        self._bill = bill
        self._place = place
        self._labels = labels
        self._check()
        self._id = text(bill, "id")
        self._identifier = self._needed("identifier")
        self._session = text(bill, "session") or self._needed("legislative_session")
        self._sources = self._links()
        self._division = self._jurisdiction()
        self._prefix = "-".join(
            _slug(segment.partition(":")[2])
            for segment in self._division.split("/")[2:] or self._division.split("/")[1:]
        )

    def sketch(self) -> Sketch:
        policy = "-".join((self._prefix, _slug(self._session), _slug(self._identifier)))
        about = f"bill/{self._id or policy}"
        return Sketch(
            policy=policy,
            about=about,
            described=self._described(about),
            statements=(*self._actions(about), *self._relations(about)),
            place=self._place,
            untold=frozenset(
                type for field, type in _STATEMENTS.items() if self._bill.get(field) is None
            ),
        )

    def _check(self) -> None:
        """Refuse what would be missing among the statements; tell what is missing elsewhere."""
        for field in (*_STATEMENTS, *_LISTS):
            given = self._bill.get(field) or []
            found = mappings(self._bill, field)
            if isinstance(given, list) and len(found) == len(given):
                continue
            if field in _STATEMENTS:
                raise self._unreadable(field, "Expected a list of JSON objects")
            self._note(NoteKind.LEFT_OUT, f"{field} that are no JSON objects")

    # ---- what it is

    def _needed(self, field: str) -> str:
        found = text(self._bill, field)
        if not _slug(found):
            raise self._unreadable(field, "A bill needs it")
        return found

    def _jurisdiction(self) -> str:
        given = self._bill.get("jurisdiction")
        id = text(given, "id") if isinstance(given, dict) else ""
        name = text(self._bill, "jurisdiction_name") or text(self._bill, "jurisdiction")
        found = _DIVISION.fullmatch(id)
        if found is not None:
            return f"ocd-division/{found['segments']}"
        if name in self._labels.jurisdictions:
            return self._labels.jurisdictions[name]
        reason = (
            f"{(id or name)[:100]!r} is in no row of [jurisdictions]; add it in a file of --labels"
        )
        raise self._unreadable("jurisdiction", reason)

    def _described(self, about: str) -> Json:
        bill = self._bill
        described: Json = {
            "title": self._cut(" ".join(text(bill, "title").split()), "a title")
            or self._identifier,
            "instrument": self._instrument(),
            "jurisdiction": self._division,
            "identifiers": self._identifiers(),
            "origin": {"system": SYSTEM, "id": about},
            "sources": self._sources,
        }
        if _is_instant(updated := text(bill, "updated_at")):
            described["origin"]["recorded"] = updated
        if body := text(mapping(bill, "from_organization"), "name"):
            described["body"] = body
        if topics := self._bounded("topics", list(dict.fromkeys(texts(bill, "subject")))):
            described["topics"] = [topic[:100] for topic in topics]
        if sponsors := self._bounded("sponsors", list(self._sponsors())):
            described["sponsors"] = sponsors
        abstracts = mappings(bill, "abstracts")
        if summary := next((found for each in abstracts if (found := text(each, "abstract"))), ""):
            described["summary"] = summary[:20_000]
        return described

    def _instrument(self) -> Instrument:
        for kind in texts(self._bill, "classification"):
            if kind in self._labels.instruments:
                return self._labels.instruments[kind]
            self._note(NoteKind.UNKNOWN_LABEL, f"a bill's classification {kind[:60]!r}")
        return Instrument.OTHER

    def _identifiers(self) -> list[Json]:
        found = [_bill_number(self._prefix, self._session, self._identifier)]
        if self._id:
            found.append({"scheme": SYSTEM, "value": self._id})
        return found

    def _sponsors(self) -> Iterator[Json]:
        given = mappings(self._bill, "sponsorships") or mappings(self._bill, "sponsors")
        for each in sorted(given, key=lambda each: each.get("primary") is not True):
            if name := text(each, "name"):
                role = text(each, "classification")
                yield {"name": name[:500], **({"role": role[:500]} if role else {})}

    def _links(self) -> list[Json]:
        found = [
            {"url": url, "class": "official"}
            for each in mappings(self._bill, "sources")
            if (url := self._url(each))
        ]
        for version in mappings(self._bill, "versions"):
            for link in mappings(version, "links"):
                if url := self._url(link):
                    title = text(version, "note")[:1_000]
                    found.append(
                        {"url": url, "class": "primary", **({"title": title} if title else {})}
                    )
        unique = list({each["url"]: each for each in found}.values())
        if len(unique) > MAX_SOURCES:
            self._note(NoteKind.LEFT_OUT, f"sources beyond the first {MAX_SOURCES}")
        return unique[:MAX_SOURCES] or [{"citation": f"{self._identifier}, {self._session}"}]

    def _url(self, fields: Json) -> str:
        url = text(fields, "url")
        if url and not _URL.fullmatch(url):
            self._note(NoteKind.LEFT_OUT, "links that are no web addresses")
            return ""
        return url

    def _cut(self, words: str, what: str) -> str:
        if len(words) > MAX_WORDS:
            self._note(NoteKind.LEFT_OUT, f"what {what} has beyond {MAX_WORDS} characters")
        return words[:MAX_WORDS]

    def _bounded(self, what: str, found: list[Any]) -> list[Any]:
        if len(found) > MAX_LISTED:
            self._note(NoteKind.LEFT_OUT, f"{what} beyond the first {MAX_LISTED}")
        return found[:MAX_LISTED]

    # ---- what happened to it

    def _actions(self, about: str) -> Iterator[Statement]:
        votes = mappings(self._bill, "votes")
        seen: Counter[str] = Counter()
        for deed in deeds(self._bill, self._labels, self._note):
            key = hashlib.sha256(f"{deed.day}\n{deed.words}".encode(errors="replace")).hexdigest()[
                :16
            ]
            seen[key] += 1
            id = f"{about}/action/{key}" + (f"/{seen[key]}" if seen[key] > 1 else "")
            data: Json = {
                "action": deed.action,
                "occurred": deed.day,
                "label": self._cut(deed.words, "an action's words") or str(deed.action),
                "origin": {"system": SYSTEM, "id": id},
                "sources": self._sources[:1],
            }
            if deed.body:
                data["body"] = deed.body
            if deed.partial:
                data["scope"] = "partial"
            if vote := take_vote(deed, votes):
                data["vote"] = vote
            yield Statement(about=id, type=EventType.ACTION_RECORDED, data=data, place=self._place)
        if votes:
            self._note(NoteKind.LEFT_OUT, "votes that belong to no action", len(votes))

    def _relations(self, about: str) -> Iterator[Statement]:
        seen: set[str] = set()
        for each in mappings(self._bill, "related_bills"):
            target = self._related(each)
            if target is None:
                self._note(NoteKind.LEFT_OUT, "related bills that are not named")
                continue
            kind = text(each, "relation_type")
            if kind and kind not in self._labels.relations:
                self._note(NoteKind.UNKNOWN_LABEL, f"a relation of bills {kind[:60]!r}")
            relation = self._labels.relations.get(kind, Relation.CITES)
            id = f"{about}/{relation}/{target['scheme']}:{target['value']}"[:500]
            if id in seen:
                continue
            seen.add(id)
            data: Json = {
                "relation": relation,
                "target": {"citation": target},
                "origin": {"system": SYSTEM, "id": id},
                "sources": self._sources[:1],
            }
            yield Statement(
                about=id, type=EventType.RELATION_ASSERTED, data=data, place=self._place
            )

    def _related(self, fields: Json) -> Json | None:
        session = text(fields, "legislative_session") or self._session
        if identifier := text(fields, "identifier"):
            return _bill_number(self._prefix, session, identifier)
        id = text(fields, "related_bill_id")
        return {"scheme": SYSTEM, "value": id[:256]} if id else None

    def _unreadable(self, field: str, reason: str) -> Unrecordable:
        return Unrecordable(place=self._place, field=field, reason=reason)

    def _note(self, kind: NoteKind, about: str, times: int = 1) -> None:
        self.notes += [Note(kind=kind, about=about, place=self._place)] * times


def _bill_number(prefix: str, session: str, identifier: str) -> Json:
    return {"scheme": f"{prefix}-bill"[:64], "value": f"{session} {identifier}"[:256]}


def _slug(text: str) -> str:
    return _WEAK.sub("-", text.lower()).strip("-")


def _is_instant(text: str) -> bool:
    return (
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text) is not None
    )
