"""`timeline rebuild`, killed at any moment: readers never meet half a model or an empty one."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, select

from timeline.eventstore.sql import SqlStore
from timeline.projections.emptying import other_slot
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.reading import view
from timeline.projections.rebuild import live_digests
from timeline.projections.runner import Runner
from timeline.projections.tables import projection_progress

Seen = tuple[int, dict[str, str]]

KILLS: Final = 3
PATIENCE_S: Final = 30.0
EVENTS_EACH: Final = 20
POLICIES: Final = 40


@contextmanager
def rebuilding(database_url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `timeline rebuild`; it does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "timeline", "rebuild", "--quiet"],
        env=os.environ | {"TIMELINE_DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def progress(engine: Engine) -> list[tuple[str, int, str]]:
    """Return position and run of the slots that are not live; of one that is emptied, nothing."""
    with view(engine) as live:
        spare = {(name, other_slot(slot)) for name, slot in live.slots.items()}
        rows = live.connection.execute(select(projection_progress)).all()
    return sorted(
        (row.name, row.position, str(row.run)) for row in rows if (row.name, row.slot) in spare
    )


def until_begun(engine: Engine, before: list[tuple[str, int, str]]) -> None:
    """Wait until a rebuild has touched the slots that are not live."""
    deadline = time.monotonic() + PATIENCE_S
    while progress(engine) == before:
        assert time.monotonic() < deadline, "the rebuild does not begin"
        time.sleep(0.005)


@contextmanager
def reading(engine: Engine) -> Iterator[list[Seen]]:
    """Read the live models all the while, each time in whole; what failed fails at the end."""
    seen: list[Seen] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append(live_digests(engine, MODELS))
            # Others need the processor, too.
            time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            yield seen
        finally:
            stop.set()
        reader.result(PATIENCE_S)


def test_readers_meet_whole_models_whenever_a_rebuild_is_killed(
    database_url: str, engine: Engine, timeline: Callable[..., Any], lines: Callable[..., str]
) -> None:
    """Killed while it empties, fills, compares or switches, it leaves what is read as it was."""
    chance = random.Random(database_url)  # noqa: S311 - a test's dice
    timeline(
        "import",
        "-",
        input="".join(lines(EVENTS_EACH, f"p-{n}", 100 * n + 1) for n in range(POLICIES)),
    )
    Runner(engine, Log(SqlStore(engine))).catch_up()
    whole = live_digests(engine, MODELS)
    unfinished = 0

    with reading(engine) as seen:
        began_s = time.monotonic()
        assert timeline("rebuild").exit_code == 0
        work_s = time.monotonic() - began_s
        for number in range(KILLS):
            before = progress(engine)
            with rebuilding(database_url) as process:
                until_begun(engine, before)
                time.sleep(work_s * (number + chance.random()) / KILLS)
                process.send_signal(signal.SIGKILL)
                killed = process.wait(PATIENCE_S) == -signal.SIGKILL
            assert live_digests(engine, MODELS) == whole
            unfinished += killed and [at for _, at, _ in progress(engine)] != [whole[0]] * len(
                MODELS
            )
        assert timeline("rebuild").exit_code == 0

    assert unfinished, "a kill came in the middle"
    assert len(seen) > KILLS
    assert [each for each in seen if each != whole] == []
    assert live_digests(engine, MODELS) == whole
