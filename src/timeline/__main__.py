"""`timeline` and `python -m timeline`: the command line, interrupted quietly from its first moment.

Imports next to nothing before it can take an interrupt.
"""

import sys
from typing import Final

INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells have it."""


def run() -> None:
    """Run the command line."""
    try:
        from timeline.cli import main  # noqa: PLC0415 - Ctrl-C may come while it is imported

        main(prog_name="timeline")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
