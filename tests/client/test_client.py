"""The client, asking a real service that has the Los Angeles story."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import islice
from typing import Any

import httpx
import msgspec
import pytest

from shown import Demo
from timeline.client import (
    AlreadyRegistered,
    Client,
    Condition,
    ConditionFailed,
    Draft,
    IdConflict,
    InvalidData,
    InvalidRequest,
    LineRefused,
    Merged,
    NotFound,
    NotRegistered,
    TokenRefused,
    WrongExpectedVersion,
    new_event_id,
)
from timeline.client.words import ChunkReport
from timeline.domain.dates import Occurrence
from timeline.domain.events import ActionRecorded, PolicyRegistered, Source
from timeline.domain.vocabulary import Action, Force, InForce, Instrument

PLACE = "ocd-division/country:us/state:il/place:springfield"
SOURCES = (Source(citation="Gazette, 2 January 2025"),)


@pytest.fixture(scope="module")
def client(demo: Demo) -> Iterator[Client]:
    """Give a client with the demo's token."""
    with Client(demo.url, demo.token) as client:
        yield client


def registered(policy: str, **fields: Any) -> Draft:
    """Return a registration."""
    data = PolicyRegistered(
        title=policy,
        instrument=Instrument.EXECUTIVE_ORDER,
        jurisdiction=PLACE,
        sources=SOURCES,
    )
    return Draft(policy=policy, data=data, **fields)


def issued(policy: str, occurred: str = "2025-01-02", **fields: Any) -> Draft:
    """Return the action by which an order is in force."""
    data = ActionRecorded(
        action=Action.ISSUED, occurred=Occurrence.parse(occurred), sources=SOURCES
    )
    return Draft(policy=policy, data=data, **fields)


# Reading


def test_every_route_of_the_record_has_its_typed_answer(client: Client, demo: Demo) -> None:
    """What each method answers is, field by field, what the route answers."""
    policy = next(iter(client.policies())).policy

    answered = {
        f"/v1/policies/{policy}": client.policy(policy),
        f"/v1/policies/{policy}/history": client.history(policy, limit=50).first,
        "/v1/timeline": client.timeline(limit=50).first,
        "/v1/policies": client.policies(limit=50).first,
        "/v1/changes?from=0": client.changes(0, limit=50).first,
        f"/v1/graph?policy={policy}&depth=2": client.graph(policy, depth=2),
        "/v1/jurisdictions": client.jurisdictions(limit=50).first,
        "/v1/review": client.review(limit=50).first,
        "/v1/vocabulary": client.vocabulary(),
        "/v1/events": client.events(limit=50).first,
    }

    for path, answer in answered.items():
        plain = msgspec.json.decode(msgspec.json.encode(answer, enc_hook=str))
        served = httpx.get(demo.url + path, follow_redirects=True).json()
        assert _only(plain, served) == served, path


def _only(plain: Any, served: Any) -> Any:
    """Return the client's answer as the service writes it, which leaves out fields, and no digits."""
    if isinstance(plain, dict) and isinstance(served, dict):
        return {name: _only(plain.get(name), value) for name, value in served.items()}
    if isinstance(plain, list) and isinstance(served, list) and len(plain) == len(served):
        return [_only(*pair) for pair in zip(plain, served, strict=True)]
    if isinstance(served, str) and served == f"{str(plain).removesuffix('Z')}.000000Z":
        return served
    return plain


def test_pages_follow_each_other_at_one_position(client: Client) -> None:
    """Items come page by page as they are needed, all as of the first page's position."""
    pages = client.timeline(limit=7)
    some = list(islice(pages, 10))
    position = pages.position
    client.record([registered("paging-order"), issued("paging-order")])

    all_of_them = list(pages)

    assert all_of_them[:10] == some
    assert {page.position for page in pages.pages()} == {position}
    assert "paging-order" not in {item.policy for item in all_of_them}
    assert [item.policy for item in client.timeline(policy="paging-order")] == ["paging-order"]


