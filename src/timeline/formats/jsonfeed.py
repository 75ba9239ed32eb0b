"""JSON Feed 1.1: a feed of events, the newest first.

Owns the form of the feed. Must not know where the documents come from.

Source: https://www.jsonfeed.org/version/1.1/
"""

from typing import Any, Final

import msgspec

from timeline.formats.entries import Entry, entries, urn
from timeline.formats.links import Links
from timeline.formats.words import Document, moment

MEDIA_TYPE: Final = "application/feed+json"

VERSION: Final = "https://jsonfeed.org/version/1.1"


def feed(document: Document, links: Links) -> bytes:
    """Return a page of a feed."""
    told: dict[str, Any] = {
        "version": VERSION,
        "title": f"Timeline: {links.subject}",
        "description": f"What the record took in, {moment(document)}",
        "home_page_url": links.absolute("/"),
        "feed_url": links.absolute(links.own),
    }
    if links.next is not None:
        told["next_url"] = links.absolute(links.next)
    told["_timeline"] = {name: document[name] for name in ("position", "as_of", "known_at")}
    told["items"] = [_item(entry, links) for entry in entries(document)]
    return msgspec.json.encode(told)


def _item(entry: Entry, links: Links) -> dict[str, Any]:
    event = entry.event
    about = None if entry.original is None else urn(entry.original)
    return {
        "id": urn(event["id"]),
        "url": links.page(event["policy"], entry.original or event["id"]),
        **({"external_url": entry.sources[0]} if entry.sources else {}),
        "title": entry.title,
        "content_text": entry.text,
        "date_published": event["recorded_at"],
        "authors": [{"name": event["recorded_by"]}],
        "tags": [event["type"]],
        "_timeline": {
            "event": event["id"],
            "policy": event["policy"],
            "position": event["position"],
            "about": about,
            "sources": entry.sources,
        },
    }
