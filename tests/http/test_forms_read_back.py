"""Each form of an answer, read by a reader that this project did not write, says what JSON says.

On the Los Angeles story, and on a record that strangers filled with all that breaks formats.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final

import feedparser
import pytest
from icalendar import Calendar
from prov.model import ProvDocument, ProvEntity
from pyld import jsonld

from http_client import Client, Json, Ticking, action, event_id, registration, running

NASTY: Final = (
    '=HYPERLINK("https://evil.example";"x") <script>alert(1)</script> &amp; ]]> "q" \'s\' '
    "\u202eright to left\u202c שלום 😀 \x07\x1b\x85\ufffe a\r\nBEGIN:VEVENT\r\n,;\\n {{7*7}} "
)
TITLE: Final = NASTY + "x" * (1_000 - len(NASTY))
POLICY: Final = "nasty-order"
CORRECTED, RETRACTED, DISPUTED = event_id(1), event_id(2), event_id(3)
DATED: Final = {"occurred": "2024-11-19", "effective": "2025-01-01", "until": "2027"}


@pytest.fixture(scope="module")
def nasty(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Run a service whose events hold what breaks formats: corrected, retracted and disputed ones."""
    path = tmp_path_factory.mktemp("nasty") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    clock = Ticking()
    source = {"url": "https://news.example/a?b=c&d='e'", "title": NASTY, "publisher": "@who"}
    said = {
        "label": "=1+1",
        "summary": NASTY,
        "provision": "@SUM(A1)",
        "actors": [{"name": "+49 30", "role": "-mayor"}, {"name": "\tTab"}],
        "body": "-2+3",
        "sources": [source, {"citation": NASTY}],
    }
    correction = {"event": CORRECTED, "changes": {"occurred": "2024-11-20"}, "reason": NASTY}
    claim = {"event": DISPUTED, "source": source, "stance": "disputes"}
    claim["claim"] = {"field": "occurred", "value": "2023"}
    events = [
        registration(POLICY, title=TITLE, topics=["=topic"], summary=NASTY, body="@body"),
        {**action(POLICY, **said, **DATED), "id": CORRECTED},
        {**action(POLICY, **said, action="amended", occurred="2025-02-02"), "id": RETRACTED},
        {**action(POLICY, **said, action="other", occurred="201X"), "id": DISPUTED},
        action(POLICY, **said, action="confirmed", occurred="XXXX"),
        {"policy": POLICY, "type": "ActionCorrected", "data": correction},
        {
            "policy": POLICY,
            "type": "EventRetracted",
            "data": {"event": RETRACTED, "reason": NASTY},
        },
        {"policy": POLICY, "type": "SourceAttached", "data": claim},
    ]
    with running(f"sqlite:///{path}", clock) as client:
        for event in events:
            answer = client.record(event)
            assert answer.status_code == 201, answer.text
            clock.advance(minutes=1)
        yield client


@pytest.fixture(params=["story", "nasty"])
def client(request: pytest.FixtureRequest) -> Client:
    """Give each of the two records."""
    name = {"story": "reading", "nasty": "nasty"}[request.param]
    found: Client = request.getfixturevalue(name)
    return found


def items(client: Client, target: str) -> list[Json]:
    """Return all items of a listing, page by page."""
    found: list[Json] = []
    page = client.get(target)
    while True:
        found += page.json()["items"]
        if "next" not in page.links:
            return found
        page = client.get(page.links["next"]["url"])


def one_line(text: str) -> str:
    """Return text as readers show it, whatever blanks and unprintable characters became."""
    return "".join(character for character in unescape(text) if character.isalnum())


DATE: Final = ("edtf", "earliest", "latest")


# Tables and lines


