"""Versions of New York City Council matters, and the events that lead from one to the next.

Owns the reading of `nyc_immigration_matter_versions.jsonl.gz` and the differ. Pure but for reading
that file. Must not know how events are recorded.

A version is what a mirror of the Council's Legistar held of a matter from `known_at` on. A matter is
a policy, a row of its history an action; rows are told apart by the source's own ids. What the
record does not keep (agenda and minutes numbers, times of modification, votes) makes no event.
"""

import gzip
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import msgspec
from msgspec import field

from timeline.domain.vocabulary import Action, Instrument

Json: TypeAlias = dict[str, Any]

FILE_NUMBER: Final = "nyc-council-file"
LOCAL_LAW: Final = "nyc-local-law"
NEW_YORK: Final = ZoneInfo("America/New_York")

INSTRUMENTS: Final = {"Introduction": Instrument.BILL, "Resolution": Instrument.RESOLUTION}

ACTIONS: Final = {
    "Introduced by Council": Action.INTRODUCED,
    "Referred to Comm by Council": Action.REFERRED,
    "Re-referred to Committee by Council": Action.REFERRED,
    "Hearing Held by Committee": Action.HEARING_HELD,
    "Hearing on P-C Item by Comm": Action.HEARING_HELD,
    "Hearing Held by Mayor": Action.HEARING_HELD,
    "Laid Over by Committee": Action.LAID_OVER,
    "Laid Over by Subcommittee": Action.LAID_OVER,
    "P-C Item Laid Over by Comm": Action.LAID_OVER,
    "Approved by Committee": Action.ADVANCED,
    "P-C Item Approved by Comm": Action.ADVANCED,
    "Amended by Committee": Action.AMENDED,
    "Approved by Council": Action.PASSED,
    "Approved, by Council": Action.PASSED,
    "Filed (End of Session)": Action.DIED,
    "Sent to Mayor by Council": Action.SENT_TO_EXECUTIVE,
    "Vetoed by Mayor": Action.VETOED,
    "Overridden by Council": Action.OVERRIDE_PASSED,
    "City Charter Rule Adopted": Action.LAPSED_INTO_LAW,
    "Signed Into Law by Mayor": Action.SIGNED,
}
"""What the source's labels mean; any other is `other`, such as a bill's way back from the mayor."""


class Sponsor(msgspec.Struct, frozen=True):
    """A sponsor; the source has places without a name, too."""

    name: str = field(name="FullName")


class HistoryRow(msgspec.Struct, frozen=True):
    """A row of a matter's history."""

    id: int = field(name="ID")
    date: str = field(name="Date")
    label: str = field(name="Action")
    body: str = field(name="BodyName")

    @property
    def occurred(self) -> str:
        """The moment of the action.

        The source writes New York's local time with a `Z`: the Council's stated meetings begin at
        13:30 in summer and in winter.
        """
        return datetime.fromisoformat(self.date).replace(tzinfo=NEW_YORK).isoformat()

    @property
    def action(self) -> Action:
        """What its label means in the record's words."""
        return ACTIONS.get(self.label, Action.OTHER)


class Matter(msgspec.Struct, frozen=True):
    """A matter as the source describes it, with what happened to it."""

    file: str = field(name="File")
    type: str = field(name="TypeName")
    title: str = field(name="Title")
    name: str = field(name="Name")
    body: str = field(name="BodyName")
    local_law: str | None = field(name="LocalLaw", default=None)
    sponsors: tuple[Sponsor, ...] = field(name="Sponsors", default=())
    history: tuple[HistoryRow, ...] = field(name="History", default=())


class Version(msgspec.Struct, frozen=True):
    """A matter as the mirror held it from `known_at` on, under one path and commit."""

    path: str
    commit: str
    known_at: datetime
    matter: Matter

    @property
    def policy(self) -> str:
        """The matter's id in the record, such as `nyc-int-1412-2025`."""
        return f"nyc-{self.matter.file.lower().replace(' ', '-')}"

    @property
    def source(self) -> Json:
        """The file that says all this."""
        url = f"https://github.com/jehiah/nyc_legislation/blob/{self.commit}/{self.path}"
        return {"url": url, "retrieved": self.known_at.isoformat()}


