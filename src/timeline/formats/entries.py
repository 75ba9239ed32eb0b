"""What a feed says of an event: a title, lines of text, and what it is about.

Owns the words of feeds, which Atom and JSON Feed share. Must not know either format, nor where the
documents come from.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from timeline.formats.words import (
    Document,
    addresses,
    cited,
    clean,
    named,
    on_one_line,
    spoken,
)

MAX_VALUE: Final = 500
"""Characters of a value that a correction changes."""


class Entry(NamedTuple):
    """One event of the record, as a feed tells it.

    Args:
        event: its fields, as served.
        title: in one line.
        text: in lines.
        original: the event that it corrects, retracts, or is about otherwise; None: it is the first
            to say this.
        sources: addresses of its sources.

    """

    event: Document
    title: str
    text: str
    original: str | None
    sources: list[str]


def entries(document: Document) -> list[Entry]:
    """Return the entries of a feed.

    Its items have the `event`; the `title`, `instrument` and `jurisdiction` of its policy, or None;
    and the `original` event that it is about, or None.
    """
    return [_entry(item) for item in document["items"]]


def urn(event: str) -> str:
    """Return the name of an event, which is the same in every feed."""
    return f"urn:uuid:{event}"


def _entry(item: Document) -> Entry:
    event, original = item["event"], item["original"]
    data = event["data"] or {}
    about = on_one_line(item["title"] or event["policy"])
    deed = _DEEDS[event["type"]](data, None if original is None else original["data"] or {})
    lines = [
        f"{about}",
        f"{spoken(item['instrument'])}, {item['jurisdiction']}" if item["instrument"] else "",
        *_lines(event["type"], data, original),
        f"Recorded by {event['recorded_by']} at position {event['position']}",
    ]
    return Entry(
        event=event,
        title=f"{about}: {deed}" if event["data"] is not None else f"{about}: erased",
        text="\n".join(line for line in lines if line),
        original=None if original is None else original["id"],
        sources=addresses(list(_sources(data))),
    )


def _done(data: Document) -> str:
    """Return what an action says, in a few words; data may have gone, or be of an older shape."""
    action = data.get("action")
    if action is None:
        return (
            f"{spoken(data['relation'])} {on_one_line(named(data['target']))}"
            if (data.get("relation") and isinstance(data.get("target"), Mapping))
            else "an event"
        )
    words = data.get("label") if action == "other" and data.get("label") else spoken(action)
    return f"{on_one_line(str(words))} ({data.get('occurred', 'undated')})"


def _about(original: Document | None) -> str:
    if not original:
        return "an event"
    return "the registration" if "instrument" in original else _done(original)


_DEEDS: Final[Mapping[str, Callable[[Document, Document | None], str]]] = {
    "PolicyRegistered": lambda _data, _: "registered",
    "PolicyDescribed": lambda _data, _: "described anew",
    "ActionRecorded": lambda data, _: _done(data),
    "ActionCorrected": lambda _data, original: f"correction of {_about(original)}",
    "SourceAttached": lambda data, original: (
        f"a source {'disputes' if data.get('stance') == 'disputes' else 'supports'} "
        f"{_about(original)}"
    ),
    "RelationAsserted": lambda data, _: _done(data),
    "EventRetracted": lambda _data, original: f"retraction of {_about(original)}",
    "PoliciesMerged": lambda data, _: f"{data.get('duplicate', 'a policy')} merged into it",
    "PayloadErased": lambda _data, _: "the content of an event was erased",
}


def _lines(type: str, data: Document, original: Document | None) -> Iterator[str]:
    if original is not None:
        yield f"About event {original['id']}"
        if original["data"] is not None and type in {"ActionCorrected", "EventRetracted"}:
            yield f"It said: {_about(original['data'])}"
    for name, words in _TOLD.items():
        if isinstance(data.get(name), str):
            yield f"{words}: {clean(data[name])}"
    changes = data.get("changes")
    for field, value in changes.items() if isinstance(changes, Mapping) else ():
        yield f"{spoken(field).capitalize()} is now: {_value(value)}"
    claim = data.get("claim")
    if isinstance(claim, Mapping):
        yield f"It says of {spoken(str(claim.get('field')))}: {_value(claim.get('value'))}"
    for source in _sources(data):
        yield f"Source: {cited(source)}"


_TOLD: Final = {
    "occurred": "Occurred",
    "effective": "Takes effect",
    "until": "Last day of effect",
    "until_condition": "Ends",
    "label": "In the source's words",
    "body": "Body",
    "provision": "Provision",
    "summary": "Summary",
    "authority": "Authority",
    "reason": "Reason",
}
"""Fields of data that are text, and the words for them."""


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return on_one_line(text, MAX_VALUE)


def _sources(data: Document) -> Iterator[dict[str, Any]]:
    changes = data.get("changes")
    for part in (data, changes if isinstance(changes, Mapping) else {}):
        for source in (*(part.get("sources") or ()), part.get("source")):
            if isinstance(source, dict):
                yield source
