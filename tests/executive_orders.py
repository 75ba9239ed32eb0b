"""US executive orders 12890 to 13622 and their disposition notes, as events of the record.

Owns the mapping from two CSV files to events; pure. Must not know what the record makes of them.

An edge is what the note of one order (`stated_on`) says of an acting order and its target. One
relation stands on the acting order's stream for all that is said with one verb of one pair. Its own
note is believed; the target's supports it, or disputes its scope where only one says "in part" (4).

What the data leave open, and the choice made:

- `revokes` and `terminates` become `rescinds`: a successor of the issuer ends the order, and
  `repeals` is a law-maker's. The heading of the note is kept as the source's locator.
- One side is silent on 116 relations within the set, and has no notes in the data for those that
  reach out of it: one source, no dispute.
- Two verbs for one pair (22 pairs, as 13225 on 12900: "continues" here, "amends" there) are two
  relations: both can be true, so neither disputes the other.
- The date in a note is that of the other order. 20 have none, 35 differ from the signing date that
  the set has (13526: 2009 and 2010). The set's date counts; the note's stays in the locator.
- An order outside the set acts twice: 12333 of 1981 "revokes" 13354 and 13355 of 2004 (the notes
  say "read in conjunction with"). Recorded on the targets with its date, years before they began.
- Ten edges act on a later order: 13561 and 13594 supersede each other, 13038 and 13054 supersede
  13062 in part before it was signed (a list astray in its note). Recorded as stated.
- Notes do not say until when an order continues others: section 1 of the order does. 13585, which
  continues some of them once more, is only a "see", so that these end with 13511's term.
- `citation` is mostly blank, so the document number is the source. Every order has a signing date;
  no row is there twice, and none relates an order to itself.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import NAMESPACE_URL, uuid5

Json: TypeAlias = Any

SCHEME: Final = "eo"
ARCHIVES: Final = "US National Archives, Office of the Federal Register"

RELATIONS: Final = {
    "amends": "amends",
    "revokes": "rescinds",
    "supersedes": "supersedes",
    "continues": "continues",
    "supplements": "supplements",
    "suspends": "suspends",
    "terminates": "rescinds",
    "see": "cites",
}
ACTIONS: Final = {"revokes": "rescinded"}
"""What an order outside the set does; nothing else occurs."""

HEADINGS: Final = {
    "amends": ("Amends", "Amended by"),
    "revokes": ("Revokes", "Revoked by"),
    "supersedes": ("Supersedes", "Superseded by"),
    "continues": ("Continues", "Continued by"),
    "supplements": ("Supplements", "Supplemented by"),
    "suspends": ("Suspends", "Suspended by"),
    "terminates": ("Terminates", "Terminated by"),
    "see": ("See", "See"),
}
"""How a note begins that speaks of the order's own act, and of what is done to it."""

CONTINUED_UNTIL: Final = {
    "13225": "2003-09-30",
    "13316": "2005-09-30",
    "13385": "2007-09-30",
    "13446": "2009-09-30",
    "13511": "2011-09-30",
}
"""Section 1 of each order that continues advisory committees: "is continued until September 30"."""


class Order(NamedTuple):
    """A row of executive_orders.csv."""

    number: str
    citation: str
    signing_date: str
    document_number: str
    notes: str


class Edge(NamedTuple):
    """A row of us_eo_edges.csv."""

    actor: str
    target: str
    verb: str
    partial: str
    stated_on: str
    direction: str
    cited_date: str

    @property
    def relation(self) -> tuple[str, str, str]:
        """Who does what to whom: what both sides can speak of."""
        return self.actor, self.target, self.verb

    @property
    def scope(self) -> str:
        """Whether the whole target is meant."""
        return "partial" if self.partial == "1" else "full"


def read_orders(path: Path) -> list[Order]:
    """Return the orders of a file."""
    return [Order(**row) for row in _rows(path)]


