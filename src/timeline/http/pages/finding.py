"""The routes that the form for editors asks while someone types: policies and places by their names.

Owns nothing but the routes. They find what has no action yet, too, which listings leave out.
"""

from typing import Final

from litestar import Response, route

from timeline.application.queries import AlikeQuery, PlacesQuery, RegisteredQuery
from timeline.application.reading import Reader
from timeline.http.reading import READ, answer
from timeline.http.replies import HttpRequest


@route("/record/policies", http_method=READ, status_code=200)
async def registered(request: HttpRequest) -> Response[bytes]:
    """Answer the policies that have these words."""
    return await answer(request, RegisteredQuery, Reader.registered)


@route("/record/alike", http_method=READ, status_code=200)
async def alike(request: HttpRequest) -> Response[bytes]:
    """Answer the policies that may be the one that is about to be registered."""
    return await answer(request, AlikeQuery, Reader.alike)


@route("/record/places", http_method=READ, status_code=200)
async def places(request: HttpRequest) -> Response[bytes]:
    """Answer the places that a name may mean."""
    return await answer(request, PlacesQuery, Reader.places)


HANDLERS: Final = (registered, alike, places)
