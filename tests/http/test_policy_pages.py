"""The pages of policies in the states that a policy can be in, and with whatever text is in it."""

import re

import httpx
import pytest
from sqlalchemy import insert

from builders import acted, registered
from http_client import Client, action, event_id, registration
from timeline.eventstore.model import Append
from timeline.http.pages import asking
from timeline.projections.tables import parked_policies

HTML = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7777*7 }} \u202e"


def shown(client: Client, target: str) -> httpx.Response:
    """Ask for a page."""
    answer = client.ask("GET", target, headers=HTML)
    assert answer.headers["content-type"].startswith("text/html")
    return answer


def recorded(client: Client, *events: dict[str, object]) -> None:
    """Record events, one after the other, with ids that count from 1."""
    for number, event in enumerate(events, 1):
        answer = client.record({"id": event_id(number), **event})
        assert answer.status_code == 201, answer.text


def about(kind: str, event: int, policy: str = "order-1", **data: object) -> dict[str, object]:
    """Return an event about another one."""
    return {"policy": policy, "type": kind, "data": {"event": event_id(event), **data}}


def test_a_retracted_policy_is_gone_and_its_replay_stays(empty: Client) -> None:
    """410 in words, with the way to the steps that led there."""
    recorded(empty, registration(), action(), about("EventRetracted", 1, reason="No such order."))

    gone = shown(empty, "/policies/order-1")
    replay = shown(empty, "/audit/policies/order-1")

    assert gone.status_code == 410
    assert 'href="/audit/policies/order-1"' in gone.text
    assert replay.status_code == 200
    assert "No such order." in replay.text
    assert "is out of the record" in replay.text
    assert shown(empty, "/policies/order-1?known_position=2").status_code == 200


def test_a_merged_policy_leads_to_the_one_that_it_is_part_of(empty: Client) -> None:
    """The address of the duplicate goes on, with its question; corrections come along."""
    recorded(
        empty,
        registration(),
        registration("order-2"),
        action("order-2"),
        about("ActionCorrected", 3, "order-2", changes={"label": "Signed"}, reason="The paper."),
        {
            "policy": "order-1",
            "type": "PoliciesMerged",
            "data": {"duplicate": "order-2", "reason": "The same order twice."},
        },
    )

    moved = empty.ask("GET", "/policies/order-2?as_of=2025-01-01", headers=HTML)
    page = shown(empty, "/policies/order-1?as_of=2025-01-01")

    assert moved.status_code == 307
    assert moved.headers["location"] == "/policies/order-1?as_of=2025-01-01"
    assert "The paper." in page.text
    assert re.search(r"<ins>Signed</ins>", page.text)


def test_a_page_says_that_newer_events_wait(empty: Client) -> None:
    """Where an event of the policy broke the read models, the list and the pages say so."""
    recorded(empty, registration(), action())
    assert len(empty.get("/v1/timeline").json()["items"]) == 1
    with empty.application.engine.begin() as connection:
        connection.execute(
            insert(parked_policies).values(
                policy="order-1",
                hidden_from=2,
                position=2,
                event=event_id(2),
                error="ValueError: no",
                parked_ms=0,
                retry=False,
            )
        )

    pages = [
        shown(empty, path).text
        for path in ("/policies", "/policies/order-1", "/audit/policies/order-1")
    ]

    assert "newer events wait" in pages[0]
    assert "Newer events wait" in pages[1]
    assert f'href="/audit/events/{event_id(2)}"' in pages[1]
    assert "Events from position 2 on wait" in pages[2]


def test_what_is_erased_is_said_to_be(empty: Client) -> None:
    """Neither the page, nor the replay, nor the proof shows it; each says by what authority."""
    recorded(
        empty,
        registration(),
        action(summary="A private matter."),
        about(
            "PayloadErased",
            2,
            authority="Court order 7",
            reason="Privacy.",
            replacement=action(summary="Redacted.")["data"],
        ),
    )

    pages = [
        shown(empty, target)
        for target in (
            "/policies/order-1",
            "/audit/policies/order-1?step=2",
            f"/audit/events/{event_id(2)}",
        )
    ]

    for page in pages:
        assert page.status_code == 200
        assert "A private matter." not in page.text
        assert "Court order 7" in page.text


