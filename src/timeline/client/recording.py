"""Recording many events as lines: in requests of a bounded size, each of which can be sent again.

Owns how lines are gathered, and what is sent again after a lost answer. One endless request would
report no sooner, and whatever was lost of it could not be sent again without keeping all of it.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from timeline.client.asking import Ask, Asking, Attempts, decode
from timeline.client.drafts import Sent, document_of
from timeline.client.errors import (
    ClientError,
    ComeBackLater,
    LineRefused,
    UnexpectedAnswer,
    problem_of,
)
from timeline.client.words import ChunkReport

NDJSON: Final = "application/x-ndjson"

REQUEST_LINES: Final = 5_000
REQUEST_BYTES: Final = 4 * 1024 * 1024
"""What is kept in memory until it is reported: ten of the service's own chunks, or some more."""


def record_lines(asking: Asking, events: Iterable[Sent]) -> Iterator[ChunkReport]:
    """Record any number of events and yield a report a chunk; see `Client.record_lines`."""
    first = 1
    for gathered in _gathered(events):
        for report in _recorded(asking, gathered, first):
            asking.has_recorded(report.position)
            yield report
        first += len(gathered)


def _gathered(events: Iterable[Sent]) -> Iterator[list[bytes]]:
    """Yield lines, as many as one request takes."""
    found: list[bytes] = []
    size_bytes = 0
    for event in events:
        line = msgspec.json.encode(document_of(event)) + b"\n"
        if found and (len(found) == REQUEST_LINES or size_bytes + len(line) > REQUEST_BYTES):
            yield found
            found, size_bytes = [], 0
        found.append(line)
        size_bytes += len(line)
    if found:
        yield found


def _recorded(asking: Asking, gathered: list[bytes], first: int) -> Iterator[ChunkReport]:
    """Send lines, of which the first has this number, until all of them are reported."""
    attempts = Attempts()
    done = 0
    while done < len(gathered):
        try:
            for report in _reports(asking, gathered[done:], first + done):
                attempts.succeeded()
                done = report.last - first + 1
                yield report
            if done < len(gathered):
                raise UnexpectedAnswer(url=asking.url, reason="it reports on some lines only")
        except LineRefused as refused:
            # A line that comes at a bad time is as good as one whose answer was lost.
            if not isinstance(refused.problem, ComeBackLater):
                raise
            time.sleep(_pause_s(attempts, refused))
        except ClientError as error:
            time.sleep(attempts.pause_s(error))


def _pause_s(attempts: Attempts, refused: LineRefused) -> float:
    try:
        return attempts.pause_s(refused.problem)
    except ComeBackLater:
        raise refused from refused.problem


def _reports(asking: Asking, gathered: list[bytes], first: int) -> Iterator[ChunkReport]:
    """Send lines once and yield what is reported; raises LineRefused."""
    headers = {"Content-Type": NDJSON, "Accept": NDJSON}
    ask = Ask("POST", "/v1/events", headers=headers, body=b"".join(gathered))
    with asking.opened(ask) as answer:
        for line in asking.lines(answer):
            report = decode(line, dict[str, Any], asking.url)
            if "problem" in report:
                raise LineRefused(first - 1 + report["line"], problem_of(report["problem"]))
            found = msgspec.convert(report, ChunkReport)
            yield msgspec.structs.replace(
                found, first=first - 1 + found.first, last=first - 1 + found.last
            )
