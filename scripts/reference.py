"""Writes docs/reference.md from the code: commands, settings, routes, event types, problems.

    uv run scripts/reference.py           write it
    uv run scripts/reference.py --check   exit 1 where it is out of date

One source for each table: what the code knows is what the page says.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from timeline.application.access import NEEDED_ROLE
from timeline.cli import main as commands
from timeline.domain.events import DATA_TYPES
from timeline.domain.vocabulary import ACTIONS, RELATIONS, EventType, Instrument
from timeline.http.openapi import document
from timeline.http.problems import problem_types
from timeline.settings import SETTINGS, TOKEN_VARIABLE

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"


def reference() -> str:
    """Return the page as it should be."""
    sections = (
        _commands(commands),
        _settings(),
        _routes(document()),
        _event_types(),
        _vocabulary(),
        _problems(),
    )
    head = "# Reference\n\nMade from the code by `uv run scripts/reference.py`; a test keeps it true.\n"
    return head + "".join("\n" + "\n".join(section) + "\n" for section in sections)


def _table(*rows: tuple[str, ...]) -> Iterator[str]:
    head, *rest = rows
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rest:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _commands(group: click.Group) -> Iterator[str]:
    yield "## Commands\n"
    yield "`timeline COMMAND`, or `python -m timeline COMMAND`. Exit codes: 0 done, 1 refused or"
    yield "found wrong, 2 used wrongly.\n"
    rows = [("command", "what it does")]
    for words, command in _walk(group, "timeline"):
        rows.append((f"`{_usage(words, command)}`", command.get_short_help_str(200)))
    yield from _table(*rows)


def _walk(group: click.Group, words: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(name)
        if isinstance(command, click.Group):
            yield from _walk(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


def _usage(words: str, command: click.Command) -> str:
    parts = [words]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            name = parameter.make_metavar(click.Context(command))
            parts.append(name)
        elif isinstance(parameter, click.Option) and not parameter.hidden:
            value = "" if parameter.is_flag else f" {_metavar(command, parameter)}"
            option = f"{parameter.opts[0]}{value}"
            parts.append(option if parameter.required else f"[{option}]")
    return " ".join(parts)


def _metavar(command: click.Command, option: click.Option) -> str:
    return option.make_metavar(click.Context(command))


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield "Environment variables. A wrong value stops the start with one line that names it.\n"
    yield from _table(
        ("variable", "default", "expected", "what it does"),
        *(
            (
                f"`{setting.variable}`",
                f"`{setting.default}`" if setting.default else "",
                setting.expected,
                setting.description,
            )
            for setting in SETTINGS
        ),
    )
    yield f"\n`{TOKEN_VARIABLE}` is no setting of the service: it holds the token by which"
    yield "`timeline verify --url` reads a log whose reading needs one."


def _routes(api: dict[str, Any]) -> Iterator[str]:
    yield "## Routes\n"
    yield "Every parameter, body and answer is described at `/schema` of a running service, and as"
    yield "OpenAPI 3.1 at `/schema/openapi.json`.\n"
    rows = [("route", "what", "parameters")]
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            names = [
                f"`{parameter['name']}`"
                for parameter in operation.get("parameters", ())
                if parameter.get("in") == "query"
            ]
            rows.append((f"`{method.upper()} {path}`", operation["summary"], ", ".join(names)))
    yield from _table(*rows)


def _event_types() -> Iterator[str]:
    yield "## Event types\n"
    yield "`*` is required. The role is the lowest whose token may record the type.\n"
    yield from _table(
        ("type", "role", "data", "what it says"),
        *(
            (
                f"`{type}`",
                NEEDED_ROLE[type].value,
                ", ".join(_fields(DATA_TYPES[type])),
                (DATA_TYPES[type].__doc__ or "").strip().splitlines()[0],
            )
            for type in EventType
        ),
    )


def _fields(kind: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        yield f"`{field.encode_name}`{'*' if field.required else ''}"


def _vocabulary() -> Iterator[str]:
    yield "## Vocabulary\n"
    yield "Actions, in the order of their rank on one day:\n"
    yield from _table(
        ("action", "effect", "meaning"),
        *((f"`{each.action}`", each.effect.value, each.description) for each in ACTIONS.values()),
    )
    yield "\nInstruments: " + ", ".join(f"`{each}`" for each in Instrument) + ".\n"
    yield "Relations:\n"
    yield from _table(
        ("relation", "meaning", ""),
        *(
            (f"`{each.relation}`", each.description, "symmetric" if each.symmetric else "")
            for each in RELATIONS.values()
        ),
    )


def _problems() -> Iterator[str]:
    yield "## Problems\n"
    yield "Errors are `application/problem+json` (RFC 9457); `errors` names the fields. A running"
    yield "service explains each type at the address that its `type` gives.\n"
    yield from _table(
        ("type", "status", "meaning"),
        *(
            (f"`/problems/{name}`", str(each.status), f"{each.meaning} {each.advice}")
            for name, each in sorted(problem_types().items())
        ),
    )


def main() -> int:
    """Write the page, or check it."""
    made = reference()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text() == made:
            return 0
        print(f"{PAGE.name} is out of date: run `uv run scripts/reference.py`", file=sys.stderr)
        return 1
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
