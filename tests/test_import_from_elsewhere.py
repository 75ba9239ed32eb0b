"""The how-to for imports from elsewhere: its commands, run in order, answer as shown."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from service import environment
from shown import blocks, matches
from timeline.importers.label_tables import read_tables
from timeline.importers.openstates_actions import OpenStatesLabels

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "how-to" / "import-from-elsewhere.md").read_text()


def test_the_commands_answer_as_shown(tmp_path: Path) -> None:
    """A mapping is suggested, a table imported, corrected, and refused where it is broken."""
    found = blocks(PAGE)
    (table,) = [block for language, block in found if language == "csv"]
    (tmp_path / "ordinances.csv").write_text(table, encoding="utf-8")

    asked = 0
    for (language, command), (form, answer) in itertools.pairwise(found):
        if language != "sh":
            continue
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{command}"],
            cwd=tmp_path,
            env=environment("sqlite:///timeline.db")
            | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert form == "json"
        assert matches(json.loads(answer), json.loads(done.stdout)), done.stdout
        asked += 1

    assert asked == 3


def test_the_labels_shown_are_some_that_can_be_given() -> None:
    """The file of labels is what --labels takes, and what it says holds."""
    (labels,) = [block for language, block in blocks(PAGE) if language == "toml"]

    tables = read_tables(OpenStatesLabels, "openstates", "mine.toml", labels.encode())

    assert next(iter(tables.actions.items())) == ("hearing-held", "hearing_held")
    assert tables.instruments["joint resolution"] == "bill"
