"""The web application: routes, the boundary around them, and its start and stop.

Owns the list of what is served. Must not know what any route does.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final

from litestar import Litestar
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import (
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Receive,
    Scope,
    Send,
)

from timeline import bootstrap, observability
from timeline.http import audit, dates, health, log, metrics, reading, recording, represented
from timeline.http.boundary import Boundary
from timeline.http.metrics import of_process
from timeline.http.pages import handlers
from timeline.http.pages.asking import refuse
from timeline.http.replay import kept_answer
from timeline.http.replies import Representation
from timeline.http.service import Service
from timeline.orphans import ending_with_parent
from timeline.settings import Settings
from timeline.siblings import Siblings

HANDLERS: Final = (
    *recording.HANDLERS,
    *reading.HANDLERS,
    *dates.HANDLERS,
    *represented.HANDLERS,
    *log.HANDLERS,
    *audit.HANDLERS,
    *health.HANDLERS,
    *metrics.HANDLERS,
    *handlers.HANDLERS,
)

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class TimelineApp(Litestar):
    """Litestar with the boundary around it."""

    boundary: Boundary

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """Answer a request, or start and stop."""
        if scope["type"] == ScopeType.HTTP:
            await self.boundary(scope, receive, send)  # type: ignore[arg-type]
        else:
            await super().__call__(scope, receive, send)

    async def route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that came through the boundary."""
        await super().__call__(scope, receive, send)

    async def again(self, scope: Scope) -> Representation | None:
        """Return the answer that was given to the same request, where it is kept and right."""
        found = await kept_answer(self.state.service, scope)
        if found is not None:
            scope["path_template"] = found.route
        return found

    def direct(self, scope: Scope) -> recording.Recording | None:
        """Return what records events, past the routes, whose way there takes as long as judging one.

        They know the path and its methods, and answer all others.
        """
        method = scope["method"]  # type: ignore[typeddict-item]
        if method != "POST" or scope["path"] != recording.PATH:
            return None
        scope["path_template"] = recording.PATH
        return recording.Recording(self.state.service)


def create_app(application: bootstrap.Application) -> Litestar:
    """Return the web application of a running service, which the caller starts and stops."""
    return _create(application.settings, State({"service": Service(application)}), None)


def create() -> Litestar:
    """Return the web application with a service of its own: what each worker of a server loads.

    Settings come from the environment.

    Raises:
        SettingsError: a setting is wrong.

    """
    settings = Settings.from_environment(os.environ)
    observability.configure(settings.log_level, settings.log_format)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        with ending_with_parent(), bootstrap.application(settings) as application:
            service = app.state.service = Service(application)
            async with _among_siblings(app, service):
                yield

    return _create(settings, State(), lifespan)


@asynccontextmanager
async def _among_siblings(app: Litestar, service: Service) -> AsyncIterator[None]:
    """Answer the other processes of the service, where there are any."""
    if Siblings.directory is None:
        yield
        return
    siblings = app.state.siblings = Siblings(Siblings.directory)
    async with siblings.answering(partial(of_process, service, app.state.requests)):
        yield


def _create(settings: Settings, state: State, lifespan: Lifespan | None) -> Litestar:
    exception_handlers: dict[int | type[Exception], Any] = {Exception: refuse}
    app = TimelineApp(
        route_handlers=HANDLERS,
        state=state,
        lifespan=[] if lifespan is None else [lifespan],
        exception_handlers=exception_handlers,
        # Described by our own document; logged by our own line.
        openapi_config=None,
        logging_config=None,
    )
    app.boundary = Boundary(app.route, settings.rate_limit, app.again, app.direct)
    app.state.requests = app.boundary.requests
    app.state.siblings = None
    return app
