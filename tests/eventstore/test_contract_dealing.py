"""What every event store gives to many filters at once: to each what it gives to that one alone."""

import pytest

from builders import acted, batch, erased, registered
from eventstore.recording import Recorder
from eventstore.test_contract_reading import FILTERS, read
from timeline.domain.situation import Tag
from timeline.eventstore.model import EVERYTHING, EventFilter
from timeline.http.dealing import Dealer

__all__ = ["read"]

ALL = [EVERYTHING, *(EventFilter(**fields) for fields, _ in FILTERS)]


def dealt(
    recorder: Recorder, dealer: Dealer, after: int, until: int
) -> dict[EventFilter, list[int]]:
    """Return what each filter gets of the log, stretch by stretch."""
    found: dict[EventFilter, list[int]] = {each: [] for each in dealer.filters}
    while after < until:
        some = dealer.deal(recorder.store, after, until)
        for filter, events in some.found.items():
            found[filter] += [event.position for event in events]
        after = some.until
    return found


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize(("after", "until"), [(0, 6), (2, 5), (6, 6)])
def test_each_filter_gets_what_it_would_alone(recorder: Recorder, after: int, until: int) -> None:
    """Whatever fields a filter has, by whichever it is found, and whoever else asks."""
    store = recorder.store

    found = dealt(recorder, Dealer(ALL), after, until)

    assert found == {
        each: [event.position for event in store.read(after, until=until, filter=each)]
        for each in ALL
    }


@pytest.mark.usefixtures("read")
def test_an_event_for_many_is_encoded_once(recorder: Recorder) -> None:
    """All whose filters match have the same bytes."""
    found = Dealer(ALL).deal(recorder.store, 0, 6).found

    (first,) = {id(events[0].body) for events in found.values() if events[0].position == 2}
    assert first == id(found[EVERYTHING][1].body)


@pytest.mark.usefixtures("read")
def test_tags_are_told_of_a_stretch(recorder: Recorder) -> None:
    """Of the tags asked about, and of the positions, no more than those."""
    rent, homes, nothing = (Tag("topic", value) for value in ("rent", "homes", "nothing"))

    found = recorder.store.tagged([rent, homes, nothing], 2, 5)

    assert found == {3: {rent, homes}, 4: {homes}, 5: {homes}}
    assert recorder.store.tagged([], 0, 6) == {}


def test_a_stretch_that_erases_says_so(recorder: Recorder) -> None:
    """What was dealt before may hold what is gone by now."""
    action = acted("a")
    recorder.append(batch(registered("a"), action))
    dealer = Dealer([EventFilter(topics=("nothing",))])
    before = dealer.deal(recorder.store, 0, 2).erases

    recorder.append(batch(erased(action.id, "a")))

    assert not before
    assert dealer.deal(recorder.store, 2, 3).erases
