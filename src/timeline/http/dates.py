"""The route that reads a date by itself: what it means, or what is wrong with it.

Owns which reader judges which kind of date. Must not know the grammar, nor where dates stand in
events.
"""

from typing import Any, Final

from litestar import Response, route

from timeline.application.errors import InvalidRequest
from timeline.application.moments import Answer
from timeline.application.queries import DateQuery
from timeline.domain.dates import Edtf, InvalidDate, Occurrence
from timeline.http.pages.words import meant
from timeline.http.reading import READ, answer
from timeline.http.replies import HttpRequest
from timeline.http.service import service_of

_READERS: Final = {"day": Edtf, "occurrence": Occurrence}


@route("/v1/dates", http_method=READ, status_code=200)
async def date(request: HttpRequest) -> Response[bytes]:
    """Answer what a date means."""
    service = service_of(request)
    # Nothing of it is in a read model, and texts have no end, so that none is worth keeping.
    return await answer(
        request,
        DateQuery,
        lambda _reader, query: Answer(_judged(query), service.position),
        of_log=True,
    )


def _judged(query: DateQuery) -> dict[str, Any]:
    """Return a date as it is served, and in words; raises InvalidRequest where it is none."""
    try:
        served = _READERS[query.kind].parse(query.edtf).served()
    except InvalidDate as error:
        raise InvalidRequest(field="edtf", reason=str(error)) from error
    return {**served, "words": meant(served)}


HANDLERS: Final = (date,)
