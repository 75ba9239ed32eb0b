"""The keys by which what an event points at, or is known by, can be found in the log.

Owns their form: a policy's id; `citation/` and a digest of what is cited, which identifiers have,
too; `selector/` and the jurisdiction that is selected from, or `*`; `claimed/` and a jurisdiction that a
source claims; `relation/*` where one claims that a relation is of another kind. Must not know who
asks.

Digests, since these keys outlive the payload that they come from: after an erasure whoever was
pointed at has to be found, yet nothing that was erased may be read.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec

from timeline.domain.events import (
    Citation,
    Data,
    Identifier,
    PoliciesMerged,
    PolicyDescribed,
    PolicyRegistered,
    RelationAsserted,
    SourceAttached,
    Target,
    citation_key,
    read_custom,
)

Read = TypeVar("Read")

ANYWHERE: Final = "selector/*"
"""Selectors that name no jurisdiction."""


PLACE: Final = "claimed/"
"""Begins the key of the claims that a policy is in a jurisdiction, which follows."""

CLAIMED_KIND: Final = "relation/*"
"""Claims that a relation is of another kind, which may be one that acts where its own does not."""


def references(data: Data | None) -> frozenset[str]:
    """Return what an event points at, and by what it can be pointed at."""
    find = _REFERENCES.get(type(data))
    return _NOTHING if find is None else frozenset(find(data))


_NOTHING: Final[frozenset[str]] = frozenset()


def _identified(data: PolicyRegistered | PolicyDescribed) -> list[str]:
    identifiers = data.identifiers if isinstance(data.identifiers, tuple) else ()
    return [citation_reference(each) for each in identifiers]


def target_references(target: Target) -> list[str]:
    """Return the key of a relation's target."""
    if target.policy is not None:
        return [target.policy]
    if target.citation is not None:
        return [citation_reference(target.citation)]
    return [selector_reference(target.selector.jurisdiction if target.selector else None)]


def citation_reference(citation: Citation) -> str:
    """Return the key of a citation, or of the identifier that it resolves to."""
    return f"citation/{hashlib.sha256(citation_key(citation).encode()).hexdigest()[:32]}"


def selector_reference(jurisdiction: str | None) -> str:
    """Return the key of the selectors of a jurisdiction's policies."""
    return ANYWHERE if jurisdiction is None else f"selector/{jurisdiction}"


def place_reference(jurisdiction: str) -> str:
    """Return the key of the claims that a policy is in a jurisdiction."""
    return f"{PLACE}{jurisdiction}"


def is_policy(reference: str) -> bool:
    """Tell whether a key is a policy's id."""
    return "/" not in reference


def references_of(
    policies: Iterable[str], identifiers: Iterable[Identifier], jurisdictions: Iterable[str]
) -> list[str]:
    """Return all keys by which relations can point at a policy, each once."""
    found = (
        *sorted(policies),
        *(citation_reference(each) for each in identifiers),
        *(selector_reference(each) for each in jurisdictions),
        ANYWHERE,
    )
    return list(dict.fromkeys(found))


def _claimed(data: SourceAttached) -> list[str]:
    claim = data.claim
    if claim is None:
        return []
    if claim.field == "relation":
        return [CLAIMED_KIND]
    if claim.field == "jurisdiction" and isinstance(claim.value, str):
        return [place_reference(claim.value)]
    if claim.field == "identifiers":
        identifiers = _read(claim.value, tuple[Identifier, ...])
        return [citation_reference(each) for each in identifiers or ()]
    target = _read(claim.value, Target) if claim.field == "target" else None
    return [] if target is None else target_references(target)


def _read(value: object, kind: type[Read]) -> Read | None:
    """Read a claimed value; None where it is about an event of a type that means something else."""
    try:
        return msgspec.convert(value, kind, dec_hook=read_custom)
    except msgspec.ValidationError:
        return None


_REFERENCES: Final[dict[type, Callable[[Any], list[str]]]] = {
    PolicyRegistered: _identified,
    PolicyDescribed: _identified,
    SourceAttached: _claimed,
    RelationAsserted: lambda data: target_references(data.target),
    PoliciesMerged: lambda data: [data.duplicate],
}
"""What an event points at and is pointed at by, by the type of its data."""
