"""PROV-JSON: who recorded what about a policy, when, and from which sources.

Owns how events become entities, activities and agents. Names are those that an audit pack gives
(`application/audit/verify.py`, which has to stand alone). Must not know where the documents come from.

Source: W3C PROV-DM, and the Member Submission PROV-JSON of 2013.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from timeline.formats.links import Links
from timeline.formats.words import Document

MEDIA_TYPE: Final = "application/provenance+json"
"""Not registered: after `application/provenance+xml`, which is."""

_SUBJECTS: Final = frozenset(
    {"ActionCorrected", "SourceAttached", "EventRetracted", "PayloadErased"}
)


def history(document: Document, links: Links) -> bytes:
    """Return a page of a policy's replay as provenance.

    Its batches and principals are told from another log's by the log's name.
    """
    names = ("batch", "principal", "source", "policy")
    told: dict[str, dict[str, Any]] = {
        "prefix": {
            **{name: f"https://{links.origin}/{name}/" for name in names},
            "event": "urn:uuid:",
            "timeline": links.vocabulary,
        }
    }
    _say(told, "entity", f"policy:{links.policy_asked_about}", **_stamp(document))
    for step in document["items"]:
        _tell(told, step["event"])
    return msgspec.json.encode(told)


def _stamp(document: Document) -> dict[str, Any]:
    names = ("as_of", "known_at", "position", "next")
    return {f"timeline:{name}": document[name] for name in names if document[name] is not None}


def _tell(told: dict[str, dict[str, Any]], event: Document) -> None:
    data = event["data"]
    position, name = event["position"], f"event:{event['id']}"
    batch, who = f"batch:{event['batch']}", f"principal:{event['recorded_by']}"
    when = event["recorded_at"]
    kept = {f"timeline:{key}": event[key] for key in ("policy", "position", "type", "version")}
    _say(told, "entity", name, **kept, **({"timeline:erased": True} if data is None else {}))
    _say(told, "activity", batch, **{"prov:startTime": when, "prov:endTime": when})
    _say(told, "agent", who)
    made = {"prov:entity": name, "prov:activity": batch}
    _say(told, "wasGeneratedBy", f"_:g{position}", **made, **{"prov:time": when})
    associated = {"prov:activity": batch, "prov:agent": who}
    _say(told, "wasAssociatedWith", f"_:a{event['batch']}", **associated)
    for number, source in enumerate(_sources(data)):
        found = f"source:{event['id']}.{number}"
        _say(told, "entity", found, **{f"timeline:{key}": str(source[key]) for key in source})
        derived = {"prov:generatedEntity": name, "prov:usedEntity": found, "prov:activity": batch}
        _say(told, "wasDerivedFrom", f"_:d{position}.{number}", **derived)
    if event["type"] in _SUBJECTS and isinstance(data, Mapping):
        influence = {"prov:influencee": name, "prov:influencer": f"event:{data['event']}"}
        _say(told, "wasInfluencedBy", f"_:i{position}", **influence)


def _say(told: dict[str, dict[str, Any]], kind: str, name: str, **said: Any) -> None:
    told.setdefault(kind, {})[name] = said


def _sources(data: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(data, Mapping):
        return
    changes = data.get("changes")
    for part in (data, changes if isinstance(changes, Mapping) else {}):
        for source in (*(part.get("sources") or ()), part.get("source"), part.get("origin")):
            if isinstance(source, Mapping):
                yield source