@pytest.mark.parametrize("listing", ["timeline", "policies"])
def test_csv_has_a_row_for_each_item_and_no_formula(client: Client, listing: str) -> None:
    """What a spreadsheet reads is what JSON says, and no cell is taken for a formula."""
    answer = client.get(f"/v1/{listing}?format=csv")
    table = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    head, *rows = table

    told = items(client, f"/v1/{listing}?limit=500")
    assert len(rows) == len(told) > 0
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for row in rows for cell in row)
    for row, item in zip(rows, told, strict=True):
        cells = dict(zip(head, row, strict=True))
        plain = {name: cells[name].removeprefix("'") for name in ("policy", "title")}
        assert plain == {name: item[name] for name in plain}
        if listing == "timeline":
            occurred = [cells[f"occurred{part}"] for part in ("", "_earliest", "_latest")]
            assert occurred == [item["occurred"][part] or "" for part in DATE]
            assert cells["event"] == item["event"]
            assert (cells["sources"] == "") == (item["sources"] == [])
        else:
            assert cells["in_force"] == item["in_force"]


@pytest.mark.parametrize("listing", ["timeline", "policies"])
def test_ndjson_has_all_pages(client: Client, listing: str) -> None:
    """The stream's lines are the items of all pages."""
    answer = client.get(f"/v1/{listing}", Accept="application/x-ndjson")

    lines = [json.loads(line) for line in answer.content.splitlines()]
    assert lines == items(client, f"/v1/{listing}?limit=7")


# Feeds


@pytest.mark.parametrize("listing", ["timeline", "policies"])
def test_a_feed_has_an_entry_for_each_event_the_newest_first(client: Client, listing: str) -> None:
    """All pages together tell each event once, corrections and retractions too, newest first."""
    told: list[Any] = []
    target = f"/v1/{listing}?format=atom&limit=7"
    while target:
        feed = feedparser.parse(client.get(target).content)
        assert not feed.bozo, feed.bozo_exception
        told += feed.entries
        target = next((each.href for each in feed.feed.links if each.rel == "next"), "")

    log = {event["id"]: event for event in items(client, "/v1/events?limit=500")}
    events = [log[entry.id.removeprefix("urn:uuid:")] for entry in told]
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions), reverse=True)
    wanted = {"ActionRecorded", "ActionCorrected", "EventRetracted"}
    about_actions = {event["position"] for event in log.values() if event["type"] in wanted}
    assert about_actions <= set(positions)
    if listing == "policies":
        assert set(positions) == {event["position"] for event in log.values()}
    for entry, event in zip(told, events, strict=True):
        assert entry.updated == entry.published == event["recorded_at"]
        assert entry.author == event["recorded_by"]
        assert entry.tags[0].term == event["type"]
        assert entry.title_detail.type == entry.content[0].type == "text/plain"


@pytest.mark.parametrize("question", ["", "instrument=ordinance&", "action=repealed&"])
def test_a_feed_tells_of_each_change_of_what_is_listed(client: Client, question: str) -> None:
    """Its entries are the positions at which the list, asked about each in turn, became another."""
    head = int(client.get("/v1/events?limit=1").headers["timeline-position"])
    feed = client.get(f"/v1/timeline?{question}format=jsonfeed&limit=500").json()
    changed: list[int] = []
    before: list[Json] = []
    for position in range(1, head + 1):
        listed = f"/v1/timeline?{question}limit=500&known_position={position}"
        after = [own_words(item) for item in items(client, listed)]
        if after != before:
            changed.insert(0, position)
        before = after

    assert [item["_timeline"]["position"] for item in feed["items"]] == changed


def own_words(item: Json) -> Json:
    """Return an item without its policy's title and its sources, which it does not have of itself."""
    return {name: value for name, value in item.items() if name not in {"title", "sources"}}


def test_a_correction_and_a_retraction_name_what_they_are_about(nasty: Client) -> None:
    """They are entries of their own, which refer to the original one and say what it said."""
    feed = feedparser.parse(nasty.get("/v1/timeline?format=atom").content)
    named = {"ActionCorrected": CORRECTED, "EventRetracted": RETRACTED, "SourceAttached": DISPUTED}

    about = {entry.tags[0].term: entry for entry in feed.entries if entry.tags[0].term in named}

    assert about.keys() == named.keys()
    for kind, original in named.items():
        assert about[kind]["thr_in-reply-to"]["ref"] == f"urn:uuid:{original}"
    assert about["ActionCorrected"].title.endswith("correction of issued (2024-11-19)")
    assert "Occurred is now: 2024-11-20" in about["ActionCorrected"].content[0].value
    assert about["EventRetracted"].title.endswith("retraction of amended (2025-02-02)")


