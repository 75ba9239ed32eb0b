"""The how-to for importing: its commands, run in order, answer as shown."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from service import environment
from shown import blocks, matches

PAGE: Final = Path(__file__).parents[1] / "docs" / "how-to" / "import-data.md"


def test_the_commands_answer_as_shown(tmp_path: Path) -> None:
    """What is imported, corrected and refused is what the page says."""
    found = blocks(PAGE.read_text())
    settings = environment("sqlite:///timeline.db")

    asked = 0
    for index, (language, command) in enumerate(found):
        if language != "sh":
            continue
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=tmp_path,
            env=settings | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer, told = found[index + 1] if index + 1 < len(found) else ("", "")
        asked += answer in {"json", "text"}
        if answer == "json":
            assert matches(json.loads(told), json.loads(done.stdout)), done.stdout
        elif answer == "text":
            assert done.stdout == told

    assert asked == 9
