"""One request after another over HTTP, until there is an answer.

Owns connections, bounds, what is asked again and when, and which position reads have to reflect.
Must not know what is asked.
"""

import ipaddress
import random
import threading
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

import httpx
import msgspec

from timeline import __version__
from timeline.client.deadlines import Deadline
from timeline.client.errors import (
    ClientError,
    ComeBackLater,
    UnexpectedAnswer,
    Unreachable,
    problem_of,
)
from timeline.domain.events import read_custom

ATTEMPTS: Final = 5
"""How often something is asked in a row without getting on: with the pauses, through a restart."""

PAUSE_S: Final = 0.2
"""Before the second attempt; twice that before each later one."""

DEADLINE_S: Final = 120.0
"""For a whole answer with all attempts, or for a line of a stream: the service waits for a client that
is slow for about as long."""

LONGEST_PAUSE_S: Final = 30.0
"""A service that wants to be left alone for longer than this is not waited for."""

CONNECTIONS: Final = 64
"""At once; a thread more waits for one of them."""

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""An answer is a page of a megabyte or a graph of a few; more is not one of this API."""

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""One event of a stream: its data is 256 KB at most, six times that in escapes, and a proof."""

MAX_REDIRECTS: Final = 5
"""A merged policy's address leads to its survivor's, which may be merged, too."""

SHOWN_CHARACTERS: Final = 200

_GATEWAY: Final = (
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)

Found = TypeVar("Found")


class Ask(NamedTuple):
    """A request; `timeout_s` is that of each wait for more of an answer, where it is not the usual."""

    method: str
    path: str
    parameters: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    timeout_s: float | None = None


class Attempts:
    """Counts what fails in a row, and says how long to wait before the next attempt."""

    def __init__(self, limit: int | None = ATTEMPTS) -> None:
        self.limit = limit
        self._failed = 0

    def succeeded(self) -> None:
        """Count anew."""
        self._failed = 0

    def pause_s(self, error: ClientError) -> float:
        """Return the seconds to wait; raises the error where another attempt is of no use."""
        self._failed += 1
        asked_s = error.retry_after_s if isinstance(error, ComeBackLater) else None
        hopeless = not isinstance(error, Unreachable | ComeBackLater)
        too_long = asked_s is not None and asked_s > LONGEST_PAUSE_S
        if hopeless or too_long or (self.limit is not None and self._failed >= self.limit):
            raise error
        # Half of it at random, so that those who were cut off together do not come back together.
        own_s = min(PAUSE_S * 2 ** min(self._failed - 1, 16), LONGEST_PAUSE_S)
        drawn: float = random.uniform(own_s / 2, own_s)  # noqa: S311 - no secret
        return max(asked_s or 0.0, drawn)


