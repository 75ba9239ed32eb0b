"""JSON-LD in the words of schema.org: policies as `Legislation`, actions as `Event`.

Owns how the record's words become schema.org's, and says nothing more certainly than the record
does. The context is within each document, so that no network is needed to read one. Must not know
where the documents come from.

Source: https://schema.org/Legislation
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from timeline.formats.links import Links
from timeline.formats.timelinejs import stretches
from timeline.formats.words import (
    Document,
    addresses,
    cited,
    clean,
    headline,
    identified,
    is_exact,
    named,
    spoken,
)

MEDIA_TYPE: Final = "application/ld+json"

_LEGAL_FORCE: Final = {
    "in_force": "InForce",
    "partially_in_force": "PartiallyInForce",
    "not_enacted": "NotInForce",
    "not_yet_in_force": "NotInForce",
    "suspended": "NotInForce",
    "no_longer_in_force": "NotInForce",
}
"""What schema.org has a word for; of `unknown` and `not_applicable` nothing is said."""

_RELATIONS: Final = {
    "amends": "legislationAmends",
    "repeals": "legislationRepeals",
    "rescinds": "legislationRepeals",
    "supersedes": "legislationRepeals",
    "suspends": "legislationChanges",
    "continues": "legislationChanges",
    "extends": "legislationChanges",
    "supplements": "legislationChanges",
    "stays": "legislationChanges",
    "enjoins": "legislationChanges",
    "implements": "legislationApplies",
    "codifies": "legislationApplies",
    "reaffirms": "citation",
    "responds_to": "citation",
    "cites": "citation",
}
"""Relations that schema.org has a word for; of the others nothing is said."""

_ENACTING: Final = frozenset(
    {"passed", "override_passed", "lapsed_into_law", "signed", "issued", "enacted", "stated"}
)

CONTEXT: Final[dict[str, Any]] = {
    "@vocab": "https://schema.org/",
    "as_of": {"@id": "contentReferenceTime", "@type": "Date"},
    "known_at": {"@id": "sdDatePublished", "@type": "DateTime"},
    "position": {"@id": "version"},
    "next": None,
    "url": {"@type": "@id"},
    "legislationLegalForce": {"@type": "@vocab"},
    "legislationDate": {"@type": "Date"},
    "expires": {"@type": "Date"},
    "startDate": {"@type": "Date"},
    "endDate": {"@type": "Date"},
}
"""What the words mean: schema.org's, and the three that every answer repeats."""


def policies(document: Document, links: Links) -> bytes:
    """Return a page of policies, as they are on the date asked about."""
    found = [_legislation(item, links) for item in document["items"]]
    return _listed(found, document)


def actions(document: Document, links: Links) -> bytes:
    """Return a page of the timeline."""
    return _listed([_event(item, links) for item in document["items"]], document)


def policy(document: Document, links: Links) -> bytes:
    """Return one policy, with its dates and relations."""
    told = {
        "@context": CONTEXT,
        **_legislation(document, links),
        **_without_none(
            abstract=_cleaned(document["summary"]),
            legislationResponsible=[_party(each) for each in document["sponsors"]],
            legislationDate=_enacted(document),
            expires=_end(document["periods"]),
            temporalCoverage=[_interval(first, last) for first, last in _surely(document)],
            subjectOf=_sources(document["sources"]),
            **_relations(document["relations"]["outgoing"], links),
        ),
        **_stamp(document),
    }
    return msgspec.json.encode(told)


def _listed(items: list[dict[str, Any]], document: Document) -> bytes:
    told = {
        "@context": CONTEXT,
        "@type": ["Dataset", "ItemList"],
        **_stamp(document),
        "next": document["next"],
        "itemListElement": items,
    }
    return msgspec.json.encode(told)


def _stamp(document: Document) -> dict[str, Any]:
    return {name: document[name] for name in ("as_of", "known_at", "position")}


