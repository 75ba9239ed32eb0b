"""Logging for the whole process: one format, one stream, nothing secret.

Owns how log lines look and what is kept out of them, for this project's own events and for the
standard library's loggers alike. Must not know what is logged where, nor read the environment:
level and format come in as arguments.

Events are dotted constants with key-values (`event.append.committed`); whatever is bound with
`structlog.contextvars` (the request id) stands in every line.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final, Literal, TextIO, TypeAlias

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]

REDACTED: Final = "[redacted]"

_LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

# A key is secret where its last word is one of these: `authorization`, `api_token`, `X-Salt`.
_SECRET_WORDS: Final = frozenset(
    {
        "authorization",
        "cookie",
        "data",
        "headers",
        "password",
        "payload",
        "salt",
        "secret",
        "token",
        "tokens",
    },
)
# Deep enough for what is worth a log line; a deeper value is a payload and is left out.
_MAX_DEPTH: Final = 4

# Greedy up to the last `@`: a password that was not percent-encoded may hold `@`, `/` and `:`
# itself, and hiding a little too much is the harmless mistake.
_USER_PASSWORD: Final = re.compile(
    r"\A(?P<kept>[^:/?#@\s]*:/+[^:@]*:|[^:@/]*:(?!//)).*@",
    re.DOTALL,
)
_NAMED_PASSWORD: Final = re.compile(
    r"(?P<kept>password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^&\s]*)",
    re.IGNORECASE | re.DOTALL,
)
_DATABASE_URL: Final = re.compile(r"\b(?:postgres(?:ql)?|sqlite)(?:\+\w+)?:/\S+", re.IGNORECASE)
_BEARER: Final = re.compile(r"(?P<kept>\bbearer\s+)[^\s\"',;]+", re.IGNORECASE)

# These bring handlers or levels of their own. SQLAlchemy writes statements with their parameters,
# which are payloads, at its levels INFO and DEBUG: it is held at WARNING whatever is asked for.
_FOREIGN_LOGGERS: Final[Mapping[str, int]] = {
    "_granian": logging.NOTSET,
    "granian.access": logging.NOTSET,
    "alembic": logging.WARNING,
    "py.warnings": logging.NOTSET,
    "sqlalchemy": logging.WARNING,
    "sqlalchemy.engine": logging.WARNING,
    "sqlalchemy.pool": logging.WARNING,
}


def configure(level: Level, format: Format, stream: TextIO | None = None) -> None:
    """Send every log line of this process to one stream, in one format.

    Calling it again replaces what the call before set up. Each worker process calls it once.

    Args:
        level: the lowest level that is written.
        format: `console` for people (coloured where the stream is a terminal), `json` for
            machines (one object a line).
        stream: where lines go; standard error when none is given.

    """
    target = sys.stderr if stream is None else stream
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _TimelineHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(format, coloured=target.isatty()),
            ],
        ),
    )
    _adopt_root(handler, _LEVELS[level])
    _adopt_foreign_loggers()
    logging.captureWarnings(capture=True)


def granian_logging() -> dict[str, dict[str, object]]:
    """Describe Granian's loggers for its `log_dictconfig`.

    Granian sets up its logging anew when it starts, in the parent and in every worker; with this
    its lines stay on the stream that `configure` chose.

    Returns:
        the parts of a `logging.config` dictionary that take the place of Granian's; a new one
        each time, since Granian writes its level into it.

    """
    to_root: dict[str, object] = {"handlers": [], "propagate": True}
    return {
        "formatters": {},
        "handlers": {},
        "loggers": {"_granian": dict(to_root), "granian.access": dict(to_root)},
    }


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets and payloads out of a log line (a structlog processor).

    Values whose key names a secret are replaced; passwords in database URLs and bearer tokens are
    cut out of every text, however deep it lies.
    """
    return {key: _redact_value(key, value, _MAX_DEPTH) for key, value in event.items()}


def redact_url(url: str) -> str:
    """Hide the password of a database URL or of a libpq connection string.

    Args:
        url: the address, well formed or not.

    Returns:
        the same text with `***` in the place of any password.

    """
    hidden = _USER_PASSWORD.sub(r"\g<kept>***@", url)
    return _NAMED_PASSWORD.sub(r"\g<kept>***", hidden)


MAX_GATHERED_LINES: Final = 512
"""Rendered lines that wait for the end of their turn: some 150 KB."""


