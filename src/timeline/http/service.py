"""What handlers share: the wired application, worker threads, freshness and who asks.

Owns the bounds on concurrent work, what is known of the read models, and the wait for them. Must not
know any route.
"""

import re
import time
from typing import Any, Final

import anyio
import anyio.to_thread

from timeline.application.access import Principal, Role
from timeline.application.errors import InvalidRequest, NotYetReflected, TokenMissing
from timeline.application.record import APPEND_TIMEOUT_S
from timeline.bootstrap import Application
from timeline.eventstore.database import identity
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.refusals import BUSY, REASONS, reason_of
from timeline.eventstore.tally import Counts
from timeline.http.answers import Answers, Standing, question
from timeline.http.cookies import cookie_token
from timeline.http.errors import Overloaded
from timeline.http.live import Live
from timeline.http.patience import Patience
from timeline.http.proofs import Proofs
from timeline.http.replies import HttpRequest, Representation
from timeline.http.requests import Scope, header
from timeline.http.slots import Slots
from timeline.http.threads import Threads

READ_THREADS: Final = 8
"""Reads at once: each may hold two connections of the pool's twenty, and some are for writing."""

WRITE_THREADS: Final = 16
"""Long bodies that are read, and chunks of lines that are recorded, at once."""

TRIAL_THREADS: Final = 2
"""Trials at once: each folds histories without a pause, which more threads would not speed up."""

REPLAY_THREADS: Final = 1
"""Replays at once: each works without a pause, and none waits, as that takes seconds."""

SCRAPE_THREADS: Final = 1
"""Scrapes at once, apart from reads, so that they tell when all threads for those are taken."""

MAX_STREAMS: Final = 64
"""Exports at once: each keeps a stretch of the log, some 8 MB, and, now and then, a thread."""

MAX_BODIES: Final = 512
"""Bodies that arrive at once: half of the requests that there may be, so that others go on."""

MAX_UPLOADS: Final = 250
"""Streams of lines at once: each may have two chunks wait for a thread, one to be read and one to be
recorded, and all of theirs are half of what may wait, so that one that has begun is not refused."""

MAX_AHEAD: Final = 5_000
"""How many events ahead of the read models reads wait for by themselves: a second or two, not five.
A large import is further ahead for minutes, and no reader who asked for nothing is kept from it."""

REFLECT_TIMEOUT_S: Final = 5.0
"""How long a read waits for the read models, as the API promises."""

FRESH_S: Final = 0.1
"""How old may be what is known of the read models for a kept answer to be given: as long as an
append in another process may take to show."""

LOOK_TIMEOUT_S: Final = 1.0
"""How long a kept answer is worth waiting for; making it anew takes less than that, mostly."""

_SHORTEST_PAUSE_S: Final = 0.001
_LONGEST_PAUSE_S: Final = 0.02
_POSITION: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_BEARER: Final = re.compile(r"Bearer +(\S+)", re.ASCII | re.IGNORECASE)


