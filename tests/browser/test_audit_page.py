"""The pages of audit, as a browser shows them; and proofs, as a browser checks them."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from shown import Demo
from timeline.transparency.checkpoints import cosign
from timeline.transparency.keys import COSIGNATURE_V1, SEED_BYTES, SigningKey
from timeline.transparency.notes import Note

EVENT = "01a2029e-4a60-7199-ae46-234cd11a7c16"
HOLDS = "All of it holds"
SEEN_S = 1_800_000_000

STEPS = ("event", "data", "leaf", "path", "checkpoint", "signature")


@pytest.fixture(scope="module", autouse=True)
def signed(demo: Demo) -> None:
    """Wait for a checkpoint of the whole story: it is signed a moment after the service answers."""
    for _ in range(200):
        if "\n74\n" in httpx.get(f"{demo.url}/log/checkpoint").text:
            return
        time.sleep(0.1)
    raise AssertionError("no checkpoint has the story")


def test_the_newest_checkpoint_is_told_and_what_is_looked_for_is_found(page: Page) -> None:
    """Origin, size, root and signer; a position leads to the event's proof."""
    page.goto("/audit")
    expect(page.locator(".facts")).to_contain_text("74 entries")
    expect(page.locator(".facts")).to_contain_text("the log's own key")

    page.get_by_role("searchbox").fill("44")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="The event 44 and its proof").click()

    expect(page).to_have_url(re.compile(f"/audit/events/{EVENT}$"))


def test_the_browser_checks_a_proof_itself(page: Page) -> None:
    """Every step holds for an event as it is served, and shows what it computed."""
    page.goto(f"/audit/events/{EVENT}")

    expect(page.locator("[data-verdict]")).to_contain_text(HOLDS)
    for step in STEPS:
        expect(page.locator(f"[data-step={step}]")).to_have_attribute("data-result", "right")
    values = page.locator("[data-step=path] dd").all_inner_texts()
    assert len(values) == 2
    assert values[0] == values[1]


def flipped(text: str, at: int = 0) -> str:
    """Return a text with one hexadecimal or base64 character changed."""
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def other_entry(event: dict[str, Any]) -> None:
    event["entry"] = event["entry"].replace('"commitment":"', '"commitment": "')


def other_fields(event: dict[str, Any]) -> None:
    event["recorded_by"] = "someone-else"


def other_data(event: dict[str, Any]) -> None:
    event["data"]["occurred"] = "2024-12-08"


def other_path(event: dict[str, Any]) -> None:
    event["proof"]["hashes"][3] = flipped(event["proof"]["hashes"][3])


def shorter_path(event: dict[str, Any]) -> None:
    del event["proof"]["hashes"][-1]


def other_checkpoint(event: dict[str, Any]) -> None:
    event["proof"]["checkpoint"] = event["proof"]["checkpoint"].replace("\n74\n", "\n75\n")


def no_checkpoint(event: dict[str, Any]) -> None:
    event["proof"]["checkpoint"] = None


def other_signature(event: dict[str, Any]) -> None:
    note = event["proof"]["checkpoint"]
    event["proof"]["checkpoint"] = flipped(note, len(note) - 20)


@pytest.mark.parametrize(
    ("tamper", "faults"),
    [
        (other_entry, {"event": "the entry", "leaf": "the entry's hash is not the leaf"}),
        (other_fields, {"event": "the entry does not say what is shown"}),
        (other_data, {"event": "what is shown", "data": "the data is not what was recorded"}),
        (other_path, {"path": "the path does not lead to the root"}),
        (shorter_path, {"path": "the path does not lead to the root"}),
        (other_checkpoint, {"checkpoint": "the checkpoint states", "signature": "the signature"}),
        (other_signature, {"signature": "the signature is not the log's"}),
        (
            no_checkpoint,
            {
                "checkpoint": "the checkpoint states",
                "signature": "the signature",
                "cosignatures": "a cosignature",
            },
        ),
    ],
)
def test_what_was_tampered_with_is_named(
    page: Page, tamper: Callable[[dict[str, Any]], None], faults: dict[str, str]
) -> None:
    """Whatever part of an answer is changed on its way, that part is found wrong, and no other."""

    def answer(route: Route) -> None:
        fetched = route.fetch()
        event = json.loads(fetched.text())
        tamper(event)
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        route.fulfill(response=fetched, body=body)

    page.route("**/v1/events/*proof=true", answer)
    page.goto(f"/audit/events/{EVENT}")

    verdict = page.locator("[data-verdict]")
    expect(verdict).to_contain_text("Found wrong")
    for words in faults.values():
        expect(verdict).to_contain_text(words)
    wrong = page.locator("[data-result=wrong]").evaluate_all(
        "steps => steps.map(step => step.dataset.step)"
    )
    assert wrong == list(faults)


def test_another_key_does_not_hold(page: Page) -> None:
    """A key that a reader brings is what counts: the service's own signature is not taken for it."""
    page.goto(f"/audit/events/{EVENT}")
    expect(page.locator("[data-verdict]")).to_contain_text(HOLDS)
    key = str(SigningKey("timeline.invalid/log", bytes(SEED_BYTES)).verifier)

    page.get_by_label("A verifier key that you have from elsewhere").fill(key)
    page.get_by_role("button", name="Check again").click()

    expect(page.locator("[data-verdict]")).to_contain_text("the signature is not the log's")


LINES = {
    "ann": SigningKey("ann.example", b"a" * SEED_BYTES, COSIGNATURE_V1),
    "bob": SigningKey("bob.example", b"b" * SEED_BYTES, COSIGNATURE_V1),
}