def test_both_clocks_are_asked_as_dates_and_moments(client: Client) -> None:
    """A date, an instant and a position go in as what they are, and come back as such."""
    whole = client.timeline(limit=1).first
    assert whole.known_at is not None

    found = client.policies(as_of=date(2024, 12, 1), known_at=whole.known_at, limit=1)
    earlier = client.policies(known_position=10)

    assert (found.as_of, found.known_at) == (date(2024, 12, 1), whole.known_at)
    assert earlier.position >= 10
    assert {item.in_force for item in found} <= {str(each) for each in InForce}


def test_an_event_has_its_payload_and_its_proof(client: Client) -> None:
    """The data as the domain's struct; with the proof, what shows it to be in the log."""
    (first,) = islice(client.log(), 1)
    client.record(registered("proven-order"), wait="proof")

    event = client.event(first.id, proof=True)

    assert isinstance(first.payload(), PolicyRegistered)
    assert event.proof
    assert event.proof.position == first.position
    assert client.checkpoint().splitlines()[1].isdecimal()
    assert len(client.verifier_keys()) == 1


# Recording


def test_what_was_recorded_is_read(client: Client) -> None:
    """A read after a record reflects it, through whichever process it goes."""
    recorded = client.record([registered("springfield-1"), issued("springfield-1")])

    policy = client.policy("springfield-1", as_of="2025-01-02")

    assert client.position == recorded.position == recorded.events[-1].position
    assert policy.position >= recorded.position
    assert policy.force == Force.IN_FORCE
    assert policy.actions[0].sources == SOURCES


def test_a_draft_that_is_recorded_again_is_recorded_once(client: Client) -> None:
    """Its id stands for it, however often it is sent."""
    draft = registered("springfield-2", expected_version="new")

    first, second = client.record(draft), client.record(draft)

    assert first == second


def test_a_dry_run_tells_what_would_become_of_the_policies(client: Client) -> None:
    """Before and after are there, and nothing is recorded."""
    client.record(registered("springfield-3"))
    before = client.position

    tried = client.dry_run(issued("springfield-3"), as_of="2025-06-01")

    (difference,) = tried.policies
    assert difference.before is not None
    assert (difference.before.force, difference.after.force) == (
        Force.NOT_ENACTED,
        Force.IN_FORCE,
    )
    assert not tried.known
    assert client.policy("springfield-3").version == 1
    assert client.position == before


def test_a_problem_is_an_exception_of_its_own(client: Client, demo: Demo) -> None:
    """A caller tells by the class what to do, and finds the facts as attributes."""
    client.record(draft := registered("springfield-4"))

    with pytest.raises(WrongExpectedVersion) as version:
        client.record(issued("springfield-4", expected_version=7))
    with pytest.raises(IdConflict):
        client.record(registered("springfield-5", id=draft.id))
    with pytest.raises(InvalidData) as invalid:
        client.record(
            {
                "policy": "springfield-4",
                "type": "ActionRecorded",
                "data": {"action": "issued", "occurred": "2023-02-29", "sources": []},
            }
        )
    with pytest.raises(NotFound) as unknown:
        client.policy("no-such-policy")
    with pytest.raises(NotFound):
        client.event("../policies")
    with pytest.raises(NotRegistered):
        client.record(issued("no-such-policy"))
    with pytest.raises(AlreadyRegistered):
        client.record(registered("springfield-4"))
    with pytest.raises(InvalidRequest) as parameter:
        list(client.timeline(order="sideways"))
    with Client(demo.url) as nobody, pytest.raises(TokenRefused):
        nobody.record(draft)

    assert version.value.actual == 1
    assert (invalid.value.field, invalid.value.status) == ("data.occurred", 400)
    assert "2023-02-29" in invalid.value.detail
    assert (unknown.value.type, unknown.value.status) == ("unknown-resource", 404)
    assert parameter.value.field == "order"


