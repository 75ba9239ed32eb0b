"""The operations of the API, as they are described: one row a route and method.

Owns their names, their words and which problems each may answer. Must not know OpenAPI.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from timeline.application import queries
from timeline.http import represented, schemas
from timeline.http.pages.assets import AssetQuery
from timeline.http.pages.audit import AuditQuery, ReplayPageQuery
from timeline.http.pages.compare import ComparePageQuery
from timeline.http.pages.policy import PolicyPageQuery
from timeline.http.pages.record import RecordPageQuery
from timeline.http.pages.signing_in import SignInQuery
from timeline.http.replies import (
    CSS,
    EVENT_STREAM,
    HTML,
    JAVASCRIPT,
    JSON,
    NDJSON,
    OCTETS,
    PLAIN,
    SVG,
)

TAGS: Final = {
    "Recording": "Append events; needs a token.",
    "The log": "The events as they were recorded.",
    "The record": "What the events say, at any date and as known at any moment.",
    "Pages": "What people read: rendered on the server, and usable without JavaScript.",
    "Proof": "What anyone can check without trusting the operator.",
    "Operations": "Health, metrics, this description, and problem types.",
}


class Operation(NamedTuple):
    """One route and method, as it is described.

    `answers` maps the media types of a success to schemas; `statuses` are those of problems besides
    what every route may answer; `form` has the fields of a page's form, and what they mean.
    """

    method: str
    path: str
    id: str
    tag: str
    summary: str
    description: str
    query: type[queries.Query]
    answers: Mapping[str, type]
    statuses: tuple[int, ...]
    min_position: bool = True
    paged: bool = False
    form: Mapping[str, str] | None = None

    @property
    def records(self) -> bool:
        """Tell whether it records events: what else is posted is a page's form."""
        return self.method == "post" and self.form is None


_READ: Final = (304, 401, 403, 406, 503)

_SEVERAL_FORMS: Final = (
    "`format` or `Accept` says how it is written. NDJSON, CSV and iCalendar are the whole rest, as a "
    "stream, unless `limit` or `cursor` asks for a page. In CSV, a cell that begins like a formula "
    "has an apostrophe before it. Atom and JSON Feed have an entry for each event that changed what "
    "is asked about, the newest first. A calendar's entries keep their UID, count in SEQUENCE how "
    "often what the record says of them has changed, and are cancelled where it says so no more."
)
"""What the two long lists have in common."""


def _forms(forms: Mapping[str, represented.Form], kind: type) -> Mapping[str, type]:
    """Return the forms of an answer, of which JSON has a schema."""
    return {form.media_type: kind if name == "json" else str for name, form in forms.items()}