def test_the_feed_says_which_moment_it_is_of(client: Client) -> None:
    """It names itself for good, its moment, and where it goes on; JSON Feed says the same."""
    answer = client.get("/v1/timeline?format=atom&limit=3&instrument=executive_order")
    feed = feedparser.parse(answer.content).feed
    same = client.get("/v1/timeline?instrument=executive_order&limit=3&format=jsonfeed").json()
    later = client.get("/v1/timeline?instrument=executive_order", Accept="application/atom+xml")

    position = answer.headers["timeline-position"]
    assert feed.timeline_position == position
    assert feed.timeline_known_at == feed.updated == answer.headers["timeline-known-at"]
    assert same["_timeline"]["position"] == int(position)
    assert same["_timeline"]["known_at"] == feed.updated
    assert feedparser.parse(later.content).feed.id == feed.id
    assert feed.id.startswith("urn:uuid:")
    links = {each.rel: each.href for each in feed.links}
    assert links["self"] == "/v1/timeline?format=atom&limit=3&instrument=executive_order"
    assert links["first"] == links["self"]
    if "next" in links:
        assert links["next"] == answer.links["next"]["url"]


@pytest.mark.parametrize("target", ["/v1/timeline?", "/v1/policies?", "history"])
def test_json_feed_tells_what_atom_tells(client: Client, target: str) -> None:
    """Both have the same entries, with the same names, titles and texts."""
    if target == "history":
        (policy, *_) = (item["policy"] for item in items(client, "/v1/policies"))
        target = f"/v1/policies/{policy}/history?"
    told = feedparser.parse(client.get(f"{target}format=atom").content).entries
    feed = client.get(f"{target}format=jsonfeed").json()

    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert [item["id"] for item in feed["items"]] == [entry.id for entry in told]
    for item, entry in zip(feed["items"], told, strict=True):
        assert one_line(item["title"]) == one_line(entry.title)
        assert one_line(item["content_text"]) == one_line(entry.content[0].value)
        assert item["url"] == entry.link
        assert item["date_published"] == entry.published


# Calendars


@pytest.mark.parametrize("target", ["/v1/timeline?", "/v1/policies?", "/v1/timeline?limit=500&"])
def test_a_calendar_has_the_days_of_each_action(client: Client, target: str) -> None:
    """Each date of each action that is told is an entry, with the days on which it may be."""
    calendar = Calendar.from_ical(client.get(f"{target}format=ics").content)
    entries = {str(entry["uid"]): entry for entry in calendar.walk("VEVENT")}

    for item in items(client, "/v1/timeline?limit=500"):
        for name, suffix in (("occurred", ""), ("effective", "-effective"), ("until", "-until")):
            told = item[name]
            days = [told[part] for part in DATE[1:] if told[part]] if told else []
            if not days or (suffix == "-effective" and told == item["occurred"]):
                continue
            entry = entries[f"{item['event']}{suffix}"]
            assert entry.decoded("dtstart") == date.fromisoformat(days[0])
            assert entry.decoded("dtend") == date.fromisoformat(days[-1]) + timedelta(days=1)
            assert one_line(item["title"]) in one_line(str(entry["description"]))
            assert entry["status"] in {"CONFIRMED", "TENTATIVE"}
            if days[0] != days[-1]:
                assert entry["status"] == "TENTATIVE"
                assert f"not certain: {told['edtf']}" in str(entry["description"])


def test_corrections_count_and_what_is_retracted_is_cancelled(nasty: Client) -> None:
    """An entry keeps its id: corrected, it has the next number; retracted, it is cancelled."""
    before = Calendar.from_ical(nasty.get("/v1/timeline?format=ics&known_position=5").content)
    now = Calendar.from_ical(nasty.get("/v1/timeline?format=ics").content)

    def told(calendar: Any, id: str) -> tuple[date, int, str]:
        (entry,) = (each for each in calendar.walk("VEVENT") if each["uid"] == id)
        return entry.decoded("dtstart"), entry["sequence"], str(entry["status"])

    assert told(before, CORRECTED) == (date(2024, 11, 19), 0, "CONFIRMED")
    assert told(now, CORRECTED) == (date(2024, 11, 20), 1, "CONFIRMED")
    assert told(before, RETRACTED) == (date(2025, 2, 2), 0, "CONFIRMED")
    assert told(now, RETRACTED) == (date(2025, 2, 2), 1, "CANCELLED")
    assert told(now, DISPUTED) == (date(2010, 1, 1), 1, "TENTATIVE")
    assert now["x-timeline-position"] == "8"
    assert len(now.walk("VEVENT")) == 5


