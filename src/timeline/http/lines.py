"""Lines of events: recorded chunk by chunk while they arrive, reported chunk by chunk.

Owns the cutting of a body into lines and chunks, how far reading is ahead of recording, and the two
directions of one connection. Must not know what makes a line right.
"""

from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import anyio
from anyio import CancelScope
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from litestar.types import Receive, Scope, Send

from timeline.application.access import Principal
from timeline.application.bulk import (
    CHUNK_BYTES,
    CHUNK_EVENTS,
    Chunk,
    Line,
    Lines,
    Recorded,
    Refusal,
    Report,
    is_refused,
    read_chunks,
)
from timeline.application.record import Turns
from timeline.http.bodies import body_parts
from timeline.http.errors import BodyIncomplete, BodyTooLarge
from timeline.http.patience import Patience
from timeline.http.problems import problem
from timeline.http.replies import NDJSON, encode
from timeline.http.requests import raw_path, request_id
from timeline.http.service import Service

REPORTS: Final = 10_000
"""Reports that wait for a client that sends all before it reads: five million events' worth."""


class _Read(NamedTuple):
    """Lines as chunks, and the line after them that is refused, if one is."""

    chunks: list[Chunk]
    refusal: Refusal | None


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
        """Record lines; only an answer to which nothing is missing comes to its end."""
        answer = _Answer(send)
        try:
            await self._answer(receive, answer)
        except ExceptionGroup as errors:
            # Whoever answers for it knows errors, not how many tasks there were.
            raise _first(errors) from errors
        await answer.end()

    async def _answer(self, receive: Receive, answer: "_Answer") -> None:
        """Read, record and report at the same time, so that none has to wait for the other."""
        reports, outbox = anyio.create_memory_object_stream[bytes](REPORTS)
        # Without a buffer: one chunk is recorded and one is in hand, and no more.
        read, to_record = anyio.create_memory_object_stream[_Read](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_send_reports, outbox, answer)
            async with reports, anyio.create_task_group() as both:
                both.start_soon(self._record, to_record, reports, both.cancel_scope)
                async with read:
                    await self._read(receive, read)

    async def _read(self, receive: Receive, read: ObjectSendStream[_Read]) -> None:
        """Read a body as chunks, up to a line that is none, or that is refused."""
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
                        if not await self._hand_on(gathered, read):
                            return
                        gathered, size_bytes = [], 0
                if size_bytes >= CHUNK_BYTES or part.refusal is not None:
                    if not await self._hand_on(gathered, read, part.refusal):
                        return
                    gathered, size_bytes = [], 0
        except BodyIncomplete as error:
            # Where the client stalled it may still listen; where it went, nobody hears this.
            first = gathered[0].number if gathered else last + 1
            await read.send(_Read([], Refusal(first, error)))
            return
        await self._hand_on(gathered, read)

    async def _hand_on(
        self, lines: list[Line], read: ObjectSendStream[_Read], refusal: Refusal | None = None
    ) -> bool:
        """Hand lines on as chunks; False where one of them, or the one after them, is refused."""
        found = _Read([], None)
        if lines:
            found = await self._read_chunks(lines)
        if found.refusal is None:
            found = found._replace(refusal=refusal)
        await read.send(found)
        return found.refusal is None

    async def _read_chunks(self, lines: list[Line]) -> _Read:
        """Read lines, in a worker thread; whatever goes wrong refuses the first."""
        recorder = self._service.application.recorder
        try:
            found = await self._service.writes.run(read_chunks, recorder, lines, self._principal)
        except Exception as error:  # noqa: BLE001 - the status is sent; a line has to tell
            return _Read([], Refusal(lines[0].number, error))
        return _Read(*found)

    async def _record(
        self,
        to_record: ObjectReceiveStream[_Read],
        reports: ObjectSendStream[bytes],
        scope: CancelScope,
    ) -> None:
        """Record what was read, and report it; a refusal ends the reading, too."""
        lines = Lines(Turns(self._service.application.recorder), self._principal.name, whole=False)
        async with to_record:
            async for read in to_record:
                for chunk in read.chunks:
                    found = await self._recorded(lines, chunk)
                    for report in found:
                        await reports.send(self._report(report))
                        if isinstance(report, Recorded):
                            self._service.acknowledge(report.position)
                    if is_refused(found):
                        scope.cancel()
                        return
                if read.refusal is not None:
                    await reports.send(self._report(read.refusal))

    async def _recorded(self, lines: Lines, chunk: Chunk) -> list[Report]:
        """Record a chunk, in a worker thread; whatever goes wrong, it says what is not recorded."""
        reports: list[Report]
        try:
            reports = await self._service.writes.run(_settled, lines, chunk)
        except Exception as error:  # noqa: BLE001 - the status is sent; a line has to tell
            reports = [Refusal(chunk.first, error)]
        if reports and isinstance(reports[-1], Refusal):
            self._service.refused(reports[-1].error)
        return reports

    def _report(self, report: Report) -> bytes:
        if isinstance(report, Recorded):
            return encode(report._asdict()) + b"\n"
        served = problem(report.error, path=self._path, request_id=self._request_id)
        return encode({"line": report.line, "problem": served.document}) + b"\n"


def _settled(lines: Lines, chunk: Chunk) -> list[Report]:
    """Record a chunk."""
    return [*lines.start(chunk), *lines.settle()]


class _Answer:
    """The answer: it begins with its first report, so that until then there may be another one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def report(self, report: bytes) -> None:
        """Send a report."""
        await self._begin()
        await self._send({"type": "http.response.body", "body": report, "more_body": True})

    async def end(self) -> None:
        """Say that this was all."""
        await self._begin()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            headers = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})


async def _send_reports(outbox: ObjectReceiveStream[bytes], answer: _Answer) -> None:
    async with outbox:
        async for report in outbox:
            await answer.report(report)


def _first(error: Exception) -> Exception:
    """Return an error, or of a group the first one."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


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
