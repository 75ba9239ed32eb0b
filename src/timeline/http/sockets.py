"""The server's own sockets: how long a client may leave unread what was sent to it.

Owns what the server in front of the application does not offer. Must not know HTTP.
"""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

_DESCRIPTORS: Final = Path("/proc/self/fd")


def limit_unread(timeout_s: float) -> None:
    """Have the kernel end connections whose client takes no bytes for so long.

    Those this process has accepted are limited, and those it will accept, as they inherit the
    option from the socket that listens. Only Linux has it; elsewhere nothing is done.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None or not _DESCRIPTORS.is_dir():
        return
    with ExitStack() as opened:
        sockets = [opened.enter_context(each) for each in _tcp_sockets()]
        ports = {each.getsockname()[1] for each in sockets if _listens(each)}
        for each in sockets:
            # Not those to the database.
            if each.getsockname()[1] in ports:
                each.setsockopt(socket.IPPROTO_TCP, option, round(timeout_s * 1_000))


def _tcp_sockets() -> Iterator[socket.socket]:
    """Yield this process's TCP sockets, each by a descriptor of its own.

    No descriptor of a file is duplicated: closing one of them would let go of all locks that this
    process has on the file, SQLite's among them.
    """
    for path in list(_DESCRIPTORS.iterdir()):
        number = int(path.name)
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            found = socket.socket(fileno=os.dup(number))
        except OSError:
            continue  # Closed since: the listing's own, for one.
        if found.family in {socket.AF_INET, socket.AF_INET6}:
            yield found
        else:
            found.close()


def _listens(candidate: socket.socket) -> bool:
    return bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