def _legislation(item: Document, links: Links) -> dict[str, Any]:
    axes = ("stage", "force", "force_reason", "litigation", "in_force")
    return {
        "@id": links.policy(item["policy"]),
        "@type": "Legislation",
        "name": clean(item["title"]),
        "legislationType": spoken(item["instrument"]),
        "legislationJurisdiction": item["jurisdiction"],
        **_without_none(
            legislationIdentifier=[clean(identified(each)) for each in item["identifiers"]],
            legislationPassedBy=_cleaned(item["body"]),
            keywords=[clean(topic) for topic in item["topics"]],
            legislationLegalForce=legal_force(item),
        ),
        "additionalProperty": [
            *(_property(name, item[name]) for name in axes if item[name] is not None),
            *(
                _property(f"possible_{name}", [value or "none" for value in values])
                for name, values in item["possible"].items()
            ),
        ],
    }


def legal_force(item: Document) -> str | None:
    """Return schema.org's word for whether a policy is in force; None where that is not certain."""
    if item["in_force"] == "maybe":
        return None
    possible = item["possible"].get("force") or [item["force"]]
    words = {_LEGAL_FORCE.get(force) for force in possible}
    return words.pop() if len(words) == 1 else None


def _property(name: str, value: object) -> dict[str, Any]:
    return {"@type": "PropertyValue", "propertyID": name, "value": value}


def _event(item: Document, links: Links) -> dict[str, Any]:
    occurred = item["occurred"]
    dates = {"startDate": occurred["earliest"], "endDate": occurred["latest"]}
    return {
        "@id": links.event(item["event"]),
        "@type": "Event",
        "name": headline(item),
        **_without_none(
            **({"startDate": occurred["earliest"]} if is_exact(occurred) else dates),
            description=_cleaned(item["summary"]),
            subjectOf=_sources(item["sources"]),
        ),
        "about": {
            "@id": links.policy(item["policy"]),
            "@type": "Legislation",
            "name": clean(item["title"]),
            "legislationType": spoken(item["instrument"]),
            "legislationJurisdiction": item["jurisdiction"],
        },
        "additionalProperty": [
            _property("action", item["action"]),
            _property("occurred", occurred["edtf"]),
            *(_property(name, item[name]["edtf"]) for name in _further(item)),
            *(_property(name, value=True) for name in ("corrected", "disputed") if item[name]),
        ],
    }


def _further(item: Document) -> Iterator[str]:
    return (name for name in ("effective", "until") if item[name] is not None)


def _sources(sources: Iterable[Document]) -> list[dict[str, Any]]:
    return [
        {"@type": "CreativeWork", "name": cited(source), "url": url}
        if (url := next(iter(addresses([source])), None))
        else {"@type": "CreativeWork", "name": cited(source)}
        for source in sources
    ]


def _party(party: Document) -> dict[str, Any]:
    # Whether a sponsor is a person or a body is not recorded.
    return _without_none(name=clean(party["name"]), description=_cleaned(party.get("role")))


def _relations(outgoing: Iterable[Document], links: Links) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for relation in outgoing:
        word = _RELATIONS.get(relation["relation"])
        if word is None:
            continue
        targets = [{"@id": links.policy(policy)} for policy in relation["resolves_to"]]
        outside = {"@type": "Legislation", "name": clean(named(relation["target"]))}
        found.setdefault(word, []).extend(targets or [outside])
    return found


def _enacted(document: Document) -> str | None:
    """Return the day of the last action that enacted it by then, where all of them have one."""
    if document["force"] == "not_enacted":
        return None
    dates = [
        action["occurred"]
        for action in document["actions"]
        if action["action"] in _ENACTING and not action["later"]
    ]
    exact: list[str] = [date["earliest"] for date in dates if is_exact(date)]
    return exact[-1] if exact and len(exact) == len(dates) else None


def _surely(document: Document) -> list[tuple[str | None, str | None]]:
    return [
        (first, last) for answer, first, last in stretches(document["periods"]) if answer == "yes"
    ]


def _interval(first: str | None, last: str | None) -> str:
    return f"{first or '..'}/{last or '..'}"


def _end(periods: list[Document]) -> str | None:
    """Return the last day on which it is in force, where the record is certain of it."""
    found = list(stretches(periods))
    if not found or found[-1][0] != "yes":
        return None
    return found[-1][2]


def _cleaned(text: str | None) -> str | None:
    return clean(text) if text else None


def _without_none(**told: Any) -> dict[str, Any]:
    """Leave out what there is nothing to say of."""
    return {name: value for name, value in told.items() if value not in (None, [])}
