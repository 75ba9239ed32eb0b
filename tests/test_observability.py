"""What a log line looks like, and what never stands in one."""

import asyncio
import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any, cast

import granian.log
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from timeline.observability import (
    MAX_GATHERED_LINES,
    REDACTED,
    FrequentLine,
    configure,
    granian_logging,
    redact,
    redact_url,
)

SECRET = "s3cret"  # noqa: S105 - the value whose absence the tests look for


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Answer as a terminal does."""
        return True


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Leave the process's logging as it was found."""
    names = ["", "_granian", "granian.access", "alembic", "py.warnings", "sqlalchemy"]
    names += ["sqlalchemy.engine", "sqlalchemy.pool"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(list(log.handlers), log.level, log.propagate) for log in loggers]
    # pytest restores `warnings.showwarning` after each test, which logging does not notice.
    logging.captureWarnings(capture=False)
    yield
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
        log.handlers[:] = handlers
        log.setLevel(level)
        log.propagate = propagate


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Read what was logged as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def clean(event: dict[str, Any]) -> dict[str, Any]:
    """Pass one event through the processor that takes secrets out."""
    return cast("dict[str, Any]", redact(None, "info", event))


def test_a_json_line_holds_event_level_logger_time_and_values() -> None:
    """One object a line, whose time is UTC with six digits."""
    stream = io.StringIO()
    configure("info", "json", stream)

    structlog.get_logger("timeline.eventstore").info("event.append.committed", position=7)

    (line,) = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {
        "event": "event.append.committed",
        "level": "info",
        "logger": "timeline.eventstore",
        "position": 7,
    }


def test_a_line_below_the_level_is_not_written() -> None:
    """The level holds for the project's own events and for the standard library's."""
    stream = io.StringIO()
    configure("warning", "json", stream)

    structlog.get_logger("timeline").info("event.append.committed")
    logging.getLogger("alembic").info("quiet")
    structlog.get_logger("timeline").warning("event.append.retried")

    assert [line["event"] for line in lines(stream)] == ["event.append.retried"]


def test_console_lines_are_plain_where_nobody_watches() -> None:
    """A file or a pipe gets no control characters."""
    stream = io.StringIO()
    configure("info", "console", stream)

    structlog.get_logger("timeline").info("event.append.committed", position=7)

    assert "event.append.committed" in stream.getvalue()
    assert "position=7" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_console_lines_are_coloured_on_a_terminal() -> None:
    """People who watch get colours."""
    stream = Terminal()
    configure("info", "console", stream)

    structlog.get_logger("timeline").info("event.append.committed")

    assert "\x1b[" in stream.getvalue()


def test_json_lines_are_plain_on_a_terminal_too() -> None:
    """Whoever asks for JSON gets JSON."""
    stream = Terminal()
    configure("info", "json", stream)

    structlog.get_logger("timeline").info("event.append.committed")

    assert len(lines(stream)) == 1


@pytest.mark.parametrize("name", ["_granian", "granian.access", "httpx", "timeline"])
def test_a_standard_logger_writes_the_same_kind_of_line(name: str) -> None:
    """Libraries that use the standard library's logging end up on the same stream, once."""
    stream = io.StringIO()
    logging.getLogger("_granian").addHandler(logging.StreamHandler(io.StringIO()))
    logging.getLogger("_granian").propagate = False
    configure("info", "json", stream)

    logging.getLogger(name).info("listening on %s", "::1")

    (line,) = lines(stream)
    assert line["event"] == "listening on ::1"
    assert line["logger"] == name
    assert line["level"] == "info"


def test_a_starting_server_keeps_to_the_stream() -> None:
    """Granian sets up its loggers again when it starts; nothing is doubled or lost by that."""
    stream = io.StringIO()
    configure("info", "json", stream)

    granian.log.configure_logging(granian.log.LogLevels.info, granian_logging())
    logging.getLogger("_granian").info("Spawning worker-1")
    logging.getLogger("granian.access").info("GET /")

    assert [line["event"] for line in lines(stream)] == ["Spawning worker-1", "GET /"]
    assert not logging.getLogger("_granian").handlers


def test_what_is_bound_to_the_context_stands_in_every_line() -> None:
    """A request's id joins the project's own lines and those of libraries."""
    stream = io.StringIO()
    configure("info", "json", stream)

    with structlog.contextvars.bound_contextvars(request="0193"):
        structlog.get_logger("timeline").info("request.finished")
        logging.getLogger("alembic").warning("slow")
    structlog.get_logger("timeline").info("server.stopped")

    assert [line.get("request") for line in lines(stream)] == ["0193", "0193", None]


