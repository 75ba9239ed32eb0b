"""The form for editors, as someone uses it who has never seen it."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

import feedparser
import httpx
import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, Locator, Page, Route, expect

from shown import Demo
from timeline.client import Client, Draft

ORDINANCE = "la-ordinance-188441"
PLACE = "ocd-division/country:us/state:il/place:springfield"


@pytest.fixture(scope="module")
def client(demo: Demo) -> Iterator[Client]:
    """Give a client that records beside the form."""
    with Client(demo.url, demo.token) as client:
        yield client


@pytest.fixture
def form(browser: Browser, demo: Demo) -> Iterator[Page]:
    """Open a blank page; what a script throws or the page's policy refuses fails the test.

    That the service refuses what is typed is what these tests are about, so it may.
    """
    context = browser.new_context(base_url=demo.url)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    yield page
    context.close()
    assert wrong == []


def registered(policy: str, title: str = "An order") -> Draft:
    """Return a registration."""
    data = {
        "title": title,
        "instrument": "executive_order",
        "jurisdiction": PLACE,
        "sources": [{"citation": "Gazette"}],
    }
    return Draft(policy=policy, type="PolicyRegistered", data=data)


def acted(policy: str, action: str = "issued", occurred: str = "2025-01-02") -> Draft:
    """Return an action."""
    data = {"action": action, "occurred": occurred, "sources": [{"citation": "Gazette"}]}
    return Draft(policy=policy, type="ActionRecorded", data=data)


def fill_action(form: Page, action: str, occurred: str, source: str) -> None:
    """Fill in what an action needs."""
    form.get_by_label("Action needed").select_option(action)
    form.get_by_label("When it happened").fill(occurred)
    form.get_by_label("Address").fill(source)


def send(form: Page) -> Locator:
    """Press the button once what would be recorded is shown, and return the answer."""
    expect(form.locator("#preview.ready")).to_be_visible()
    form.get_by_role("button", name="Record it").click()
    done = form.locator("#done")
    expect(done).to_be_focused()
    return done


def test_a_newcomer_records_an_action_and_finds_it_everywhere(
    form: Page, demo: Demo, client: Client
) -> None:
    """With the search, the words on the page and the keyboard's order, and nothing else."""
    form.goto("/record")
    form.get_by_label("Token").fill(demo.token)
    form.get_by_label("Search by title").fill("prohibition of the use of city")
    form.locator("#found button").first.click()
    expect(form.get_by_label("Action needed")).to_be_focused()
    fill_action(form, "confirmed", "2025-06-05", "https://news.example/still-in-force")
    form.get_by_label("Publisher").fill("Example News")

    expect(form.locator("#differences")).to_contain_text("last confirmed")
    expect(form.locator("#json")).to_contain_text('"occurred": "2025-06-05"')
    done = send(form)

    address = done.get_by_role("link", name="its proof").get_attribute("href")
    assert address is not None
    event = address.removeprefix("/audit/events/")
    done.get_by_role("link", name="its policy").click()
    expect(form.get_by_role("main")).to_contain_text("Example News")
    client.record(registered("later"), wait="proof")  # Then a checkpoint has that event, too.
    form.goto(address)
    expect(form.locator("[data-verdict]")).to_contain_text("All of it holds")
    _assert_in_feed_calendar_and_table(demo, event)


def _assert_in_feed_calendar_and_table(demo: Demo, event: str) -> None:
    """Find an event as the programs of others read it."""
    question = f"{demo.url}/v1/timeline?policy={ORDINANCE}&format="
    feed = feedparser.parse(httpx.get(f"{question}atom").content)
    calendar = Calendar.from_ical(httpx.get(f"{question}ics").content)
    rows = csv.DictReader(StringIO(httpx.get(f"{question}csv").text))

    (entry,) = [each for each in feed.entries if each.id == f"urn:uuid:{event}"]
    (day,) = [each for each in calendar.walk("VEVENT") if each["UID"] == event]
    (row,) = [each for each in rows if each["event"] == event]

    assert "Example News" in entry.content[0].value
    assert day.decoded("DTSTART") == date(2025, 6, 5)
    assert (row["action"], row["occurred"]) == ("confirmed", "2025-06-05")
    assert row["sources"] == "https://news.example/still-in-force"


