"""The how-to for audits: its commands, run in order beside the demo, print what is shown."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx

from service import PLAIN, environment
from shown import blocks, running_demo, shown
from timeline.transparency.keys import VerifierKey
from witness_server import TestWitness, witnessing

PAGE: Final = (Path(__file__).parents[1] / "docs" / "how-to" / "audit-a-log.md").read_text()
SHOWN: Final = "ann.example+… https://ann.example/witness"
POLICY: Final = next(text for _, text in blocks(PAGE) if SHOWN in text)
SIGNED_TIMEOUT_S: Final = 30.0


def wait_for_checkpoint(url: str) -> None:
    """Wait until the demo has signed its log, which takes it a moment."""
    deadline = time.monotonic() + SIGNED_TIMEOUT_S
    with httpx.Client(timeout=5, verify=PLAIN) as client:
        while client.get(f"{url}/log/checkpoint").status_code != httpx.codes.OK:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_commands_print_what_is_shown(tmp_path: Path) -> None:
    """Each command, after those above it, in the directory of the demo's database.

    The policy of witnesses is the page's, but for the key and the address of the one that runs here.
    """
    examples = shown(PAGE)
    settings = environment("sqlite:///timeline.db") | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    assert [language for language, _ in blocks(PAGE)].count("sh") == len(examples)

    with running_demo(tmp_path) as demo, ExitStack() as running:
        wait_for_checkpoint(demo.url)
        log = VerifierKey.parse(httpx.get(f"{demo.url}/log/vkey", timeout=5).text.strip())
        ann = running.enter_context(witnessing(TestWitness("ann.example", 1, log)))
        given = f"{ann.key.verifier} {ann.url}"
        (tmp_path / "witnesses.policy").write_text(POLICY.replace(SHOWN, given))
        for command, answer in examples:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=settings,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.stdout == answer, (command, done.stderr)