def read_edges(path: Path) -> list[Edge]:
    """Return the edges of a file."""
    return [Edge(**row) for row in _rows(path)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def policy_id(number: str) -> str:
    """Return the policy that an order is registered as."""
    return f"us-executive-order-{number.lower()}"


def statements(edges: Iterable[Edge]) -> list[list[Edge]]:
    """Return the edges by relation, the acting order's own statement first."""
    found: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in sorted(edges, key=lambda edge: edge.direction):
        found.setdefault(edge.relation, []).append(edge)
    return list(found.values())


def events(orders: Sequence[Order], edges: Iterable[Edge]) -> Iterator[Json]:
    """Yield all events, those before which others need; the same each time, ids included."""
    inside = {order.number: order for order in orders}
    yield from map(_registered, orders)
    yield from map(_signed, orders)
    for sides in statements(edges):
        yield from _related(sides, inside) if sides[0].actor in inside else map(_acted, sides)


def _event(type: str, number: str, *name: str, **data: Json) -> Json:
    """Return an event to post; fields that are None are left out."""
    return {
        "id": str(uuid5(NAMESPACE_URL, "/".join((type, number, *name)))),
        "policy": policy_id(number),
        "type": type,
        "data": {field: value for field, value in data.items() if value is not None},
    }


def _registered(order: Order) -> Json:
    until = CONTINUED_UNTIL.get(order.number)
    return _event(
        "PolicyRegistered",
        order.number,
        title=f"Executive Order {order.number}",
        instrument="executive_order",
        jurisdiction="ocd-division/country:us",
        body="President of the United States",
        identifiers=[_citation(order.number)],
        summary=until and f"Section 1: each advisory committee listed is continued until {until}.",
        sources=[_document(order)],
    )


def _signed(order: Order) -> Json:
    return _event(
        "ActionRecorded",
        order.number,
        action="signed",
        occurred=order.signing_date,
        sources=[_document(order)],
    )


def _related(sides: list[Edge], inside: Mapping[str, Order]) -> Iterator[Json]:
    """Yield a relation, then what the target's side says of it."""
    own, *others = sides
    relation = _event(
        "RelationAsserted",
        own.actor,
        own.verb,
        own.target,
        relation=RELATIONS[own.verb],
        target=_target(own.target, inside),
        scope=own.scope,
        occurred=inside[own.actor].signing_date,
        until=CONTINUED_UNTIL[own.actor] if own.verb == "continues" else None,
        sources=[_note(own)],
    )
    yield relation
    for other in others:
        agrees = other.scope == own.scope
        yield _event(
            "SourceAttached",
            own.actor,
            own.verb,
            own.target,
            event=relation["id"],
            source=_note(other),
            stance="supports" if agrees else "disputes",
            claim=None if agrees else {"field": "scope", "value": other.scope},
        )


def _acted(edge: Edge) -> Json:
    """Return what an order outside the set does, on the stream of its target."""
    return _event(
        "ActionRecorded",
        edge.target,
        edge.verb,
        edge.actor,
        action=ACTIONS[edge.verb],
        occurred=iso_date(edge.cited_date),
        by={"citation": _citation(edge.actor)},
        scope=edge.scope,
        sources=[_note(edge)],
    )


def iso_date(words: str) -> str:
    """Return a date such as "December 4, 1981" as ISO text."""
    return datetime.strptime(f"{words} +0000", "%B %d, %Y %z").date().isoformat()


def _target(number: str, inside: Mapping[str, Order]) -> Json:
    return {"policy": policy_id(number)} if number in inside else {"citation": _citation(number)}


def _citation(number: str) -> Json:
    return {"scheme": SCHEME, "value": number}


def _document(order: Order) -> Json:
    return {
        "citation": f"Federal Register document {order.document_number}",
        "class": "primary",
        **({"locator": order.citation.strip()} if order.citation.strip() else {}),
    }


def _note(edge: Edge) -> Json:
    """Return the note that states an edge, as a source; an order and its date is the place in it."""
    heading = HEADINGS[edge.verb][edge.direction == "inverse"]
    other = edge.actor if edge.direction == "inverse" else edge.target
    date = f", {edge.cited_date}" if edge.cited_date else ""
    return {
        "citation": f"EO {edge.stated_on}, disposition notes",
        "publisher": ARCHIVES,
        "class": "official",
        "locator": f"{heading}: EO {other}{date}",
    }