class _TimelineHandler(logging.StreamHandler[TextIO]):
    """The handler `configure` installs, so that a second call can tell it from others.

    Lines that are rendered already are gathered for a turn of the event loop and written at once:
    a system call for each of them costs more than rendering it, and lets go of the interpreter.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._gathered: list[str] = []
        self._turn: asyncio.AbstractEventLoop | None = None

    def write(self, line: str) -> None:
        """Write a rendered line: by the end of the event loop's turn, without one at once."""
        self.acquire()
        try:
            self._gathered.append(line)
            loop = _running_loop()
            if loop is None or len(self._gathered) >= MAX_GATHERED_LINES:
                self.flush()
            elif loop is not self._turn:
                self._turn = loop
                loop.call_soon(self.flush)
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after the lines that came before it."""
        self.flush()
        super().emit(record)

    def flush(self) -> None:
        """Write what is gathered; what cannot be written fails nobody."""
        self.acquire()
        try:
            lines, self._gathered, self._turn = self._gathered, [], None
            if lines:
                self.stream.write("".join(f"{line}{self.terminator}" for line in lines))
            super().flush()
        except (OSError, ValueError):
            pass
        finally:
            self.release()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class FrequentLine:
    """A log line of one shape that is written often: rendered once, and filled in from then on.

    It is the line that the logger of that name writes. Where the logging is not `configure`'s, or a
    value is a text that may have to be quoted or redacted, that logger writes it.
    """

    def __init__(self, logger: str, event: str) -> None:
        self._name = logger
        self._event = event
        self._logger = logging.getLogger(logger)
        self._log = structlog.stdlib.get_logger(logger)
        self._handler: _TimelineHandler | None = None
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def info(self, **values: str | float) -> None:
        """Write the line at the level `info`; the values of one name are always of one type."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        texts = [each if type(each) is str else repr(each) for each in values.values()]
        handler = self._current_handler()
        # At once: a value with a slash in it is as plain as two.
        if handler is None or "" in texts or _PLAIN.fullmatch("/".join(texts)) is None:
            self._log.info(self._event, **values)
            return
        names = tuple(values)
        shape = self._shapes.get(names)
        if shape is None:
            shape = self._shapes[names] = self._shape(handler, values)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        template, in_order = shape
        handler.write(template % in_order((f"{now[:26]}Z", *texts)))

    def _current_handler(self) -> _TimelineHandler | None:
        """Return the handler that `configure` installed last, whose shapes are kept."""
        handlers = logging.root.handlers
        if self._handler not in handlers:
            found = (each for each in handlers if isinstance(each, _TimelineHandler))
            self._handler, self._shapes = next(found, None), {}
        return self._handler

    def _shape(self, handler: logging.Handler, values: Mapping[str, str | float]) -> "_Shape":
        """Return the line as a template, and what puts time and values into its order."""
        event: dict[str, Any] = {
            name: f"mark{number}" if isinstance(value, str) else type(value)(number)
            for number, (name, value) in enumerate(values.items(), start=_MARK + 1)
        }
        marks = [f"mark{_MARK}", *(str(mark) for mark in event.values())]
        event |= {"event": self._event, "level": "info", "logger": self._name}
        event["timestamp"] = f"mark{_MARK}"
        record = logging.LogRecord(self._name, logging.INFO, "", 0, event, (), None)
        record._logger, record._name = self._logger, "info"  # noqa: SLF001 - as structlog does
        parts = re.split("(" + "|".join(map(re.escape, marks)) + ")", handler.format(record))
        template = "%s".join(fixed.replace("%", "%%") for fixed in parts[::2])
        return template, itemgetter(*(marks.index(mark) for mark in parts[1::2]))


_Shape: TypeAlias = tuple[str, Callable[[tuple[str, ...]], Any]]

_MARK: Final = 90_000_000
"""Where a value stands in a rendered line: a number that is nothing else's."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9._~/%-]+", re.ASCII)
"""Texts that every renderer writes as they stand, as it does numbers."""


def _shared_processors() -> list[Processor]:
    """List what every line passes through, wherever it comes from, before it is rendered."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        # Six digits always, so that lines sort by their text.
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(format: Format, *, coloured: bool) -> Processor:
    if format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=coloured,
        # Tracebacks are text by then, as `redact` has to see them.
        exception_formatter=structlog.dev.plain_traceback,
    )


def _adopt_root(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    for present in list(root.handlers):
        if isinstance(present, _TimelineHandler):
            root.removeHandler(present)
    root.addHandler(handler)
    root.setLevel(level)


def _adopt_foreign_loggers() -> None:
    for name, level in _FOREIGN_LOGGERS.items():
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level)


def _redact_value(key: str, value: object, depth: int) -> object:
    if _is_secret(key):
        return REDACTED
    if isinstance(value, Mapping | AbstractSet | Sequence) and not isinstance(value, str):
        return REDACTED if depth == 0 else _redact_members(value, depth - 1)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _redact_text(str(value))


def _redact_members(
    value: Mapping[object, object] | AbstractSet[object] | Sequence[object],
    depth: int,
) -> object:
    if isinstance(value, Mapping):
        return {str(key): _redact_value(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        # Raw bytes in a log line are an entry, a payload or a key.
        return REDACTED
    return [_redact_value("", item, depth) for item in value]


def _is_secret(key: str) -> bool:
    return re.split(r"[_\-.]", key.lower())[-1] in _SECRET_WORDS


def _redact_text(text: str) -> str:
    without_urls = _DATABASE_URL.sub(lambda match: redact_url(match[0]), text)
    without_bearers = _BEARER.sub(rf"\g<kept>{REDACTED}", without_urls)
    return _NAMED_PASSWORD.sub(r"\g<kept>***", without_bearers)