def test_a_policy_is_registered_with_its_first_action(
    form: Page, demo: Demo, client: Client
) -> None:
    """Both are one batch; the id is suggested by the title."""
    form.goto("/record")
    form.get_by_label("Token").fill(demo.token)
    form.get_by_label("A policy that is not in the record yet").check()
    form.get_by_label("Title needed").fill("Resolución No. 5, on Parks")
    form.get_by_label("Instrument").select_option("resolution")
    client.record([registered("resolution-5", "Resolution No. 5 on Parks"), acted("resolution-5")])
    place = form.get_by_label("Jurisdiction")
    place.press_sequentially("springf")
    expect(form.locator(".offers li")).to_contain_text("Springfield, Illinois (city)")
    place.press("Enter")
    expect(form.locator(".offers li")).to_have_count(0)
    expect(place).to_have_value("springf")
    place.press("ArrowDown")
    expect(form.locator(".offers li")).to_have_count(1)
    place.press("ArrowDown")
    place.press("Enter")
    expect(place).to_have_value(PLACE)
    told = form.locator(".line", has=place)
    expect(told.locator(".told")).to_have_text("Springfield, Illinois (city)")
    alike = form.locator("#alike")
    expect(alike).to_contain_text("Resolution No. 5 on Parks (similar title)")
    place.fill("")
    expect(alike).to_be_empty()
    place.fill(PLACE)
    expect(alike).to_contain_text("Resolution No. 5 on Parks (similar title)")
    place.fill("Springfield")
    form.get_by_label("Body").first.focus()
    expect(told.locator(".error")).to_contain_text("choose a place that is offered")
    place.fill(PLACE.replace("il", "IL"))
    expect(told.locator(".error")).to_contain_text("Open Civic Data division id")
    place.fill(PLACE)
    expect(told.locator(".told")).to_have_text("Springfield, Illinois (city)")
    expect(told.locator(".error")).to_have_count(0)
    form.get_by_label("Topics").fill("parks, trees")
    form.get_by_role("button", name="Add a name").click()
    form.get_by_label("Kind").fill("resolution")
    form.get_by_label("Number or name").fill("5")
    fill_action(form, "passed", "2025-03", "https://springfield.example/5")

    send(form)

    policy = client.policy("resolucion-no-5-on-parks", as_of="2025-06-01")
    assert (policy.force, policy.topics) == ("in_force", ("parks", "trees"))
    assert policy.identifiers[0].value == "5"
    assert len({event.batch for event in client.log(policy=policy.policy)}) == 1


def test_a_policy_without_an_action_is_found_to_record_its_first(
    form: Page, demo: Demo, client: Client
) -> None:
    """By words of its title or its id, as any other; the form says that it has none yet."""
    client.record(registered("zebra-crossing-plan", "Zebra crossing plan"))
    form.goto("/record")
    form.get_by_label("Token").fill(demo.token)
    search = form.get_by_label("Search by title")

    search.fill("no such words")
    expect(form.locator("#found-status")).to_contain_text("with an action or without")
    for words in ("plan ZEBRA", "zebra-crossing-plan"):
        search.fill(words)
        expect(form.locator("#found button")).to_contain_text("Springfield, Illinois (city), no")
    form.locator("#found button").click()
    expect(form.locator("#chosen")).to_contain_text("zebra-crossing-plan, version 1")


