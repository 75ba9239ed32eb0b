"""The page of the timeline, as a browser shows it."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from service import service, timeline
from shown import Demo
from timeline.bootstrap import application
from timeline.cli.demo import example_file
from timeline.settings import Settings

STORY: Final = "/?around=la-ordinance-188441&depth=3"
POLICIES: Final = 2_000
STEPS: Final = ("introduced", "referred", "advanced", "passed", "signed")
LEVELS: Final = ("", "/state:ca", "/state:ca/county:kern", "/state:ca/place:kern")
ASKED_MS: Final = 300
PAINTED_MS: Final = 1_000
TRIES: Final = 5
"""Of several, the quickest tells what the page takes; the others, what else the machine does."""

PINCH: Final = """([x, y]) => {
  const view = document.querySelector(".view");
  const send = (kind, pointerId, clientX) => view.dispatchEvent(new PointerEvent(kind, {
    pointerId, clientX, clientY: y, pointerType: "touch", bubbles: true, cancelable: true }));
  send("pointerdown", 11, x - 50);
  send("pointerdown", 12, x + 50);
  for (let step = 1; step <= 5; step += 1) send("pointermove", 12, x + 50 + step * 20);
  send("pointerup", 12, x + 150);
  send("pointerup", 11, x - 50);
}"""
"""Two fingers that go apart, to twice their distance."""


def moved(page: Page, act: Callable[[], object]) -> float:
    """Do what moves the picture, wait until it has, and return how long that took."""
    count = "performance.getEntriesByName('timeline-move').length"
    before = page.evaluate(count)
    act()
    for _ in range(500):
        if page.evaluate(count) > before:
            took: float = page.evaluate(
                "performance.getEntriesByName('timeline-move').at(-1).duration"
            )
            return took
        page.wait_for_timeout(20)
    raise AssertionError("the picture does not move")


def first_paint(page: Page) -> float:
    """Return how long after it was asked for the page was seen."""
    for _ in range(100):
        found = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        )
        if found is not None:
            return float(found)
        page.wait_for_timeout(20)
    raise AssertionError("nothing is painted")


def slide(page: Page, clock: str, value: int | str) -> float:
    """Move a slider."""
    return moved(page, lambda: page.locator(f"[data-clock={clock}]").fill(str(value)))


def day(iso: str) -> int:
    """Return a day as the slider counts them."""
    return (date.fromisoformat(iso) - date(1970, 1, 1)).days


def test_the_demos_page_opens_on_the_story(page: Page, demo: Demo) -> None:
    """Lanes, bars and marks are those of the picture that programs get; a mark leads to its policy."""
    picture = page.request.get(f"/v1/picture{STORY[1:]}").json()
    marks = [mark for lane in picture["lanes"] for mark in lane["marks"]]
    policies = [each for lane in picture["lanes"] for each in lane["policies"]]

    page.goto(demo.page)

    expect(page).to_have_url(re.compile(re.escape(STORY)))
    expect(page.locator("#moved .lane")).to_have_count(3)
    expect(page.locator("#moved .bar")).to_have_count(sum(len(e["periods"]) for e in policies))
    expect(page.locator("#moved .mark")).to_have_count(len(marks))
    expect(page.locator("#list caption:text-is('Actions') ~ tbody tr")).to_have_count(len(marks))
    expect(page.locator("#list table").first).to_contain_text("Statement on sanctuary cities")
    page.get_by_label(re.compile("took effect.*disputed")).click()
    expect(page).to_have_url(re.compile("/policies/la-ordinance-188441#event-"))


def test_the_page_is_whole_without_scripts(browser: Browser, demo: Demo) -> None:
    """Both clocks are fields of a form, zooming and moving are links; sliders are not shown."""
    context = browser.new_context(base_url=demo.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(STORY)
    expect(page.locator("[data-clock]").first).to_be_hidden()

    page.get_by_label("In the world, up to the day").fill("2024-12-01")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("around=la-ordinance-188441.*|as_of=2024-12-01"))
    expect(page.get_by_role("status")).to_contain_text("Up to 1 December 2024")
    before = page.locator(".range").inner_text()
    page.get_by_role("link", name="Closer").click()

    expect(page).to_have_url(re.compile("as_of=2024-12-01.*from="))
    assert page.locator(".range").inner_text() != before
    context.close()


def test_the_worlds_clock_moves_the_picture(page: Page) -> None:
    """The slider hides what came later, keeps the window and the address, and says what differs."""
    page.goto(STORY)
    window = page.locator(".range").inner_text()

    slide(page, "as_of", day("2019-06-01"))

    expect(page).to_have_url(re.compile("as_of=2019-06-01"))
    expect(page.get_by_role("status")).to_contain_text("Up to 1 June 2019")
    expect(page.get_by_role("status")).to_contain_text("another force than today: ")
    expect(page.get_by_label("In the world, up to the day")).to_have_value("2019-06-01")
    expect(page.locator("#list")).not_to_contain_text("took effect")
    assert page.locator(".range").inner_text() == window
    feed = page.get_by_role("link", name="feed (Atom)").get_attribute("href")
    told = page.request.get(feed or "")
    assert told.headers["timeline-as-of"] == "2019-06-01"
    assert "LAPD Special Order 40" in told.text()
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Up to 1 June 2019")


def test_the_list_tells_true_days(page: Page) -> None:
    """A window cuts bars, not the days that are told; what as_of hides is told as not asked about."""
    order = page.get_by_role("row", name=re.compile("Special Order.*executive order"))
    page.goto("/?from=2002-12-14&to=2004-07-12")
    expect(order).to_contain_text(re.compile(r"1979-\d\d-\d\d to no known end"))

    page.goto("/?as_of=1992-05-20")

    expect(order).to_contain_text("and still on 1992-05-20 (later not asked about)")
    expect(page.locator("#list")).not_to_contain_text("to 1992-05-20")
    expect(page.locator("#list")).not_to_contain_text("no known end")
    expect(page.locator("#picture")).not_to_contain_text("to 1992-05-20")


def test_counts_say_what_they_are_of(page: Page) -> None:
    """What is in a window is counted apart from what is in force on the day, in the window or not."""
    window = "?from=2002-12-14&to=2004-07-12"
    lanes = page.request.get(f"/v1/picture{window}").json()["lanes"]
    city = next(each for each in lanes if each["level"] == "city")
    assert city["in_force"]["yes"] > len(city["policies"])

    page.goto(f"/{window}")

    drawn = page.locator("#moved .lane").nth(lanes.index(city)).locator(".line")
    expect(drawn).to_have_count(len(city["policies"]))
    heads = page.locator(".heads").text_content() or ""
    assert f"{len(city['policies'])} policies drawn" in heads
    assert re.search(rf"Of all policies, on [\d-]+: {city['in_force']['yes']} in force", heads)
    told = page.locator("#lane-city + p")
    expect(told).to_contain_text("From 14 December 2002 to 12 July 2004: ")
    expect(told).to_contain_text(
        f"Of all policies, whether of this time or not, {city['in_force']['yes']} in force on "
    )


@pytest.mark.parametrize(
    ("clocks", "than"),
    [
        ("as_of=2004-01-01", "today"),
        ("known_position=12", "is known now"),
        ("as_of=2025-02-01&known_position=30", "today, as known now"),
    ],
)
def test_what_differs_is_counted_where_it_is(page: Page, clocks: str, than: str) -> None:
    """It says how many of those that are marked, how many elsewhere, and which clock makes it so."""
    question = f"?from=2002-12-14&to=2004-07-12&{clocks}"
    picture = page.request.get(f"/v1/picture{question}").json()
    all_policies = picture["differs"]["policies"]
    assert all_policies > 1

    page.goto(f"/{question}")

    marked = page.locator("#moved .line.differs").count()
    drawn = page.locator("#moved .line").count()
    expect(page.get_by_role("status")).to_contain_text(
        f"{all_policies} policies have another force than {than}: "
        f"{marked} of the {drawn} shown, {all_policies - marked} not shown"
    )
    page.get_by_role("link", name="Which policies").click()
    expect(page.locator("#differing tbody tr")).to_have_count(all_policies)
    expect(page.locator("#differing h2")).to_have_text(f"≠ Policies with another force than {than}")


def test_the_records_clock_tells_what_was_known(page: Page) -> None:
    """Before the correction the vote was final; that it differs today is marked, and counted."""
    page.goto(STORY)

    slide(page, "known_position", 12)

    expect(page).to_have_url(re.compile("known_position=12"))
    expect(page.get_by_role("status")).to_contain_text("position 12 of")
    expect(page.locator("#moved .mark.differs")).not_to_have_count(0)
    expect(page.locator("#list")).to_contain_text("told otherwise now")
    expect(page.locator("#moved .line.differs")).not_to_have_count(0)
    moved(page, lambda: page.get_by_role("link", name="As known now").click())
    expect(page.locator("#moved .differs")).to_have_count(0)


def test_the_picture_follows_hand_wheel_and_keys(page: Page) -> None:
    """It moves at once, and then the address says which window it shows."""
    page.goto(STORY)
    box = page.locator(".view").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 40

    def drag() -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 200, y, steps=4)
        assert "translate(-200 0)" in (page.locator("#moved").get_attribute("transform") or "")
        page.mouse.up()

    def wheel() -> None:
        page.mouse.move(x, y)
        page.keyboard.down("Control")
        page.mouse.wheel(0, -200)
        page.keyboard.up("Control")

    def pinch() -> None:
        page.evaluate(PINCH, [x, y])

    shown = [page.locator(".range").inner_text()]
    for act in (
        drag,
        pinch,
        wheel,
        lambda: page.locator(".view").press("ArrowLeft"),
        lambda: page.locator(".view").press("+"),
    ):
        moved(page, act)
        shown.append(page.locator(".range").inner_text())

    assert len(set(shown)) == len(shown)
    expect(page.locator("#told")).to_contain_text("Around Prohibition of the Use of City Resources")
    expect(page.locator(".view")).to_be_focused()
    moved(page, lambda: page.locator(".view").press("0"))
    assert page.locator(".range").inner_text() == shown[0]


def test_lines_show_relations_on_demand(page: Page) -> None:
    """A box draws them, and the list tells the same in words."""
    page.goto(STORY)
    expect(page.locator("#moved .relation")).to_have_count(0)

    moved(page, lambda: page.get_by_label("Lines for relations").check())

    expect(page.locator("#moved .relation .head")).not_to_have_count(0)
    expect(page.locator("#moved .relation.contesting")).not_to_have_count(0)
    expect(page.locator("#moved .said", has_text="challenges")).to_have_count(1)
    expect(page.locator("#list")).to_contain_text(
        re.compile(r"United States v\. City of Los Angeles\s+challenges\s+Prohibition")
    )


def test_what_is_refused_is_said_and_the_picture_stays(browser: Browser, demo: Demo) -> None:
    """A word of the form that makes no sense is named beside the picture that was there."""
    context = browser.new_context(base_url=demo.url)
    page = context.new_page()
    page.goto("/")
    page.locator(".narrowing > summary").click()
    page.get_by_label("From", exact=True).fill("2023-02-29")

    page.get_by_role("button", name="Show").click()

    expect(page.locator("#told [role=alert]")).to_contain_text("2023-02-29")
    expect(page.locator("#moved .lane")).to_have_count(3)
    assert page.url == f"{demo.url}/"
    context.close()


def test_nothing_found_is_said(page: Page) -> None:
    """A filter that nothing matches leaves words in the picture's place, and a way back."""
    page.goto("/?q=no+such+words")

    expect(page.locator(".empty")).to_contain_text("Nothing in the record matches")
    page.get_by_role("link", name="Drop the filters").click()
    expect(page.locator("#moved .lane")).to_have_count(3)