class Asking:
    """Asks one service; safe for threads."""

    def __init__(
        self,
        url: str,
        token: str | None,
        timeout_s: float,
        *,
        plain_token: bool,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        _require_usable(url, token, plain_token=plain_token)
        self.url = url.rstrip("/")
        headers = {"User-Agent": f"timeline-client/{__version__}", "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            headers=headers,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            max_redirects=MAX_REDIRECTS,
        )
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._reading = Deadline()
        self._recorded = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def recorded(self) -> int:
        """The last position that was recorded through this, which later reads reflect."""
        return self._recorded

    def has_recorded(self, position: int) -> None:
        """Have later reads reflect this position."""
        with self._lock:
            self._recorded = max(self._recorded, position)

    def read(self, path: str, parameters: Sequence[tuple[str, str]], kind: type[Found]) -> Found:
        """Return what a route answers, up to what was recorded through this."""
        ask = Ask("GET", path, parameters, self.reflecting({"Accept": "application/json"}))
        return decode(self.answer(ask), kind, self.url)

    def reflecting(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return headers with the position that a read has to reflect."""
        recorded = self._recorded
        return {**headers, **({"Timeline-Min-Position": str(recorded)} if recorded else {})}

    def answer(self, ask: Ask) -> bytes:
        """Return an answer's body, asked for until it comes, or the deadline does.

        Raises:
            ProblemError: the service refuses it.
            Unreachable: no answer came.
            UnexpectedAnswer: what came is none of this API.

        """
        attempts = Attempts()
        deadline = time.monotonic() + self._deadline_s
        while True:
            try:
                with self.opened(ask, deadline) as answer:
                    return self._whole(answer, deadline)
            except ClientError as error:
                pause_s = attempts.pause_s(error)
                if time.monotonic() + pause_s >= deadline:
                    raise
                time.sleep(pause_s)

    @contextmanager
    def opened(self, ask: Ask, deadline: float | None = None) -> Iterator[httpx.Response]:
        """Ask once, and give the answer while it comes; it is one of success.

        Its head comes until the deadline, and within the usual one where there is none.

        Raises:
            ClientError: as `answer`; while it is read, too.

        """
        usual = time.monotonic() + self._deadline_s
        deadline = usual if deadline is None else min(deadline, usual)
        try:
            with closing(self._head(ask, deadline)) as answer:
                if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                    raise self._refusal(answer)
                yield answer
        except httpx.TooManyRedirects as error:
            raise UnexpectedAnswer(url=self.url, reason="too many redirects") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(url=self.url, reason=reason[:SHOWN_CHARACTERS]) from error

    def _head(self, ask: Ask, deadline: float) -> httpx.Response:
        """Return an answer of which no more than the head is there."""
        request = self._http.build_request(
            ask.method,
            self.url + ask.path,
            params=httpx.QueryParams(list(ask.parameters)),
            headers=ask.headers,
            content=ask.body,
            timeout=httpx.Timeout(self._timeout_s, read=ask.timeout_s or self._timeout_s),
            extensions={"trace": self._reading.trace},
        )
        with self._in_time(deadline):
            return self._http.send(request, stream=True, follow_redirects=ask.method == "GET")

    def _refusal(self, answer: httpx.Response) -> ClientError:
        """Return what an answer that is no success stands for."""
        body = self._whole(answer, time.monotonic() + self._deadline_s)
        said = f"it answers {answer.status_code} to {answer.request.method} {answer.url.path}"
        if answer.headers.get("Content-Type", "").partition(";")[0] != "application/problem+json":
            if answer.status_code in _GATEWAY:
                return Unreachable(url=self.url, reason=said)
            return UnexpectedAnswer(url=self.url, reason=said)
        try:
            problem = problem_of(msgspec.json.decode(body, type=dict[str, Any]))
        except (KeyError, TypeError, ValueError):
            return UnexpectedAnswer(url=self.url, reason=f"{said}, and no problem that can be read")
        later = answer.headers.get("Retry-After", "")
        problem.retry_after_s = float(later) if later.isdecimal() else None
        return problem

    def lines(self, answer: httpx.Response) -> Iterator[bytes]:
        """Yield the lines of an answer as they come, without their ends; one that is not ended, too.

        Raises:
            UnexpectedAnswer: one is too long.
            Unreachable: one takes too long.

        """
        rest = bytearray()
        deadline = time.monotonic() + self._deadline_s
        for part in answer.iter_raw():
            first, *others = part.split(b"\n")
            rest += first
            for each in others:
                yield bytes(rest)
                rest = bytearray(each)
            if others:
                # Whoever takes the lines may have taken his time.
                deadline = time.monotonic() + self._deadline_s
            self._require_in_time(deadline, "line")
            if len(rest) > MAX_LINE_BYTES:
                reason = f"a line is longer than {MAX_LINE_BYTES} bytes"
                raise UnexpectedAnswer(url=self.url, reason=reason)
        if rest:
            yield bytes(rest)

    def _whole(self, answer: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        with self._in_time(deadline):
            for part in answer.iter_raw():
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    reason = f"it answers with more than {MAX_ANSWER_BYTES} bytes"
                    raise UnexpectedAnswer(url=self.url, reason=reason)
                self._require_in_time(deadline, "answer")
        return bytes(body)

    @contextmanager
    def _in_time(self, deadline: float) -> Iterator[None]:
        """Have each read keep a deadline, and be told of it where it is over."""
        try:
            with self._reading.until(deadline):
                yield
        except httpx.ReadTimeout:
            self._require_in_time(deadline, "answer")
            raise

    def _require_in_time(self, deadline: float, what: str) -> None:
        """Give up what comes drop by drop, each in time, and has no end."""
        if time.monotonic() >= deadline:
            reason = f"no whole {what} within {self._deadline_s:g} s"
            raise Unreachable(url=self.url, reason=reason)


def decode(body: bytes, kind: type[Found], url: str) -> Found:
    """Return an answer as a struct; raises UnexpectedAnswer."""
    try:
        found: Found = _decoder(cast("Hashable", kind)).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedAnswer(url=url, reason=str(error)[:SHOWN_CHARACTERS]) from error
    return found


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=read_custom)


def _require_usable(url: str, token: str | None, *, plain_token: bool) -> None:
    """Refuse an address that is none of HTTP, and a token that everyone on the way could read."""
    place = urlsplit(url)
    if place.scheme not in {"http", "https"} or not place.hostname or place.port == 0:
        msg = f"{url[:SHOWN_CHARACTERS]!r} is no address like https://timeline.example"
        raise ValueError(msg)
    here = plain_token or place.scheme == "https" or _is_here(place.hostname)
    if token is not None and not here:
        msg = "a token goes over https, or stays on this machine; `plain_token` allows otherwise"
        raise ValueError(msg)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