def test_a_relation_is_recorded_to_a_policy_or_to_what_is_cited(
    form: Page, demo: Demo, client: Client
) -> None:
    """The one that acts is chosen first; the target is found by its title, or cited."""
    client.record([registered("old-order", "Order about owls"), acted("old-order")])
    client.record([registered("new-order", "Order of repeal"), acted("new-order")])
    form.goto("/record?policy=new-order")
    form.get_by_label("Token").fill(demo.token)
    form.get_by_label("bears on another").check()
    form.get_by_label("Relation").select_option("repeals")
    form.get_by_label("Address").fill("https://springfield.example/6")
    expect(form.locator("#state")).to_have_text("Still needed: what it bears on.")
    form.get_by_label("Or a target").fill("ordinance:77")
    expect(form.locator("#json")).to_contain_text('"citation": "ordinance:77"')
    expect(form.locator("#json")).to_be_hidden()
    expect(form.locator("#fields > p")).to_have_text(
        "Relation, of the policy new-order, if it is still at version 2:"
    )
    expect(form.locator("#fields li")).to_have_text(
        [
            "Relation: repeals",
            "Or a target that is not in the record: ordinance:77",
            "Source: Address: https://springfield.example/6",
        ]
    )
    expect(form.locator("#preview.ready")).to_be_visible()
    form.get_by_label("Or a target").fill("")
    form.get_by_label("Target, a policy").press_sequentially("about owls")
    form.locator(".offers li").click()
    form.get_by_label("Its effect from").fill("2025-02/..")
    differences = form.locator("#differences")
    expect(differences).to_contain_text(
        "doubt about force: none would become no longer in force or in force"
    )
    expect(differences).not_to_contain_text("{")
    form.get_by_label("Its effect from").fill("2025-02-01")

    expect(form.locator("#differences")).to_contain_text("in force would become no longer in force")
    send(form)

    assert client.policy("old-order", as_of="2025-02-02").force_reason == "repealed"


def test_a_wrong_date_is_named_at_its_field_while_it_is_typed(form: Page, demo: Demo) -> None:
    """Also while other fields are blank; once it is right, nothing is said any more."""
    form.goto(f"/record?policy={ORDINANCE}")
    form.get_by_label("Token").fill(demo.token)
    effective = form.get_by_label("In effect from")

    effective.fill("2023-02-29")
    expect(effective).to_have_attribute("aria-invalid", "true")
    error = form.locator(".line", has=effective).locator(".error")
    expect(error).to_contain_text("2023-02-29")
    effective.fill("2024-02-29")
    expect(error).to_have_count(0)
    expect(form.locator("#state")).to_contain_text("Still needed: Action, When it happened")

    form.get_by_role("button", name="Record it").click()
    summary = form.locator("#problem")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="When it happened").click()
    expect(form.get_by_label("When it happened")).to_be_focused()


def test_a_date_is_judged_before_anything_else_is_given(form: Page) -> None:
    """Without a token, a policy or a source: what it means, or what is wrong with it."""
    form.goto("/record")
    happened, effective, until = (
        form.get_by_label(name)
        for name in ("When it happened", "In effect from", "In effect until")
    )

    happened.fill("2026-02-30")
    line = form.locator(".line", has=happened)
    expect(line.locator(".error")).to_contain_text("has the day 30, which its month does not have")
    expect(happened).to_have_attribute("aria-invalid", "true")
    happened.fill("2023-03")
    expect(line.locator(".meaning")).to_have_text("Read as: some day in March 2023.")
    expect(line.locator(".error")).to_have_count(0)

    effective.fill("2024-02")
    until.fill("2024-01-31")
    ends = form.locator(".line", has=until)
    expect(ends.locator(".error")).to_contain_text("before it takes effect: some day in February")
    until.fill("2024-02-01")
    expect(ends.locator(".error")).to_have_count(0)


def test_a_double_click_records_once(form: Page, demo: Demo, client: Client) -> None:
    """And so does pressing again where the answer was lost, or was somebody else's."""
    client.record([registered("twice"), acted("twice")])
    form.goto("/record?policy=twice")
    form.get_by_label("Token").fill(demo.token)
    fill_action(form, "confirmed", "2025-07-01", "https://news.example/7")
    expect(form.locator("#preview.ready")).to_be_visible()
    form.route("**/v1/events", lambda route: route.fulfill(json={}), times=1)
    form.get_by_role("button", name="Record it").click()
    expect(form.locator("#problem")).to_contain_text("Nobody knows yet")
    assert "news.example/7" in form.evaluate("JSON.stringify(localStorage)")
    lost = 0

    def lose(route: Any) -> None:
        nonlocal lost
        lost += 1
        route.fetch()
        route.abort()

    form.route("**/v1/events", lose, times=3)
    form.get_by_role("button", name="Record it").dblclick()
    expect(form.locator("#problem")).to_contain_text("recorded once")
    assert lost == 3
    form.reload()

    # The draft is looked at again, and turns out to be recorded already.
    expect(form.locator("#done")).to_contain_text("recorded already")
    assert client.policy("twice").version == 3


