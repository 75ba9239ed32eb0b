"""The client: a method a route, with typed answers.

Owns the names of what can be asked. Must not know how it is sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, Literal, Self, TypeVar, Unpack, cast
from urllib.parse import quote

import msgspec

from timeline.client import answers, questions, words
from timeline.client.asking import DEADLINE_S, Ask, Asking, decode
from timeline.client.drafts import Condition, Draft, Sent, document_of
from timeline.client.errors import UnexpectedAnswer
from timeline.client.following import Following, Log
from timeline.client.paging import Pages, Parameters
from timeline.client.questions import parameters
from timeline.client.recording import record_lines

Found = TypeVar("Found")


class Client:
    """Talks to one service. Safe for threads; a context that ends its connections.

    What was recorded through a client is in everything that it reads afterwards.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout_s: float = 30.0,
        deadline_s: float = DEADLINE_S,
        plain_token: bool = False,
    ) -> None:
        """Name the service.

        Args:
            url: its address, such as https://timeline.example.
            token: needed for recording, and for reading where that is not public.
            timeout_s: the longest wait for a connection, or for more of an answer.
            deadline_s: the longest wait for a whole answer, with all attempts, or for one line of a
                stream.
            plain_token: send the token over a network without encryption, too.

        Raises:
            ValueError: it is no address of HTTP, or one that is not to be told a token.

        """
        self._asking = Asking(url, token, timeout_s, plain_token=plain_token, deadline_s=deadline_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._asking.close()

    @property
    def position(self) -> int:
        """The last position that was recorded through this client; 0 where nothing was."""
        return self._asking.recorded

    # Recording

    def record(
        self,
        events: Sent | Iterable[Sent],
        *,
        condition: Condition | None = None,
        wait: Literal["proof"] | None = None,
    ) -> words.RecordedEvents:
        """Record an event, or several of which all are recorded or none.

        It is sent again where its answer is lost: the ids see to it that nothing is recorded twice.

        Args:
            events: drafts, or JSON documents; one without an id gets one.
            condition: what must not have been recorded.
            wait: "proof" answers once a checkpoint has the events, and with it.

        Raises:
            WrongExpectedVersion, ConditionFailed, IdConflict, InvalidData, Merged and other
            ProblemErrors: nothing was recorded.
            ComeBackLater, Unreachable: it may have been recorded; send the same drafts again.

        """
        asked = [("wait", wait)] if wait else []
        body = _body(events, condition)
        found = self._posted(asked, body, words.RecordedEvents)
        self._asking.has_recorded(found.position)
        return found

    def dry_run(
        self,
        events: Sent | Iterable[Sent],
        *,
        condition: Condition | None = None,
        as_of: date | str | None = None,
    ) -> words.DryRun:
        """Return what would become of the policies; nothing is recorded. Raises as `record`."""
        asked = parameters({"dry_run": True, "as_of": as_of})
        return self._posted(asked, _body(events, condition), words.DryRun)

    def record_lines(self, events: Iterable[Sent]) -> Iterator[words.ChunkReport]:
        """Record any number of events, of which only some are held in memory.

        Nothing is sent before the first report is asked for. What was sent before an error can be
        sent again where the events have ids: it is reported as not `created` then.

        Yields:
            A report for each chunk that is recorded.

        Raises:
            LineRefused: this and later lines are not recorded; those before it are.
            ClientError: as `record`.

        """
        return record_lines(self._asking, events)

    # The record

    def timeline(
        self, **question: Unpack[questions.TimelineQuestion]
    ) -> Pages[answers.TimelineItem]:
        """Return the actions as the record believes them, by date."""
        return self._pages("/v1/timeline", answers.Page[answers.TimelineItem], question)

    def policies(self, **question: Unpack[questions.PoliciesQuestion]) -> Pages[answers.PolicyItem]:
        """Return policies with their three axes on a date, today where none is given."""
        return self._pages("/v1/policies", answers.Page[answers.PolicyItem], question)

    def policy(self, policy: str, **clocks: Unpack[questions.Clocks]) -> answers.Policy:
        """Return one policy; of a duplicate, the one that it is merged into."""
        return self._asking.read(
            f"/v1/policies/{_segment(policy)}", parameters(clocks), answers.Policy
        )

    def history(
        self, policy: str, **question: Unpack[questions.HistoryQuestion]
    ) -> Pages[answers.HistoryStep]:
        """Return a policy's replay: event by event, what it changed and the state after it."""
        path = f"/v1/policies/{_segment(policy)}/history"
        return self._pages(path, answers.HistoryPage, question)

    def changes(
        self, from_: questions.Moment, **question: Unpack[questions.ChangesQuestion]
    ) -> Pages[answers.Change]:
        """Return what the record learned after a moment: each changed policy, before and after."""
        return self._pages("/v1/changes", answers.ChangesPage, {"from_": from_, **question})

    def graph(
        self, policy: str, depth: int = 1, **clocks: Unpack[questions.Clocks]
    ) -> answers.Graph:
        """Return the relations around a policy."""
        asked = parameters({"policy": policy, "depth": depth, **clocks})
        return self._asking.read("/v1/graph", asked, answers.Graph)

    def jurisdictions(
        self, **question: Unpack[questions.Placed]
    ) -> Pages[answers.JurisdictionItem]:
        """Return how many policies each place has, by force."""
        return self._pages("/v1/jurisdictions", answers.Page[answers.JurisdictionItem], question)

    def review(self, **question: Unpack[questions.ReviewQuestion]) -> Pages[answers.ReviewItem]:
        """Return what an editor should look at."""
        return self._pages("/v1/review", answers.Page[answers.ReviewItem], question)

    def vocabulary(self) -> words.Vocabulary:
        """Return the words of the record."""
        return self._asking.read("/v1/vocabulary", [], words.Vocabulary)

    # The log

    def event(self, id: str, *, proof: bool = False, cosignatures: int = 0) -> answers.Event:
        """Return one event; with its proof, under a checkpoint with so many cosignatures."""
        asked = {"proof": True, "cosignatures": cosignatures} if proof else {}
        path = f"/v1/events/{_segment(id)}"
        return self._asking.read(path, parameters(asked), answers.Event)

    def events(self, **question: Unpack[questions.EventsQuestion]) -> Pages[answers.Event]:
        """Return events of the log, page by page."""
        return self._pages("/v1/events", answers.Page[answers.Event], question)

    def log(self, after: int = 0, **filters: Unpack[questions.Filters]) -> Log:
        """Return the whole rest of the log after a position, as one stream."""
        return Log(self._asking, after, parameters(filters))

    def follow(
        self,
        after: int = 0,
        *,
        deadline_s: float | None = None,
        **filters: Unpack[questions.Filters],
    ) -> Following:
        """Return the events after a position, and then those that come.

        Where a connection is lost, the next one goes on after what was told; what cannot be reached
        several times in a row raises Unreachable.

        Args:
            after: the position; that of an earlier `Following.position` goes on there.
            deadline_s: end it after so long; None: stay.
            filters: which events.

        """
        return Following(self._asking, after, parameters(filters), deadline_s)

    # Proof

    def checkpoint(self) -> str:
        """Return the newest checkpoint, a signed note."""
        return self._text("/log/checkpoint")

    def verifier_keys(self) -> tuple[str, ...]:
        """Return the keys that check it; get them from somewhere else, too."""
        return tuple(self._text("/log/vkey").splitlines())

    def _text(self, path: str) -> str:
        try:
            return self._asking.answer(Ask("GET", path, headers={"Accept": "text/plain"})).decode()
        except UnicodeDecodeError as error:
            raise UnexpectedAnswer(url=self._asking.url, reason=str(error)) from error

    def _pages(self, path: str, kind: Any, question: Any) -> Pages[Any]:
        fetch = partial(self._fetched, path, kind)
        return Pages(fetch, parameters(question))

    def _fetched(self, path: str, kind: type[Found], asked: Parameters) -> Found:
        return self._asking.read(path, asked, kind)

    def _posted(self, asked: Parameters, body: bytes, kind: type[Found]) -> Found:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        ask = Ask("POST", "/v1/events", asked, headers, body)
        return decode(self._asking.answer(ask), kind, self._asking.url)


def _body(events: Sent | Iterable[Sent], condition: Condition | None) -> bytes:
    """Return an append as it is sent."""
    alone = isinstance(events, Draft | Mapping)
    document: dict[str, Any]
    if alone and condition is None:
        document = document_of(cast("Sent", events))
    else:
        several = [cast("Sent", events)] if alone else cast("Iterable[Sent]", events)
        document = {"events": [document_of(each) for each in several]}
        if condition is not None:
            document["condition"] = condition.document()
    return msgspec.json.encode(document)


def _segment(text: str) -> str:
    return quote(text, safe="")
