"""Addresses that representations carry: their own, the next page's, those of what they speak of.

Owns how they are made from a base. Must not know any format.
"""

from typing import NamedTuple


class Links(NamedTuple):
    """Where an answer is found, and what goes on after it.

    Without a `base`, addresses are relative to the answer's own: right behind any proxy.

    Args:
        base: what comes before each path, such as `https://timeline.example`.
        origin: the log's name, which is the same wherever it is served from.
        own: path and query of this answer.
        first: path and query of the first page.
        next: path and query of the next page; None on the last one.
        subject: path and query of what it is about, whichever page and format this is: what names a
            feed for good.

    """

    base: str
    origin: str
    own: str
    first: str
    next: str | None
    subject: str

    @property
    def vocabulary(self) -> str:
        """What the names of this record's own words begin with."""
        return f"https://{self.origin}/vocabulary/"

    @property
    def policy_asked_about(self) -> str:
        """The policy whose address this is, as in `/v1/policies/{policy}/history`."""
        return self.subject.split("/")[3]

    def absolute(self, path: str) -> str:
        """Return a path's address."""
        return f"{self.base}{path}"

    def policy(self, policy: str) -> str:
        """Return a policy's address."""
        return self.absolute(f"/v1/policies/{policy}")

    def event(self, id: str) -> str:
        """Return an event's address."""
        return self.absolute(f"/v1/events/{id}")

    def page(self, policy: str, event: str) -> str:
        """Return where people read of an event: on its policy's page."""
        return self.absolute(f"/policies/{policy}#event-{event}")
