"""The wheel: whole, outside the checkout, with migrations and examples in it."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a virtual environment with the wheel in it, and this one's packages within reach."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which builds the wheel, is not on the path")
    directory = tmp_path_factory.mktemp("wheel")
    dist, environment = directory / "dist", directory / "venv"
    python = environment / "bin" / "python"
    for words in (
        (uv, "build", "--wheel", "--out-dir", dist, CHECKOUT),
        (uv, "venv", "--python", sys.executable, environment),
        (uv, "pip", "install", "--python", python, "--no-deps", "WHEEL"),
    ):
        wheel = next(iter(dist.glob("*.whl")), "WHEEL")
        done = subprocess.run(
            [wheel if word == "WHEEL" else word for word in words],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return environment


def run(installed: Path, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the wheel outside the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIMELINE_")}
    # The dependencies come from the environment of the tests; this project is found in its own.
    (own,) = (installed / "lib").glob("python*/site-packages")
    path = os.pathsep.join((str(own), sysconfig.get_path("purelib")))
    return subprocess.run(
        [installed / "bin" / words[0], *words[1:]],
        env=kept | {"PYTHONPATH": path},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_wheel_has_what_it_needs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    """Migrations and the example come from the package; nothing reaches for the checkout."""
    script = (
        "import timeline, timeline.cli.demo as demo, timeline.eventstore.schema as schema\n"
        "print(timeline.__file__, demo.example_file(), schema.migrations_path(), sep='\\n')\n"
    )

    places = run(installed, tmp_path, "python", "-c", script)
    migrated = run(installed, tmp_path, "timeline", "migrate")
    example = places.stdout.splitlines()[1]
    imported = run(installed, tmp_path, "timeline", "import", example, "--quiet")

    assert places.returncode == 0, places.stderr
    assert all(place.startswith(str(installed)) for place in places.stdout.splitlines())
    assert (migrated.returncode, migrated.stdout) == (0, ""), migrated.stderr
    assert (imported.returncode, imported.stdout) == (0, ""), imported.stderr
    lines = Path(example).read_text(encoding="utf-8").splitlines()
    assert imported.stderr == f"{len(lines)} events recorded.\n"
    assert (tmp_path / "timeline.db").is_file()
