"""The client on a bad network: answers are lost, connections cut, and nothing is told twice."""

import threading
from collections.abc import Iterator

import pytest

from relay import Relay, relay
from service import free_port
from shown import Demo
from timeline.client import Client, Draft, Unreachable

PLACE = "ocd-division/country:us/state:il/place:springfield"


@pytest.fixture
def network(demo: Demo) -> Iterator[Relay]:
    """Give a relay to the demo."""
    with relay(demo.url) as running:
        yield running


@pytest.fixture
def client(network: Relay, demo: Demo) -> Iterator[Client]:
    """Give a client that asks through the relay."""
    with Client(network.url, demo.token) as client:
        yield client


def registered(policy: str) -> Draft:
    """Return a registration."""
    return Draft(
        policy=policy,
        type="PolicyRegistered",
        data={
            "title": policy,
            "instrument": "resolution",
            "jurisdiction": PLACE,
            "sources": [{"citation": "x"}],
        },
    )


def test_an_append_whose_answer_is_lost_is_recorded_once(client: Client, network: Relay) -> None:
    """It is sent again with the same ids, and answered as it was recorded the first time."""
    network.answers_to_lose = 2

    recorded = client.record(registered("lost-1"))

    assert network.connections == 3
    assert client.policy("lost-1").version == 1
    assert recorded.events[0].position == client.position
    assert len(list(client.log(policy="lost-1"))) == 1


def test_a_read_whose_answer_is_lost_is_asked_again(client: Client, network: Relay) -> None:
    """A few times, and then it is said that the service cannot be reached."""
    network.answers_to_lose = 2
    assert client.vocabulary().actions

    network.answers_to_lose = 100
    with pytest.raises(Unreachable, match="cannot be reached"):
        client.vocabulary()
    network.answers_to_lose = 0


def test_lines_whose_report_is_lost_are_recorded_once(client: Client, network: Relay) -> None:
    """What was not reported is sent again, and reported as recorded before."""
    network.answers_to_lose = 1

    reports = list(client.record_lines(registered(f"lost-lines-{each}") for each in range(1_200)))

    assert [report.last for report in reports][-1] == 1_200
    assert sum(report.events for report in reports) == 1_200
    assert sum(report.created for report in reports) < 1_200
    assert len(list(client.log(type="PolicyRegistered", after=reports[0].position - 500))) >= 700


def test_a_cut_stream_goes_on_without_a_gap(client: Client, network: Relay) -> None:
    """Neither is an event skipped nor told twice, however often the connection is cut."""
    start = client.record(registered("cut-0")).position
    following = client.follow(start, deadline_s=60)
    seen = []

    for number in range(1, 6):
        client.record(registered(f"cut-{number}"))
        seen.append(next(following).policy)
        network.cut()
    following.close()

    assert seen == [f"cut-{number}" for number in range(1, 6)]


def test_a_stream_that_is_waited_for_ends_where_another_thread_closes_it(client: Client) -> None:
    """The waiting thread comes back at once."""
    following = client.follow(client.record(registered("closed")).position)
    threading.Timer(0.5, following.close).start()

    assert list(following) == []


def test_what_was_never_there_is_not_waited_for_for_ever() -> None:
    """A wrong address is found out, also where one would stay."""
    with (
        Client(f"http://127.0.0.1:{free_port()}") as client,
        pytest.raises(Unreachable),
    ):
        list(client.follow())
