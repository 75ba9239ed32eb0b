"""Which form an answer has: what is asked for, by whom, and how much of it at once."""

import csv
import io
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from http_client import Client, action, event_id, problem, registration, running
from timeline.application.access import Role
from timeline.formats.csv import guarded, rows
from timeline.formats.words import clean
from timeline.http import represented
from timeline.http.answers import Question
from timeline.http.represented import HISTORY, ONE_POLICY, POLICIES, TIMELINE

ORDINANCE: Final = "la-ordinance-188441"
ROUTES: Final = {
    "/v1/timeline": TIMELINE,
    "/v1/policies": POLICIES,
    f"/v1/policies/{ORDINANCE}": ONE_POLICY,
    f"/v1/policies/{ORDINANCE}/history": HISTORY,
}
FORMS: Final = [
    (path, name, form.media_type) for path, forms in ROUTES.items() for name, form in forms.items()
]
BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(("path", "name", "media_type"), FORMS)
def test_each_form_is_given_by_name_and_by_type(
    reading: Client, path: str, name: str, media_type: str
) -> None:
    """Both ways lead to it; it carries both clocks, says what it depends on, and can be validated."""
    named = reading.get(f"{path}?format={name}")
    typed = reading.get(path, Accept=f"{media_type}, */*;q=0.1")
    head = reading.ask("HEAD", f"{path}?format={name}")
    again = reading.get(f"{path}?format={name}", If_None_Match=named.headers["etag"])

    page = reading.get(path).json()
    for answer in (named, typed, head, again):
        assert answer.headers["timeline-position"] == str(page["position"])
        assert answer.headers["timeline-known-at"] == page["known_at"]
        assert answer.headers.get("timeline-as-of") == page["as_of"]
        assert answer.headers["vary"] == "Accept"
    for answer in (named, typed, head):
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == media_type
        assert answer.headers["etag"]
    assert (head.content, head.headers["etag"]) == (b"", named.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_the_form_that_is_named_wins_over_the_header(reading: Client) -> None:
    """A link says what it leads to, whoever follows it."""
    answer = reading.get("/v1/timeline?format=csv", Accept="application/json")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'inline; filename="timeline.csv"'


def test_a_browser_gets_json_as_it_does_elsewhere(reading: Client) -> None:
    """What browsers ask for by themselves is no reason for another form."""
    for path in ROUTES:
        answer = reading.get(path, Accept=BROWSER)
        assert answer.headers["content-type"] == "application/json"


def test_a_form_that_there_is_not_is_refused_with_those_that_there_are(reading: Client) -> None:
    """By header with all types, by name with all names of that route."""
    unknown = reading.get("/v1/timeline", Accept="image/png")
    misnamed = reading.get(f"/v1/policies/{ORDINANCE}?format=csv")
    twice = reading.get("/v1/timeline?format=csv&format=atom")

    assert problem(unknown) == (406, "not-acceptable", "Accept")
    assert all(form.media_type in unknown.json()["detail"] for form in TIMELINE.values())
    assert problem(misnamed) == (400, "invalid-request", "format")
    assert all(name in misnamed.text for name in ONE_POLICY)
    assert problem(twice) == (400, "invalid-request", "format")


def test_forms_are_kept_apart_in_memory(told: Client) -> None:
    """What is kept for one header or name is given to no other."""
    targets = {"/v1/timeline?limit=3": "*/*", "/v1/timeline?limit=3&format=atom": "*/*"}
    first = {
        (target, accept): told.get(target, Accept=accept).content
        for target in targets
        for accept in ("*/*", "application/ld+json", "text/calendar")
    }

    again = {key: told.get(key[0], Accept=key[1]).content for key in first}

    assert again == first
    assert len({*first.values()}) == 4
    answers = told.http.app.state.service.answers
    assert Question("/v1/timeline", b"limit=3", b"text/calendar") in answers


@pytest.mark.parametrize("name", ["csv", "ndjson", "ics"])
def test_a_page_is_given_where_one_is_asked_for(reading: Client, name: str) -> None:
    """With `limit`, even a form that is streamed comes in pages, which together hold it all."""
    whole = reading.get(f"/v1/timeline?format={name}").text
    page = reading.get(f"/v1/timeline?format={name}&limit=8")
    pages = [page.text]
    while "next" in page.links:
        page = reading.get(page.links["next"]["url"])
        pages.append(page.text)

    assert len(pages) > 2
    parts = {line for page in pages for line in page.splitlines()}
    assert {line for line in whole.splitlines() if not line.startswith((" ", "X-"))} <= parts


@pytest.mark.parametrize("target", ["/v1/timeline?format=", "/v1/policies?format="])
@pytest.mark.parametrize("name", ["csv", "ndjson", "ics"])
def test_a_stream_is_the_same_however_it_is_read(
    reading: Client, monkeypatch: pytest.MonkeyPatch, target: str, name: str
) -> None:
    """Page after page, it holds what it holds when it is read at once."""
    whole = reading.get(f"{target}{name}")
    monkeypatch.setattr(represented, "MAX_LIMIT", 4)

    assert reading.get(f"{target}{name}").text == whole.text
    assert "link" not in whole.headers


def test_cursors_hold_for_the_forms_of_one_list(reading: Client) -> None:
    """JSON's cursor goes on in CSV; a feed is another list, and refuses it."""
    cursor = reading.get("/v1/timeline?limit=5").json()["next"]

    on = reading.get(f"/v1/timeline?limit=5&format=csv&cursor={cursor}")
    other = reading.get(f"/v1/timeline?limit=5&format=atom&cursor={cursor}")

    assert on.status_code == 200
    assert problem(other)[:2] == (400, "cursor-mismatch")


def test_streams_take_slots(reading: Client) -> None:
    """When as many are under way as may be, the next one is told to come back."""
    slots = reading.http.app.state.service.streams
    held = 0
    try:
        while slots.in_use < 64:
            slots.take()
            held += 1
        refused = reading.get("/v1/timeline?format=csv")
        page = reading.get("/v1/timeline?format=csv&limit=5")
    finally:
        for _ in range(held):
            slots.leave()

    assert problem(refused)[:2] == (503, "overloaded")
    assert page.status_code == 200


@pytest.mark.parametrize("name", ["csv", "atom", "ics", "jsonld"])
def test_forms_are_read_with_a_token_where_reading_needs_one(private: Client, name: str) -> None:
    """No form is a way past the token."""
    refused = private.get(f"/v1/timeline?format={name}")
    allowed = private.get(f"/v1/timeline?format={name}", role=Role.READER)

    assert problem(refused)[:2] == (401, "token-missing")
    assert allowed.status_code == 200


@pytest.mark.parametrize("name", [name for name in TIMELINE if name != "json"])
def test_filters_hold_in_every_form(reading: Client, name: str) -> None:
    """What JSON leaves out, no other form tells: an order of New York is not on a list of Boston."""
    place = "ocd-division/country:us/state:ma"
    target = f"/v1/timeline?jurisdiction={place}&within=true&format={name}"
    inside = reading.get(target).text

    assert "boston" in inside
    assert "new_york" not in inside.replace("\r\n ", "")


@pytest.fixture(scope="module")
def addressed(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Run a service that knows its address, and that merges a policy whose action is shown."""
    path = tmp_path_factory.mktemp("addressed") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    url = "https://timeline.example/record"
    with running(f"sqlite:///{path}", public_url=url) as client:
        for event in (
            registration("order-1"),
            registration("order-2"),
            {**action("order-2"), "id": event_id(1)},
            {
                "policy": "order-1",
                "type": "PoliciesMerged",
                "data": {"duplicate": "order-2", "reason": "the same"},
            },
        ):
            assert client.record(event).status_code == 201
        yield client


def test_addresses_are_whole_where_the_service_knows_its_own(addressed: Client) -> None:
    """Feeds and calendars can be carried elsewhere then, and still lead back."""
    base = "https://timeline.example/record"

    atom = addressed.get("/v1/timeline?format=atom").text
    feed = addressed.get("/v1/timeline?format=jsonfeed").json()
    calendar = addressed.get("/v1/timeline?format=ics").text.replace("\r\n ", "")

    assert f'href="{base}/v1/timeline?format=atom"' in atom
    assert feed["feed_url"] == f"{base}/v1/timeline?format=jsonfeed"
    assert all(item["url"].startswith(f"{base}/policies/") for item in feed["items"])
    assert f"URL:{base}/policies/order-1#event-{event_id(1)}" in calendar


def test_what_was_merged_is_told_once(addressed: Client) -> None:
    """An action that a merger moves is not cancelled: it is on the survivor's timeline."""
    calendar = addressed.get("/v1/timeline?format=ics").text

    assert calendar.count("BEGIN:VEVENT") == 1
    assert "STATUS:CONFIRMED" in calendar
    moved = addressed.get("/v1/policies/order-2?format=ics")
    assert (moved.status_code, moved.headers["location"]) == (
        307,
        "/v1/policies/order-1?format=ics",
    )


@pytest.mark.parametrize(
    "text",
    ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1", " =1", "\u00a0=1", "\ufeff@x", '"=1"'],
)
def test_a_cell_that_begins_like_a_formula_is_guarded(text: str) -> None:
    """An apostrophe makes text of it."""
    assert guarded(text) == f"'{text}"


UNSEEN: Final = ("", *" \v\0\u00a0\u00ad\u200b\u202e\u2060\ufe0f\ufeff")
BEFORE: Final = ("", "x;", "x|", "x\t", "x\n", "x\r\n", 'x;"', "\t", "\n;")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\ufe66"])
def test_no_reader_of_csv_finds_a_formula(sign: str) -> None:
    """Whatever it parts cells at, and whatever of a cell's beginning it does not see."""
    texts = [f"{before}{unseen}{sign}1" for before in BEFORE for unseen in UNSEEN]

    table = rows(
        (("a", lambda _: "a"), ("b", lambda item: item["text"])), [{"text": text} for text in texts]
    )

    for delimiter in ",;|\t":
        read = csv.reader(io.StringIO(table.decode(), newline=""), delimiter=delimiter)
        cells = [unicodedata.normalize("NFKC", cell) for row in read for cell in row]
        seen = [re.sub(r"^[\W_]*?(?=[=+\-@']|\w|$)", "", cell, count=1) for cell in cells]
        assert len(seen) > len(texts)
        assert [cell for cell in seen if cell.startswith(tuple("=+-@"))] == []


def test_an_apostrophe_stands_right_behind_what_may_end_a_cell() -> None:
    """So it can be taken off by a rule; what no reader parts is left alone."""
    assert guarded('a;=1 b, =2\n- c; d=3\t"+4') == "a;'=1 b, =2\n'- c; d=3\t'\"+4"


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (True, "true"), (7, "7"), ("a=1", "a=1"), ("'", "'")]
)
def test_other_cells_stay_as_they_are(value: object, cell: str) -> None:
    """Nothing is added where nothing could be taken for a formula."""
    assert guarded(value) == cell


def test_text_keeps_what_can_be_written() -> None:
    """What XML and iCalendar forbid is replaced, and seen to be; line breaks are of one kind."""
    assert clean("a\0\x08\x1b\x7f\ufffe") == "a" + "\ufffd" * 5
    assert clean("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd\te"