OPERATIONS: Final = (
    Operation(
        "post",
        "/v1/events",
        "recordEvents",
        "Recording",
        "Record events",
        "One event, or a batch that is recorded together or not at all. An append is repeated "
        "safely where its events carry ids: what is recorded already is answered with 200 and as "
        "it was then. With `Content-Type: application/x-ndjson`, any number of lines, each an "
        "event with an id, is recorded in chunks, and the answer is a line for each chunk; at a "
        "line that is refused it ends with a line that names it. Lines before that one are "
        "recorded. With `dry_run=true`, an event or a batch is judged as if it were recorded, "
        "nothing is, and the answer is what would become of the policies that would change; an "
        "event that was sent without an id is shown with one that can be sent with it.",
        queries.RecordQuery,
        {JSON: schemas.RecordedEvents},
        (401, 403, 406, 409, 413, 415, 422, 503),
        min_position=False,
    ),
    Operation(
        "get",
        "/v1/events",
        "listEvents",
        "The log",
        "Events",
        "The log in its order. Each parameter narrows; of one that is repeated, any value "
        "matches. With `Accept: application/x-ndjson`, all events up to the head are streamed, "
        "one a line. With `Accept: text/event-stream`, they are sent as server-sent events named "
        "`message`, and then those that come, until the client goes; an event's `id` is its "
        "position. After 15 seconds of silence comes a `heartbeat`, whose `id` is the position up "
        "to which the log was looked through. A client that comes back sends `Last-Event-ID`, "
        "which wins over `after`. Of both streams, `limit` and `cursor` are refused.",
        queries.EventsQuery,
        {JSON: schemas.EventsPage, NDJSON: schemas.Event, EVENT_STREAM: str},
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/events/{id}",
        "getEvent",
        "The log",
        "One event",
        "The entry's fields, and the data as it was sent. With `proof=true`, also all that shows "
        "the event to be in the log: the entry, the salt by which the data is checked against the "
        "entry's commitment, and the way to the newest checkpoint, or to the newest with so many "
        "`cosignatures`.",
        queries.EventQuery,
        {JSON: schemas.Event},
        (*_READ, 404),
    ),
    Operation(
        "get",
        "/v1/timeline",
        "listActions",
        "The record",
        "The timeline",
        "The actions as the record believes them, by what they say of the world. `as_of` hides "
        "what happened later. " + _SEVERAL_FORMS,
        queries.TimelineQuery,
        _forms(represented.TIMELINE, schemas.TimelinePage),
        (*_READ, 307, 404, 410),
        paged=True,
    ),
    Operation(
        "get",
        "/v1/picture",
        "drawPicture",
        "The record",
        "A picture of the timeline",
        "What the timeline page is drawn from: for a window of the world's time, a lane for each "
        "level of government with the policies that are, or may be, in force in it, and the "
        "actions; where these are more than `marks`, how many there are when. It takes the filters "
        "of `/v1/timeline`; one of actions asks for the policies that have such an action at any "
        "date. Without `from` or `to`, the window reaches from the first such action to the last, "
        "and at least to today. `as_of` hides what is certainly later; `differs` counts what is "
        "another today, as it is known now.",
        queries.PictureQuery,
        {JSON: schemas.Picture},
        (*_READ, 307, 404, 410),
    ),
    Operation(
        "get",
        "/v1/policies",
        "listPolicies",
        "The record",
        "Policies",
        "Policies with their three axes on a date, today where none is given. Those without an "
        "action by then are left out. " + _SEVERAL_FORMS,
        queries.PoliciesQuery,
        _forms(represented.POLICIES, schemas.PoliciesPage),
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/jurisdictions",
        "countPolicies",
        "The record",
        "Jurisdictions",
        "By jurisdiction, how many policies there are on a date, today where none is given, by "
        "force and by whether they are in force. Each counts once, under its believed value; those "
        "without an action by then do not count.",
        queries.JurisdictionsQuery,
        {JSON: schemas.JurisdictionsPage},
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/graph",
        "getGraph",
        "The record",
        "The graph around a policy",
        "Relations, either way, with the policies on a date, today where none is given: those at "
        "most `depth` relations away. A citation leads to each policy that carries it, a duplicate "
        "to its survivor; a citation that nobody carries is a node of its own. A selector is a "
        "node, and the policies on which its relation acts have edges `via` it, those too whose own "
        "actions tell the same. Relations whose "
        "effect is `later` than `as_of` are edges, too.",
        queries.GraphQuery,
        {JSON: schemas.Graph},
        (*_READ, 307, 404, 410),
    ),
    Operation(
        "get",
        "/v1/review",
        "listReviews",
        "The record",
        "What an editor should look at",
        "Open disputes; relations whose citation no policy carries; actions and relations with one "
        "source, of the class `secondary` (of one without a class nothing is known); policies in "
        "force on the date, today where none is given, that were last confirmed, or else last "
        "acted on, more than `unconfirmed_days` before. Listed in this order. A page may end early "
        "and still have a next one.",
        queries.ReviewQuery,
        {JSON: schemas.ReviewPage},
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/policies/{policy}",
        "getPolicy",
        "The record",
        "One policy",
        "All that the record believes about it, and the events that decide each value. The three "
        "axes are those on the date, today where none is given. `periods`, `actions` and relations "
        "are the whole life as it is known, what comes after that date too: an action or a relation "
        "that is certainly later is marked `later`. `/v1/timeline?policy=` hides those. "
        "`resolves_to` names the policies that a relation's target stands for: the one named, all "
        "that carry what is cited, or those on whom a relation by selector acts. `parked` is there only "
        "where events of the policy wait, since one of them broke the read models; items of "
        "`/v1/policies` and `/v1/timeline` carry it, too.",
        queries.PolicyQuery,
        _forms(represented.ONE_POLICY, schemas.Policy),
        (*_READ, 307, 404, 410),
    ),
    Operation(
        "get",
        "/v1/policies/{policy}/history",
        "replayPolicy",
        "The record",
        "A policy's history",
        "The replay: event by event, what it changed and the state after it. Also of policies "
        "that are retracted or merged.",
        queries.HistoryQuery,
        _forms(represented.HISTORY, schemas.HistoryPage),
        (*_READ, 404),
        paged=True,
    ),
    Operation(
        "get",
        "/v1/changes",
        "listChanges",
        "The record",
        "What the record learned",
        "The policies whose picture changed after `from`, up to and including `to` (the newest "
        "where none is given), in the order in which it first did: each as it was and as it is on "
        "the date `as_of`, today where none is given, and the events that changed it, those of "
        "other policies too. `changed` is empty where the date asked about is not touched. A "
        "filter matches what a policy was or what it is.",
        queries.ChangesQuery,
        {JSON: schemas.ChangesPage},
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/vocabulary",
        "getVocabulary",
        "The record",
        "The vocabulary",
        "Actions with their effects, in the order of one day; instruments, relations, types of "
        "events and other words.",
        queries.Query,
        {JSON: schemas.Vocabulary},
        _READ,
    ),
    Operation(
        "get",
        "/v1/dates",
        "readDate",
        "The record",
        "What a date means",
        "Reads a date as an event's would be read: the days between which it lies, also in words. "
        "What is no date is refused with 400, and `errors` says what is wrong with it.",
        queries.DateQuery,
        {JSON: schemas.JudgedDate},
        _READ,
    ),
    Operation(
        "get",
        "/v1/audit/replay",
        "replayRecord",
        "Proof",
        "That the read models are what the log gives",
        "The read models are computed again from the log alone, up to `position`, apart from the live "
        "ones, and compared with those by digests of their rows. `last_erasure` is that of the last "
        "erasure: it changed rows at every position, so digests taken before it compare with none "
        "taken after it. `recorded` are the digests that were recorded here, where it is the last "
        "checkpoint of a day, and why they differ from those of now; `days` are the last days that "
        "have some. One replay at a time, of at most 20,000 events and for at most 30 seconds: the "
        "operator's `timeline replay` has no such bounds.",
        queries.ReplayQuery,
        {JSON: schemas.Replay},
        (401, 403, 406, 422, 503),
    ),
    Operation(
        "get",
        "/v1/audit/proof/inclusion",
        "proveInclusion",
        "Proof",
        "That an entry is in the log",
        "The proof of RFC 6962 that the entry at `position` is in the tree of `size` entries.",
        queries.InclusionQuery,
        {JSON: schemas.InclusionProof},
        (*_READ, 404),
    ),
    Operation(
        "get",
        "/v1/audit/proof/consistency",
        "proveConsistency",
        "Proof",
        "That the log only grew",
        "The proof of RFC 6962 that the tree of `to` entries began as the one of `from` entries.",
        queries.ConsistencyQuery,
        {JSON: schemas.ConsistencyProof},
        (*_READ, 404),
    ),
    Operation(
        "get",
        "/log/checkpoint",
        "getCheckpoint",
        "Proof",
        "The newest checkpoint",
        "A signed note (C2SP tlog-checkpoint): the log's name, how many entries it has, and its "
        "root hash. It follows an append within two seconds.",
        queries.Query,
        {PLAIN: str},
        (*_READ, 404),
        min_position=False,
    ),
    Operation(
        "get",
        "/log/vkey",
        "getVerifierKeys",
        "Proof",
        "The log's verifier keys",
        "Those that check the newest checkpoint, one a line (C2SP signed-note). Get them from "
        "somewhere else, too: whoever could rewrite the log could also change them here.",
        queries.Query,
        {PLAIN: str},
        (*_READ, 404),
        min_position=False,
    ),
    Operation(
        "get",
        "/log/tile/{tile}",
        "getTile",
        "Proof",
        "A tile of the log",
        "Hashes of the tree, or entries, in pieces of 256 that never change once they are full "
        "(C2SP tlog-tiles): `0/x001/234` is a tile, `entries/x001/234.p/56` a bundle of the first "
        "56 entries. There are tiles as far as the newest checkpoint reaches. Bundles come zipped "
        "to whoever accepts gzip.",
        queries.Query,
        {OCTETS: str},
        (*_READ, 404),
        min_position=False,
    ),
    Operation(
        "get",
        "/health/live",
        "isLive",
        "Operations",
        "Liveness",
        "Whether the process runs.",
        queries.Query,
        {JSON: schemas.Live},
        (406,),
        min_position=False,
    ),
    Operation(
        "get",
        "/health/ready",
        "isReady",
        "Operations",
        "Readiness",
        "Whether database, schema and read models allow to serve.",
        queries.Query,
        {JSON: schemas.Ready},
        (406, 503),
        min_position=False,
    ),
    Operation(
        "get",
        "/metrics",
        "getMetrics",
        "Operations",
        "Metrics",
        "As Prometheus reads them, without a token. Those of each process: its requests by route, "
        "method and status, with how long their answers took to begin, and what it recorded; with "
        "several workers, whose they are is told by `worker`. Those of the database: how far its read models are behind, "
        "in events and seconds, policies that are parked, and, where reading needs no token, "
        "positions. Where the database cannot be used, these are missing, and "
        "`timeline_database_usable` is 0.",
        queries.Query,
        {PLAIN: str},
        (406, 503),
        min_position=False,
    ),
    Operation(
        "get",
        "/",
        "listEntryPoints",
        "Operations",
        "Entry points",
        "Where to begin. For browsers, the page of the timeline, which takes the parameters of "
        "`/v1/picture`; the list for programs is the same whatever they say.",
        queries.PictureQuery,
        {JSON: schemas.EntryPoints, HTML: str},
        (*_READ, 307, 404, 410),
    ),
    Operation(
        "get",
        "/policies",
        "showPolicies",
        "Pages",
        "Policies, as a page",
        "Search and filters as in `GET /v1/policies`. A field that is empty counts as absent, as on "
        "every page.",
        queries.PoliciesAsked,
        {HTML: str},
        _READ,
    ),
    Operation(
        "get",
        "/policies/{policy}",
        "showPolicy",
        "Pages",
        "One policy, as a page",
        "Where it stands on a date, what happened, what sources say otherwise, and what the record "
        "said before.",
        PolicyPageQuery,
        {HTML: str},
        (*_READ, 307, 404, 410),
    ),
    Operation(
        "get",
        "/compare",
        "showChanges",
        "Pages",
        "What the record learned, as a page",
        "Policies before and after, as in `GET /v1/changes`; the last week where `from` is absent.",
        ComparePageQuery,
        {HTML: str},
        _READ,
    ),
    Operation(
        "get",
        "/audit",
        "showAudit",
        "Pages",
        "The newest checkpoint, as a page",
        "What the checkpoint says and who signed it, the newest entries, and a search for an event or "
        "a policy.",
        AuditQuery,
        {HTML: str},
        _READ,
    ),
    Operation(
        "get",
        "/audit/policies/{policy}",
        "showReplay",
        "Pages",
        "A policy's replay, as a page",
        "Step by step, what each event changed and the state after it.",
        ReplayPageQuery,
        {HTML: str},
        (*_READ, 404),
    ),
    Operation(
        "get",
        "/audit/events/{id}",
        "showProof",
        "Pages",
        "An event's proof, as a page",
        "Checked in the browser itself: from the data to the checkpoint's signature.",
        queries.Query,
        {HTML: str},
        (*_READ, 404),
    ),
    Operation(
        "get",
        "/sign-in",
        "showSignIn",
        "Pages",
        "The form to sign in, as a page",
        "Where reading needs a token, pages answer 401 with the same form.",
        SignInQuery,
        {HTML: str},
        (),
        min_position=False,
    ),
    Operation(
        "post",
        "/sign-in",
        "signIn",
        "Pages",
        "Sign in to read",
        "Has a browser keep a token in a cookie that scripts and other sites cannot use, and that "
        "counts for GET and HEAD alone: it never records anything.",
        queries.Query,
        {},
        (401, 413, 415),
        min_position=False,
        form={"token": "The token.", "then": "The page to go on to."},
    ),
    Operation(
        "post",
        "/sign-out",
        "signOut",
        "Pages",
        "Sign out",
        "Has a browser forget its token.",
        queries.Query,
        {},
        (),
        min_position=False,
        form={},
    ),
    Operation(
        "get",
        "/record",
        "showRecordForm",
        "Pages",
        "A form for editors",
        "On which events are recorded by hand, with a token: its script does what any program can.",
        RecordPageQuery,
        {HTML: str},
        (304, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/record/policies",
        "findPolicies",
        "Pages",
        "Policies by their words",
        "The first policies, by id, that have each of the words; also those without an action, which "
        "`/v1/policies` leaves out. For the form, while someone types.",
        queries.RegisteredQuery,
        {JSON: schemas.RegisteredFound},
        _READ,
    ),
    Operation(
        "get",
        "/record/alike",
        "findAlike",
        "Pages",
        "Policies that may be the same",
        "A place's policies with one of the identifiers, or with the same title or a similar one: what "
        "the form names before a policy is registered. Of a place with more than 25,000, those first by id "
        "are compared.",
        queries.AlikeQuery,
        {JSON: schemas.AlikeFound},
        _READ,
    ),
    Operation(
        "get",
        "/record/places",
        "findPlaces",
        "Pages",
        "Places by their names",
        "The jurisdictions that the record has, by names that are read from their ids, those first "
        "whose name begins so; with `jurisdiction`, that one first, whether the record has it or not.",
        queries.PlacesQuery,
        {JSON: schemas.PlacesFound},
        _READ,
    ),
    Operation(
        "get",
        "/schema",
        "showDescription",
        "Operations",
        "This description, as a page",
        "Works without JavaScript and without the internet.",
        queries.Query,
        {HTML: str},
        (304, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/schema/openapi.json",
        "getDescription",
        "Operations",
        "This description",
        "OpenAPI 3.1.",
        queries.Query,
        {JSON: dict},
        (304, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/problems/{slug}",
        "explainProblem",
        "Operations",
        "A problem type",
        "What a problem's `type` means, and what to do about it.",
        queries.Query,
        {JSON: schemas.ProblemType, HTML: str},
        (304, 404, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/assets/{name}",
        "getAsset",
        "Operations",
        "What pages load",
        "Styles, scripts and pictures of the pages; kept for good under the address that a page "
        "gives, which has the file's digest in it.",
        AssetQuery,
        {CSS: str, JAVASCRIPT: str, SVG: str},
        (304, 404),
        min_position=False,
    ),
)