# Many actions


def many() -> Iterator[dict[str, Any]]:
    """Yield 2,000 policies of four levels of government over thirty years, 10,000 actions."""
    source = {"url": "https://news.example/many"}
    for number in range(POLICIES):
        policy = f"bill-{number}"
        begun = date(1996, 1, 1) + timedelta(number * 5)
        place = f"ocd-division/country:us{LEVELS[number % len(LEVELS)]}"
        events: list[tuple[str, dict[str, Any]]] = [
            (
                "PolicyRegistered",
                {"title": f"Bill {number}", "instrument": "bill", "jurisdiction": place},
            )
        ]
        for step, action in enumerate(STEPS):
            occurred = (begun + timedelta(step * 20)).isoformat()
            events.append(("ActionRecorded", {"action": action, "occurred": occurred}))
        for version, (type, data) in enumerate(events):
            yield {
                "id": f"00000000-0000-4000-8000-{number:08d}{version:04d}",
                "policy": policy,
                "type": type,
                "data": {**data, "sources": [source]},
            }


def recorded(database_url: str, lines: Path) -> None:
    """Record a file's events, and fill the read models with them."""
    timeline("import", str(lines), database_url=database_url)
    with application(Settings(database_url=database_url), follow=False) as app:
        app.runner.catch_up()


