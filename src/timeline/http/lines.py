"""Lines of events: recorded chunk by chunk while they arrive, reported chunk by chunk.

Owns the cutting of a body into lines and chunks, and the two directions of one connection. Must
not know what makes a line right.
"""

from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from litestar.types import Receive, Scope, Send

from timeline.application.access import Principal
from timeline.application.bulk import (
    CHUNK_BYTES,
    CHUNK_EVENTS,
    Chunk,
    Line,
    Refusal,
    record_lines,
)
from timeline.http.bodies import body_parts
from timeline.http.errors import BodyIncomplete, BodyTooLarge
from timeline.http.patience import Patience
from timeline.http.problems import problem
from timeline.http.replies import NDJSON, encode
from timeline.http.requests import raw_path, request_id
from timeline.http.service import Service

REPORTS: Final = 10_000
"""Reports that wait for a client that sends all before it reads: five million events' worth."""


class LineUpload:
    """An ASGI application that records one request's lines.

    Litestar's streams listen for a disconnect and so would eat the body that is still arriving.
    """

    def __init__(self, scope: Scope, service: Service, principal: Principal) -> None:
        self._service = service
        self._principal = principal
        self._limit_bytes = service.application.settings.max_body_bytes
        self._path = raw_path(scope)
        self._request_id = request_id(scope)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Record and report at the same time, so that neither side has to wait for the other."""
        reports, outbox = anyio.create_memory_object_stream[bytes](REPORTS)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_send_reports, outbox, send)
            async with reports:
                await self._record(receive, reports)

    async def _record(self, receive: Receive, reports: ObjectSendStream[bytes]) -> None:
        gathered: list[Line] = []
        size_bytes = last = 0
        try:
            async for part in read_lines(receive, self._service.patience, self._limit_bytes):
                # Blank lines count, or a body of them would keep a refusal waiting for ever.
                size_bytes += part.blank_bytes
                for line in part.lines:
                    gathered.append(line)
                    last = line.number
                    size_bytes += len(line.text)
                    if len(gathered) >= CHUNK_EVENTS or size_bytes >= CHUNK_BYTES:
                        if not await self._chunk(gathered, reports):
                            return
                        gathered, size_bytes = [], 0
                if part.refusal is not None:
                    if await self._chunk(gathered, reports):
                        await reports.send(self._report(part.refusal))
                    return
                if size_bytes >= CHUNK_BYTES:
                    if not await self._chunk(gathered, reports):
                        return
                    gathered, size_bytes = [], 0
        except BodyIncomplete as error:
            # Where the client stalled it may still listen; where it went, nobody hears this.
            first = gathered[0].number if gathered else last + 1
            await reports.send(self._report(Refusal(first, error)))
            return
        await self._chunk(gathered, reports)

    async def _chunk(self, lines: list[Line], reports: ObjectSendStream[bytes]) -> bool:
        """Record a chunk and report it; False where a line was refused."""
        if not lines:
            return True
        for report in await self._service.writes.run(self._record_lines, lines):
            await reports.send(self._report(report))
            if isinstance(report, Refusal):
                return False
            self._service.acknowledge(report.position)
        return True

    def _record_lines(self, lines: list[Line]) -> list[Chunk | Refusal]:
        """Record in a worker thread; what nobody foresaw still says which lines are recorded."""
        found: list[Chunk | Refusal] = []
        try:
            found.extend(record_lines(self._service.application.recorder, lines, self._principal))
        except Exception as error:  # noqa: BLE001 - the status is sent; a line has to tell
            last = found[-1] if found else None
            after = last.last if isinstance(last, Chunk) else lines[0].number - 1
            first = next(line.number for line in lines if line.number > after)
            found.append(Refusal(first, error))
        return found

    def _report(self, report: Chunk | Refusal) -> bytes:
        if isinstance(report, Chunk):
            return encode(report._asdict()) + b"\n"
        served = problem(report.error, path=self._path, request_id=self._request_id)
        return encode({"line": report.line, "problem": served.document}) + b"\n"


async def _send_reports(outbox: ObjectReceiveStream[bytes], send: Send) -> None:
    started = False
    headers = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
    async with outbox:
        async for report in outbox:
            if not started:
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                started = True
            await send({"type": "http.response.body", "body": report, "more_body": True})
    if not started:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Part(NamedTuple):
    """What a part of a body completes: its lines, and the line that is too long, if one is."""

    lines: list[Line]
    blank_bytes: int
    refusal: Refusal | None = None


async def read_lines(receive: Receive, patience: Patience, limit_bytes: int) -> AsyncIterator[Part]:
    """Yield the lines of a body that are not blank; a line that is too long ends it.

    Args:
        receive: gives the body's parts.
        patience: bounds the wait for each.
        limit_bytes: the most that one line may take.

    Raises:
        BodyIncomplete: the body ended before its time.

    """
    rest = bytearray()
    before = 0
    async for part in body_parts(receive, patience):
        if b"\n" not in part:
            rest += part
            if len(rest) > limit_bytes:
                yield Part([], 0, _too_long(before + 1, limit_bytes))
                return
            continue
        first, *texts, last = part.split(b"\n")
        found = _lines([bytes(rest) + first, *texts], before, limit_bytes)
        yield found
        if found.refusal is not None:
            return
        before += 1 + len(texts)
        rest = bytearray(last)
    yield _lines([bytes(rest)], before, limit_bytes)


def _lines(texts: list[bytes], before: int, limit_bytes: int) -> Part:
    """Return what whole lines hold, of which the first comes after `before` others."""
    lines: list[Line] = []
    blank_bytes = 0
    for number, text in enumerate(texts, start=before + 1):
        if len(text) > limit_bytes:
            return Part(lines, blank_bytes, _too_long(number, limit_bytes))
        if stripped := text.strip(b" \t\r"):
            lines.append(Line(number, stripped))
        else:
            blank_bytes += 1 + len(text)
    return Part(lines, blank_bytes)


def _too_long(number: int, limit_bytes: int) -> Refusal:
    return Refusal(number, BodyTooLarge(part="line", limit_bytes=limit_bytes))
