"""Writing an audit pack: the log up to its newest checkpoint, and all it takes to check it offline.

Owns which files a pack has and what is in them; `verify` reads them again. Must not know terminals.

A proof of every event would be as large as the log, and follows from the entries, which are all
there: proofs are given of the last event, and of those that are asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from sqlalchemy import Connection, Engine, select

import timeline
from timeline.application.audit import verify
from timeline.application.audit.bag import Bag, line
from timeline.application.errors import InvalidRequest, UnknownResource
from timeline.application.proving import NO_CHECKPOINT, Prover
from timeline.domain.vocabulary import EventType
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.published import Checkpointed, checkpoint_of
from timeline.eventstore.rows import EventRow, Values, all_events, rows
from timeline.eventstore.tables import (
    log_checkpoints,
    log_cosignatures,
    log_entries,
    log_head,
    log_keys,
)
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.notes import Note
from timeline.transparency.tiles import WIDTH, Tile, bundle

MAX_PROOFS: Final = 1_000
"""Proofs in a pack, each a file of a kilobyte or two."""

README: Final = """\
This is a log at one moment, and all it takes to check it: see "python3 verify.py --help".

data/log/              the log as C2SP tlog-tiles has it: the newest checkpoint, its verifier keys,
                       those of witnesses, and all entries, in bundles of 256
data/checkpoints.ndjson  every checkpoint that was published, as signed and cosigned
data/payloads/         the data of the events, each with the salt that opens its entry's commitment
data/erased.ndjson     which payloads are gone, and which event erased them
data/proofs/           inclusion proofs (c2sp.org/tlog-proof@v1): of the last event, and those asked for;
                       any other follows from the entries
data/provenance/       who recorded what, from which source, as W3C PROV-JSON

What verify.py says is worth as much as verify.py: take it from the project, not from here, and the
log's key from whoever published it before.
"""

Report = Callable[[int, int], None]


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that was written.

    Attributes:
        size: how many entries it has: as many as the newest checkpoint.
        later: how many events came since, which no checkpoint has yet.
        erased: how many of the payloads are gone.
        checkpoints: how many it has.
        proofs: how many it has.

    """

    size: int
    later: int
    erased: int
    checkpoints: int
    proofs: int


def write_pack(
    stream: BinaryIO,
    engine: Engine,
    prover: Prover,
    events: Sequence[str] = (),
    on_progress: Report = lambda _, __: None,
) -> Packed:
    """Write a pack.

    Args:
        stream: where the zip file goes.
        engine: the database.
        prover: makes the proofs.
        events: the ids of those to prove; the last one is proven in any case.
        on_progress: told the position reached and the last one, after every bundle.

    Raises:
        UnknownResource: there is no checkpoint yet, or no such event under it.

    """
    if len(events) > MAX_PROOFS:
        raise InvalidRequest(field="proof", reason=f"A pack has at most {MAX_PROOFS} proofs")
    with read_snapshot(engine) as connection:
        packing = _Packing(connection, prover)
        positions = [packing.position(id) for id in dict.fromkeys(events)]
        bag = Bag(stream, f"log-at-{packing.newest.size}")
        bag.add("README.txt", README.encode())
        bag.add("verify.py", Path(verify.__file__).read_bytes())
        return packing.fill(bag, positions, on_progress)