def test_a_draft_that_was_edited_after_its_answer_was_lost_is_another_event(
    form: Page, demo: Demo, client: Client
) -> None:
    """What is recorded stays, and is shown; the rest is recorded on purpose or not at all."""
    client.record([registered("edited"), acted("edited")])
    form.goto("/record?policy=edited")
    form.get_by_label("Token").fill(demo.token)
    fill_action(form, "confirmed", "2025-07-01", "https://news.example/7")
    expect(form.locator("#preview.ready")).to_be_visible()
    form.route("**/v1/events", lambda route: (route.fetch(), route.abort()), times=3)
    form.get_by_role("button", name="Record it").click()
    expect(form.locator("#problem")).to_contain_text("recorded once")

    form.get_by_label("When it happened").fill("2025-07-02")
    form.get_by_role("button", name="Record it", exact=True).click()
    expect(form.locator("#problem")).to_contain_text("recorded already")
    form.get_by_role("button", name="Record it as another event").click()
    # The version has moved on by what was recorded without an answer.
    form.get_by_role("button", name="Go on at version 3").click()
    send(form)

    dates = [each.occurred.edtf for each in client.policy("edited").actions]
    assert dates == ["2025-01-02", "2025-07-01", "2025-07-02"]


def test_who_was_slower_loses_nothing(form: Page, demo: Demo, client: Client) -> None:
    """What others recorded is shown, the draft is kept through a reload, one click goes on."""
    client.record([registered("contended"), acted("contended")])
    form.goto("/record?policy=contended")
    form.get_by_label("Token").fill(demo.token)
    fill_action(form, "rescinded", "2025-08-01", "https://news.example/8")
    expect(form.locator("#preview.ready")).to_be_visible()
    client.record(acted("contended", "suspended", "2025-07-15"))

    form.get_by_role("button", name="Record it").click()
    conflict = form.locator("#conflict")
    expect(conflict).to_be_focused()
    expect(conflict).to_contain_text("suspended (2025-07-15)")
    form.reload()
    expect(conflict).to_contain_text("suspended (2025-07-15)")
    expect(form.get_by_label("When it happened")).to_have_value("2025-08-01")
    form.get_by_role("button", name="Go on at version 3").click()
    send(form)

    policy = client.policy("contended", as_of="2025-09-01")
    assert [action.action for action in policy.actions] == ["issued", "suspended", "rescinded"]


def test_a_correction_keeps_what_others_corrected_meanwhile(
    form: Page, demo: Demo, client: Client
) -> None:
    """After the conflict, the draft changes what its author changed, and nothing else."""
    event = client.record([registered("shared"), acted("shared")]).events[1].id
    form.goto(f"/record?correct={event}")
    form.get_by_label("Token").fill(demo.token)
    form.get_by_label("When it happened").fill("2025-01-03")
    form.get_by_label("Reason").fill("A slip")
    expect(form.locator("#preview.ready")).to_be_visible()
    theirs = {"event": event, "changes": {"label": "Issued by hand"}, "reason": "Seen"}
    client.record(Draft(policy="shared", type="ActionCorrected", data=theirs))

    form.get_by_role("button", name="Record it").click()
    form.get_by_role("button", name="Go on at version 3").click()
    expect(form.get_by_label("In the source's own words")).to_have_value("Issued by hand")
    send(form)

    (action,) = client.policy("shared").actions
    assert (action.occurred.edtf, action.label) == ("2025-01-03", "Issued by hand")


