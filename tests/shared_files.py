"""Where tests find test data of other projects, which is no part of this one."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """Return a file of the directory `shared` beside the checkout; skip the test without it."""
    file = SHARED / path
    if not file.exists():
        pytest.skip(f"needs {path} in a directory named shared beside the checkout")
    return file
