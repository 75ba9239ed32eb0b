"""Recording many lines: chunk by chunk, up to the first line that is refused.

Owns the cutting of lines into atomic appends, so that what happens to a line does not depend on
where the cuts fall. Must not know how lines arrive or how the report is shown.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from timeline.application.access import Principal
from timeline.application.errors import ApplicationError
from timeline.application.record import Recorder
from timeline.domain.errors import DomainError
from timeline.eventstore.errors import EventStoreError, PartlyKnownBatch
from timeline.eventstore.model import Append, Draft

CHUNK_EVENTS: Final = 500
"""Lines committed together: enough to share a commit's cost, and soon done."""

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Bytes of lines committed together: the head is not held for longer than that takes to write."""

Refusing: TypeAlias = ApplicationError | DomainError | EventStoreError

_INDEX: Final = re.compile(r"events\[([0-9]+)\]\.?")


class Line(NamedTuple):
    """One line of input: its number, from 1, and its bytes."""

    number: int
    text: bytes


class Chunk(NamedTuple):
    """Lines that are recorded, together: from `first` to `last`; `created` of them just now."""

    events: int
    created: int
    first: int
    last: int
    position: int


class Refusal(NamedTuple):
    """The line that is refused, and why. Lines before it are recorded; later ones are not."""

    line: int
    error: Exception


class _Item(NamedTuple):
    line: int
    draft: Draft


def record_lines(
    recorder: Recorder, lines: Sequence[Line], principal: Principal
) -> Iterator[Chunk | Refusal]:
    """Record lines in order; a refusal comes last.

    Args:
        recorder: records.
        lines: at most CHUNK_EVENTS of them.
        principal: who records.

    """
    items: list[_Item] = []
    refusal = None
    for line in lines:
        try:
            items.append(_Item(line.number, recorder.read_line(line.text, principal)))
        except (ApplicationError, DomainError) as error:
            refusal = Refusal(line.number, error)
            break
    for group in _groups(items):
        for report in _append(recorder, group, principal):
            yield report
            if isinstance(report, Refusal):
                return
    if refusal is not None:
        yield refusal


def _groups(items: list[_Item]) -> Iterator[list[_Item]]:
    """Yield what can be one append.

    An id, and a policy before an expected version, stands in one append only once; across appends
    both are fine, and a stream must not be refused for where it was cut.
    """
    group: list[_Item] = []
    ids: set[str] = set()
    policies: set[str] = set()
    for item in items:
        draft = item.draft
        policy = draft.proposal.policy
        if draft.id in ids or (draft.expected_version is not None and policy in policies):
            yield group
            group, ids, policies = [], set(), set()
        group.append(item)
        ids.add(draft.id)
        policies.add(policy)
    if group:
        yield group


def _append(
    recorder: Recorder, group: list[_Item], principal: Principal
) -> Iterator[Chunk | Refusal]:
    drafts = tuple(item.draft for item in group)
    append = Append(drafts=drafts, recorded_by=principal.name, batched=True)
    try:
        outcome = recorder.append(append)
    except PartlyKnownBatch as error:
        yield from _append_runs(recorder, group, principal, frozenset(error.ids))
    except (ApplicationError, DomainError, EventStoreError) as error:
        index = _index(error)
        if index:
            yield from _append(recorder, group[:index], principal)
        yield Refusal(group[index].line, error)
    else:
        yield Chunk(
            events=len(group),
            created=len(group) if outcome.created else 0,
            first=group[0].line,
            last=group[-1].line,
            position=max(receipt.position for receipt in outcome.events),
        )


def _append_runs(
    recorder: Recorder, group: list[_Item], principal: Principal, known: frozenset[str]
) -> Iterator[Chunk | Refusal]:
    """Append lines that were partly recorded before, in runs of known and of new ones.

    Each run is shorter than the group, so that this comes to an end even where others record the
    same lines at the same time.
    """
    start = 0
    for end in range(1, len(group) + 1):
        was_known = group[start].draft.id in known
        if end < len(group) and (group[end].draft.id in known) == was_known:
            continue
        for report in _append(recorder, group[start:end], principal):
            yield report
            if isinstance(report, Refusal):
                return
        start = end


def _index(error: Refusing) -> int:
    """Return which event of the append an error is about, and let its field be the line's own."""
    found = _INDEX.match(error.field)
    if found is None:
        return 0
    error.field = error.field[found.end() :]
    return int(found.group(1))