def held_back(form: Page) -> list[Route]:
    """Hold back what is asked of single events and policies, and return it as it comes."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    form.route(re.compile("/v1/(events|policies)/"), hold)
    return held


def let_go(form: Page, held: list[Route], answers: int = 2) -> None:
    """Let answers through, each as soon as it is asked for; to whom has no token, none."""
    for _ in range(answers):
        for _ in range(500):
            if held:
                break
            form.wait_for_timeout(20)
        route = held.pop()
        if "authorization" in route.request.headers:
            route.continue_()
        else:
            problem = {"type": "/problems/token-missing", "detail": "A token is needed"}
            route.fulfill(status=401, json=problem)


def test_a_correction_takes_nothing_that_its_loading_would_overwrite(
    form: Page, demo: Demo, client: Client
) -> None:
    """Its action waits for the record's, also where that comes after a token; all else is kept."""
    event = client.record([registered("slow"), acted("slow")]).events[1].id
    held = held_back(form)
    loading, reason = form.locator("#loading"), form.get_by_label("Reason")
    happened = form.get_by_label("When it happened")

    form.goto(f"/record?correct={event}")
    expect(loading).to_have_text("Loading the event …")
    reason.fill("A slip")
    expect(happened).to_be_disabled()
    let_go(form, held, 1)
    expect(loading).to_have_text("A token is needed")
    form.get_by_label("Token").fill(demo.token)
    expect(form.locator("#state")).to_contain_text("Still needed: the event")
    expect(happened).to_be_disabled()
    let_go(form, held)
    expect(happened).to_have_value("2025-01-02")
    expect(form.locator("#chosen")).to_contain_text(
        re.compile(r"recorded by .+ on \d+ [A-Z][a-z]+ \d{4}, \d\d:\d\d:\d\d UTC, position")
    )
    happened.fill("2025-01-03")
    expect(form.locator("#preview.ready")).to_be_visible()

    form.reload()
    expect(loading).to_have_text("Loading the event …")
    expect(happened).to_be_disabled()
    expect(happened).to_have_value("2025-01-03")
    reason.fill("A slip of the pen")
    let_go(form, held)
    form.unroute_all()
    send(form)

    (action,) = client.policy("slow").actions
    assert action.occurred.edtf == "2025-01-03"
    (correction,) = client.log(policy="slow", type="ActionCorrected")
    assert (correction.data or {})["reason"] == "A slip of the pen"


@pytest.mark.parametrize("mode", ["retract", "dispute"])
def test_what_is_typed_before_the_event_comes_counts(
    form: Page, demo: Demo, client: Client, mode: str
) -> None:
    """It is neither lost nor in want of another key before what would be recorded is shown."""
    policy = f"slow-{mode}"
    event = client.record([registered(policy), acted(policy)]).events[1].id
    held = held_back(form)
    form.goto(f"/record?{mode}={event}")
    form.get_by_label("Token").fill(demo.token)
    if mode == "retract":
        form.get_by_label("Reason").fill("It was another order")
    else:
        form.get_by_label("About which field").select_option("occurred")
        form.get_by_label("What it says instead").fill("2025-01-03")
        form.get_by_label("Citation").fill("Another gazette")
    expect(form.locator("#state")).to_have_text("Still needed: the event.")
    held.clear()
    form.reload()
    expect(form.locator("#state")).to_have_text("Still needed: the event.")

    let_go(form, held)
    form.unroute_all()
    send(form)

    found = client.policy(policy)
    assert (len(found.actions), found.disputed) == ((0, False) if mode == "retract" else (1, True))


def test_an_action_is_disputed_corrected_taken_back_and_put_back(
    form: Page, demo: Demo, client: Client
) -> None:
    """Each begins at the action; a correction sends what changed and settles the dispute."""
    client.record([registered("changing"), acted("changing")])

    form.goto("/policies/changing")
    form.get_by_role("link", name="Add a source or dispute").click()
    form.get_by_label("Token").fill(demo.token)
    form.get_by_label("About which field").select_option("occurred")
    expect(form.locator("#believed")).to_contain_text("2025-01-02")
    form.get_by_label("What it says instead").fill("2025-01-03")
    form.get_by_label("Citation").fill("Another gazette")
    send(form)
    assert client.policy("changing").disputed

    form.goto("/policies/changing")
    form.get_by_role("link", name="Correct what").click()
    expect(form.get_by_label("When it happened")).to_have_value("2025-01-02")
    form.get_by_label("When it happened").fill("2025-01-03")
    form.get_by_label("Another gazette says").check()
    form.get_by_label("Reason").fill("The gazette corrected itself")
    expect(form.locator("#json")).to_contain_text('"occurred": "2025-01-03"')
    expect(form.locator("#json")).not_to_contain_text('"action"')
    send(form)
    policy = client.policy("changing")
    assert (policy.actions[0].occurred.edtf, policy.disputed) == ("2025-01-03", False)

    form.goto("/policies/changing")
    form.get_by_role("link", name="Take back what").click()
    form.get_by_label("Reason").fill("It was another order")
    send(form)
    assert client.policy("changing").actions == ()

    form.goto("/policies/changing")
    form.get_by_role("link", name="Put back what").click()
    form.get_by_label("Reason").fill("It was this one")
    send(form)
    assert len(client.policy("changing").actions) == 1


