"""The graph around a policy, held against the policies' own pages, on both databases."""

from collections.abc import Callable, Iterator

import pytest

from http_client import Client, Json, action, event_id, problem, registration, running, story
from timeline.projections import graph_reads, identities, relation_reads
from varied_record import tell, varied

SOURCE = {"url": "https://news.example/order"}
Edges = set[tuple[str, str, str, str | None]]


RECORDS = [
    *(("sqlite", about) for about in (5, 6, 17, "story")),
    *(("postgresql", about) for about in (17, "story")),
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


def policies_of(client: Client) -> list[str]:
    """Return all policies that the record ever had."""
    events = client.get("/v1/events?type=PolicyRegistered&limit=500").json()["items"]
    return sorted({event["policy"] for event in events})


def whole(client: Client, pages: dict[str, Json], moment: str) -> Edges:
    """Return all edges as the policies' pages and timelines have them."""
    edges: Edges = set()
    for policy, page in pages.items():
        for item in page["relations"]["outgoing"]:
            target, event = item["target"], item["event"]
            via = f"selector/{event}" if "selector" in target else None
            edges |= {(event, policy, to, via) for to in item["resolves_to"]}
            if via is not None:
                edges.add((event, policy, via, None))
            elif not item["resolves_to"]:
                cited = target["citation"]
                edges.add((event, policy, f"citation/{cited['scheme']}:{key(cited)}", None))
    selecting = {event for event, _, to, _ in edges if to == f"selector/{event}"}
    for policy in pages:
        for item in client.get(f"/v1/timeline?policy={policy}&limit=500&{moment}").json()["items"]:
            if item["event"] in selecting:
                assert (item["event"], policy) in {
                    (event, to) for event, _, to, via in edges if via
                }
    return edges


def key(identifier: Json) -> str:
    """Return an identifier's value as it is compared."""
    return "".join(identifier["value"].split()).casefold()


def around(edges: Edges, policy: str, depth: int) -> tuple[dict[str, int], Edges]:
    """Return the nodes with their distances, and the edges, by walking over sets."""
    nodes, found = {policy: 0}, Edges()
    for distance in range(1, depth + 1):
        frontier = {node for node, at in nodes.items() if at == distance - 1 and "/" not in node}
        near = {edge for edge in edges if {edge[1], edge[2]} & frontier}
        near |= {edge for edge in edges if (edge[0], edge[2]) in {(e[0], e[3]) for e in near}}
        found |= near
        for edge in near:
            for end in edge[1:3]:
                nodes.setdefault(end, distance)
    return nodes, found


def test_the_graph_is_what_the_pages_of_its_policies_say(service: Client) -> None:
    """From any policy, at any depth and position: the same nodes, distances and edges."""
    head = int(service.get("/v1/events?limit=1").headers["timeline-position"])
    selected = 0
    for position in (head // 3, head // 2, head - 7, head):
        moment = f"known_position={position}"
        as_of = "as_of=2021-03-01"
        answers = {
            policy: service.get(f"/v1/policies/{policy}?{moment}&{as_of}")
            for policy in policies_of(service)
        }
        assert {each.status_code for each in answers.values()} <= {200, 307, 404, 410}
        pages = {name: each.json() for name, each in answers.items() if each.status_code == 200}
        edges = whole(service, pages, moment)
        selected += sum(via is not None for *_, via in edges)
        for policy in list(pages)[-6:]:
            for depth in (1, 2, 5):
                asked = f"/v1/graph?policy={policy}&depth={depth}&{moment}&{as_of}"
                graph = service.get(asked).json()

                nodes, near = around(edges, policy, depth)
                assert not graph["truncated"]
                assert {each["id"]: each["distance"] for each in graph["nodes"]} == nodes
                assert {
                    (each["event"], each["from"], each["to"], each["via"])
                    for each in graph["edges"]
                } == near
                check(graph, pages)
        check_incoming(pages)
        acting = acting_in(service, moment)
        for policy in list(pages)[-6:]:
            found = acting_in(service, f"around={policy}&{moment}")
            assert found == beside(pages, policy) & acting

    assert selected or "la-ordinance-188441" in pages


def check(graph: Json, pages: dict[str, Json]) -> None:
    """Hold each node and edge against the pages of its policies."""
    for node in graph["nodes"]:
        if node["kind"] == "policy":
            item = {name: each for name, each in node.items() if name not in EXTRA}
            page = pages[node["id"]]
            assert node["decided_by"].items() <= page["decided_by"].items()
            assert item == {name: page[name] for name in item}
        elif node["kind"] == "retracted":
            assert node["id"] not in pages
    for edge in graph["edges"]:
        outgoing = pages[edge["from"]]["relations"]["outgoing"]
        (relation,) = (each for each in outgoing if each["event"] == edge["event"])
        begins = (relation["effective"] or relation["occurred"] or {"earliest": None})["earliest"]
        assert edge["later"] == (begins is not None and begins > "2021-03-01")
        for name in set(relation) - {"policy", "resolves_to"}:
            assert edge[name] == relation[name]


def acting_in(client: Client, query: str) -> set[str]:
    """Return the policies that have items on a timeline."""
    page = client.get(f"/v1/timeline?{query}&limit=500").json()
    assert page["next"] is None
    return {item["policy"] for item in page["items"]}


def check_incoming(pages: dict[str, Json]) -> None:
    """Hold what arrives at each policy against what leaves the others: the same, word for word."""
    left = [item for page in pages.values() for item in page["relations"]["outgoing"]]
    for policy, page in pages.items():
        arriving = {item["event"]: item for item in page["relations"]["incoming"]}
        assert arriving == {
            item["event"]: item
            for item in left
            if policy in item["resolves_to"] and item["policy"] != policy
        }


def beside(pages: dict[str, Json], policy: str) -> set[str]:
    """Return a policy and those one step away: of a selector's others, only who asserts it."""
    found = {policy}
    for item in pages[policy]["relations"]["outgoing"]:
        found |= set(item["resolves_to"])
    for item in pages[policy]["relations"]["incoming"]:
        found |= {item["policy"]}
        found |= set() if "selector" in item["target"] else set(item["resolves_to"])
    return found


EXTRA = {"kind", "id", "distance", "decided_by"}


def relation(policy: str, target: Json, **data: Json) -> Json:
    """Return a RelationAsserted to post."""
    needed = {"relation": "repeals", "target": target, "sources": [SOURCE]}
    return {"policy": policy, "type": "RelationAsserted", "data": needed | data}


def shape(graph: Json) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the kinds and ids of the nodes, and the ends of the edges."""
    return (
        [(node["kind"], node["id"]) for node in graph["nodes"]],
        [(edge["from"], edge["to"]) for edge in graph["edges"]],
    )


def test_a_citation_is_a_node_until_somebody_carries_it(empty: Client) -> None:
    """It resolves once a policy with that identifier is registered, at later positions."""
    cited = {"scheme": "no", "value": "5 B"}
    empty.record(registration("a"))
    empty.record(relation("a", {"citation": cited}))
    empty.record(registration("b", identifiers=[{"scheme": "NO", "value": "5b"}]))

    now = empty.get("/v1/graph?policy=a").json()
    then = empty.get("/v1/graph?policy=a&known_position=2").json()

    assert shape(now) == ([("policy", "a"), ("policy", "b")], [("a", "b")])
    assert shape(then) == (
        [("policy", "a"), ("citation", "citation/no:5b")],
        [("a", "citation/no:5b")],
    )
    assert then["nodes"][1]["citation"] == cited
    assert shape(empty.get("/v1/graph?policy=b").json())[1] == [("a", "b")]


def test_an_ambiguous_citation_leads_to_all_that_carry_it(empty: Client) -> None:
    """One identifier carried by several policies: each is a node with an edge, seen from any side."""
    cited = {"scheme": "no", "value": "5 B"}
    empty.record(registration("a"))
    empty.record(relation("a", {"citation": cited}))
    for policy in ("c", "b"):
        empty.record(registration(policy, identifiers=[{"scheme": "NO", "value": "5b"}]))

    graph = empty.get("/v1/graph?policy=a").json()
    from_b = empty.get("/v1/graph?policy=b&depth=2").json()
    then = empty.get("/v1/graph?policy=a&known_position=3").json()
    page = empty.get("/v1/policies/a").json()["relations"]["outgoing"]
    of_c = empty.get("/v1/policies/c").json()["relations"]["incoming"]

    assert shape(graph) == (
        [("policy", "a"), ("policy", "b"), ("policy", "c")],
        [("a", "b"), ("a", "c")],
    )
    assert set(shape(from_b)[1]) == {("a", "b"), ("a", "c")}
    assert shape(then)[1] == [("a", "c")]
    assert [each["resolves_to"] for each in (*page, *of_c)] == [["b", "c"], ["b", "c"]]
    assert around_of(empty, "b") == {"a", "b", "c"}


def around_of(client: Client, policy: str) -> set[str]:
    """Return the policies that a timeline takes in two steps around one."""
    for each in "abc":
        client.record(action(each))
    found = client.get(f"/v1/timeline?around={policy}&depth=2&limit=500").json()["items"]
    return {item["policy"] for item in found}


def test_a_citation_with_many_carriers_is_cut(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page names the first carriers by id, a graph says that its bound has left some out."""
    cited = {"scheme": "no", "value": "5"}
    monkeypatch.setattr(relation_reads, "MAX_RESOLVED", 2)
    monkeypatch.setattr(identities, "MAX_CARRIERS", 3)
    monkeypatch.setattr(graph_reads, "MAX_NODES", 3)
    empty.record({"events": [registration("a"), relation("a", {"citation": cited})]})
    empty.record({"events": [registration(policy, identifiers=[cited]) for policy in "edcb"]})

    (outgoing,) = empty.get("/v1/policies/a").json()["relations"]["outgoing"]
    graph = empty.get("/v1/graph?policy=a").json()

    assert outgoing["resolves_to"] == ["b", "c"]
    assert shape(graph)[1] == [("a", "b"), ("a", "c")]
    assert graph["truncated"]


def test_a_selector_is_a_node_beside_those_it_names(empty: Client) -> None:
    """It names at each position those on whom it acts, also seen from them."""
    place = "ocd-division/country:us/state:ny"
    selector = {"jurisdiction": place, "instrument": "executive_order"}
    data = {"occurred": "2024-12-01", "effective": "2024-12-01"}
    for each in (
        registration("a"),
        action("a"),
        {**relation("a", {"selector": selector}, **data), "id": event_id(9)},
        registration("b", jurisdiction=place),
        action("b"),
    ):
        assert empty.record(each).status_code == 201

    now = empty.get("/v1/graph?policy=a&as_of=2024-11-30").json()
    then = empty.get("/v1/graph?policy=a&known_position=3").json()

    node = f"selector/{event_id(9)}"
    assert shape(then) == ([("policy", "a"), ("selector", node)], [("a", node)])
    assert shape(now)[1] == [("a", node), ("a", "b")]
    assert [(edge["via"], edge["later"]) for edge in now["edges"]] == [(None, True), (node, True)]
    assert now["nodes"][1]["selector"] == {**selector, **now["nodes"][1]["selector"]}
    assert set(shape(empty.get("/v1/graph?policy=b").json())[1]) == {("a", node), ("a", "b")}


def test_a_selected_policy_whose_own_action_tells_the_same_has_an_edge(empty: Client) -> None:
    """From both ends, while the relation stands and acts; one whose action is another's has one too."""
    place = "ocd-division/country:us/state:ny"
    selector = {"jurisdiction": place, "instrument": "executive_order"}
    for each in (
        *(registration(policy, jurisdiction=place) for policy in ("b", "c", "d")),
        *(action(policy) for policy in ("b", "c")),
        registration("a"),
        action("a"),
        action("b", action="repealed", occurred="2024-12-01", by={"policy": "a"}),
        action("c", action="amended", occurred="2024-12-01", by={"policy": "a"}),
        action("d", action="repealed", occurred="2024-12-01", by={"policy": "c"}),
        {**relation("a", {"selector": selector}, occurred="2024-12-01"), "id": event_id(9)},
    ):
        assert empty.record(each).status_code == 201
    node = f"selector/{event_id(9)}"
    named = {("a", node), ("a", "b"), ("a", "c"), ("a", "d")}

    from_a = empty.get("/v1/graph?policy=a").json()
    from_b = empty.get("/v1/graph?policy=b").json()
    timeline = empty.get("/v1/timeline?policy=b").json()["items"]
    empty.record({"policy": "a", "type": "EventRetracted", "data": RETRACTION})
    after = empty.get("/v1/graph?policy=b").json()

    assert set(shape(from_a)[1]) == named
    assert {edge["to"] for edge in from_a["edges"] if edge["via"] == node} == {"b", "c", "d"}
    assert {("a", node), ("a", "b")} <= set(shape(from_b)[1])
    assert [item["action"] for item in timeline] == ["issued", "repealed"]
    assert shape(after) == ([("policy", "b")], [])
    assert shape(empty.get("/v1/graph?policy=b&known_position=11").json()) == shape(from_b)


RETRACTION = {"event": event_id(9), "reason": "in error"}


def test_merged_and_retracted_policies(empty: Client) -> None:
    """A duplicate is its survivor; what is retracted is a node without content."""
    empty.record({"events": [registration(policy) for policy in ("a", "b", "c")]})
    gone = {**registration("d"), "id": event_id(4)}
    empty.record(gone)
    empty.record({"events": [relation("a", {"policy": "b"}), relation("a", {"policy": "d"})]})
    data = {"duplicate": "b", "reason": "one order"}
    empty.record({"policy": "c", "type": "PoliciesMerged", "data": data})
    data = {"event": event_id(4), "reason": "in error"}
    answer = empty.record({"policy": "d", "type": "EventRetracted", "data": data})

    graph = empty.get("/v1/graph?policy=a").json()
    moved = empty.get("/v1/graph?policy=b&depth=2")

    assert shape(graph)[1] == [("a", "c"), ("a", "d")]
    assert graph["nodes"][2] == {
        "kind": "retracted",
        "id": "d",
        "distance": 1,
        "policy": "d",
        "retracted_by": answer.json()["events"][0]["id"],
    }
    assert (moved.status_code, moved.headers["location"]) == (307, "/v1/graph?policy=c&depth=2")
    assert problem(empty.get("/v1/graph?policy=d")) == (410, "policy-gone", "policy")
    assert problem(empty.get("/v1/graph?policy=z")) == (404, "unknown-resource", "policy")
    assert problem(empty.get("/v1/graph?policy=a&known_position=0"))[0] == 404


@pytest.mark.parametrize(("bound", "most"), [("MAX_NODES", 3), ("MAX_EDGES", 2)])
def test_a_graph_says_that_it_is_cut(
    empty: Client, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """At a bound the first are served, each edge with both of its ends; within it nothing is cut."""
    empty.record({"events": [registration(policy) for policy in "abcde"]})
    empty.record({"events": [relation("a", {"policy": policy}) for policy in "bc"]})
    monkeypatch.setattr(graph_reads, bound, most)
    before = empty.get("/v1/graph?policy=a&depth=5").json()
    empty.record({"events": [relation("b", {"policy": policy}) for policy in "de"]})

    after = empty.get("/v1/graph?policy=a&depth=5").json()

    assert shape(before) == shape(after)
    assert shape(after)[1] == [("a", "b"), ("a", "c")]
    assert (before["truncated"], after["truncated"]) == (False, True)
    assert empty.get("/v1/graph?policy=a&depth=1").json()["truncated"] is False


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("", "policy"),
        ("policy=A", "policy"),
        ("policy=a&depth=0", "depth"),
        ("policy=a&depth=6", "depth"),
        ("policy=a&as_of=soon", "as_of"),
        ("policy=a&known_position=1", "known_position"),
        ("policy=a&limit=5", "limit"),
    ],
)
def test_a_malformed_question_is_refused_by_name(
    refusing: Client, question: str, field: str
) -> None:
    """400 names the parameter, also the one that is missing."""
    assert problem(refusing.get(f"/v1/graph?{question}")) == (400, "invalid-request", field)
