"""What the event store's tests share."""

from collections.abc import Iterator

import pytest

from clocks import TestClock
from eventstore.recording import Recorder
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.writer import Writer


@pytest.fixture
def recorder(store: EventStore, clock: TestClock) -> Recorder:
    """Give a recorder on the store."""
    return Recorder(store, clock)


@pytest.fixture
def writer(store: EventStore) -> Iterator[Writer]:
    """Give a writer on the store."""
    with Writer(store) as writer:
        yield writer
