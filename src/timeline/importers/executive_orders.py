"""US executive orders and what their disposition notes say of each other, as sketches.

Owns the mapping from orders and edges to what is recorded of them. Pure. Must not know how either
is written down: `federal_register` reads orders, `disposition_notes` what their notes say.

An edge is what the notes of one order (`stated_on`) say of an acting order and its target. One
relation stands on the acting order's stream for all that is said with one verb of one pair. Its own
notes are believed; the target's support it, or dispute its scope where only one says "in part".

What the notes leave open, and the choice made:

- `revokes` and `terminates` become `rescinds`: a successor of the issuer ends the order, and
  `repeals` is a law-maker's. The heading of the note is kept as the source's locator.
- A target is cited by its number, whether or not it is in the input: so a citation resolves once
  the order is registered, and stays the same when more orders are imported later.
- Where one side is silent, or outside the input, there is one source and no dispute.
- Two verbs for one pair (13225 on 12900: "continues" here, "amends" there) are two relations: both
  can be true, so neither disputes the other.
- The date in a note is that of the other order. Some have none, some differ from the signing date
  (13526: 2009 and 2010). The signing date counts; the note's stays in the locator.
- An order outside the input acts by an action on its target, with the date that the note gives it.
- An order that acts on a later one (13038 supersedes 13062 in part before it was signed: a list
  astray in its notes) is recorded as stated, and told as doubtful.
- Notes do not say until when an order continues others: section 1 of the order does, for those here.
- `citation` is mostly blank, so the document number is the source.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from timeline.domain.vocabulary import RELATIONS as RULES
from timeline.domain.vocabulary import Action, EventType, Relation
from timeline.importers.disposition_notes import Verb, iso_date
from timeline.importers.sketch import (
    Json,
    Note,
    NoteKind,
    Place,
    Sketch,
    Statement,
    event_id,
)

SYSTEM: Final = "federal-register"
SCHEME: Final = "eo"
ARCHIVES: Final = "US National Archives, Office of the Federal Register"

RELATIONS: Final = {
    Verb.AMENDS: Relation.AMENDS,
    Verb.REVOKES: Relation.RESCINDS,
    Verb.SUPERSEDES: Relation.SUPERSEDES,
    Verb.CONTINUES: Relation.CONTINUES,
    Verb.SUPPLEMENTS: Relation.SUPPLEMENTS,
    Verb.SUSPENDS: Relation.SUSPENDS,
    Verb.TERMINATES: Relation.RESCINDS,
    Verb.SEE: Relation.CITES,
}

HEADINGS: Final = {
    Verb.AMENDS: ("Amends", "Amended by"),
    Verb.REVOKES: ("Revokes", "Revoked by"),
    Verb.SUPERSEDES: ("Supersedes", "Superseded by"),
    Verb.CONTINUES: ("Continues", "Continued by"),
    Verb.SUPPLEMENTS: ("Supplements", "Supplemented by"),
    Verb.SUSPENDS: ("Suspends", "Suspended by"),
    Verb.TERMINATES: ("Terminates", "Terminated by"),
    Verb.SEE: ("See", "See"),
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
    """An executive order.

    Attributes:
        number: such as "13526" or "199-A".
        signed: the day on which it was signed, or "../" and the last on which that can have been.
        document: the Federal Register's number of it.
        citation: volume and page there; may be empty.
        title: may be empty.
        url: where it can be read; may be empty.
        president: who signed it; may be empty.
        place: where it stands in the input.

    """

    number: str
    signed: str
    document: str
    citation: str = ""
    title: str = ""
    url: str = ""
    president: str = ""
    place: Place = Place("-", 1)


class Edge(NamedTuple):
    """What the notes of an order, `stated_on`, say of two orders; `inverse` if of an act on it."""

    actor: str
    target: str
    verb: Verb
    partial: bool
    stated_on: str
    inverse: bool
    cited: str

    @property
    def relation(self) -> tuple[str, str, Verb]:
        """Who does what to whom: what both sides can speak of."""
        return self.actor, self.target, self.verb

    @property
    def scope(self) -> str:
        """Whether the whole target is meant."""
        return "partial" if self.partial else "full"

    @property
    def other(self) -> str:
        """The order that the notes name."""
        return self.actor if self.inverse else self.target


def policy_id(number: str) -> str:
    """Return the policy that an order is registered as."""
    return f"us-executive-order-{number.lower()}"


def sides(edges: Iterable[Edge]) -> list[list[Edge]]:
    """Return the edges by relation, the acting order's own first; none says the same twice."""
    found: dict[tuple[str, str, Verb], dict[str, Edge]] = {}
    for edge in sorted(edges, key=lambda edge: edge.inverse):
        found.setdefault(edge.relation, {}).setdefault(edge.stated_on, edge)
    return [list(each.values()) for each in found.values()]


