"""Waiting for a checkpoint: however many wait, the database is asked as often as for one."""

from typing import Final, cast

import anyio
import pytest

from timeline.application.errors import UnknownResource
from timeline.application.proving import Prover
from timeline.eventstore.published import Checkpointed
from timeline.http import proofs
from timeline.http.proofs import Proofs
from timeline.http.threads import Threads
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.keys import SigningKey
from timeline.transparency.notes import signed

KEY: Final = SigningKey("log.example/record", bytes(32))
NOTE: Final = bytes(signed(Checkpoint(KEY.name, 9, bytes(32)).text, [KEY]))


class Signed:
    """A log whose checkpoint of 9 entries comes at some look; counts how often it is asked."""

    def __init__(self, at_look: int) -> None:
        self.looks = 0
        self._at_look = at_look

    def checkpoint(self) -> Checkpointed:
        """Return the checkpoint, or raise as a prover does before the first."""
        self.looks += 1
        if self.looks < self._at_look:
            raise UnknownResource(kind="checkpoint", id="of this log", position=9)
        return Checkpointed(size=9, note=NOTE, signed_at="")


def waited(log: Signed, *positions: int) -> list[str | None]:
    """Return what each of some appends that wait at once is told."""
    found: list[str | None] = [""] * len(positions)

    async def wait() -> None:
        waiting = Proofs(cast("Prover", log), Threads(1))

        async def one(index: int) -> None:
            found[index] = await waiting.until(positions[index])

        async with anyio.create_task_group() as tasks:
            for index in range(len(positions)):
                tasks.start_soon(one, index)

    anyio.run(wait)
    return found


def test_many_appends_wait_with_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share each look, and the checkpoint that it finds."""
    monkeypatch.setattr(proofs, "LOOK_S", 0.02)
    log = Signed(at_look=3)

    found = waited(log, *range(1, 10), *[9] * 91)

    assert found == [NOTE.decode()] * 100
    # Three would do; each by itself would look three hundred times.
    assert log.looks < 20


def test_a_checkpoint_that_is_late_is_not_waited_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever recorded something learns that, and asks again for the proof."""
    monkeypatch.setattr(proofs, "LOOK_S", 0.02)
    monkeypatch.setattr(proofs, "PROOF_TIMEOUT_S", 0.2)

    assert waited(Signed(at_look=1), 9, 10) == [NOTE.decode(), None]
