"""What a run was made on: hardware, versions, and how durable each store says it is.

Durability is read back from running sessions. A benchmark of stores that may lose what they
acknowledged measures something else, so the run stops where one does.
"""

import os
import platform
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from bench.databases import Databases
from bench.peers import installed, session_settings
from timeline.eventstore.database import statement

PACKAGES: Final = (
    *("timeline-record", "granian", "litestar", "sqlalchemy", "psycopg", "msgspec"),
    *("eventsourcing", "umadb"),
)

PRAGMAS: Final = ("journal_mode", "synchronous")
SETTINGS: Final = (
    *("fsync", "full_page_writes", "synchronous_commit", "wal_sync_method", "shared_buffers"),
)
LAX: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
FULL: Final = "2"
"""What SQLite calls synchronous=FULL."""


class NotDurable(Exception):
    """A store that is measured may lose what it acknowledged."""


def described(databases: Databases, kinds: tuple[str, ...]) -> dict[str, str]:
    """Return what a reader has to know about a run, in order.

    Raises:
        NotDurable: naming the store and its settings.

    """
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load before": f"{os.getloadavg()[0]:.1f} (1 minute)",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "data on": _file_system(databases.directory),
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    }
    for kind in kinds:
        ours = _session(databases, kind)
        facts[f"{kind}, this project"] = shown = _durable(kind, ours)
        theirs = session_settings(kind, databases, PRAGMAS if kind == "sqlite" else SETTINGS)
        if theirs is not None:
            told = _durable(kind, theirs)
            facts[f"{kind}, eventsourcing"] = "the same" if told == shown else told
    if installed("umadb"):
        facts["umadb"] = (
            "syncs each commit; two fdatasync calls for a commit alone (counted by strace), and no switch for that"
        )
    return facts


def _session(databases: Databases, kind: str) -> dict[str, str]:
    """Return the settings of a session as the service opens it."""
    command, names = ("PRAGMA", PRAGMAS) if kind == "sqlite" else ("SHOW", SETTINGS)
    with databases.engine(kind) as engine, statement(engine) as connection:
        found = {
            name: str(connection.exec_driver_sql(f"{command} {name}").scalar_one())
            for name in names
        }
        if kind == "postgresql":
            found["version"] = str(connection.exec_driver_sql("SHOW server_version").scalar_one())
        return found


def _durable(kind: str, settings: dict[str, str]) -> str:
    told = ", ".join(f"{name}={value}" for name, value in settings.items() if name != "version")
    lax = [name for name, value in settings.items() if LAX.get(name) == value]
    if lax or (kind == "sqlite" and settings["synchronous"] != FULL):
        raise NotDurable(f"{kind}: {told}")
    return f"{sqlite3.sqlite_version}, {told}" if kind == "sqlite" else told


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _file_system(directory: Path) -> str:
    """Return the kind of file system: one in memory would make every commit look cheap."""
    df = shutil.which("df")
    if df is None:
        return "unknown"
    done = subprocess.run(  # noqa: S603 - the system's own command
        [df, "-PT", str(directory)], capture_output=True, text=True, timeout=10, check=False
    )
    lines = done.stdout.splitlines()
    return lines[1].split()[1] if len(lines) > 1 else "unknown"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(  # noqa: S603 - fixed words
        [git, "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return done.stdout.strip() or "unknown"