def test_a_policy_is_described_anew_and_takes_a_duplicate_in(
    form: Page, demo: Demo, client: Client
) -> None:
    """Both begin at the policy; what is sent is what changed, also where something was cleared."""
    client.record([registered("abuot-bats", "Order abuot bats"), acted("abuot-bats")])
    client.record([registered("about-bats", "Order about bats"), acted("about-bats", "amended")])
    form.goto("/record?policy=abuot-bats")
    form.get_by_label("Token").fill(demo.token)
    form.get_by_role("link", name="Describe it anew").click()
    title = form.get_by_label("Title needed")
    expect(title).to_have_value("Order abuot bats")
    title.fill("Order on bats")
    form.get_by_label("Topics").fill("bats, caves")
    form.get_by_label("Reason").fill("A slip")
    expect(form.locator("#differences > ul li")).to_have_text(
        [
            "Title: Order abuot bats would become Order on bats",
            "Topics: nothing would become bats; caves",
        ]
    )
    expect(form.locator("#json")).not_to_contain_text("jurisdiction")
    send(form)

    form.goto("/record?merge=abuot-bats")
    form.get_by_label("The duplicate").press_sequentially("about bats")
    form.locator(".offers li").click()
    form.get_by_label("Reason").fill("Registered twice")
    send(form)
    policy = client.policy("abuot-bats")
    assert (policy.title, policy.topics) == ("Order on bats", ("bats", "caves"))
    assert {each.action for each in policy.actions} == {"issued", "amended"}


def test_a_correction_tells_what_it_changes_in_words(
    form: Page, demo: Demo, client: Client
) -> None:
    """Each field with its old and its new value, also where no axis of the policy moves."""
    event = client.record([registered("told"), acted("told")]).events[1].id
    form.goto(f"/record?correct={event}")
    form.get_by_label("Token").fill(demo.token)
    expect(form.get_by_label("When it happened")).to_have_value("2025-01-02")
    form.get_by_label("When it happened").fill("2025-01")
    form.get_by_label("Action needed").select_option("signed")
    form.get_by_label("Summary").fill("<b>Signed</b> on_paper")
    form.get_by_label("Votes for").evaluate("each => each.closest('details').open = true")
    form.get_by_label("Votes for").fill("7")
    form.get_by_role("button", name="Add a source").click()
    form.get_by_label("Citation").fill("Another gazette")
    form.get_by_label("Reason").fill("A slip")

    expect(form.locator("#preview.ready")).to_be_visible()
    told = form.locator("#differences > ul li")
    before, after = "2025-01-02 (2 January 2025)", "2025-01 (some day in January 2025)"
    expect(told).to_have_count(5)
    assert set(told.all_inner_texts()) == {
        f"When it happened: {before} would become {after}",
        "Action: issued would become signed",
        "Summary: nothing would become <b>Signed</b> on_paper",
        "Votes: nothing would become yes 7",
        "Source added: citation Another gazette",
    }


def test_what_strangers_wrote_is_shown_and_not_run(form: Page, demo: Demo, client: Client) -> None:
    """Markup in a title, an id or an answer is text, wherever the form shows it."""
    title = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    client.record([registered("hostile", title), acted("hostile")])

    form.goto("/record")
    form.get_by_label("Token").fill(demo.token)
    form.get_by_label("Search by title").fill("<img src=x")
    found = form.locator("#found button").first
    expect(found).to_contain_text(title)
    found.click()
    expect(form.locator("#chosen h2")).to_have_text(title)
    fill_action(form, "rescinded", "2025-02-02", "https://news.example/<script>alert(3)</script>")
    expect(form.locator("#differences h3")).to_have_text(title)
    assert form.locator("#record img, #record script").count() == 0
    send(form)


