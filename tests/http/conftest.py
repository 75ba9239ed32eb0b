"""Services for the tests of this directory: an empty one, and one that tells the story."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from http_client import Client, Ticking, running, tell


@pytest.fixture(scope="session")
def seeded_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database that holds the Los Angeles story, an event a minute, to copy from."""
    path = tmp_path_factory.mktemp("seeded") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    tell(path)
    return path


@pytest.fixture
def ticking() -> Ticking:
    """Give the clock of `told`: two hours after the story's first event."""
    clock = Ticking()
    clock.advance(hours=2)
    return clock


@pytest.fixture
def told(seeded_sqlite: Path, tmp_path: Path, ticking: Ticking) -> Iterator[Client]:
    """Run a service that holds the Los Angeles story."""
    path = tmp_path / "told.db"
    shutil.copy(seeded_sqlite, path)
    with running(f"sqlite:///{path}", ticking) as client:
        yield client


@pytest.fixture(scope="session")
def reading(seeded_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Run a service that holds the story, for tests that record nothing."""
    path = tmp_path_factory.mktemp("reading") / "timeline.db"
    shutil.copy(seeded_sqlite, path)
    clock = Ticking()
    clock.advance(hours=2)
    with running(f"sqlite:///{path}", clock) as client:
        yield client


@pytest.fixture(scope="session")
def refusing(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Run a service that holds nothing, for tests whose requests are all refused."""
    path = tmp_path_factory.mktemp("refusing") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}") as client:
        yield client


@pytest.fixture
def empty(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Client]:
    """Run a service that holds nothing."""
    path = tmp_path / "empty.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}") as client:
        yield client


@pytest.fixture
def private(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Client]:
    """Run a service that holds nothing and lets only those read who have a token."""
    path = tmp_path / "private.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}", public_read=False) as client:
        yield client