def test_no_line_of_a_calendar_is_too_long_or_made_up(nasty: Client) -> None:
    """Lines are folded at 75 bytes, and text begins no component."""
    text = nasty.get("/v1/timeline?format=ics").content

    lines = text.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(set(line) & set(range(9)) for line in lines)
    assert lines.count(b"BEGIN:VEVENT") == lines.count(b"END:VEVENT") == 5
    assert b"\n" not in text.replace(b"\r\n", b"")


# TimelineJS, JSON-LD, PROV


@pytest.mark.parametrize("target", ["/v1/timeline?limit=500&", "/v1/policies?limit=500&"])
def test_timelinejs_has_a_slide_for_each_action(client: Client, target: str) -> None:
    """Each action that has a date is a slide; text is escaped, as the library takes it for HTML."""
    told = client.get(f"{target}format=timelinejs").json()
    slides = {slide["unique_id"]: slide for slide in told["events"]}

    for item in items(client, "/v1/timeline?limit=500"):
        first, last = item["occurred"]["earliest"], item["occurred"]["latest"]
        if first is None and last is None:
            continue
        slide = slides.pop(f"{item['event']}-{item['policy']}")
        assert date(**slide["start_date"]).isoformat() == (first or last)
        assert date(**slide.get("end_date", slide["start_date"])).isoformat() == (last or first)
        assert slide["display_date"].startswith(item["occurred"]["edtf"])
        assert "<" not in slide["text"]["headline"]
    assert slides == {}
    text = json.dumps(told)
    assert "<script" not in text
    assert {"position", "as_of", "known_at"} <= told.keys()


def test_timelinejs_shows_when_a_policy_was_in_force(reading: Client) -> None:
    """The eras of one policy are the stretches of its periods in which it is in force, or perhaps."""
    policy = "la-ordinance-188441"
    told = reading.get(f"/v1/policies/{policy}?format=timelinejs").json()
    listed = reading.get(f"/v1/timeline?policy={policy}&format=timelinejs").json()

    eras = [
        (date(**era["start_date"]).isoformat(), era["text"]["headline"].rpartition(": ")[2])
        for era in told["eras"]
    ]
    begins = {period["from"]: period["in_force"] for period in periods(reading, policy)}
    assert eras
    for first, words in eras:
        assert begins[first] == {"in force": "yes", "perhaps in force": "maybe"}[words]
    assert len(listed["eras"]) == len(eras)


def periods(client: Client, policy: str) -> list[Json]:
    """Return a policy's periods."""
    found: list[Json] = client.get(f"/v1/policies/{policy}").json()["periods"]
    return found


SCHEMA: Final = "https://schema.org/"
BASE: Final = "https://timeline.example/v1/x"


def no_network(url: str, _: Any) -> Any:
    """Refuse to load anything."""
    raise AssertionError(url)


def expanded(client: Client, target: str) -> Json:
    """Return a document as a reader of JSON-LD understands it, without any network."""
    options = {"documentLoader": no_network, "base": BASE}
    (told,) = jsonld.expand(client.get(target, Accept="application/ld+json").json(), options)
    return told


def value(node: Json, name: str) -> Json:
    """Return a property's one value."""
    (found,) = node[SCHEMA + name]
    return found.get("@value", found.get("@id"))


def properties(node: Json) -> Json:
    """Return what schema.org has no words for."""
    return {
        value(each, "propertyID"): [one["@value"] for one in each[f"{SCHEMA}value"]]
        for each in node[f"{SCHEMA}additionalProperty"]
    }