def test_a_token_stays_in_its_tab(form: Page, demo: Demo) -> None:
    """It survives a reload, is in no draft, and what is refused is said at its field."""
    form.goto("/record")
    form.get_by_label("Token").fill(demo.token)
    fill_action(form, "issued", "2025-01-01", "https://news.example/1")
    expect(form.locator("#state")).to_contain_text("Still needed: a policy")
    form.reload()

    expect(form.get_by_label("Token")).to_have_value(demo.token)
    assert demo.token not in form.evaluate("JSON.stringify(localStorage)")
    form.get_by_label("Token").fill("timeline_wrong")
    expect(form.get_by_label("Token")).to_have_attribute("aria-invalid", "true")


def test_no_tab_takes_the_draft_of_another_away(form: Page, demo: Demo, client: Client) -> None:
    """What one records leaves what was typed in another, and where two go on, both are kept."""
    client.record([registered("tabs"), acted("tabs")])
    address, first, date = "/record?policy=tabs", form, "When it happened"
    second = form.context.new_page()
    for tab in (first, second):
        tab.goto(address)
        tab.get_by_label("Token").fill(demo.token)
    for tab, day in ((first, "2025-07-01"), (second, "2025-07-02")):
        fill_action(tab, "confirmed", day, "https://news.example/1")
        expect(tab.locator("#preview.ready")).to_be_visible()

    send(second)

    third = form.context.new_page()
    third.goto(address)
    expect(third.get_by_label(date)).to_have_value("2025-07-01")
    for tab, day in ((first, "2025-07-03"), (third, "2025-07-04")):
        tab.get_by_label(date).fill(day)
        tab.wait_for_function("day => JSON.stringify(localStorage).includes(day)", arg=day)
    second.goto(address)
    expect(second.get_by_label(date)).to_have_value("")
    expect(second.locator("#others li")).to_have_count(2)
    second.locator("#others button").nth(1).click()
    expect(second.get_by_label(date)).to_have_value("2025-07-03")
    second.get_by_role("button", name="Start over").click()
    expect(second.get_by_label(date)).to_have_value("")
    expect(second.locator("#others li")).to_contain_text("2025-07-04")


def test_the_form_is_used_by_keyboard_alone(form: Page, demo: Demo, client: Client) -> None:
    """From the token to the proof with Tab, Enter, Space and letters."""
    client.record([registered("keyboard", "Order for the keyboard"), acted("keyboard")])
    form.goto("/record")
    press = form.keyboard.press
    form.get_by_label("Token").focus()
    form.keyboard.type(demo.token)
    press("Tab")
    press("Tab")
    form.keyboard.type("for the keyboard")
    expect(form.locator("#found button")).to_have_count(1)
    press("Enter")
    press("Enter")
    expect(form.get_by_label("Action needed")).to_be_focused()
    form.keyboard.type("confirmed")
    press("Tab")
    form.keyboard.type("2025-05-05")
    form.get_by_label("Address").focus()
    form.keyboard.type("https://news.example/5")
    expect(form.locator("#preview.ready")).to_be_visible()
    for _ in range(30):
        press("Tab")
        if form.evaluate("document.activeElement.id") == "send":
            break
    press("Enter")

    expect(form.locator("#done")).to_be_focused()
    assert client.policy("keyboard").last_confirmed == "2025-05-05"


def test_without_scripts_the_page_says_how_to_record(browser: Browser, demo: Demo) -> None:
    """A command stands in the form's place."""
    context = browser.new_context(base_url=demo.url, java_script_enabled=False)
    page = context.new_page()

    page.goto("/record")

    expect(page.get_by_text("This form needs JavaScript")).to_be_visible()
    expect(page.get_by_text("/v1/events")).to_be_visible()
    expect(page.locator("#form")).to_be_hidden()
    context.close()
