"""Atom: a feed of events, the newest first.

Owns the form of the feed. Must not know where the documents come from.

Source: RFC 4287; RFC 4685 for what an entry is about; RFC 5005 for its pages.
"""

from typing import Final
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from timeline.formats.entries import Entry, entries, urn
from timeline.formats.links import Links
from timeline.formats.words import Document, clean, moment

MEDIA_TYPE: Final = "application/atom+xml"

_ATOM: Final = "http://www.w3.org/2005/Atom"
_THREADS: Final = "http://purl.org/syndication/thread/1.0"

NO_TIME: Final = "1970-01-01T00:00:00Z"
"""When a feed without entries was updated: Atom wants a time, and the record has none."""


def feed(document: Document, links: Links) -> bytes:
    """Return a page of a feed."""
    root = Element(
        "feed", {"xmlns": _ATOM, "xmlns:thr": _THREADS, "xmlns:timeline": links.vocabulary}
    )
    _add(root, "title", f"Timeline: {links.subject}")
    _add(root, "subtitle", f"What the record took in, {moment(document)}")
    _add(root, "id", feed_id(links))
    _add(root, "updated", document["known_at"] or NO_TIME)
    _add(root, "generator", "Timeline")
    for relation, path in (("self", links.own), ("first", links.first), ("next", links.next)):
        if path is not None:
            SubElement(
                root,
                "link",
                {"rel": relation, "type": MEDIA_TYPE, "href": links.absolute(path)},
            )
    for name in ("position", "as_of", "known_at"):
        if document[name] is not None:
            _add(root, f"timeline:{name}", str(document[name]))
    for entry in entries(document):
        _add_entry(root, entry, links)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def feed_id(links: Links) -> str:
    """Return what names a feed: the same for all its pages, at whatever moment."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'https://{links.origin}{links.subject}')}"


def _add_entry(root: Element, entry: Entry, links: Links) -> None:
    event = entry.event
    made = SubElement(root, "entry")
    _add(made, "id", urn(event["id"]))
    _add(made, "title", entry.title)
    _add(made, "updated", event["recorded_at"])
    _add(made, "published", event["recorded_at"])
    _add(SubElement(made, "author"), "name", event["recorded_by"])
    SubElement(made, "category", {"term": event["type"]})
    page = links.page(event["policy"], entry.original or event["id"])
    _link(made, "alternate", page, "text/html")
    _link(made, "alternate", links.event(event["id"]), "application/json")
    if entry.original is not None:
        original = {"ref": urn(entry.original), "href": links.event(entry.original)}
        SubElement(made, "thr:in-reply-to", original)
    for url in entry.sources:
        _link(made, "via", url)
    _add(made, "content", entry.text).set("type", "text")
    _add(made, "timeline:position", str(event["position"]))
    _add(made, "timeline:policy", event["policy"])


def _link(parent: Element, relation: str, href: str, media_type: str | None = None) -> None:
    kind = {} if media_type is None else {"type": media_type}
    SubElement(parent, "link", {"rel": relation, **kind, "href": clean(href)})


def _add(parent: Element, name: str, text: str) -> Element:
    made = SubElement(parent, name)
    made.text = clean(text)
    return made