class _Packing:
    """Fills a bag from one state of the database."""

    def __init__(self, connection: Connection, prover: Prover) -> None:
        self._connection = connection
        self._prover = prover
        self._head = connection.execute(select(log_head.c.position)).scalar_one()
        newest = checkpoint_of(connection)
        if newest is None:
            raise UnknownResource(kind="checkpoint", id=NO_CHECKPOINT, position=self._head)
        self.newest = newest
        self._origin = Checkpoint.parse(Note.parse(newest.note).text).origin
        self._erased: list[bytes] = []

    def position(self, id: str) -> int:
        """Return where an event is that is to be proven."""
        query = select(log_entries.c.position).where(log_entries.c.id == id)
        found: int | None = self._connection.execute(query).scalar()
        if found is None or found > self.newest.size:
            raise UnknownResource(
                kind="event under the newest checkpoint,", id=id, position=self.newest.size
            )
        return found

    def fill(self, bag: Bag, positions: Sequence[int], on_progress: Report) -> Packed:
        """Write all files."""
        size = self.newest.size
        self._write_log(bag)
        checkpoints = self._write_checkpoints(bag)
        for number in range(-(-size // WIDTH)):
            self._write_bundle(bag, number)
            on_progress(min(size, WIDTH * (number + 1)), size)
        bag.add("data/erased.ndjson", b"".join(self._erased))
        proven = sorted({*positions, size})
        for position in proven:
            (event,) = all_events(self._connection, position - 1, position)
            file = self._prover.proof_at(position, self.newest)
            bag.add(f"data/proofs/{event.id}.tlog-proof", bytes(file))
        bag.close(
            {
                "Bag-Software-Agent": f"timeline {timeline.__version__}",
                "Bagging-Date": self.newest.signed_at[:10],
                "External-Identifier": f"{self._origin}@{size}",
            }
        )
        return Packed(
            size=size,
            later=self._head - size,
            erased=len(self._erased),
            checkpoints=checkpoints,
            proofs=len(proven),
        )

    def _write_log(self, bag: Bag) -> None:
        bag.add("data/log/checkpoint", bytes(self.newest.cosigned))
        known = sorted(rows(self._connection, log_keys), key=itemgetter(1, 0))
        bag.add("data/log/vkey", "".join(f"{key}\n" for key, _ in known).encode())
        seeing = select(log_cosignatures.c.witness).distinct()
        witnesses = self._connection.execute(seeing.order_by(log_cosignatures.c.witness)).scalars()
        bag.add("data/log/witnesses", "".join(f"{key}\n" for key in witnesses).encode())

    def _write_checkpoints(self, bag: Bag) -> int:
        written = 0
        with bag.adding("data/checkpoints.ndjson") as write:
            for each in self._checkpoints():
                write(line({"note": bytes(each.cosigned).decode()}))
                written += 1
        return written

    def _checkpoints(self) -> Iterator[Checkpointed]:
        """Yield the checkpoints, the oldest first, each with its cosignatures."""
        size = itemgetter(0)
        lines = groupby(rows(self._connection, log_cosignatures), key=size)
        cosigned: tuple[int, Iterator[Values]] = (0, iter(()))
        for at, note, signed_at in rows(self._connection, log_checkpoints):
            while cosigned[0] < at:
                cosigned = next(lines, (self._head + 1, iter(())))
            found = tuple(row[2] for row in cosigned[1]) if cosigned[0] == at else ()
            yield Checkpointed(size=at, note=bytes(note), signed_at=signed_at, cosignatures=found)

    def _write_bundle(self, bag: Bag, number: int) -> None:
        after = WIDTH * number
        events = all_events(self._connection, after, min(after + WIDTH, self.newest.size))
        tile = Tile(None, number, len(events))
        bag.add(f"data/log/tile/{tile.path}", bundle(event.entry for event in events))
        place = verify.place_of(number)
        told = []
        with bag.adding(f"data/payloads/{place}.ndjson") as write:
            for event in events:
                data = None
                if event.data is None or event.salt is None:
                    self._erased.append(self._erasure(event))
                else:
                    data = msgspec.json.decode(event.data)
                    salt = event.salt.hex()
                    write(line({"data": data, "position": event.position, "salt": salt}))
                told.append((msgspec.json.decode(event.entry), data))
        bag.add(f"data/provenance/{place}.json", verify.provenance(self._origin, told))

    def _erasure(self, event: EventRow) -> bytes:
        """Return the line that says what erased an event. Few are: the lines are kept."""
        query = (
            select(log_entries.c.position, log_entries.c.id)
            .where(
                log_entries.c.subject == event.id,
                log_entries.c.type == EventType.PAYLOAD_ERASED.value,
            )
            .order_by(log_entries.c.position)
            .limit(1)
        )
        found = self._connection.execute(query).one_or_none()
        erasure, id = (0, "") if found is None else (found.position, found.id)
        return line({"erased_by": id, "erasure": erasure, "position": event.position})