@pytest.mark.parametrize(
    ("cosigned", "kept", "given", "result", "words", "of_ann"),
    [
        ("", "", "", "absent", "no witness has cosigned this checkpoint", ""),
        (
            "ann",
            "ann",
            "",
            "right",
            "holds",
            "saw it at 2027-01-15T08:00:00Z, by the key that the service",
        ),
        ("ann bob", "ann", "", "right", "1 of 2 checked, and hold", "saw it"),
        ("ann", "", "ann", "right", "holds", "by the key that you gave"),
        ("ann", "", "", "unchecked", "not checked", "no key is known"),
        ("ann", "", "bob", "wrong", "wrong", "no key is known"),
        ("forged", "ann", "", "wrong", "wrong", "is not signed by the key that the service keeps"),
        ("cut", "ann", "", "wrong", "wrong", "has 64 bytes, where a cosignature has 72"),
    ],
)
def test_who_cosigned_is_told_and_checked_by_the_keys_that_there_are(
    page: Page, cosigned: str, kept: str, given: str, result: str, words: str, of_ann: str
) -> None:
    """A witness whose key nobody has is named, and not counted; one whose key was given has to be there."""

    def answer(route: Route) -> None:
        fetched = route.fetch()
        event = json.loads(fetched.text())
        note = Note.parse(event["proof"]["checkpoint"].encode())
        lines = [cosign(note, LINES[each], SEEN_S) for each in cosigned.split() if each in LINES]
        if cosigned == "forged":
            true = cosign(note, LINES["ann"], SEEN_S)
            lines = [true._replace(signature=true.signature[:-1] + bytes([true.signature[-1] ^ 1]))]
        if cosigned == "cut":
            true = cosign(note, LINES["ann"], SEEN_S)
            lines = [true._replace(signature=true.signature[:-8])]
        event["proof"]["checkpoint"] = bytes(note.with_signatures(tuple(lines))).decode()
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        route.fulfill(response=fetched, body=body)

    def keeping(route: Route) -> None:
        fetched = route.fetch()
        keys = " ".join(str(LINES[each].verifier) for each in kept.split())
        text = fetched.text().replace('data-witnesses=""', f'data-witnesses="{keys}"')
        route.fulfill(response=fetched, body=text)

    page.route("**/v1/events/*proof=true", answer)
    page.route(f"**/audit/events/{EVENT}", keeping)
    page.goto(f"/audit/events/{EVENT}")
    if given:
        keys = " ".join(str(LINES[each].verifier) for each in given.split())
        page.get_by_label("A verifier key that you have from elsewhere").fill(keys)
        page.get_by_role("button", name="Check again").click()

    step = page.locator("[data-step=cosignatures]")
    expect(step).to_have_attribute("data-result", result)
    expect(step.locator(".outcome")).to_have_text(words)
    expect(step).to_contain_text(of_ann)
    expect(page.locator("[data-verdict]")).to_contain_text(
        {
            "wrong": "Found wrong: a cosignature is not the witness's",
            "unchecked": "1 of 7 steps could not be checked",
        }.get(result, HOLDS)
    )


def test_a_check_that_was_asked_for_before_changes_nothing_any_more(page: Page) -> None:
    """Its answer comes late, when what another key leads to is shown already."""
    page.add_init_script(
        "const real = fetch; let first = true;"
        "window.fetch = async (...asked) => {"
        " const holds = first; first = false;"
        " const answer = await real(...asked);"
        " if (holds) await new Promise((done) => {"
        "  window.letGo = done; document.documentElement.dataset.held = ''; });"
        " return answer; };"
    )
    step = page.locator("[data-step=cosignatures]")
    page.goto(f"/audit/events/{EVENT}")
    expect(page.locator("html")).to_have_attribute("data-held", "")
    page.get_by_label("A verifier key that you have from elsewhere").fill(
        str(LINES["bob"].verifier)
    )
    page.get_by_role("button", name="Check again").click()
    expect(step).to_have_attribute("data-result", "wrong")

    # Where it is not left off, all of it is checked and shown within a few milliseconds.
    page.evaluate("() => { letGo(); return new Promise((done) => setTimeout(done, 300)); }")

    expect(step).to_have_attribute("data-result", "wrong")


def test_a_browser_without_ed25519_says_what_it_did_not_check(page: Page) -> None:
    """What cannot be checked is neither right nor wrong, and is said."""
    page.add_init_script(
        "const old = crypto.subtle.importKey.bind(crypto.subtle);"
        "crypto.subtle.importKey = (form, key, kind, ...rest) => kind.name === 'Ed25519'"
        " ? Promise.reject(new DOMException('unknown', 'NotSupportedError'))"
        " : old(form, key, kind, ...rest);"
    )
    page.goto(f"/audit/events/{EVENT}")

    signature = page.locator("[data-step=signature]")
    expect(signature).to_contain_text("not checked here: your browser lacks Ed25519")
    expect(page.locator("[data-verdict]")).to_contain_text("1 of 6 steps could not be checked")


def test_a_replay_goes_step_by_step(page: Page) -> None:
    """The slider shows the step that it is at; the address says which, and leads back to it."""
    page.goto("/audit/policies/la-ordinance-188441?step=7")
    slider = page.get_by_role("slider")

    slider.focus()
    page.keyboard.press("ArrowRight")

    title = page.locator("#step-title")
    expect(title).to_have_text("Step 8 of 15: Correction")
    changed = page.locator("[data-part=step] tr.differs").first
    expect(changed).to_have_text(re.compile(r"stage\s+changed\s*passed\s*advanced"))
    expect(page).to_have_url(re.compile(r"step=8$"))
    page.reload()
    expect(title).to_have_text("Step 8 of 15: Correction")
    page.get_by_role("link", name="Step 9").click()
    expect(title).to_contain_text("Step 9 of 15")
