"""An empty Litestar handler on granian, as `timeline serve` runs its own: the framework's limit.

    python -m bench.empty PORT

`/` answers an empty object; `/bytes/N` answers N bytes, made once.
"""

import sys
from functools import lru_cache

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from litestar import Litestar, Response, get
from litestar.params import FromPath


@get("/", sync_to_thread=False)
def nothing() -> dict[str, str]:
    """Answer without doing anything."""
    return {}


@get("/bytes/{size:int}", sync_to_thread=False)
def filler(size: FromPath[int]) -> Response[bytes]:
    """Answer as many bytes."""
    return Response(_filler(size), media_type="application/json")


@lru_cache(maxsize=1)
def _filler(size: int) -> bytes:
    return b'"' + b"x" * (size - 2) + b'"'


def create() -> Litestar:
    """Return the application."""
    return Litestar([nothing, filler], openapi_config=None)


def main() -> None:
    """Serve it from one process, the default of `timeline serve`."""
    Granian(
        "bench.empty:create",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        factory=True,
        loop=Loops.uvloop,
        workers=1,
        http=HTTPModes.http1,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main()
