"""`timeline serve`."""

import os
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

import rich_click as click
from granian import Granian, loops
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.key import make_beside_database
from timeline.cli.options import pass_settings
from timeline.cli.stopping import Woken, stopping_once
from timeline.observability import granian_logging
from timeline.orphans import Supervisor
from timeline.settings import Settings
from timeline.siblings import Siblings

TARGET: Final = "timeline.http.app:create"

BACKLOG: Final = 1_024
"""Connections that wait to be accepted: a burst of a second or two."""

CONNECTIONS: Final = 8_192
"""Connections that a process keeps, idle ones included: well above the requests that it answers at
once, so that who is refused learns of it."""

OTHER_FILES: Final = 512
"""Open files besides connections: the database's, templates, the server's own."""

HEADER_TIMEOUT_MS: Final = 10_000
"""For a request's headers: a slow client is not to hold a connection for nothing."""

MAX_HEADER_BYTES: Final = 64 * 1024
"""The read buffer, which the headers have to fit into: a token and a long query take 10 KiB."""

STOP_TIMEOUT_S: Final = 20
"""How long a process may go on with what it has begun: the longest request takes half of it."""

MAX_WORKERS: Final = 64

host_option = click.option("--host", metavar="ADDRESS", help="In place of TIMELINE_HOST.")
port_option = click.option(
    "--port", type=click.IntRange(1, 65_535), help="In place of TIMELINE_PORT."
)


@click.command()
@host_option
@port_option
@click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
    help="Processes, in place of TIMELINE_WORKERS.",
)
@pass_settings
def serve(settings: Settings, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the record over HTTP, until SIGTERM or Ctrl-C.

    The database has to be migrated.
    """
    address = bindable(host or settings.host, port or settings.port)
    with opened(settings, records=True) as app:
        # It can be wired: the processes below will wire their own.
        make_beside_database(settings, app.published)
    listen(settings, *address, workers or settings.workers)


def bindable(host: str, port: int) -> tuple[str, int]:
    """Return the IP address and port to listen on, which nothing else does.

    Granian shares ports between its processes, and so would share them with a stranger.

    Raises:
        CommandError: the address is not this machine's, or is in use.

    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        # Python's own words repeat the address; those of a failed look-up have no errno above 0.
        code = error.errno or 0
        reason = os.strerror(code) if code > 0 else error.strerror
        raise CommandError(f"{shown(host, port)} cannot be listened on: {reason}") from error
    return str(address[0]), port


def listen(
    settings: Settings,
    host: str,
    port: int,
    workers: int,
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal; requests at hand are answered first.

    Args:
        settings: for the level of the server's own logs.
        host: an IP address.
        port: to listen on.
        workers: processes that answer.
        on_listening: called once the address is taken.

    """
    server = Granian(
        TARGET,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        factory=True,
        loop=Loops.auto,
        workers=workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MAX_HEADER_BYTES
        ),
        websockets=False,
        backlog=BACKLOG,
        backpressure=connections(),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT_S,
        log_level=LogLevels(settings.log_level),
        log_dictconfig=granian_logging(),
    )
    loops.register(str(Loops.auto))(stopping_once)
    server.main_loop_interrupt = Woken()
    server.on_startup(on_listening)
    os.register_at_fork(after_in_child=_stoppable)
    Supervisor.is_this()
    with Siblings.meeting() if workers > 1 else nullcontext():
        server.serve()


def _stoppable() -> None:
    """Let a process be stopped while it starts.

    Until it has handlers of its own it has those of its parent, which would wait for nothing.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def connections() -> int:
    """Return how many connections a process may keep, once it may open as many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(1, min(CONNECTIONS, soft - OTHER_FILES))


def shown(host: str, port: int) -> str:
    """Return an address as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
