"""The short way to an answer that was given before, past routes and threads.

Owns who may have a kept answer, and when it is fresh enough. Decides nothing else: whatever is in
doubt, a request that is to be refused above all, goes the long way.
"""

from timeline.application.errors import ApplicationError
from timeline.eventstore.errors import EventStoreError
from timeline.http.answers import question
from timeline.http.errors import HttpError
from timeline.http.replies import Representation
from timeline.http.requests import Scope
from timeline.http.service import Service, min_position


async def kept_answer(service: Service, scope: Scope) -> Representation | None:
    """Return the answer to a request where it is kept and still right.

    Args:
        service: what keeps it.
        scope: the request.

    """
    if scope["method"] not in {"GET", "HEAD"}:
        return None
    asked = question(scope)
    if asked not in service.answers:
        return None
    try:
        wanted = min_position(scope)
        await service.authorise_read(scope)
    except (ApplicationError, EventStoreError, HttpError):
        return None
    standing = service.standing() or await service.until_standing()
    if standing is None or standing.models.position < wanted:
        return None
    return service.answers.get(asked, standing)