def versions(file: Path) -> list[Version]:
    """Read all versions, in the order in which the mirror learned them."""
    with gzip.open(file) as lines:
        read = [msgspec.json.decode(line, type=Version) for line in lines]
    return sorted(read, key=lambda version: version.known_at)


class Picture(msgspec.Struct, frozen=True):
    """What the record holds of a matter: its description, and the actions by the row's id.

    Each action stands with the id of its event, which a correction or a retraction names.
    """

    described: Json
    actions: Mapping[int, tuple[str, Json]]


def differences(before: Picture | None, version: Version) -> tuple[list[Json], Picture]:
    """Return the events that lead from the picture so far to a version, and the picture then.

    Some versions have a status but no history. They make no action: a status says where a matter
    stands, and neither when it got there nor by what; several actions end in the same one. An
    action made from it would have no row in the source, and would have to be taken back as soon as
    the mirror had the history. The record says no more than the description until then.

    Args:
        before: the picture after the version before; None for the first version.
        version: the next version of the same matter.

    """
    described, actions = _description(version.matter), {} if before is None else before.actions
    rows = {row.id: row for row in version.matter.history}
    events = [*_describing(before, described, version), *_retracting(actions, rows, version)]
    after: dict[int, tuple[str, Json]] = {}
    for row in rows.values():
        data = _action(row)
        if row.id not in actions:
            events.append(_recording(row.id, data, version))
            after[row.id] = (events[-1]["id"], data)
            continue
        event, known = actions[row.id]
        if data != known:
            events.append(_correcting(row.id, event, _changes(known, data), version))
        after[row.id] = (event, data)
    return events, Picture(described, after)


def _description(matter: Matter) -> Json:
    identifiers = [{"scheme": FILE_NUMBER, "value": matter.file}]
    if matter.local_law is not None:
        identifiers.append({"scheme": LOCAL_LAW, "value": matter.local_law})
    return {
        "title": matter.title,
        "summary": matter.name,
        "body": matter.body,
        "identifiers": identifiers,
        "sponsors": [{"name": sponsor.name} for sponsor in matter.sponsors if sponsor.name],
    }


def _action(row: HistoryRow) -> Json:
    return {
        "action": row.action,
        "occurred": row.occurred,
        "label": row.label,
        "body": row.body,
    }


def _changes(before: Json, after: Json) -> Json:
    return {name: value for name, value in after.items() if value != before[name]}


def _describing(before: Picture | None, described: Json, version: Version) -> Iterator[Json]:
    if before is None:
        data = {
            **described,
            "instrument": INSTRUMENTS[version.matter.type],
            "jurisdiction": "ocd-division/country:us/state:ny/place:new_york",
            "sources": [version.source],
        }
        yield _event("PolicyRegistered", "description", data, version)
    elif changes := _changes(before.described, described):
        data = {**changes, "reason": "The Council describes the matter anew."}
        yield _event("PolicyDescribed", "description", data, version)


def _retracting(
    actions: Mapping[int, tuple[str, Json]], rows: Mapping[int, HistoryRow], version: Version
) -> Iterator[Json]:
    for row, (event, _) in actions.items():
        if row not in rows:
            data = {"event": event, "reason": "The Council's history has the row no more."}
            yield _event("EventRetracted", row, data, version)


def _recording(row: int, data: Json, version: Version) -> Json:
    return _event("ActionRecorded", row, {**data, "sources": [version.source]}, version)


def _correcting(row: int, event: str, changes: Json, version: Version) -> Json:
    data = {
        "event": event,
        "changes": changes,
        "reason": "The Council's history has the row otherwise.",
        "sources": [version.source],
    }
    return _event("ActionCorrected", row, data, version)


def _event(type: str, about: int | str, data: Json, version: Version) -> Json:
    """Return an event to post; its id follows from the version and what the event is about.

    So a row that comes back after it was withdrawn is an event of its own.
    """
    id = str(uuid5(NAMESPACE_URL, f"{version.source['url']}#{about}"))
    return {"id": id, "policy": version.policy, "type": type, "data": data}
