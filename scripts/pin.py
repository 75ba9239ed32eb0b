"""Pin the exact versions of everything that pyproject.toml's ranges lead to.

Owns the array `constraint-dependencies` under `[tool.uv]`, between its two marker lines; every
other byte of the file stays as it is. `uv sync`, `uv run`, `uv pip install` and the container
image all read that array, so they all get the same versions. It names versions only: no address
of any package index is written.

    python scripts/pin.py             after a range changed: pin anew, moving as little as possible
    python scripts/pin.py --upgrade   take the newest versions that the ranges allow
    python scripts/pin.py --check     say whether ranges and pins still agree; write nothing
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).resolve().parent.parent / "pyproject.toml"
BEGIN: Final = "# pins: begin (written by scripts/pin.py; change the ranges above, not these lines)"
END: Final = "# pins: end"

# From an empty cache uv reads some hundred small files: seconds, or minutes on a bad network.
RESOLVE_TIMEOUT_S: Final = 300


class PinError(Exception):
    """Pinning cannot go on; the text says why, for the person at the terminal."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when done or in agreement, 1 when `--check` found a difference or pinning failed.

    """
    parser = argparse.ArgumentParser(description="Pin the closure of pyproject.toml's ranges.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    mode.add_argument("--check", action="store_true", help="compare only; write nothing")
    options = parser.parse_args(arguments)
    try:
        before = PYPROJECT.read_bytes().decode()
        pins = resolve(before, upgrade=options.upgrade)
        after = with_pins(before, pins)
    except PinError as error:
        print(f"pin: {error}", file=sys.stderr)
        return 1
    if before == after:
        print(f"pin: {len(pins)} pins agree with the ranges")
        return 0
    if options.check:
        print_difference(before, after)
        print("pin: ranges and pins disagree; run python scripts/pin.py", file=sys.stderr)
        return 1
    replace(PYPROJECT, after)
    print_difference(before, after)
    print(f"pin: wrote {len(pins)} pins")
    return 0


def resolve(pyproject: str, *, upgrade: bool) -> list[str]:
    """Ask uv for one version of everything, for every platform and Python that is supported.

    Args:
        pyproject: the text of pyproject.toml.
        upgrade: whether the pins that stand in it are to be forgotten; else uv keeps each that
            still fits.

    Returns:
        requirements of the form `name==version`, some with an environment marker, sorted.

    Raises:
        PinError: uv is missing, or finds no versions that fit.

    """
    table = tomllib.loads(pyproject)
    with tempfile.TemporaryDirectory(prefix="timeline-pin-") as directory:
        # Elsewhere than the project, or uv would apply the present pins as constraints.
        requirements = Path(directory, "requirements.in")
        requirements.write_text("\n".join(requested(table)) + "\n")
        pinned = Path(directory, "pinned.txt")
        if not upgrade:
            pinned.write_text("\n".join(present_pins(table)) + "\n")
        command = ["uv", "pip", "compile", requirements.name, "--output-file", pinned.name]
        command += ["--universal", "--python-version", lowest_python(table)]
        command += ["--strip-extras", "--no-annotate", "--no-header", "--quiet"]
        command += ["--no-emit-index-url", "--no-emit-find-links"]
        try:
            subprocess.run(command, cwd=directory, check=True, timeout=RESOLVE_TIMEOUT_S)  # noqa: S603 - fixed words and versions of our own
        except FileNotFoundError as error:
            raise PinError("uv is not installed") from error
        except subprocess.SubprocessError as error:
            raise PinError("uv found no versions that fit all ranges") from error
        lines = pinned.read_text().splitlines()
    return sorted(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def requested(table: dict[str, object]) -> list[str]:
    """List the requirements of the project, its extras and its groups."""
    project, groups = as_table(table["project"]), as_table(table.get("dependency-groups", {}))
    lists = [project.get("dependencies", []), *groups.values()]
    lists += as_table(project.get("optional-dependencies", {})).values()
    # A group may include another by a table; that other is in the lists itself.
    return [entry for each in lists for entry in as_list(each) if isinstance(entry, str)]


def present_pins(table: dict[str, object]) -> list[str]:
    """List the pins that stand in the file now."""
    uv = as_table(as_table(table.get("tool", {})).get("uv", {}))
    return [str(pin) for pin in as_list(uv.get("constraint-dependencies", []))]


def lowest_python(table: dict[str, object]) -> str:
    """Read the lowest Python that is supported, as `3.11`."""
    supported = str(as_table(table["project"])["requires-python"])
    match = re.search(r">=\s*(\d+\.\d+)", supported)
    if match is None:
        raise PinError(f"requires-python names no lower bound: {supported}")
    return match[1]


def with_pins(pyproject: str, pins: list[str]) -> str:
    """Put the pins between the marker lines, and leave the rest byte for byte.

    Raises:
        PinError: the marker lines are damaged, or the array stands outside them.

    """
    block = "\n".join(
        [BEGIN, "constraint-dependencies = [", *(f"  {quoted(pin)}," for pin in pins), "]", END],
    )
    if BEGIN in pyproject or END in pyproject:
        pattern = re.compile(f"^{re.escape(BEGIN)}$.*?^{re.escape(END)}$", re.MULTILINE | re.DOTALL)
        text, replaced = pattern.subn(lambda _: block, pyproject)
        if replaced != 1:
            raise PinError("pyproject.toml does not hold exactly one pair of marker lines")
        return text
    if "constraint-dependencies" in pyproject:
        raise PinError("pyproject.toml has constraint-dependencies outside the marker lines")
    header = re.search(r"^\[tool\.uv\]\n", pyproject, re.MULTILINE)
    if header is not None:
        return pyproject[: header.end()] + block + "\n" + pyproject[header.end() :]
    return f"{pyproject.rstrip()}\n\n[tool.uv]\n{block}\n"


def quoted(pin: str) -> str:
    """Write a pin as a TOML string; markers use single quotes, versions neither."""
    if '"' in pin or "\\" in pin:
        raise PinError(f"uv wrote a line that is no pin: {pin}")
    return f'"{pin}"'


def replace(path: Path, text: str) -> None:
    """Write a file in one step: an interrupted run leaves the old one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(text.encode())
    temporary.chmod(path.stat().st_mode)
    temporary.replace(path)


def print_difference(before: str, after: str) -> None:
    """Print the pins that come and go."""
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    print("\n".join(line for line in changes if re.match(r'[+-]\s+"', line)))


def as_table(value: object) -> dict[str, object]:
    """Take a value of a TOML file for a table."""
    if not isinstance(value, dict):
        raise PinError(f"pyproject.toml has {value!r} where a table belongs")
    return value


def as_list(value: object) -> list[object]:
    """Take a value of a TOML file for an array."""
    if not isinstance(value, list):
        raise PinError(f"pyproject.toml has {value!r} where an array belongs")
    return value


if __name__ == "__main__":
    sys.exit(main())
