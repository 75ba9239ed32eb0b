"""The page on which editors record: a form whose script sends events as any program does.

Owns what the form offers. Must not know an event's rules: what is typed is judged by a dry run. The
page says nothing of the record, so it needs no token; what its script reads does, where reading does.
"""

from typing import Annotated, Final, NamedTuple

from litestar import Response, route
from msgspec import Meta

from timeline.application.errors import InvalidRequest
from timeline.application.queries import Query
from timeline.application.vocabulary import vocabulary
from timeline.domain.events import EventId, PolicyId, Scope, SourceClass
from timeline.http.pages.rendering import page, render, require_browser
from timeline.http.pages.words import HAPPENINGS
from timeline.http.parameters import parse
from timeline.http.reading import READ
from timeline.http.replies import HttpRequest


class RecordPageQuery(Query, frozen=True, kw_only=True):
    """`GET /record`: what to begin with."""

    policy: Annotated[PolicyId, Meta(description="Record an action of this policy.")] | None = None
    correct: Annotated[EventId, Meta(description="Correct this action.")] | None = None
    retract: Annotated[EventId, Meta(description="Take this event back.")] | None = None
    dispute: (
        Annotated[EventId, Meta(description="Add a source that disputes, or supports, this event.")]
        | None
    ) = None
    describe: Annotated[PolicyId, Meta(description="Describe this policy anew.")] | None = None
    merge: Annotated[PolicyId, Meta(description="Fold a duplicate into this policy.")] | None = None


class Mode(NamedTuple):
    """What the form records, and whether it begins with an event: the others do with a policy."""

    name: str
    title: str
    of_event: bool = False


ACT: Final = Mode("act", "Record")
MODES: Final = {
    "correct": Mode("correct", "Correct an action", of_event=True),
    "retract": Mode("retract", "Take an event back", of_event=True),
    "dispute": Mode("dispute", "Add a source that agrees or disagrees", of_event=True),
    "describe": Mode("describe", "Describe a policy anew"),
    "merge": Mode("merge", "Fold a duplicate into a policy"),
}
"""By parameter; each begins with what it is about, so that links of it lead to them."""

CLAIMABLE: Final = (
    "occurred",
    "effective",
    "until",
    "action",
    "label",
    "body",
    "scope",
    "provision",
    "summary",
    "title",
    "instrument",
    "jurisdiction",
)
"""Fields that a source can dispute and a line of text can hold."""


PLACES: Final = (
    ("a country", "ocd-division/country:us"),
    ("a state", "ocd-division/country:us/state:ca"),
    ("a county", "ocd-division/country:us/state:il/county:cook"),
    ("a city, town or village", "ocd-division/country:us/state:ca/place:san_jose"),
    (
        "a school district",
        "ocd-division/country:us/state:ca/county:los_angeles/school_district:los_angeles_unified",
    ),
)
"""How ids of places are made, by example."""


@route("/record", http_method=READ, status_code=200)
async def record(request: HttpRequest) -> Response[bytes]:
    """Answer the form."""
    require_browser(request)
    query = parse(request.scope["query_string"], RecordPageQuery)
    given = [name for name in MODES if getattr(query, name) is not None]
    if len(given) > 1:
        raise InvalidRequest(field=given[1], reason=f"It cannot stand beside `{given[0]}`")
    mode = MODES[given[0]] if given else ACT
    about = getattr(query, mode.name, None)
    return page(
        render(
            "record.html",
            here="/record",
            mode=mode,
            target=about if mode.of_event else None,
            policy=query.policy if mode.of_event else about or query.policy,
            claimable=CLAIMABLE,
            happenings=HAPPENINGS,
            places=PLACES,
            **_choices(),
        )
    )


def _choices() -> dict[str, list[tuple[str, str]]]:
    """Return the words that can be chosen, each with what is said of it."""
    words = vocabulary()
    return {
        "actions": [(each["action"], each["description"]) for each in words["actions"]],
        "relations": [(each["relation"], each["description"]) for each in words["relations"]],
        "instruments": [(each["instrument"], "") for each in words["instruments"]],
        "classes": [(each, _CLASSES.get(each, "")) for each in words["source_classes"]],
        "scopes": [(str(Scope.PARTIAL), "Only a part of it; say which.")],
    }


_CLASSES: Final = {
    SourceClass.PRIMARY: "The document itself.",
    SourceClass.OFFICIAL: "An official account of it.",
    SourceClass.NEWS: "The press.",
    SourceClass.SECONDARY: "Told by others.",
}

HANDLERS: Final = (record,)
