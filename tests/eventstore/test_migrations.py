"""The migrations: they make the tables that the code has, with their guards, and go one way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, insert, inspect, select, text

from attacks import attacking
from domain_builders import SOURCE, event_id
from timeline.domain.events import decode_data
from timeline.domain.references import references
from timeline.domain.vocabulary import EventType
from timeline.eventstore import schema
from timeline.eventstore.database import create_engine, read_snapshot, write_transaction
from timeline.eventstore.errors import SchemaOutdated, SchemaTooNew, StoreUnavailable
from timeline.eventstore.guards import GUARDS, missing
from timeline.eventstore.migrating import migrate
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.tables import log_entries, log_payloads, log_tags

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Engine]:
    """Give an engine for a database that was never migrated."""
    engine = create_engine(empty_database_url)
    yield engine
    engine.dispose()


def test_migrated_tables_are_those_of_the_code(engine: Engine) -> None:
    """Alembic finds no difference between the database and the tables: names, types, indexes."""
    with read_snapshot(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        differences = compare_metadata(context, schema.load_tables())

    assert differences == []


def test_constraints_have_the_names_and_texts_of_the_code(engine: Engine, empty: Engine) -> None:
    """What Alembic does not compare is compared with tables made from the code itself."""
    metadata = schema.load_tables()
    with write_transaction(empty) as connection:
        metadata.create_all(connection)

    migrated, made = inspect(engine), inspect(empty)

    for table in metadata.tables:
        assert _by_name(migrated.get_columns(table)) == _by_name(made.get_columns(table))
        assert migrated.get_pk_constraint(table) == made.get_pk_constraint(table)
        assert migrated.get_foreign_keys(table) == made.get_foreign_keys(table)
        for of in ("get_check_constraints", "get_unique_constraints", "get_indexes"):
            assert _by_name(getattr(migrated, of)(table)) == _by_name(getattr(made, of)(table))


def test_every_constraint_has_a_name(engine: Engine) -> None:
    """Primary keys, foreign keys, checks and unique constraints are all named, by one scheme."""
    inspector = inspect(engine)

    for table in ("log_head", "log_entries", "log_payloads", "log_tags", "streams", "subjects"):
        assert inspector.get_pk_constraint(table)["name"] == f"pk_{table}"
        for constraint in (
            *inspector.get_foreign_keys(table),
            *inspector.get_check_constraints(table),
            *inspector.get_unique_constraints(table),
        ):
            assert constraint["name"] is not None
            assert table in constraint["name"]


def test_the_guards_are_there_and_always_on(engine: Engine) -> None:
    """Alembic does not see triggers: this test does. PostgreSQL's fire in every kind of session."""
    if engine.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'"

    with engine.connect() as connection:
        found = set(connection.execute(text(query)).scalars())
        assert missing(connection) == []

    assert found == GUARDS[engine.dialect.name]


def test_a_guard_that_is_gone_is_named(engine: Engine) -> None:
    """So is one that is there, and switched off."""
    with attacking(engine):
        pass
    with engine.connect() as connection:
        found = missing(connection)

    dropped = {name for name in GUARDS[engine.dialect.name] if not name.startswith("log_digests")}
    assert set(found) >= dropped


def test_migrating_again_changes_nothing(empty: Engine) -> None:
    """`timeline migrate` can be run at any time."""
    migrate(empty)
    migrate(empty)

    schema.check_schema(empty)
    assert schema.current_revision(empty) == schema.head_revision()
    assert SqlStore(empty).head().position == 0


def test_the_files_of_the_migrations_tell_the_versions() -> None:
    """A command that only checks the schema does without Alembic, and finds the same head."""
    config = Config(str(ROOT / "alembic.ini"))
    script = ScriptDirectory.from_config(config)
    revisions = [each.revision for each in script.walk_revisions()]

    assert schema.head_revision() == script.get_current_head() == max(revisions)
    for each in revisions:
        schema.refuse_unknown(each)


def test_migrations_wait_for_each_other(empty: Engine, empty_database_url: str) -> None:
    """Processes that start at once migrate one after the other: each finds the schema in place."""
    script = (
        "import sys; from timeline.eventstore.database import create_engine;"
        "from timeline.eventstore.migrating import migrate; migrate(create_engine(sys.argv[1]))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, empty_database_url]) for _ in range(2)
    ]

    assert [process.wait(60) for process in processes] == [0, 0]
    schema.check_schema(empty)