@pytest.fixture(scope="module")
def crowded(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Page]:
    """Open a page on a service with 10,000 actions."""
    directory = tmp_path_factory.mktemp("crowded")
    path = directory / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    url = f"sqlite:///{path}"
    lines = directory / "many.ndjson"
    lines.write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in many()))
    recorded(url, lines)
    with service(url, directory) as running:
        context = browser.new_context(base_url=running.url)
        yield context.new_page()
        context.close()


def test_ten_thousand_actions_are_quick(crowded: Page) -> None:
    """The first paint takes less than a second, a move of the world's clock less than 300 ms."""
    painted = []
    for number in range(TRIES):
        crowded.goto(f"/?as_of=2026-01-0{number + 1}")
        painted.append(first_paint(crowded))
    expect(crowded.locator("#moved .column")).not_to_have_count(0)

    moves = [
        slide(crowded, "as_of", day(f"20{number:02d}-05-05")) for number in range(1, TRIES + 1)
    ]

    assert min(painted) < PAINTED_MS
    assert min(moves) < ASKED_MS


def test_bars_of_a_crowd_spread_over_the_picture(crowded: Page) -> None:
    """A lane of hundreds draws twenty, from its begin to its end; above them stands how many were."""
    crowded.goto("/")
    lane = crowded.locator("#moved .lane").first

    begins = [
        float((bar.get_attribute("x") or "").rstrip("%")) for bar in lane.locator(".bar").all()
    ]

    assert len(begins) == 20
    assert len({x // 5 for x in begins}) > 16
    expect(lane.locator(".area.maybe")).not_to_have_count(0)
    expect(crowded.locator(".heads")).to_contain_text("Of each twentieth of this time")
    expect(lane.locator(".label").first).to_have_text("Bill 0")


def test_counts_lead_to_actions(crowded: Page) -> None:
    """Where there are too many to show they are counted; a column leads closer, to the actions."""
    crowded.goto("/")
    counted = crowded.request.get("/v1/picture").json()
    assert sum(lane["actions"] for lane in counted["lanes"]) == POLICIES * len(STEPS)
    expect(crowded.locator("#moved .mark")).to_have_count(0)

    moved(crowded, lambda: crowded.locator("#moved a:has(.column)").nth(5).click())

    expect(crowded.locator("#moved .mark")).not_to_have_count(0)
    expect(crowded.locator("#moved .column")).to_have_count(0)


@pytest.fixture
def page_on_postgresql(postgresql_url: str, tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """Open a page on a service that holds the story on PostgreSQL."""
    recorded(postgresql_url, example_file())
    with service(postgresql_url, tmp_path) as running:
        context = browser.new_context(base_url=running.url)
        yield context.new_page()
        context.close()


def test_the_page_is_the_same_on_postgresql(page_on_postgresql: Page, page: Page) -> None:
    """Both clocks show the same picture and the same list on either database."""
    for target in (STORY, f"{STORY}&as_of=2019-06-01", f"{STORY}&known_position=12&relations=true"):
        told = []
        for each in (page, page_on_postgresql):
            each.goto(target)
            told.append([each.locator(part).inner_text() for part in ("#picture", "#list")])

        assert told[0] == told[1]
