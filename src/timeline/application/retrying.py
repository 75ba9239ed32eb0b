"""Trying parked policies again.

Owns the asking and the wait: whoever has the lease does the work between two batches, a running
service or, where none is at work, this process. Must not know terminals.
"""

import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from timeline.application.errors import InvalidRequest
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.errors import StoreBusy
from timeline.projections.lease import Lease
from timeline.projections.parking import Parked, ask_retry, parked
from timeline.projections.runner import Runner

RETRY_TIMEOUT_S: Final = 600.0
"""The longest wait: writing anew a policy that bears on a hundred thousand takes minutes."""

_PAUSE_S: Final = 0.05
"""Between two looks at what another process does."""


def parked_now(engine: Engine) -> tuple[Parked, ...]:
    """Return the parked policies, those that broke first before the others."""
    with read_snapshot(engine) as connection:
        return parked(connection)


def retry(
    engine: Engine,
    runner: Runner,
    lease: Lease,
    policies: Sequence[str] = (),
    *,
    timeout_s: float = RETRY_TIMEOUT_S,
) -> tuple[list[str], list[Parked]]:
    """Try parked policies again, one after the other.

    Args:
        engine: the database.
        runner: does the work where no other process does.
        lease: this process's way to doing it.
        policies: which; all by default.
        timeout_s: how long to wait for the outcome.

    Returns:
        The policies that are not parked any more, and those that still are, with why.

    Raises:
        InvalidRequest: one of the policies is not parked.
        StoreBusy: they were asked for, and the outcome is not there in time.

    """
    known = [each.policy for each in parked_now(engine)]
    for policy in policies:
        if policy not in known:
            raise InvalidRequest(field="policy", reason=f"{policy} is not parked")
    wanted = sorted(policies) if policies else known
    ask_retry(engine, wanted)
    deadline = time.monotonic() + timeout_s
    while any(each.retry for each in parked_now(engine)):
        if time.monotonic() >= deadline:
            raise StoreBusy(retry_after_s=1)
        if lease.hold():
            runner.step(keep=lease.keep)
        else:
            time.sleep(_PAUSE_S)
    lease.release()
    left = [each for each in parked_now(engine) if each.policy in wanted]
    still = {each.policy for each in left}
    return [policy for policy in wanted if policy not in still], left