def test_sql_statements_are_never_logged() -> None:
    """They carry parameters, which are payloads: even at debug only SQLAlchemy's warnings show."""
    stream = io.StringIO()
    configure("debug", "json", stream)

    logging.getLogger("sqlalchemy.engine.Engine").info("INSERT %s", SECRET)
    logging.getLogger("sqlalchemy.engine.Engine").debug("Row %s", SECRET)
    logging.getLogger("sqlalchemy.pool").warning("pool.exhausted")

    assert [line["event"] for line in lines(stream)] == ["pool.exhausted"]


def test_a_warning_becomes_a_line() -> None:
    """Python's warnings go the same way as everything else."""
    stream = io.StringIO()
    configure("info", "json", stream)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("this will change", DeprecationWarning, stacklevel=1)

    (line,) = lines(stream)
    assert line["logger"] == "py.warnings"
    assert line["level"] == "warning"
    assert "this will change" in line["event"]


def test_a_second_call_replaces_the_first() -> None:
    """Each line is written once, in the format asked for last."""
    first, second = io.StringIO(), io.StringIO()
    configure("info", "console", first)
    log = structlog.get_logger("timeline")
    log.info("one")

    configure("info", "json", second)
    log.info("two")

    assert "two" not in first.getvalue()
    assert [line["event"] for line in lines(second)] == ["two"]


