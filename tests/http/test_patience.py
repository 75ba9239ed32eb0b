"""How long tasks wait for a client."""

import asyncio
import time

import pytest

from timeline.http.patience import Patience

SHORT_S = 0.05
BOUND_S = 5.0


def test_what_does_not_come_in_time_is_waited_for_no_longer() -> None:
    """Each wait has its own time, also those that begin while another one goes on."""
    patience = Patience()

    async def wait(delay_s: float) -> float:
        await asyncio.sleep(delay_s)
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.Event().wait(), SHORT_S)
        return time.monotonic() - began_s

    async def run() -> list[float]:
        async with asyncio.timeout(BOUND_S):
            return await asyncio.gather(*(wait(each * SHORT_S / 4) for each in range(8)))

    for _ in range(2):  # A second loop goes on with it.
        assert all(took >= SHORT_S * 0.9 for took in asyncio.run(run()))


def test_what_comes_in_time_is_given() -> None:
    """And the task may wait again, for longer in all than it may for one."""
    patience = Patience()

    async def run() -> list[int]:
        return [
            await patience.wait(asyncio.sleep(SHORT_S / 2, result=number), SHORT_S)
            for number in range(6)
        ]

    assert asyncio.run(run()) == list(range(6))


def test_an_error_of_what_is_waited_for_goes_through() -> None:
    """It is not taken for lost patience."""
    patience = Patience()

    async def fail() -> None:
        raise KeyError

    async def run() -> None:
        with pytest.raises(KeyError):
            await patience.wait(fail(), SHORT_S)

    asyncio.run(run())


def test_a_cancellation_from_outside_goes_through() -> None:
    """Whoever ends a task ends its wait, which is no time-out."""
    patience = Patience()

    async def run() -> None:
        task = asyncio.create_task(patience.wait(asyncio.Event().wait(), BOUND_S))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