FORCE: Final = {
    "in_force": "InForce",
    "partially_in_force": "PartiallyInForce",
    "not_enacted": "NotInForce",
    "not_yet_in_force": "NotInForce",
    "suspended": "NotInForce",
    "no_longer_in_force": "NotInForce",
}


@pytest.mark.parametrize("clock", ["", "&as_of=2024-12-05&known_position=5"])
def test_policies_are_legislation_of_schema_org(client: Client, clock: str) -> None:
    """Their words are those of JSON; of what is not certain, schema.org's word is left out."""
    told = expanded(client, f"/v1/policies?limit=500{clock}")
    page = client.get(f"/v1/policies?limit=500{clock}").json()

    assert value(told, "version") == page["position"]
    assert value(told, "contentReferenceTime") == page["as_of"]
    assert value(told, "sdDatePublished") == page["known_at"]
    for node, item in zip(told[f"{SCHEMA}itemListElement"], page["items"], strict=True):
        assert node["@type"] == [f"{SCHEMA}Legislation"]
        assert node["@id"] == f"https://timeline.example/v1/policies/{item['policy']}"
        assert one_line(value(node, "name")) == one_line(item["title"])
        assert value(node, "legislationJurisdiction") == item["jurisdiction"]
        assert value(node, "legislationType") == item["instrument"].replace("_", " ")
        assert properties(node)["in_force"] == [item["in_force"]]
        said = f"{SCHEMA}legislationLegalForce" in node
        assert said == (item["in_force"] != "maybe" and item["force"] in FORCE)
        if said:
            assert value(node, "legislationLegalForce") == SCHEMA + FORCE[item["force"]]


def test_one_policy_as_legislation_has_its_dates_and_relations(reading: Client) -> None:
    """What it acts on is linked, and when it was in force is an interval."""
    told = expanded(reading, "/v1/policies/nyc-executive-order-34-2003")
    relations = reading.get("/v1/policies/nyc-executive-order-34-2003").json()["relations"]

    assert value(told, "legislationDate") == "2003-05-13"
    targets = {
        each["@id"].rpartition("/")[2]
        for word in ("Repeals", "Amends", "Changes", "Applies")
        for each in told.get(f"{SCHEMA}legislation{word}", ())
        if "@id" in each
    }
    assert targets <= {policy for each in relations["outgoing"] for policy in each["resolves_to"]}
    assert value(told, "temporalCoverage").startswith("2003-05-13/")


def test_actions_are_events_of_schema_org(client: Client) -> None:
    """Each has its days and is about its policy."""
    told = expanded(client, "/v1/timeline?limit=500")[f"{SCHEMA}itemListElement"]

    for node, item in zip(told, items(client, "/v1/timeline?limit=500"), strict=True):
        assert node["@id"] == f"https://timeline.example/v1/events/{item['event']}"
        first = item["occurred"]["earliest"]
        assert first is None or value(node, "startDate") == first
        assert properties(node)["occurred"] == [item["occurred"]["edtf"]]
        (about,) = node[f"{SCHEMA}about"]
        assert about["@id"].endswith(f"/{item['policy']}")


def test_a_history_is_provenance(client: Client) -> None:
    """Each event of it is an entity, made by an append on behalf of who recorded it."""
    (policy, *_) = (item["policy"] for item in items(client, "/v1/policies"))
    target = f"/v1/policies/{policy}/history?limit=500"
    steps = client.get(target).json()["items"]

    told = ProvDocument.deserialize(content=client.get(f"{target}&format=prov").text, format="json")

    entities = {str(each.identifier): each for each in told.get_records(ProvEntity)}
    for step in steps:
        event = step["event"]
        (position,) = entities[f"event:{event['id']}"].get_attribute("timeline:position")
        assert position == event["position"]
    (as_of,) = entities[f"policy:{policy}"].get_attribute("timeline:as_of")
    assert as_of == client.get(target).json()["as_of"]
    sources = [name for name in entities if name.startswith("source:")]
    assert len(sources) == sum(len(sources_of(step["event"]["data"])) for step in steps)


def sources_of(data: Json) -> list[Json]:
    """Return the sources that an event names."""
    found = [*data.get("sources", ()), *data.get("changes", {}).get("sources", ())]
    return found + ([data["source"]] if "source" in data else [])
