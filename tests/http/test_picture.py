"""Pictures, held against the listings of actions and of policies, on both databases."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from http_client import Client, Json, action, registration, running
from timeline.application import picture_lanes
from timeline.domain.governments import government_of
from varied_record import PLACES, tell, varied

TODAY = "2026-11-22"
DAYS = ("2019-06-01", "2020-06-30", "2022-02-02", TODAY)
PARTS = 5
FILTERS = (
    "",
    "action=passed",
    "q=order",
    f"jurisdiction={min(PLACES.values())}&within=true",
    "from=2020&to=2021-06",
    "marks=0&from=2019",
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    shared_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Client]:
    """Run a service that holds a random record, on each kind of database."""
    with running(shared_database(request.param)) as client:
        answer = client.record({"events": list(orders())})
        assert answer.status_code == 201, answer.text
        tell(client, list(varied(7, 100)))
        yield client


def orders() -> Iterator[Json]:
    """Yield twelve orders of one place over four years, which have two to five actions each."""
    for number in range(12):
        policy = f"order-{number}"
        yield registration(policy)
        yield action(policy, occurred=f"{2018 + number // 3}-0{number % 3 + 1}-05")
        for month in range(1, number * 7 % 5 + 1):
            yield action(policy, action="amended", occurred=f"2023-0{month}-05")


def moments(client: Client) -> list[str]:
    """Return pairs of dates and positions to ask about."""
    head = int(client.get("/v1/events?limit=1").headers["timeline-position"])
    known = (head // 3, head)
    return [f"as_of={day}&known_position={position}" for day in DAYS for position in known]


def listed(client: Client, path: str, question: str) -> list[Json]:
    """Return a whole listing."""
    found = client.get(f"{path}?limit=500&{question}").json()
    assert found["next"] is None
    items: list[Json] = found["items"]
    return items


def test_a_picture_has_the_actions_of_the_timeline(service: Client) -> None:
    """One by one or counted, they are those that the timeline lists in the picture's window."""
    for moment in moments(service):
        for filter in FILTERS:
            picture = service.get(f"/v1/picture?{filter}&{moment}").json()
            window = f"from={picture['from']}&to={picture['to']}"
            kept = "&".join(
                each
                for each in filter.split("&")
                if each.split("=")[0] not in {"from", "to", "marks"}
            )
            actions = listed(service, "/v1/timeline", f"{kept}&{window}&{moment}")
            by_level: dict[str, list[Json]] = {}
            for each in actions:
                by_level.setdefault(str(government_of(each["jurisdiction"])), []).append(each)

            shown = {lane["level"]: lane for lane in picture["lanes"]}
            assert {level for level, lane in shown.items() if lane["actions"]} == set(by_level)
            for level, expected in by_level.items():
                lane = shown[level]
                assert lane["actions"] == len(expected)
                if lane["counts"]:
                    assert lane["marks"] == []
                    assert sum(each["actions"] for each in lane["counts"]) == len(expected)
                else:
                    told = [(each["policy"], each["event"]) for each in lane["marks"]]
                    assert sorted(told) == sorted((e["policy"], e["event"]) for e in expected)


def test_a_picture_counts_what_is_in_force_as_the_listing_does(service: Client) -> None:
    """A lane's sums, and each policy's axes, are those of `/v1/policies` on that day."""
    for moment in moments(service):
        items = listed(service, "/v1/policies", moment)
        known = {each["policy"]: each for each in items}

        lanes = service.get(f"/v1/picture?{moment}").json()["lanes"]

        for lane in lanes:
            here = [e for e in items if str(government_of(e["jurisdiction"])) == lane["level"]]
            for answer in ("yes", "maybe"):
                assert lane["in_force"][answer] == sum(e["in_force"] == answer for e in here)
            for policy in lane["policies"]:
                listing = known.get(policy["policy"])
                assert listing is None or {
                    n: listing[n] for n in ("force", "in_force", "stage")
                } == {n: policy[n] for n in ("force", "in_force", "stage")}


