"""The keys by which what an event points at, or is known by, can be found in the log.

Owns their form: a policy's id; `citation/` and a digest of what is cited, which identifiers have,
too; `selector/` and the jurisdiction that is selected from, or `*`. Must not know who asks.

Digests, since these keys outlive the payload that they come from: after an erasure whoever was
pointed at has to be found, yet nothing that was erased may be read.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from timeline.domain.events import (
    Citation,
    Claim,
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

ANYWHERE: Final = "selector/*"
"""Selectors that name no jurisdiction."""


def references(data: Data | None) -> frozenset[str]:
    """Return what an event points at, and by what it can be pointed at."""
    if isinstance(data, RelationAsserted):
        return frozenset(target_references(data.target))
    if isinstance(data, SourceAttached):
        return frozenset(_claimed(data))
    if isinstance(data, PoliciesMerged):
        return frozenset({data.duplicate})
    if isinstance(data, PolicyRegistered | PolicyDescribed):
        identifiers = data.identifiers if isinstance(data.identifiers, tuple) else ()
        return frozenset(citation_reference(each) for each in identifiers)
    return frozenset()


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


def references_of(
    policies: Iterable[str], identifiers: Iterable[Identifier], jurisdiction: str
) -> list[str]:
    """Return all keys by which relations can point at a policy."""
    return [
        *sorted(policies),
        *(citation_reference(each) for each in identifiers),
        selector_reference(jurisdiction),
        ANYWHERE,
    ]


def claimed_target(claim: Claim | None) -> Target | None:
    """Return the target that a source says a relation has instead, if that is what it disputes."""
    if claim is None or claim.field != "target":
        return None
    try:
        return msgspec.convert(claim.value, Target, dec_hook=read_custom)
    except msgspec.ValidationError:
        return None  # It disputes an event of another type, whose `target` is something else.


def _claimed(data: SourceAttached) -> list[str]:
    target = claimed_target(data.claim)
    return [] if target is None else target_references(target)
