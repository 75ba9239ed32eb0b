"""The same service on both databases."""

import re
from typing import Final

from http_client import Client, registration, running, story
from timeline.application.access import Role

FORM: Final = re.compile(r"<id>\S+</id>|^(?:UID|DTSTART|SEQUENCE|STATUS)\S*", re.MULTILINE)
"""What of a feed or a calendar does not depend on when it was recorded."""


def test_the_story_is_told_alike_on_every_database(reading: Client, database_url: str) -> None:
    """Recorded as lines on either database, the record answers as it does event by event."""
    with running(database_url) as client:
        (report,) = client.stream(story())
        assert report["created"] == len(story())

        for target in ("/v1/policies?as_of=2026-01-01", "/v1/timeline?limit=500"):
            items = client.get(target).json()["items"]
            wanted = reading.get(target).json()["items"]
            assert [without_time(item) for item in items] == [without_time(w) for w in wanted]
        for target in ("/v1/timeline?format=", "/v1/policies?format="):
            for form in ("atom", "ics"):
                wanted = FORM.findall(reading.get(f"{target}{form}").text)
                assert FORM.findall(client.get(f"{target}{form}").text) == wanted != []
        assert client.get("/health/ready").json()["reflected"] == report["position"]
        assert client.record(registration(), role=Role.RECORDER).status_code == 201
        assert client.get("/v1/policies?q=%25").json()["items"] == []
        for target in (
            "/record/policies?q=order+no",
            "/record/alike?title=Order+40&jurisdiction=ocd-division/country:us/state:ca/place:los_angeles",
            "/record/places?q=los",
        ):
            items = client.get(target).json()["items"]
            assert items == reading.get(target).json()["items"] != []


def without_time(item: dict[str, object]) -> dict[str, object]:
    """Return an item without the moment of its recording."""
    return {name: value for name, value in item.items() if name != "recorded_at"}
