"""Server-sent events: the text of a stream that a browser's EventSource reads.

Owns the form of one event. Must not know what the data is.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from typing import Final

MEDIA_TYPE: Final = "text/event-stream"

OPENING: Final = b"retry: 2000\n\n"
"""What a stream begins with: when to come back after it broke off, in milliseconds."""


def event(id: int, data: bytes, name: str = "message") -> bytes:
    """Return an event; its data is one line, as JSON is.

    The name `message` is what readers take that listen for no name in particular.
    """
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (id, name.encode(), data)


def heartbeat(position: int) -> bytes:
    """Return the event that says how far the log was looked through, as its id and its data."""
    return event(position, b'{"position":%d}' % position, "heartbeat")