def test_standard_error_is_the_default_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is left to commands whose output is read by scripts."""
    configure("info", "json")

    structlog.get_logger("timeline").info("server.started")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "server.started"


@pytest.mark.parametrize("format", ["console", "json"])
def test_an_exception_is_logged_without_the_password_in_it(format: Any) -> None:
    """Tracebacks are text like any other: addresses in them lose their passwords."""
    stream = io.StringIO()
    configure("info", format, stream)

    structlog.get_logger("timeline").error(
        "database.unreachable",
        exc_info=ConnectionError(f"cannot reach postgresql://timeline:{SECRET}@db/timeline"),
    )

    assert "ConnectionError: cannot reach postgresql://timeline:***@db/timeline" in (
        stream.getvalue()
    )
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "Token",
        "api_token",
        "authorization",
        "Authorization",
        "password",
        "database-password",
        "data",
        "salt",
        "headers",
        "cookie",
        "payload",
    ],
)
def test_the_value_of_a_secret_key_is_replaced(key: str) -> None:
    """At the top, inside a mapping, and inside a list of mappings."""
    event = {"event": "x", key: SECRET, "inner": {key: [SECRET]}, "many": [{key: SECRET}]}

    assert clean(event) == {
        "event": "x",
        key: REDACTED,
        "inner": {key: REDACTED},
        "many": [{key: REDACTED}],
    }


def test_other_keys_keep_their_values() -> None:
    """Words that only contain a secret one are not secret."""
    event = {
        "event": "x",
        "metadata": "kept",
        "token_name": "newsroom",
        "position": 7,
        "ratio": 0.5,
        "ok": True,
        "none": None,
        "ids": ("a", "b"),
    }

    assert clean(event) == {**event, "ids": ["a", "b"]}


def test_a_url_without_a_password_is_kept() -> None:
    """Sources are web addresses; they may hold ports and at-signs."""
    event = {"event": "https://example.org:8080/@council?mail=a@b"}

    assert clean(event) == event


@pytest.mark.parametrize(
    "text",
    [
        f"at postgresql://u:{SECRET}@h/db: refused",
        f"at postgresql+psycopg://u:{SECRET}@h/db",
        f"at postgres://u:{SECRET}/{SECRET}@h/db",
        f"host=h password={SECRET} user=u",
        f"Authorization: Bearer {SECRET}",
    ],
)
def test_secrets_are_cut_out_of_running_text(text: str) -> None:
    """Also where a library put them into its message."""
    assert SECRET not in str(clean({"event": text, "deep": [{"x": {"y": text}}]}))


def test_raw_bytes_are_not_logged() -> None:
    """They are an entry, a payload or a key."""
    assert clean({"event": "x", "entry": SECRET.encode()}) == {"event": "x", "entry": REDACTED}


def test_a_deep_value_is_not_logged() -> None:
    """What nests deeper than a log line needs is a payload, and costs no endless walk."""
    endless: list[Any] = []
    endless.append(endless)

    assert clean({"event": "x", "endless": endless})["endless"] == [[[[REDACTED]]]]


def test_any_other_value_is_logged_as_its_text() -> None:
    """Errors and addresses may hold passwords in their text."""
    error = ConnectionError(f"postgresql://u:{SECRET}@h/db")

    assert clean({"event": "x", "error": error})["error"] == "postgresql://u:***@h/db"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///timeline.db", "sqlite:///timeline.db"),
        ("postgresql://h:5432/db", "postgresql://h:5432/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://u:p@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:p@q@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:p/q:r@h/db", "postgresql://u:***@h/db"),
        ("postgresql:///u:p@h/db", "postgresql:///u:***@h/db"),
        ("postgresql:/u:/p@h/db", "postgresql:/u:***@h/db"),
        ("u:/p@h/db", "u:***@h/db"),
        (
            "postgresql:///db?host=/tmp&password=p&x=1",
            "postgresql:///db?host=/tmp&password=***&x=1",
        ),
        ("host=h password='p q' user=u", "host=h password=*** user=u"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    """What tells an operator which database is meant stays."""
    assert redact_url(url) == shown


@given(password=st.text(min_size=1, max_size=30))
def test_no_password_gets_through(password: str) -> None:
    """Whatever characters it has, percent-encoded or not."""
    assert redact_url(f"postgresql://user:{password}@host/db") == "postgresql://user:***@host/db"


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@given(
    path=st.text(st.sampled_from("aZ09/%_.~-: ='\"\\é"), max_size=12),
    status=st.integers(0, 999),
    duration=st.floats(0, 1e6),
    principal=st.none() | st.just("newsroom"),
)
def test_a_frequent_line_is_the_line_that_its_logger_writes(
    format: Any, stream: type[io.StringIO], path: str, status: int, duration: float, principal: Any
) -> None:
    """Whatever the values, the quick way and the usual way differ in the time alone."""
    written = stream()
    configure("info", format, written)
    values: dict[str, Any] = {"request_id": "r-1", "method": "GET", "path": path}
    values |= {"status": status, "duration_ms": duration}
    values |= {} if principal is None else {"principal": principal}
    frequent = FrequentLine("timeline.http.request", "http.request.served")

    frequent.info(**{**values, "status": 7, "path": "/"})
    frequent.info(**values)
    structlog.stdlib.get_logger("timeline.http.request").info("http.request.served", **values)

    _, quick, usual = written.getvalue().splitlines()
    assert re.sub(TIME, "TIME", quick) == re.sub(TIME, "TIME", usual)


def test_a_frequent_line_below_the_level_is_not_written() -> None:
    """The level holds for it, and a stream that is gone fails nobody."""
    quiet, gone = io.StringIO(), io.StringIO()
    line = FrequentLine("timeline.http.request", "http.request.served")

    configure("warning", "json", quiet)
    line.info(status=200)
    configure("info", "json", gone)
    gone.close()
    line.info(status=200)

    assert quiet.getvalue() == ""


class Counted(io.StringIO):
    """A stream that counts how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        """Count a write."""
        self.writes += 1
        return super().write(text)


@pytest.mark.parametrize("number", [3, MAX_GATHERED_LINES + 1])
def test_frequent_lines_of_a_turn_are_written_together(number: int) -> None:
    """All are there before the next turn is over, in order, and never more wait than is bounded."""
    stream = Counted()
    configure("info", "json", stream)
    line = FrequentLine("timeline.http.request", "http.request.served")

    async def serve() -> None:
        for each in range(number):
            line.info(status=each)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [each["status"] for each in lines(stream)] == list(range(number))

    asyncio.run(serve())

    assert stream.writes == -(-number // MAX_GATHERED_LINES)


def test_a_line_stands_after_the_frequent_lines_before_it() -> None:
    """Nothing overtakes what waits for the end of its turn."""
    stream = io.StringIO()
    configure("info", "json", stream)
    line = FrequentLine("timeline.http.request", "http.request.served")

    async def serve() -> None:
        line.info(status=1)
        structlog.stdlib.get_logger("other").info("other.thing.happened", status=2)
        line.info(status=3)

    asyncio.run(serve())
    logging.shutdown()

    assert [each["status"] for each in lines(stream)] == [1, 2, 3]