def test_the_alembic_command_works_in_a_checkout(empty_database_url: str) -> None:
    """alembic.ini leads to the migrations; the database comes from the environment."""
    ran = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=os.environ | {"TIMELINE_DATABASE_URL": empty_database_url},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.returncode == 0, ran.stderr
    engine = create_engine(empty_database_url)
    schema.check_schema(engine)
    engine.dispose()


CLAIMS: tuple[dict[str, Any], ...] = (
    {"field": "identifiers", "value": [{"scheme": "EO", "value": "Nr. 1"}]},
    {"field": "jurisdiction", "value": "ocd-division/country:us"},
    {"field": "relation", "value": "repeals"},
    {"field": "title", "value": "Another"},
)


@pytest.mark.parametrize("claim", CLAIMS, ids=[each["field"] for each in CLAIMS])
def test_claims_recorded_before_are_tagged_as_those_since(
    empty: Engine, claim: dict[str, Any]
) -> None:
    """A migration gives sources that were attached before it the keys that others have by now."""
    raw = {"event": event_id(1), "stance": "disputes", "source": SOURCE, "claim": claim}
    migrate(empty)
    with write_transaction(empty) as connection:
        connection.execute(
            insert(log_entries).values(
                position=1,
                id=event_id(2),
                policy="law",
                version=1,
                type="SourceAttached",
                recorded_at="2026-01-01T00:00:00.000000Z",
                recorded_by="newsroom",
                entry=b"{}",
                leaf_hash=bytes(32),
            )
        )
        connection.execute(
            insert(log_payloads).values(position=1, data=json.dumps(raw).encode(), salt=bytes(32))
        )

    with write_transaction(empty) as connection:
        revision("0010").tag_claims(connection)

    with read_snapshot(empty) as connection:
        found = set(connection.execute(select(log_tags.c.value)).scalars())
    assert found == references(decode_data(EventType.SOURCE_ATTACHED, raw))


def revision(number: str) -> ModuleType:
    """Return a migration's module."""
    (path,) = (ROOT / "migrations" / "versions").glob(f"{number}_*.py")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_no_way_back(engine: Engine) -> None:
    """A downgrade is refused, and leaves everything in place."""
    config = Config(str(ROOT / "alembic.ini"))

    with write_transaction(engine) as connection:
        config.attributes["connection"] = connection
        with pytest.raises(NotImplementedError):
            command.downgrade(config, "base")

    schema.check_schema(engine)


def test_an_older_schema_says_what_to_run(empty: Engine) -> None:
    """A database that was never migrated, or not far enough, is refused in one line."""
    with pytest.raises(SchemaOutdated) as refused:
        schema.check_schema(empty)

    assert str(refused.value) == (
        f"The database's schema is empty, older than {schema.head_revision()}:"
        " run `timeline migrate`."
    )


def test_a_newer_schema_says_what_to_install(engine: Engine) -> None:
    """A revision that this version does not know is refused in one line, also by `migrate`."""
    with write_transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for refuse in (schema.check_schema, migrate):
        with pytest.raises(SchemaTooNew) as refused:
            refuse(engine)

        assert str(refused.value) == (
            f"The database's schema 9999 is newer than {schema.head_revision()}:"
            " install a newer timeline."
        )


def test_a_store_without_tables_says_what_to_run(empty: Engine) -> None:
    """Reading a database that was never migrated is refused with the remedy."""
    with pytest.raises(StoreUnavailable, match="run `timeline migrate`"):
        SqlStore(empty).head()


def test_every_table_says_what_it_is() -> None:
    """A table says of which kind it is, and what the service's role may do with it."""
    for table in schema.load_tables().tables.values():
        assert table.info["kind"] in {"log", "derived", "access"}, table.name
        assert set(table.info["grants"]) <= {"SELECT", "INSERT", "UPDATE", "DELETE"}


def _by_name(described: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Return constraints or indexes by name, with their expressions as text."""
    return {
        str(each["name"]): {
            key: str({name: str(part) for name, part in value.items()})
            if isinstance(value, dict)
            else str(value)
            for key, value in each.items()
        }
        for each in described
    }