def sketches(orders: Mapping[str, Order], edges: Iterable[Edge]) -> Iterator[Sketch | Note]:
    """Yield what all orders' notes say together, an order at a time.

    Args:
        orders: by number.
        edges: what the notes of these orders say.

    """
    statements: dict[str, list[Statement]] = {number: [] for number in orders}
    for said in sides(edges):
        actor = orders.get(said[0].actor)
        if actor is None:
            for edge in said:
                statements[edge.target].append(_acted(edge, orders[edge.target]))
        else:
            statements[actor.number] += _related(said, actor)
            yield from _doubts(said[0], actor, orders)
    for number, order in orders.items():
        yield Sketch(
            policy=policy_id(number),
            about=_about(number),
            described=_described(order),
            statements=(_signed(order), *statements[number]),
            place=order.place,
        )


def _doubts(edge: Edge, actor: Order, orders: Mapping[str, Order]) -> Iterator[Note]:
    if edge.verb is Verb.CONTINUES and edge.actor not in CONTINUED_UNTIL:
        about = f"until when EO {edge.actor} continues others"
        yield Note(kind=NoteKind.DOUBTFUL, about=about, place=actor.place)
    target = orders.get(edge.target)
    if edge.verb is not Verb.SEE and target is not None and _day(actor) < _day(target):
        about = "an order that acts on one that was signed later"
        yield Note(kind=NoteKind.DOUBTFUL, about=about, place=orders[edge.stated_on].place)


def _day(order: Order) -> str:
    """Return the day on which an order was signed, or the last on which that can have been."""
    return order.signed.removeprefix("../")


def _about(number: str, *more: str) -> str:
    return "/".join(("order", number, *more))


def _origin(about: str) -> Json:
    return {"system": SYSTEM, "id": about}


def _described(order: Order) -> Json:
    until = CONTINUED_UNTIL.get(order.number)
    described = {
        "title": order.title or f"Executive Order {order.number}",
        "instrument": "executive_order",
        "jurisdiction": "ocd-division/country:us",
        "body": "President of the United States",
        "identifiers": [_citation(order.number)],
        "origin": _origin(_about(order.number)),
        "sources": [_document(order)],
    }
    if until:
        described["summary"] = (
            f"Section 1: each advisory committee listed is continued until {until}."
        )
    return described


def _signed(order: Order) -> Statement:
    about = _about(order.number, "signed")
    data: Json = {
        "action": Action.SIGNED,
        "occurred": order.signed,
        "origin": _origin(about),
        "sources": [_document(order)],
    }
    if order.president:
        data["actors"] = [{"name": order.president, "role": "President"}]
    return Statement(about=about, type=EventType.ACTION_RECORDED, data=data, place=order.place)


def _related(said: list[Edge], actor: Order) -> Iterator[Statement]:
    """Yield a relation, then what the target's side says of it."""
    own, *others = said
    about = _about(own.actor, own.verb, own.target)
    data: Json = {
        "relation": RELATIONS[own.verb],
        "target": {"citation": _citation(own.target)},
        "scope": own.scope,
        "occurred": actor.signed,
        "origin": _origin(about),
        "sources": [_note(own)],
    }
    if own.verb is Verb.CONTINUES and own.actor in CONTINUED_UNTIL:
        data["until"] = CONTINUED_UNTIL[own.actor]
    yield Statement(about=about, type=EventType.RELATION_ASSERTED, data=data, place=actor.place)
    for other in others:
        yield Statement(
            about=f"{about}/{other.stated_on}",
            type=EventType.SOURCE_ATTACHED,
            data=_borne_out(event_id(SYSTEM, about), own, other),
            place=actor.place,
        )


def _borne_out(event: str, own: Edge, other: Edge) -> Json:
    """Return what the other side's note is to a relation."""
    data: Json = {"event": event, "source": _note(other), "stance": "supports"}
    if other.partial != own.partial:
        data |= {"stance": "disputes", "claim": {"field": "scope", "value": other.scope}}
    return data


def _acted(edge: Edge, target: Order) -> Statement:
    """Return what an order outside the input does, on the stream of its target."""
    about = _about(edge.target, edge.verb, "by", edge.actor)
    data: Json = {
        "action": RULES[RELATIONS[edge.verb]].action or Action.OTHER,
        "label": HEADINGS[edge.verb][edge.inverse],
        "occurred": iso_date(edge.cited) or f"{_day(target)}/..",
        "by": {"citation": _citation(edge.actor)},
        "scope": edge.scope,
        "origin": _origin(about),
        "sources": [_note(edge)],
    }
    return Statement(about=about, type=EventType.ACTION_RECORDED, data=data, place=target.place)


def _citation(number: str) -> Json:
    return {"scheme": SCHEME, "value": number}


def _document(order: Order) -> Json:
    source: Json = {
        "citation": f"Federal Register document {order.document}"
        if order.document
        else f"Executive Order {order.number}",
        "class": "primary",
    }
    if order.url:
        source["url"] = order.url
    if order.citation:
        source["locator"] = order.citation
    return source


def _note(edge: Edge) -> Json:
    """Return the note that states an edge, as a source; an order and its date is the place in it."""
    date = f", {edge.cited}" if edge.cited else ""
    return {
        "citation": f"EO {edge.stated_on}, disposition notes",
        "publisher": ARCHIVES,
        "class": "official",
        "locator": f"{HEADINGS[edge.verb][edge.inverse]}: EO {edge.other}{date}",
    }