def test_steps_are_what_was_in_force_on_their_days(service: Client) -> None:
    """Where not everything is shown one by one, a lane counts as the listing does on each day."""
    question = "from=2019-05-05&to=2023-03-03&as_of=2022-02-02&marks=0"
    for position in (moments(service)[0].partition("&")[2], ""):
        lanes = service.get(f"/v1/picture?{question}&{position}").json()["lanes"]
        steps = {lane["level"]: lane["over_time"] for lane in lanes}
        days = [each["to"] for each in next(iter(steps.values()))]
        assert (len(days), days[0], days[-1]) == (56, "2019-05-22", "2022-02-02")

        for number in (0, 20, 55):
            items = listed(service, "/v1/policies", f"as_of={days[number]}&{position}")
            for level, standing in steps.items():
                here = [e for e in items if str(government_of(e["jurisdiction"])) == level]
                assert standing[number]["to"] == days[number]
                for answer in ("yes", "maybe"):
                    told = sum(each["in_force"] == answer for each in here)
                    assert standing[number][answer] == told


def test_policies_are_chosen_by_their_actions_all_over_a_window(
    service: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In turn each part gives the one left that begins in it and has most actions; here, of five."""
    monkeypatch.setattr(picture_lanes, "MAX_POLICIES", PARTS)
    first, last = date(2016, 1, 1), date(2026, 12, 31)
    window = f"from={first}&to={last}"
    width = -(-((last - first).days + 1) // PARTS)
    acted: dict[str, int] = {}
    for each in listed(service, "/v1/timeline", window):
        acted[each["policy"]] = acted.get(each["policy"], 0) + 1

    lanes = service.get(f"/v1/picture?{window}&marks=0").json()["lanes"]

    ranked: dict[str, dict[int, list[Json]]] = {}
    for policy, actions in acted.items():
        whole = service.get(f"/v1/policies/{policy}").json()
        begins = [
            each["from"] or "0001-01-01"
            for each in whole["periods"]
            if (each["in_force"] != "no" or each["force"] == "suspended")
            and (each["from"] or "") <= f"{last}"
            and (each["until"] or "9") >= f"{first}"
        ]
        if begins:
            part = (date.fromisoformat(min(begins)) - first).days // width
            parts = ranked.setdefault(str(government_of(whole["jurisdiction"])), {})
            parts.setdefault(max(part, -1), []).append((-actions, policy))
    for lane in lanes:
        turns = sorted(
            (part < 0, turn, *policy)
            for part, policies in ranked.get(lane["level"], {}).items()
            for turn, policy in enumerate(sorted(policies))
        )
        assert {each["policy"] for each in lane["policies"]} == {each[-1] for each in turns[:PARTS]}
    assert any(lane["more_policies"] for lane in lanes)


def test_what_differs_from_today_is_counted(service: Client) -> None:
    """A policy differs whose possible forces today, as known now, are others than those asked for.

    One without an action by then has no force, which is as if it were not enacted.
    """
    now = possible_forces(service, f"as_of={TODAY}")
    for moment in moments(service):
        then = possible_forces(service, moment)
        expected = {
            each for each in {*then, *now} if then.get(each, NO_FORCE) != now.get(each, NO_FORCE)
        }

        picture = service.get(f"/v1/picture?{moment}&differing=true").json()

        if picture["differs"] is None:
            assert moment == moments(service)[-1]
            continue
        assert picture["differs"]["policies"] == len(expected)
        assert [each["policy"] for each in picture["differing"]] == sorted(expected)
        for each in picture["differing"]:
            assert (each["then"] is None) == (each["policy"] not in then)
            assert (each["now"] is None) == (each["policy"] not in now)
        levels = Counter(str(government_of(each["jurisdiction"])) for each in picture["differing"])
        for lane in picture["lanes"]:
            assert lane["differs"] == levels[lane["level"]]
            for policy in lane["policies"]:
                assert policy["differs"] == (policy["policy"] in expected)


NO_FORCE = frozenset({"not_enacted"})


def possible_forces(client: Client, question: str) -> dict[str, frozenset[str]]:
    """Return the possible forces of each policy, that of a lawsuit as if it were not enacted."""
    return {
        each["policy"]: frozenset(
            "not_enacted" if force == "not_applicable" else force
            for force in (each["force"], *each["possible"].get("force", ()))
        )
        for each in listed(client, "/v1/policies", question)
    }


def test_bars_are_the_days_in_force(service: Client) -> None:
    """On each day of a policy's bar, and on no other of the window, it is or may be in force."""
    picture = service.get("/v1/picture?from=2018&to=2026").json()
    for policy in (each for lane in picture["lanes"] for each in lane["policies"]):
        for day in ("2018-07-01", "2019-12-31", "2021-03-01", "2024-05-05"):
            state = service.get(f"/v1/policies/{policy['policy']}?as_of={day}").json()
            bars = [
                (each["in_force"], each["force"])
                for each in policy["periods"]
                if (each["from"] or "") <= day <= (each["until"] or "9999-12-31")
            ]

            shown = state["in_force"] != "no" or state["force"] == "suspended"
            assert bars == ([(state["in_force"], state["force"])] if shown else [])


@pytest.mark.parametrize(
    "question", ["", "from=2002-12-14&to=2004-07-12", "from=1985&to=2004&as_of=1992-05-20"]
)
def test_bars_have_the_days_that_the_record_has(reading: Client, question: str) -> None:
    """Neither the window nor the date asked about cuts them; those without a day in it are not told."""
    picture = reading.get(f"/v1/picture?{question}").json()
    last = min(picture["to"], picture["as_of"] or picture["to"])
    policies = [each for lane in picture["lanes"] for each in lane["policies"]]

    for policy in policies:
        periods = reading.get(f"/v1/policies/{policy['policy']}").json()["periods"]
        expected = [
            each
            for each in joined(periods)
            if (each["from"] or "") <= last
            and (each["until"] or "9999-12-31") >= picture["from"]
            and (each["in_force"] != "no" or each["force"] == "suspended")
        ]
        assert policy["periods"] == expected
    assert any(each["periods"] for each in policies)


def joined(periods: list[Json]) -> list[Json]:
    """Return periods, as one those that follow each other with the same force."""
    found: list[Json] = []
    for each in periods:
        told = {name: each[name] for name in ("from", "until", "force", "in_force")}
        if found and all(found[-1][name] == told[name] for name in ("force", "in_force")):
            found[-1]["until"] = told["until"]
        else:
            found.append(told)
    return found


def test_a_window_reaches_to_today_where_nobody_says(reading: Client) -> None:
    """It holds the first action of the story and today; as_of does not move it."""
    whole = reading.get("/v1/picture").json()
    earlier = reading.get("/v1/picture?as_of=2019-01-01").json()

    assert whole["from"] < "1979-01-01"
    assert date.fromisoformat(whole["to"]) > date.fromisoformat(TODAY)
    assert (earlier["from"], earlier["to"]) == (whole["from"], whole["to"])
    assert whole["as_of"] is None
    assert whole["on"] == TODAY


def test_relations_join_policies_of_the_picture(reading: Client) -> None:
    """On demand, and only where both ends are shown and the date asked about has come."""
    question = "/v1/picture?around=la-ordinance-188441&depth=3"
    without = reading.get(question).json()
    joined = reading.get(f"{question}&relations=true").json()
    before = reading.get(f"{question}&relations=true&as_of=2024-12-31").json()

    shown = {each["policy"] for lane in joined["lanes"] for each in lane["policies"]}
    assert without["relations"] == []
    assert {"relation": "challenges", "from": "us-v-los-angeles-2025"}.items() <= next(
        each
        for each in joined["relations"]
        if each["to"] == "la-ordinance-188441" and each["relation"] == "challenges"
    ).items()
    assert all({each["from"], each["to"]} <= shown for each in joined["relations"])
    assert not any(each["relation"] == "challenges" for each in before["relations"])


def test_a_picture_refuses_what_the_timeline_refuses(reading: Client) -> None:
    """Parameters that contradict each other, pages, and too many marks."""
    for query, field in (
        ("depth=2", "depth"),
        ("within=true", "within"),
        ("from=2020&to=2019", "to"),
        ("limit=5", "limit"),
        ("marks=501", "marks"),
    ):
        answer = reading.get(f"/v1/picture?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
