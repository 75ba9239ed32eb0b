"""The API's description: whole, valid, true, and readable."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
from litestar.routes import HTTPRoute
from schemathesis.specs.openapi.definitions import OPENAPI_31

from http_client import NDJSON, Client, Json
from http_examples import ASKED, make
from timeline.application.record import EventRequest
from timeline.http.examples import Example, examples
from timeline.http.openapi import document
from timeline.http.operations import OPERATIONS
from timeline.http.problems import PROBLEM_JSON, problem_types


def test_the_description_is_valid() -> None:
    """The document is OpenAPI 3.1, and its schemas are JSON Schema 2020-12."""
    errors = jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(document())

    assert [error.message for error in errors] == []
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]})


def test_every_reference_resolves() -> None:
    """Nothing points to a part of the description that is not there."""
    references = set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document())))

    assert references
    for reference in references:
        found: Any = document()
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_route_is_described(refusing: Client) -> None:
    """The described paths and methods are the application's."""
    served = {
        (re.sub(r":\w+\}", "}", route.path_format), method.lower())
        for route in refusing.http.app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method not in {"HEAD", "OPTIONS"}
    }

    assert {(each.path, each.method) for each in OPERATIONS} == served
    described = {
        (path, method) for path, methods in document()["paths"].items() for method in methods
    }
    assert described == served


def test_every_get_route_answers_head(refusing: Client) -> None:
    """As the description says, whatever answers GET answers HEAD."""
    for route in refusing.http.app.routes:
        if isinstance(route, HTTPRoute) and "GET" in route.methods:
            assert "HEAD" in route.methods


def test_the_examples_are_real(told: Client) -> None:
    """Each example, asked again of a fresh record, is answered as it stands in the description.

    Where code changed an answer on purpose: `python tests/http_examples.py`.
    """
    assert [example.name for example in examples()] == [asked.name for asked in ASKED]
    for made, written in zip(make(told), examples(), strict=True):
        assert made == written


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_answers_have_the_shape_that_is_described(example: Example) -> None:
    """Every example's answer is valid against the schema of its status and media type."""
    operation = next(each for each in OPERATIONS if each.id == example.operation)
    responses = document()["paths"][operation.path][operation.method]["responses"]
    response = responses[str(example.status)]
    if "$ref" in response:
        response = document()["components"]["responses"][response["$ref"].rpartition("/")[2]]

    schema = response["content"][example.response_media]["schema"]

    assert complaints(schema, example.response) == []
    if example.response_media == NDJSON:
        kinds = ["Event"] if example.method == "GET" else ["ChunkReport", "RefusalReport"]
        lines = {"anyOf": [{"$ref": f"#/components/schemas/{kind}"} for kind in kinds]}
        for line in example.response.splitlines():
            assert complaints(lines, json.loads(line)) == []


@pytest.mark.parametrize(
    "target",
    ["/v1/policies?limit=500", "/v1/timeline?limit=500", "/v1/changes?from=0&limit=500"],
)
def test_the_whole_story_has_the_shape_that_is_described(reading: Client, target: str) -> None:
    """Not only examples: each item, each policy and each history of the story is valid."""
    kinds = {"policies": "PoliciesPage", "timeline": "TimelinePage", "changes?": "ChangesPage"}
    kind = kinds[target[4:12]]
    page = reading.get(target).json()

    assert complaints(named(kind), page) == []
    for item in page["items"] if kind == "PoliciesPage" else []:
        policy = reading.get(f"/v1/policies/{item['policy']}").json()
        history = reading.get(f"/v1/policies/{item['policy']}/history?limit=500").json()
        assert complaints(named("Policy"), policy) == []
        assert complaints(named("HistoryPage"), history) == []


def test_the_whole_log_has_the_shape_that_is_described(reading: Client) -> None:
    """Each event of the story is valid both as it is served and as it is sent."""
    page = reading.get("/v1/events?limit=500").json()

    assert complaints(named("EventsPage"), page) == []
    for event in page["items"]:
        sent = {name: event[name] for name in ("id", "policy", "type", "data")}
        assert complaints(named("EventRequest"), sent) == []