class Service:
    """One worker's running application, as handlers use it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.reads = Threads(READ_THREADS)
        self.writes = Threads(WRITE_THREADS)
        self.trials = Threads(TRIAL_THREADS)
        self.replays = Threads(REPLAY_THREADS)
        self.replaying = Slots(REPLAY_THREADS)
        self.scrapes = Threads(SCRAPE_THREADS)
        self.streams = Slots(MAX_STREAMS)
        self.bodies = Slots(MAX_BODIES)
        self.uploads = Slots(MAX_UPLOADS)
        self.patience = Patience()
        self.answers = Answers()
        self.proofs = Proofs(application.prover, self.reads)
        self.live = Live(application.store, self.reads)
        application.watcher.on_grown(self.live.wake)
        self.refusals = Counts(REASONS)
        self._recorded = 0
        self._acknowledged = 0
        self._shown = 0
        self._database = identity(application.engine)

    @property
    def position(self) -> int:
        """The position that the read models are known to reflect."""
        return self.application.follower.position

    def database_is_there(self) -> bool:
        """Tell whether the database is the one that the service started with.

        SQLite goes on with a file that was removed, and all that it takes in is lost with it.
        """
        return identity(self.application.engine) == self._database

    def acknowledge(self, position: int) -> None:
        """Note that an append was answered: reads that begin from now on reflect it.

        Unless it is far ahead of the read models: then only those that ask for it wait.
        """
        self._recorded = max(self._recorded, position)
        if position - self.position <= MAX_AHEAD:
            self._acknowledged = max(self._acknowledged, position)

    async def append(self, append: Append) -> Outcome:
        """Record events, without a thread that waits for them; raises as `Writer.append` does."""
        try:
            return await self.application.writer.appended(append, APPEND_TIMEOUT_S)
        except Exception as error:
            self.refused(error)
            raise

    def refused(self, error: Exception) -> None:
        """Count that a client is told that an append is not recorded, or that it is not known."""
        self.refusals.add(BUSY if isinstance(error, Overloaded) else reason_of(error))

    async def until_reflected(self, request: HttpRequest) -> None:
        """Wait until the read models reflect what this client, or this process, knows of.

        Raises:
            InvalidRequest: Timeline-Min-Position is no position.
            NotYetReflected: they do not within REFLECT_TIMEOUT_S.

        """
        asked = min_position(request.scope)
        if self.position < self._recorded:
            self.application.follower.hurry()
        wanted = max(asked, self._acknowledged)
        if not await self.reaches(wanted, REFLECT_TIMEOUT_S):
            raise NotYetReflected(
                position=self.position,
                wanted=wanted,
                field="Timeline-Min-Position" if asked > self.position else "",
            )

    async def until_recorded(self, request: HttpRequest) -> None:
        """Wait until the log has the position that this client knows of; raises as above.

        Reads of the log itself are current without that.
        """
        wanted = min_position(request.scope)
        if not wanted:
            return
        deadline = time.monotonic() + REFLECT_TIMEOUT_S
        while (position := await self.reads.run(self._head)) < wanted:
            if time.monotonic() >= deadline:
                raise NotYetReflected(position=position, wanted=wanted)
            await anyio.sleep(_LONGEST_PAUSE_S)

    async def reaches(self, position: int, timeout_s: float) -> bool:
        """Wait for the read models, without holding a thread; False where the time ran out."""
        follower = self.application.follower
        if follower.position >= position:
            return True
        deadline = time.monotonic() + timeout_s
        pause = _SHORTEST_PAUSE_S
        while follower.position < position:
            if time.monotonic() >= deadline:
                return False
            follower.hurry()
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        return True

    # Proof

    async def proves(self) -> bool:
        """Tell whether the log is signed: by this process, or by another so far."""
        if self.application.signing is not None:
            return True
        return await self.reads.run(self.application.prover.size) > 0

    def _head(self) -> int:
        return self.application.store.head().position

    # Answers that are kept

    def standing(self) -> Standing | None:
        """Return what answers depend on; None where it is not known, or not fresh enough.

        It is known where the follower has looked within FRESH_S, and seen all that this process has
        acknowledged or shown.
        """
        look = self.application.follower.look
        if look is None or time.monotonic() - look.began_s > FRESH_S:
            return None
        if look.reached.position < max(self._acknowledged, self._shown):
            return None
        return Standing(look.reached, self.application.reader.today())

    async def until_standing(self) -> Standing | None:
        """Wait until it is known what answers depend on; None where the follower fails or is slow.

        Asking the database instead would be dear just when so many ask that the follower is late.
        """
        follower = self.application.follower
        deadline = time.monotonic() + LOOK_TIMEOUT_S
        pause = _SHORTEST_PAUSE_S
        while (standing := self.standing()) is None:
            if follower.error is not None or time.monotonic() >= deadline:
                return None
            follower.hurry()
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        return standing

    def keep(
        self, scope: Scope, answer: Representation, position: int, before: Standing | None
    ) -> None:
        """Keep an answer of the read models.

        Args:
            scope: the request that it answers.
            answer: what is sent.
            position: what it says that it reflects.
            before: what answers depended on before it was made; where that is not what they depend
                on now, the answer belongs to neither for certain.

        """
        self._shown = max(self._shown, position)
        standing = self.standing()
        if standing is not None and standing == before:
            self.answers.keep(question(scope), standing, answer)

    # Who asks

    async def authorise_read(self, scope: Scope) -> None:
        """Let a reader in: anyone where reading is public, else whoever has a token.

        Of a browser that is signed in, the cookie's counts, for what reads alone.
        """
        if self.application.settings.public_read:
            return
        token = _bearer_token(scope)
        if token is None and scope["method"] in {"GET", "HEAD"}:
            token = cookie_token(scope)
        principal = await self.recognised(token, self.reads)
        scope["state"]["principal"] = principal.name
        principal.require(Role.READER)

    def openly(self, **positions: int) -> dict[str, Any]:
        """Return positions for an answer that asks for no token: none where reading needs one."""
        return positions if self.application.settings.public_read else {}

    async def principal(self, scope: Scope, needed: Role) -> Principal:
        """Return who asks to record.

        Raises:
            TokenMissing: the request has no bearer token.
            TokenUnknown: nobody has this token.
            NotAllowed: the role is too low.

        """
        principal = await self.recognised(_bearer_token(scope), self.writes)
        scope["state"]["principal"] = principal.name
        principal.require(needed)
        return principal

    async def recognised(self, token: str | None, threads: Threads) -> Principal:
        """Return whose token this is, asked in a thread of the kind that the request is going to use.

        Raises:
            TokenMissing: there is none.
            TokenUnknown: nobody has this token.

        """
        if token is None:
            raise TokenMissing
        access = self.application.access
        principal = access.remembered(token)
        if principal is None:
            principal = await threads.run(access.recognise, token)
        return principal


def _bearer_token(scope: Scope) -> str | None:
    found = _BEARER.fullmatch((header(scope, b"authorization") or "").strip())
    return None if found is None else found.group(1)


def min_position(scope: Scope) -> int:
    """Return what Timeline-Min-Position asks for, 0 where it is absent."""
    text = header(scope, b"timeline-min-position")
    return 0 if text is None else position_in(text, "Timeline-Min-Position")


def position_in(text: str, field: str) -> int:
    """Return the position that a header holds; raises InvalidRequest that names it."""
    if _POSITION.fullmatch(text.strip()) is None or int(text) > 2**53 - 1:
        raise InvalidRequest(field=field, reason="Expected a position")
    return int(text)


def service_of(request: HttpRequest) -> Service:
    """Return the service that a request's application runs."""
    service: Service = request.app.state.service
    return service
