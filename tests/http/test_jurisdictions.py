"""Policies by place, held against the listing of policies, on both databases."""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from http_client import Client, Json, action, event_id, problem, registration, running, story
from timeline.domain.vocabulary import Force, InForce
from varied_record import PLACES, tell, varied

CALIFORNIA = "ocd-division/country:us/state:ca"
DAYS = ("2018-07-01", "2020-03-05", "2020-06-30", "2021-03-01", "2022-02-02", "2026-11-22")


RECORDS = [("sqlite", 1), ("sqlite", 2), ("sqlite", 3), ("postgresql", 2)]


@pytest.fixture(scope="module", params=RECORDS, ids=str)
def random_service(
    shared_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Client]:
    """Run a service that holds a random record: several, and one of them on each database."""
    kind, seed = request.param
    with running(shared_database(kind)) as client:
        tell(client, list(varied(seed, 70)))
        yield client


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def story_service(
    shared_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Client]:
    """Run a service that holds the story, on each database."""
    with running(shared_database(request.param)) as client:
        tell(client, story())
        yield client


def counted(client: Client, question: str) -> list[Json]:
    """Return what the jurisdictions should be, from the listing of policies."""
    found: dict[str, Json] = {}
    page = client.get(f"/v1/policies?limit=500&{question}").json()
    assert page["next"] is None
    for item in page["items"]:
        place = found.setdefault(
            item["jurisdiction"],
            {
                "jurisdiction": item["jurisdiction"],
                "total": 0,
                "force": {str(force): 0 for force in Force},
                "in_force": {str(answer): 0 for answer in InForce},
            },
        )
        place["total"] += 1
        place["force"][item["force"]] += 1
        place["in_force"][item["in_force"]] += 1
    return [found[place] for place in sorted(found)]


def asked(client: Client, question: str) -> list[Json]:
    """Return what the jurisdictions are."""
    items: list[Json] = client.get(f"/v1/jurisdictions?{question}").json()["items"]
    return items


def test_a_policy_counts_once_under_its_believed_values(random_service: Client) -> None:
    """Whatever is in doubt, the counts are those of the listing, at any date and position."""
    head = int(random_service.get("/v1/events?limit=1").headers["timeline-position"])
    for position in range(0, head + 1, 7):
        for day in DAYS:
            question = f"as_of={day}&known_position={position}"
            assert asked(random_service, question) == counted(random_service, question)


def test_places_are_asked_for_alone_or_with_those_below(random_service: Client) -> None:
    """`jurisdiction` is exact; `within` takes in whole segments below, and no namesakes."""
    for place in PLACES.values():
        for within in ("", "&within=true"):
            question = f"as_of=2022-02-02&jurisdiction={place}{within}"
            assert asked(random_service, question) == counted(random_service, question)


@pytest.mark.parametrize("day", ["2019-01-01", "2024-11-25", "2024-12-05", "2026-02-01"])
@pytest.mark.parametrize("position", [8, 40, 74])
def test_the_places_of_the_story(story_service: Client, day: str, position: int) -> None:
    """The story's counts are those of its listing, page by page as well."""
    question = f"as_of={day}&known_position={position}"
    wanted = counted(story_service, question)

    assert asked(story_service, question) == wanted
    pages, following = [], f"/v1/jurisdictions?limit=1&{question}"
    while following:
        page = story_service.get(following)
        pages += page.json()["items"]
        following = page.links.get("next", {}).get("url", "")
    assert pages == wanted


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("within=true", "within"),
        ("jurisdiction=California", "jurisdiction"),
        ("as_of=2023-02-29", "as_of"),
        ("known_position=1&known_at=2026-11-22T10:00:00Z", "known_at"),
        ("known_position=1", "known_position"),
        ("limit=501", "limit"),
        ("force=in_force", "force"),
    ],
)
def test_a_malformed_question_is_refused_by_name(
    refusing: Client, question: str, field: str
) -> None:
    """400 names the parameter."""
    refused = refusing.get(f"/v1/jurisdictions?{question}")

    assert problem(refused) == (400, "invalid-request", field)


def test_a_disputed_force_is_counted_as_it_is_believed(empty: Client) -> None:
    """Two forces are possible, one is believed, and the policy is counted once."""
    claim = {"field": "occurred", "value": "2025-06-01"}
    source = {"url": "https://news.example/order"}
    data = {"event": event_id(1), "source": source, "stance": "disputes", "claim": claim}
    attached = {"policy": "order-1", "type": "SourceAttached", "data": data}
    empty.record({"events": [registration(), {**action(), "id": event_id(1)}, attached]})

    (place,) = asked(empty, "as_of=2025-01-01")

    (item,) = empty.get("/v1/policies?as_of=2025-01-01").json()["items"]
    assert len(item["possible"]["force"]) == 2
    assert place["force"] == {str(each): int(each == Force.IN_FORCE) for each in Force}
    assert place["in_force"] == {"yes": 0, "maybe": 1, "no": 0}
    assert place["total"] == 1


def test_an_empty_record_has_no_places(empty: Client) -> None:
    """Only jurisdictions that have policies are listed."""
    assert empty.get("/v1/jurisdictions").json()["items"] == []


PAGES = (("/", "q=order"), ("/policies", "topic=order"), ("/compare", "topic=order"))


def test_pages_take_a_place_by_its_name(random_service: Client) -> None:
    """All places are offered by name; the name of one leads to its id, with all else that was asked for."""
    places = random_service.get("/record/places").json()["items"]
    place, name = places[-1]["jurisdiction"], places[-1]["name"]
    for path, kept in PAGES:
        for typed in (name, name.rpartition(" (")[0].upper()):
            moved = random_service.http.get(
                path + f"?{urlencode({'jurisdiction': typed})}&{kept}",
                headers={"Accept": "text/html"},
                follow_redirects=False,
            )

            assert moved.status_code == 307
            assert moved.headers["location"] == f"{path}?{kept}&jurisdiction={place}"
        shown = random_service.get(moved.headers["location"], accept="text/html").text
        assert f'value="{place}"' in shown
        for each in places:
            assert f'<option value="{each["jurisdiction"]}" label="{each["name"]}">' in shown
    refused = random_service.get(f"/v1/policies?{urlencode({'jurisdiction': name})}")
    assert refused.status_code == 400


def test_a_page_asks_back_about_a_place_and_keeps_the_rest(random_service: Client) -> None:
    """What is no one place's name stands in its field, with what it may mean, and the other filters stay."""
    place = random_service.get("/record/places").json()["items"][-1]
    typed = place["name"][:3]
    for path, kept in PAGES:
        target = f"{path}?{urlencode({'jurisdiction': typed})}&{kept}"

        answer = random_service.get(target, accept="text/html")

        assert answer.status_code == 400
        assert f'value="{typed}" aria-invalid="true"' in answer.text
        assert 'value="order"' in answer.text
        assert f'href="{path}?{kept}&amp;jurisdiction={place["jurisdiction"]}"' in answer.text


def test_a_refused_filter_leads_back_to_the_others(random_service: Client) -> None:
    """The page that says what is wrong has the way to the same question without it."""
    for path, _ in PAGES:
        answer = random_service.get(f"{path}?topic=x%26y&as_of=soon", accept="text/html")

        assert answer.status_code == 400
        assert f'href="{path}?topic=x%26y"' in answer.text
