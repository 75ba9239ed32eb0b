"""What an editor should look at, held against the policies' own pages, on both databases."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest

from http_client import Client, Json, action, event_id, problem, registration, running, story
from timeline.domain.dates import Occurrence
from timeline.projections import review_reads
from varied_record import PLACES, tell, varied

KINDS = ["open_dispute", "unresolved_citation", "single_secondary_source", "long_unconfirmed"]
SECONDARY = {"citation": "a book", "class": "secondary"}
Found = list[tuple[str, str, str, str, str]]


RECORDS = [
    *(("sqlite", about) for about in (5, 6, "story")),
    *(("postgresql", about) for about in (5, "story")),
]


@pytest.fixture(params=RECORDS, ids=str)
def service(
    shared_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Client]:
    """Run a service that holds the story, or a random record: one of them on each database."""
    kind, about = request.param
    events = story() if about == "story" else list(varied(about, 70))
    with running(shared_database(kind)) as client:
        tell(client, events)
        yield client


def pages_of(client: Client, events: dict[str, Json], as_of: str, position: int) -> dict[str, Json]:
    """Return the pages of all policies that are listed."""
    pages = {}
    for policy in {each["policy"] for each in events.values()}:
        answer = client.get(f"/v1/policies/{policy}?as_of={as_of}&known_position={position}")
        assert answer.status_code in {200, 307, 404, 410}
        if answer.status_code == 200:
            pages[policy] = answer.json()
    return pages


def brute_force(client: Client, events: dict[str, Json], as_of: str, position: int) -> Found:
    """Return what the review should list, from the pages of all policies."""
    found: Found = []
    for policy, page in pages_of(client, events, as_of, position).items():
        own = page["relations"]["outgoing"]
        for dispute in page["disputes"]:
            if dispute["settled_by"] is None:
                found.append((KINDS[0], policy, dispute["event"], dispute["by"], ""))
        for each in own:
            if "citation" in each["target"] and not each["resolves_to"]:
                found.append((KINDS[1], policy, each["event"], "", ""))
        acts = [each for each in page["actions"] if told_by(events, each) == "ActionRecorded"]
        for each in (*acts, *own):
            if [source.get("class") for source in each["sources"]] == ["secondary"]:
                found.append((KINDS[2], policy, each["event"], "", ""))
        if page["in_force"] == "yes":
            last = last_seen(page, as_of)
            if last is not None and (date.fromisoformat(as_of) - last).days > 365:
                found.append((KINDS[3], policy, "", "", last.isoformat()))
    since = {id: event["recorded_at"] for id, event in events.items()}
    return sorted(
        ((*each[:4], each[4] or since[each[3] or each[2]]) for each in found),
        key=lambda each: (KINDS.index(each[0]), *each[1:]),
    )


def told_by(events: dict[str, Json], item: Json) -> str:
    """Return the type of the event that an item of a timeline comes from."""
    kind: str = events[item["event"]]["type"]
    return kind


def last_seen(page: Json, as_of: str) -> date | None:
    """Return the last day on which a policy may have been confirmed, or else acted on."""
    if page["last_confirmed"] is not None:
        return Occurrence.parse(page["last_confirmed"]).latest
    dates = [each["occurred"] for each in page["actions"]]
    past = [each for each in dates if each["earliest"] is None or each["earliest"] <= as_of]
    if any(each["latest"] is None for each in past):
        return None
    return date.fromisoformat(max(each["latest"] for each in past))


def asked(client: Client, question: str) -> list[Json]:
    """Return what the review lists, page by page."""
    items, following = [], f"/v1/review?{question}"
    while following:
        page = client.get(following)
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        following = page.links.get("next", {}).get("url", "")
    return items


def brief(items: list[Json]) -> Found:
    """Return the items without what is told of them."""
    names = ("kind", "policy", "event", "by", "since")
    return [tuple(item[name] or "" for name in names) for item in items]  # type: ignore[misc]


def test_the_review_is_what_the_pages_of_all_policies_say(
    service: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any date and position, in one order, by pages and by filters."""
    log = service.get("/v1/events?limit=500").json()["items"]
    events = {event["id"]: event for event in log}
    met = set()
    for position in (len(log) // 3, len(log) // 2, len(log)):
        for as_of in ("2021-05-01", "2024-12-05", "2026-11-22"):
            wanted = brute_force(service, events, as_of, position)
            moment = f"as_of={as_of}&known_position={position}"
            met |= {each[0] for each in wanted}

            assert brief(asked(service, f"{moment}&limit=500")) == wanted
            for kind in KINDS:
                some = brief(asked(service, f"{moment}&kind={kind}"))
                assert some == [each for each in wanted if each[0] == kind]
    monkeypatch.setattr(review_reads, "MAX_LOOKED_AT", 2)
    assert brief(asked(service, f"{moment}&limit=3")) == wanted
    for place in (*PLACES.values(), "ocd-division/country:us/state:ny"):
        within = asked(service, f"{moment}&jurisdiction={place}&within=true")
        everything = asked(service, f"{moment}")
        assert within == [
            each for each in everything if f"{each['jurisdiction']}/".startswith(f"{place}/")
        ]
    assert len(met) >= 2


def test_each_item_says_what_is_needed_to_act(empty: Client) -> None:
    """The claim and its source, what is cited, and since when."""
    claim = {"field": "occurred", "value": "2025-06-01"}
    disputing = {"event": event_id(1), "source": SECONDARY, "stance": "disputes", "claim": claim}
    cites = {"relation": "cites", "target": {"citation": "no:5"}, "sources": [{"citation": "x"}]}
    empty.record(registration())
    empty.record({**action(sources=[SECONDARY]), "id": event_id(1)})
    empty.record(
        {"policy": "order-1", "type": "SourceAttached", "id": event_id(2), "data": disputing}
    )
    empty.record(
        {"policy": "order-1", "type": "RelationAsserted", "id": event_id(3), "data": cites}
    )

    items = empty.get("/v1/review?as_of=2025-11-19").json()["items"]

    assert [(each["kind"], each["event"]) for each in items] == [
        ("open_dispute", event_id(1)),
        ("unresolved_citation", event_id(3)),
        ("single_secondary_source", event_id(1)),
    ]
    assert (items[0]["by"], items[0]["claim"]) == (event_id(2), claim)
    assert items[0]["source"] == SECONDARY
    assert items[1]["citation"] == "no:5"
    assert {each["title"] for each in items} == {"An order"}


def test_what_was_done_is_no_longer_listed(empty: Client) -> None:
    """A second source, a policy with the identifier, and a confirmation each settle an item."""
    cites = {"relation": "cites", "target": {"citation": "no:5"}, "sources": [{"citation": "x"}]}
    empty.record(registration())
    empty.record({**action(sources=[SECONDARY]), "id": event_id(1)})
    empty.record({"policy": "order-1", "type": "RelationAsserted", "data": cites})
    now = "as_of=2026-11-22"
    before = [each["kind"] for each in asked(empty, now)]
    attached = {"event": event_id(1), "source": {"citation": "y"}, "stance": "supports"}
    empty.record({"policy": "order-1", "type": "SourceAttached", "data": attached})
    empty.record(registration("order-5", identifiers=[{"scheme": "NO", "value": "5"}]))
    empty.record(action(action="confirmed", occurred="2026-01-01"))

    assert before == KINDS[1:]
    assert asked(empty, now) == []
    assert [each["kind"] for each in asked(empty, f"{now}&known_position=3")] == before
    (old,) = asked(empty, f"{now}&unconfirmed_days=300")
    assert (old["kind"], old["event"], old["since"]) == (KINDS[3], None, "2026-01-01")
    assert asked(empty, f"{now}&unconfirmed_days=325") == []


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("kind=gossip", "kind"),
        ("within=true", "within"),
        ("unconfirmed_days=-1", "unconfirmed_days"),
        ("unconfirmed_days=36526", "unconfirmed_days"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("policy=a", "policy"),
    ],
)
def test_a_malformed_question_is_refused_by_name(
    refusing: Client, question: str, field: str
) -> None:
    """400 names the parameter."""
    refused = refusing.get(f"/v1/review?{question}")

    assert (problem(refused)[0], problem(refused)[2]) == (400, field)
