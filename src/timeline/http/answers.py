"""Answers that are kept: complete ones, for as long as what they were read from stands.

Owns the bound on their memory, and what an answer depends on. Must not know how answers are made,
nor who may have them.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

from timeline.http.replies import Representation
from timeline.http.requests import Scope, raw_path
from timeline.projections.lease import Reached

MAX_ANSWERS: Final = 2_000
"""Answers kept by a process: the pages that people look at between two appends."""

MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
"""All of them together: a thousand pages as long as most are, and little beside a process's rest."""

MAX_ANSWER_BYTES: Final = MAX_KEPT_BYTES // 8
"""The longest that is kept, so that a few long ones do not drive out all others."""

ENTRY_BYTES: Final = 2_000
"""What an entry takes besides its texts, generously."""


class Standing(NamedTuple):
    """What every answer depends on: the read models as they stand, and what today is.

    `models` says more than their position: a rebuild that is switched to moves none.
    """

    models: Reached
    day: int


class Question(NamedTuple):
    """What is asked, as it was sent: two that differ in their spelling are two."""

    path: str
    query_string: bytes
    accept: bytes

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, at least."""
        return len(self.path) + len(self.query_string) + len(self.accept)


def question(scope: Scope) -> Question:
    """Return what a request asks, whoever asks and whatever he has already."""
    accept = [value for name, value in scope["headers"] if name == b"accept"]
    return Question(raw_path(scope), scope["query_string"], b"\n".join(accept))


class Answers:
    """Keeps the answers that were asked for last, all of one standing.

    Used by one thread, the event loop's. What an older standing gave is let go as a whole, as nobody
    asks for it any more.
    """

    def __init__(self) -> None:
        self._standing: Standing | None = None
        self._kept: OrderedDict[Question, Representation] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._kept)

    def __contains__(self, asked: Question) -> bool:
        """Tell whether there is an answer, of the last standing that was known."""
        return asked in self._kept

    def get(self, asked: Question, standing: Standing) -> Representation | None:
        """Return the answer at a standing, where it is kept."""
        self._move_to(standing)
        found = self._kept.get(asked)
        if found is not None:
            self._kept.move_to_end(asked)
        return found

    def keep(self, asked: Question, standing: Standing, answer: Representation) -> None:
        """Keep an answer, and let go those that were not asked for longest beyond the bounds."""
        self._move_to(standing)
        if _size_bytes(asked, answer) > MAX_ANSWER_BYTES:
            return
        self._forget(asked)
        self._kept[asked] = answer
        self.size_bytes += _size_bytes(asked, answer)
        while len(self._kept) > MAX_ANSWERS or self.size_bytes > MAX_KEPT_BYTES:
            self._forget(next(iter(self._kept)))

    def _move_to(self, standing: Standing) -> None:
        if standing != self._standing:
            self._standing = standing
            self._kept.clear()
            self.size_bytes = 0

    def _forget(self, asked: Question) -> None:
        answer = self._kept.pop(asked, None)
        if answer is not None:
            self.size_bytes -= _size_bytes(asked, answer)


def _size_bytes(asked: Question, answer: Representation) -> int:
    return asked.size_bytes + answer.size_bytes + ENTRY_BYTES
