"""Knight Lab's own library shows what the service gives it, on a page of somebody else's.

The library comes from npm, where that answers; it is kept nowhere.
"""

import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest
from playwright.sync_api import Page

from http_client import Json
from shown import Demo

PACKAGE: Final = "@knight-lab/timelinejs@3.9"
TIMEOUT_S: Final = 30
LIBRARY: Final = ("package/dist/js/timeline.js", "package/dist/css/")


class Elsewhere(NamedTuple):
    """A site that is not the service: its files, with the library among them, and its address."""

    directory: Path
    url: str


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """Run a site of another origin, that has the library."""
    directory = tmp_path_factory.mktemp("elsewhere")
    with tarfile.open(packed(directory)) as archive:
        members = [each for each in archive.getmembers() if each.name.startswith(LIBRARY)]
        archive.extractall(directory, members, filter="data")
    handler = partial(Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Elsewhere(directory, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join(10)


def packed(directory: Path) -> Path:
    """Return the library as npm gives it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on the PATH")
    command = [npm, "pack", "--silent", "--pack-destination", str(directory), PACKAGE]
    try:
        done = subprocess.run(command, cwd=directory, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not answer in time")
    found = next(directory.glob("*.tgz"), None)
    if done.returncode or found is None:
        pytest.skip("npm has not given the library")
    return found


@pytest.mark.parametrize(
    "target",
    ["/v1/policies/la-ordinance-188441?format=timelinejs", "/v1/timeline?format=timelinejs"],
)
def test_the_library_shows_each_action(
    page: Page, demo: Demo, elsewhere: Elsewhere, target: str
) -> None:
    """It takes all slides and eras, and makes markers of them with their headlines."""
    told = httpx.get(f"{demo.url}{target}").json()
    shown = embedded(page, elsewhere, f"{demo.url}{target}")

    assert shown["slides"] == sorted(event["unique_id"] for event in told["events"])
    assert shown["eras"] == len(told["eras"])
    headlines = {event["text"]["headline"] for event in told["events"]}
    assert len(shown["headlines"]) == len(told["events"])
    for headline in shown["headlines"]:
        assert any(one_line(headline) in one_line(each) for each in headlines), headline
    assert told["events"][-1]["display_date"] in shown["text"]


def one_line(text: str) -> str:
    """Return text without what the library adds or takes off at the ends of a headline."""
    return re.sub(r"\W+", "", text.removesuffix("..."))


def embedded(page: Page, elsewhere: Elsewhere, source: str) -> Json:
    """Embed a timeline into a page of another origin, and return what it shows."""
    html = f"""<!doctype html><html lang="en"><title>Embedding</title><meta charset="utf-8">
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="package/dist/css/timeline.css">
        <div id="here"></div><script src="package/dist/js/timeline.js"></script>
        <script>fetch("{source}").then((found) => found.json()).then((told) => {{
            window.shown = new TL.Timeline("here", told, {{font: null}});
            window.shown.on("loaded", () => {{ window.loaded = true; }});
        }})</script>"""
    (elsewhere.directory / "embedding.html").write_text(html)
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto(f"{elsewhere.url}/embedding.html")
    page.wait_for_function("window.loaded")
    found: Json = page.evaluate(
        """() => ({
            slides: window.shown.config.events.map((each) => each.unique_id).sort(),
            eras: window.shown.config.eras.length,
            headlines: [...document.querySelectorAll(".tl-timemarker h2")]
                .map((each) => each.textContent.trim()).filter((each) => each),
            text: document.body.textContent,
        })"""
    )
    return found


def test_the_library_runs_no_text_as_html(page: Page, demo: Demo, elsewhere: Elsewhere) -> None:
    """A title with HTML in it is shown as it stands."""
    script = '<img src=x onerror="window.hit=1"><b>bold</b>'
    source = {"url": "https://news.example/a", "title": script}
    events = [
        {
            "policy": "html-in-a-title",
            "type": "PolicyRegistered",
            "data": {
                "title": script,
                "instrument": "ordinance",
                "jurisdiction": "ocd-division/country:us/state:ca",
                "sources": [source],
            },
        },
        {
            "policy": "html-in-a-title",
            "type": "ActionRecorded",
            "data": {
                "action": "other",
                "label": script,
                "summary": script,
                "occurred": "2024",
                "sources": [source],
            },
        },
    ]
    for event in events:
        answer = httpx.post(
            f"{demo.url}/v1/events",
            json=event,
            headers={"Authorization": f"Bearer {demo.token}"},
        )
        assert answer.status_code == 201, answer.text

    shown = embedded(page, elsewhere, f"{demo.url}/v1/policies/html-in-a-title?format=timelinejs")

    assert shown["slides"]
    assert script in shown["text"]
    assert page.evaluate("window.hit") is None
