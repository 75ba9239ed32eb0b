"""Builds the documentation's site into build/site, from docs/ and the pages beside it.

    uv run --group docs scripts/docs.py                 with pictures, where a browser is found
    uv run --group docs scripts/docs.py --no-pictures   with those that were taken before, if any

Pictures are made by tests of a running demo (tests/browser/test_pictures.py), into docs/pictures,
which git ignores. Every warning of Sphinx is an error: a link that leads nowhere, a page that no
list names.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SITE: Final = ROOT / "build" / "site"
PICTURES: Final = ROOT / "docs" / "pictures"
TIMEOUT_S: Final = 600
"""For each of the two steps: minutes on a busy machine."""

FRONT: Final = """<!doctype html>
<meta charset="utf-8">
<title>Timeline</title>
<meta http-equiv="refresh" content="0; url=docs/index.html">
<a href="docs/index.html">Timeline</a>
"""


def main(arguments: list[str] | None = None) -> int:
    """Build the site.

    Returns:
        0 when it was built, 1 when a picture could not be taken or Sphinx had something to say.

    """
    parser = argparse.ArgumentParser(description="Build the documentation's site.")
    parser.add_argument("--no-pictures", action="store_true", help="take no pictures anew")
    parser.add_argument(
        "--to", type=Path, default=SITE, metavar="DIRECTORY", help=f"default: {SITE}"
    )
    options = parser.parse_args(arguments)
    if not options.no_pictures and not run(
        *("pytest", "-q", "--numprocesses=0", "tests/browser/test_pictures.py"),
        *("--pictures", str(PICTURES)),
    ):
        return 1
    warnings_are_errors = ("-W", "--keep-going")
    if not run(
        *("sphinx", "-q", "-E", *warnings_are_errors, "-b", "html", "-c", "docs"),
        *("-d", str(options.to / ".doctrees"), ".", str(options.to)),
    ):
        return 1
    (options.to / "index.html").write_text(FRONT)
    print(f"docs: {options.to / 'index.html'}")
    return 0


def run(module: str, *arguments: str) -> bool:
    """Run a module in the repository, and tell whether it went well."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=TIMEOUT_S).returncode == 0  # noqa: S603 - fixed words


if __name__ == "__main__":
    sys.exit(main())