def named(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def complaints(schema: Json, value: Json) -> list[str]:
    """Return what is wrong with a value."""
    whole = {**schema, "components": document()["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


NOT_TAKEN = [
    {"policy": "a", "type": "PolicyRegistered", "data": {}},
    {"policy": "A", "type": "EventRetracted", "data": {"event": "x", "reason": "y"}},
    {
        "policy": "a",
        "type": "ActionRecorded",
        "data": {"action": "issued", "occurred": "2024-13", "sources": [{"url": "https://a.b"}]},
    },
    {
        "policy": "a",
        "type": "ActionRecorded",
        "data": {"action": "issued", "occurred": "2024", "sources": [{}]},
    },
    {
        "policy": "a",
        "type": "ActionRecorded",
        "data": {"action": "issued", "occurred": "2024", "sources": []},
    },
]


@pytest.mark.parametrize("body", NOT_TAKEN)
def test_the_description_refuses_what_the_service_refuses(refusing: Client, body: Json) -> None:
    """A body that the schema refuses is refused by the service as well."""
    assert complaints(named(EventRequest.__name__), body)
    assert refusing.record(body).status_code == 400


def test_every_problem_is_described_where_it_may_be_met() -> None:
    """Each status of the table is a response of some operation, with the problem types it has."""
    described: dict[str, set[str]] = {}
    for methods in document()["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                full = response
                if "$ref" in response:
                    name = response["$ref"].rpartition("/")[2]
                    full = document()["components"]["responses"][name]
                if PROBLEM_JSON in full.get("content", {}):
                    found = re.findall(r"`(/problems/[a-z-]+)`", full["description"])
                    described.setdefault(status, set()).update(found)

    for kind in problem_types().values():
        assert kind.type in described[str(kind.status)]


class Page(HTMLParser):
    """What a page links to, loads and names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attrs)
        self.tags.append(tag)
        self.ids.extend(value for name, value in attrs if name == "id" and value)
        self.loads.extend(value for name, value in attrs if name == "src" and value)
        if tag == "link":
            self.loads.append(given.get("href") or "")
        if tag == "a":
            self.links.add(given.get("href") or "")


def test_the_page_shows_everything_and_loads_nothing(reading: Client) -> None:
    """Each route, parameter, schema, problem and example is on the page; it needs no network."""
    answer = reading.get("/schema", Accept="text/html")
    text = answer.text
    page = Page(text)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in page.tags
    assert all(address.startswith("/assets/") for address in page.loads)
    assert len(page.ids) == len(set(page.ids))
    for operation in OPERATIONS:
        assert operation.id in page.ids
        assert f"<code>{operation.path}</code>" in text
        described = document()["paths"][operation.path][operation.method]
        for parameter in described["parameters"]:
            assert "$ref" in parameter or f"<code>{parameter['name']}</code>" in text
    for name in document()["components"]["schemas"]:
        assert f"schema-{name}" in page.ids
    for kind in problem_types().values():
        assert kind.type in page.links
    for example in examples():
        assert example.title in text.replace("&#39;", "'")


def test_every_link_of_the_pages_leads_somewhere(reading: Client) -> None:
    """No link is broken, within a page or to another."""
    for target in ("/", "/schema", "/problems/invalid-data"):
        answer = reading.get(target, Accept="text/html")
        page = Page(answer.text)
        for link in sorted(page.links):
            path, _, fragment = link.partition("#")
            found = page
            if path:
                other = reading.get(path)
                asked_in_vain = path in {e.target for e in examples() if e.status >= 400}
                assert other.status_code == 200 or asked_in_vain, link
                if not fragment:
                    continue
                found = Page(other.text)
            assert fragment in found.ids, link


def test_a_page_loads_its_own_service_alone(reading: Client) -> None:
    """A page's style comes from this service, and is kept for good; nothing else may be loaded."""
    answer = reading.get("/schema")
    (address,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', answer.text)

    style = reading.get(address)

    policy = answer.headers["content-security-policy"]
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    assert reading.get(address[:-1]).headers["cache-control"] == "no-cache"
    assert reading.get("/assets/../app.py").status_code == 404


def test_the_index_is_json_or_a_page(reading: Client) -> None:
    """Programs get a list of entry points, browsers a page, and caches are reading."""
    document_ = reading.get("/")
    page = reading.get("/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")

    assert document_.json()["position"] == 74
    listed = document_.json()["items"]
    assert {"href": "/schema", "title": "The API, described"} in listed
    assert "/v1/audit/replay" in {each["href"] for each in listed}
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/v1/timeline?format=json"' in page.text
    assert document_.headers["vary"] == page.headers["vary"] == "Accept"