def test_nothing_that_strangers_wrote_is_markup(empty: Client) -> None:
    """Titles, names, labels, quotes and queries are text; an address that is no web's is no link."""
    source = {"url": 'https://news.example/a"b', "title": HOSTILE, "quote": HOSTILE}
    recorded(
        empty,
        registration(title=HOSTILE, summary=HOSTILE, topics=[HOSTILE], sources=[source]),
        action(label=HOSTILE, actors=[{"name": HOSTILE}], sources=[source]),
        about("ActionCorrected", 2, changes={"label": HOSTILE, "occurred": "2025"}, reason=HOSTILE),
        about(
            "SourceAttached",
            2,
            source=source,
            stance="disputes",
            claim={"field": "summary", "value": HOSTILE},
        ),
    )

    for target in (
        "/policies",
        "/policies/order-1?why=force",
        "/compare?from=0",
        "/audit?find=%3Cscript%3Ealert(1)%3C/script%3E",
        "/audit/policies/order-1?step=3",
        f"/audit/events/{event_id(2)}",
        "/policies?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/policies?%3Cscript%3Ealert(1)%3C/script%3E=1",
        "/policies/%3Cscript%3Ealert(1)%3C",
    ):
        page = shown(empty, target).text
        assert "<script>alert" not in page, target
        assert "<img" not in page, target
        assert "54439" not in page, target

    # A doubt stands beside what it is about, and in no row of its own.
    doubted = shown(empty, "/compare?from=2&as_of=2025-06-01").text
    assert "it may be" in doubted
    assert "possible" not in doubted


@pytest.mark.parametrize(
    ("target", "accept", "instead"),
    [
        ("/policies", "application/json", "/v1/policies"),
        ("/policies/nope", "application/json", "/v1/policies/nope"),
        ("/policies/%C3%A9%20?as_of=2020", "text/csv", "/v1/policies/%C3%A9%20"),
        ("/audit/events/nope", "application/json", "/v1/events/nope?proof=true"),
        ("/record", "application/json", "/v1/events"),
    ],
)
def test_a_page_is_for_people(refusing: Client, target: str, accept: str, instead: str) -> None:
    """Whoever takes no page is told what there is, and what programs ask, be it there or not."""
    answer = refusing.ask("GET", target, headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instead"] == instead


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "target", "status", "said"),
    [
        ("GET", "/nope", 404, "There is nothing at /nope"),
        ("GET", "/policies/%22%3Cscript%3E/x/y", 404, "There is nothing at"),
        ("GET", "/problems/nope", 404, "There is nothing at /problems/nope"),
        ("GET", "/schema?x=1", 400, "x"),
        ("POST", "/policies", 405, "GET"),
    ],
)
def test_what_is_no_page_is_told_in_words_to_a_browser_alone(
    refusing: Client, method: str, target: str, status: int, said: str
) -> None:
    """With links that lead on; programs, whatever they accept, get the problem itself."""
    page = refusing.ask(method, target, headers=BROWSER)
    programs = [
        refusing.ask(method, target, headers={"Accept": accept})
        for accept in ("*/*", "application/json")
    ]

    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    assert said in page.text
    assert "<script>" not in page.text
    assert 'href="/policies"' in page.text
    if target == "/schema?x=1":
        programs.pop()
    for answer in programs:
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get("allow") == page.headers.get("allow")


@pytest.mark.parametrize("target", ["/v1/nope", "/v1/policies/nope", "/log/nope", "/assets/nope"])
def test_what_is_for_programs_is_told_as_they_read_it(refusing: Client, target: str) -> None:
    """Also where a browser asks: no page is there in any case."""
    answer = refusing.ask("GET", target, headers=BROWSER)

    assert (answer.status_code // 100, answer.headers["content-type"]) == (
        4,
        "application/problem+json",
    )


def test_an_unchanged_page_is_not_sent_again(reading: Client) -> None:
    """A page has a validator, and the position that it reflects."""
    first = shown(reading, "/policies/la-ordinance-188441")

    again = reading.ask(
        "GET",
        "/policies/la-ordinance-188441",
        headers={**HTML, "If-None-Match": first.headers["etag"]},
    )

    assert first.headers["timeline-position"] == "74"
    assert again.status_code == 304


def test_a_page_says_what_it_does_not_show_yet(
    told: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an import, of which the read models have taken in a part: nobody takes it for all."""
    monkeypatch.setattr(asking, "BEHIND", 2)
    whole = told.get("/policies", Accept="text/html").text
    told.application.follower.stop(10)
    drafts = (registered("an-order"), acted("an-order"))

    told.application.writer.append(Append(drafts=drafts, recorded_by="desk", batched=True))

    assert "2 recorded events are still to be taken in" in told.get("/", Accept="text/html").text
    assert "still to be taken in" not in whole
