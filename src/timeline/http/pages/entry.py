"""Where to begin: the entry points for a program, the first page for a person."""

from typing import Final

from litestar import Response, route

from timeline.application.queries import PictureQuery
from timeline.http.pages import timeline
from timeline.http.parameters import parse
from timeline.http.reading import READ
from timeline.http.replies import HTML, JSON, HttpRequest, encode, negotiate, reply
from timeline.http.service import service_of

ENTRY_POINTS: Final = (
    ("/schema", "The API, described"),
    ("/schema/openapi.json", "The same as OpenAPI 3.1"),
    ("/v1/timeline", "What happened, by date"),
    ("/v1/picture", "The same as a picture: lanes, bars and marks"),
    ("/v1/policies", "Policies, and whether they are in force"),
    ("/v1/changes?from=0", "What the record learned"),
    ("/v1/jurisdictions", "How many policies each place has, by force"),
    ("/v1/review", "What an editor should look at"),
    ("/v1/events", "The log"),
    ("/v1/audit/replay", "Whether the read models follow from the log"),
    ("/v1/vocabulary", "The words of the record"),
    ("/health/ready", "Whether this service is ready"),
    ("/metrics", "What is measured, for Prometheus"),
)

SIGNED: Final = (
    ("/log/checkpoint", "The newest signed checkpoint of the log"),
    ("/log/vkey", "The keys by which checkpoints are checked"),
)
"""Where the log is signed."""


@route("/", http_method=READ, status_code=200)
async def index(request: HttpRequest) -> Response[bytes]:
    """Answer where to begin: with the list of entry points, or with the page of the timeline."""
    if negotiate(request.headers.get("accept"), [JSON, HTML]) == HTML:
        return await timeline.page(request)
    parse(request.scope["query_string"], PictureQuery)
    service = service_of(request)
    points = (*ENTRY_POINTS, *SIGNED) if await service.proves() else ENTRY_POINTS
    document = {
        "items": [{"href": href, "title": title} for href, title in points],
        **service.openly(position=service.position),
    }
    return reply(encode(document), JSON, headers={"Vary": "Accept"})


HANDLERS: Final = (index,)
