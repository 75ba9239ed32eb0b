"""Finding what is registered, with an action or without, before it is registered again."""

from typing import Any

from http_client import Client, event_id, problem, registration
from timeline.application.finding import FOUND
from timeline.http.pages.record import PLACES

PLACE = "ocd-division/country:us/state:ny/place:springfield"


def named(client: Client, question: str) -> list[tuple[str, str]]:
    """Return the policies that may be the same, each with why."""
    answer = client.get(f"/record/alike?{question}")
    assert answer.status_code == 200, answer.text
    return [(each["policy"], each["why"]) for each in answer.json()["items"]]


def found(client: Client, words: str) -> list[str]:
    """Return the policies that have the words."""
    items = client.get(f"/record/policies?q={words}").json()["items"]
    return [each["policy"] for each in items]


def test_what_has_no_action_is_found_by_words_in_any_order(empty: Client) -> None:
    """Also by its number, and by no word at all; what was taken out of the record is not, nor its place."""

    def places() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = empty.get("/record/places").json()["items"]
        return items

    number = [{"scheme": "order", "value": "12 of 2025"}]
    assert places() == []
    empty.record(
        {"id": event_id(1), **registration("owls", title="On 100% of Owls", identifiers=number)}
    )

    for words in ("owls+ON", "of+2025+12", "100%25", "+"):
        assert found(empty, words) == ["owls"]
    (item,) = empty.get("/record/policies?q=owls").json()["items"]
    assert item["acted"] is False
    assert [place["jurisdiction"] for place in places()] == [item["jurisdiction"]]
    for words in ("cats", "owls+cats", "on_"):
        assert found(empty, words) == []

    taken_back = {"event": event_id(1), "reason": "A slip"}
    empty.record({"policy": "owls", "type": "EventRetracted", "data": taken_back})
    assert found(empty, "owls") == []
    assert places() == []


def test_what_may_be_the_same_is_named_with_why(empty: Client) -> None:
    """A title weighs by its rare words; another place's policies are others, whatever they are called."""
    begin = "A local law to amend the administrative code in relation to"
    for number, about in enumerate(("owls", "street lamps", "the noise of trains", "bees")):
        data = registration(f"law-{number}", title=f"{begin} {about}", jurisdiction=PLACE)
        assert empty.record(data).status_code == 201
    known_as = [{"scheme": "order", "value": "EO 7"}]
    empty.record(registration("seven", title="Cats", jurisdiction=PLACE, identifiers=known_as))
    empty.record(registration("else", title=f"{begin} owls"))
    place = f"jurisdiction={PLACE}"

    assert named(empty, f"title={begin.upper()}  Street Lamps&{place}")[0] == (
        "law-1",
        "same title",
    )
    assert named(empty, f"title=the noise of trains at night&{place}") == []
    assert named(empty, f"title=Code in relation to noise of the trains&{place}")[0] == (
        "law-2",
        "similar title",
    )
    assert named(empty, f"title=Dogs&{place}&identifier=order:eo7") == [
        ("seven", "same identifier")
    ]
    assert named(empty, f"title=%21&{place}") == []
    assert problem(empty.get("/record/alike?title=x&jurisdiction=Springfield"))[0] == 400


def test_places_are_found_by_their_names(reading: Client) -> None:
    """Those first whose name begins so; an id is told, also where the record has nothing of it."""

    def names(question: str) -> list[str]:
        page = reading.get(f"/record/places?{question}").json()
        return [each["name"] for each in page["items"]]

    assert names("q=los ANGELES")[0] == "Los Angeles, California (city)"
    assert names("q=angeles school") == [
        "Los Angeles Unified, Los Angeles County, California (school district)"
    ]
    assert 0 < len(names("")) <= FOUND
    assert names("q=atlantis") == []
    (first, *_) = reading.get(f"/record/places?jurisdiction={PLACE}").json()["items"]
    for told, place in PLACES:
        (example, *_) = reading.get(f"/record/places?jurisdiction={place}").json()["items"]
        assert example["name"].rpartition("(")[2].rstrip(")") in told
    assert (first["name"], first["registered"]) == ("Springfield, New York (city)", False)