def test_a_merged_policy_is_read_and_names_its_survivor(client: Client) -> None:
    """Reading is led to the survivor; recording is refused with its name."""
    client.record([registered("springfield-6"), registered("springfield-7")])
    merged = {"duplicate": "springfield-7", "reason": "the same"}
    client.record(Draft(policy="springfield-6", type="PoliciesMerged", data=merged))

    found = client.policy("springfield-7")
    with pytest.raises(Merged) as refused:
        client.record(issued("springfield-7"))

    assert found.policy == refused.value.survivor == "springfield-6"


def test_a_condition_rules_out_what_came_meanwhile(client: Client) -> None:
    """The append fails where an event matches after the position that was read up to."""
    seen = client.record(registered("springfield-8")).position
    client.record(issued("springfield-8"))

    with pytest.raises(ConditionFailed) as failed:
        client.record(
            registered("springfield-9"),
            condition=Condition(after=seen, policies=("springfield-8",)),
        )

    assert failed.value.position == seen + 1


def test_lines_are_reported_by_chunk_and_refused_by_line(client: Client) -> None:
    """Any iterable goes in, reports come while it is read, and a refusal names its line."""
    taken = 0

    def events() -> Iterator[Draft | dict[str, Any]]:
        nonlocal taken
        for number in range(12_000):
            taken += 1
            yield registered(f"bulk-{number}", id=new_event_id())
        yield {"policy": "bulk-0", "type": "ActionRecorded", "data": {"action": "flown"}}

    reports = client.record_lines(events())
    first = next(reports)
    taken_by_first = taken
    others, refused = _until_refused(reports)

    assert (first.first, first.last, first.created) == (1, 500, 500)
    assert taken_by_first < 12_000
    assert others[-1].last == 12_000
    assert refused.line == 12_001
    assert isinstance(refused.problem, InvalidData)
    assert client.policy("bulk-11999").version == 1


def _until_refused(reports: Iterator[ChunkReport]) -> tuple[list[ChunkReport], LineRefused]:
    found = []
    try:
        for report in reports:
            found.append(report)  # noqa: PERF402 - what came before the refusal counts
    except LineRefused as refused:
        return found, refused
    raise AssertionError(found)


def test_threads_share_a_client(client: Client) -> None:
    """Sixteen threads record and read through one, and each finds what it recorded."""

    def work(number: int) -> int:
        policy = f"threads-{number}"
        client.record([registered(policy), issued(policy)])
        return client.policy(policy).version

    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(work, range(32)))

    assert versions == [2] * 32


# Following


def test_the_log_comes_as_one_stream(client: Client) -> None:
    """Dense from the position on; filters narrow it."""
    log = client.log(after=5)

    positions = [event.position for event in log]
    relations = list(client.log(type="RelationAsserted"))

    assert positions == list(range(6, positions[-1] + 1))
    assert log.position == positions[-1]
    assert {event.type for event in relations} == {"RelationAsserted"}


def test_what_comes_is_followed(client: Client) -> None:
    """First what was, then what is recorded meanwhile, until it is closed."""
    after = client.record(registered("followed-1")).position - 1

    with client.follow(after, policy=["followed-1", "followed-2"]) as following:
        first = next(following)
        client.record(registered("followed-2"))
        second = next(following)

    assert (first.policy, second.policy) == ("followed-1", "followed-2")
    assert following.position == second.position
    assert list(following) == []


def test_following_ends_at_its_deadline(client: Client) -> None:
    """However silent the log is."""
    after = client.record(registered("silent")).position

    assert list(client.follow(after, deadline_s=0.5)) == []


@pytest.mark.parametrize("url", ["ftp://timeline.example", "timeline.example", "http://:80"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="no address"):
        Client(url)


def test_a_token_is_not_told_to_a_network() -> None:
    """Unless the caller says that nobody listens there."""
    with pytest.raises(ValueError, match="https"):
        Client("http://timeline.example", "timeline_secret")

    Client("http://timeline.example", "timeline_secret", plain_token=True).close()
