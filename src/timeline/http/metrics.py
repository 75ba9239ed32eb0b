"""`/metrics`: what the service does and how it stands, as Prometheus reads it.

Owns the names of what is measured, the counting of requests and the bound on their labels. Must not
measure anything itself: each part counts what it does, and the database is asked when a scrape comes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from litestar import Response, route
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from timeline.application import status as standing
from timeline.application.queries import Query
from timeline.bootstrap import now
from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.tally import Tally
from timeline.http.parameters import parse
from timeline.http.reading import READ
from timeline.http.replies import PLAIN, HttpRequest, negotiate
from timeline.http.requests import Scope
from timeline.http.service import Service, service_of
from timeline.http.slots import Slots
from timeline.projections.telling import ENDED, UNDER_WAY

PATH: Final = "/metrics"

_FORMAT: Final = f"{PLAIN}; version=0.0.4"
"""The version that every scraper takes; the encoding is added where it is sent."""

DURATIONS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""From a kept answer, a fraction of a millisecond, to what a client hardly waits for."""

METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
"""Those that any route answers."""

OTHER: Final = "other"
"""The route of whatever met none, and the method that no route answers: clients may make up paths
and methods without an end, and each value of a label stays for as long as the process."""


class Requests:
    """The requests that a process has answered, counted on its event loop."""

    def __init__(self, slots: Slots) -> None:
        """Bind what says how many are being answered."""
        self.slots = slots
        self._durations: dict[tuple[str, str, int], Tally] = {}

    def count(self, scope: Scope, status: int, began_s: float) -> None:
        """Count a request by the route that it met; `began_s` after it came, its answer began."""
        key = (scope.get("path_template", OTHER), scope["method"], status)
        tally = self._durations.get(key)
        if tally is None:
            key = (key[0], key[1] if key[1] in METHODS else OTHER, status)
            tally = self._durations.setdefault(key, Tally(DURATIONS_S))
        tally.add(began_s)

    def durations(self) -> list[tuple[tuple[str, str, int], Tally]]:
        """Return how long answers took to begin, in seconds, by route, method and status."""
        return sorted(self._durations.items(), key=lambda each: each[0])


@route(PATH, http_method=READ, status_code=200)
async def metrics(request: HttpRequest) -> Response[bytes]:
    """Answer what is measured of this process and its database."""
    negotiate(request.headers.get("accept"), [PLAIN])
    parse(request.scope["query_string"], Query)
    service = service_of(request)
    requests, siblings = request.app.state.requests, request.app.state.siblings
    others = {} if siblings is None else await siblings.ask()
    name = None if siblings is None else siblings.name
    body = await service.scrapes.run(_exposition, service, requests, name, others)
    headers = {"Cache-Control": "no-store"}
    return Response(body, media_type=_FORMAT, headers=headers)


HANDLERS: Final = (metrics,)


class _Measured(Collector):
    """What is measured, as the library takes it."""

    def __init__(self, service: Service, requests: Requests) -> None:
        self._service = service
        self._requests = requests

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the library would measure once more to know the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Measure."""
        yield from ProcessCollector(registry=None).collect()
        yield _durations(self._requests)
        yield _under_way(self._service, self._requests)
        yield from _of_writer(self._service)
        signing = self._service.application.signing
        if signing is not None:
            yield _gauge(
                "timeline_checkpoint_failing",
                "Whether this process could not sign when it last tried.",
                signing.error is not None,
            )
        yield _gauge(
            "timeline_projection_leading",
            "Whether this process was last seen to advance the read models.",
            self._service.application.follower.leading,
        )


class _Collected(Collector):
    """What was measured already."""

    def __init__(self, measured: Iterable[Metric]) -> None:
        self._measured = measured

    def describe(self) -> Iterable[Metric]:
        """Return nothing, as above."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return self._measured


def of_process(service: Service, requests: Requests) -> bytes:
    """Return what is measured of this process alone, as Prometheus reads it."""
    return _text(_Measured(service, requests))


def _exposition(
    service: Service, requests: Requests, name: str | None, others: Mapping[str, bytes]
) -> bytes:
    """Return what is measured of all processes of the service, and of the database.

    Args:
        service: of this process.
        requests: that it has answered.
        name: its own, by which it is told from others, if there may be any.
        others: what these have measured, by name.

    """
    own = of_process(service, requests)
    if name is not None:
        return _text(_Collected(_by_worker({name: own, **others}))) + _text(
            _Collected(_of_database(service))
        )
    return own + _text(_Collected(_of_database(service)))


def _text(collector: Collector) -> bytes:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def _by_worker(measured: Mapping[str, bytes]) -> Iterable[Metric]:
    """Return what several processes have measured, each value with whose it is."""
    found: dict[str, Metric] = {}
    for name, text in sorted(measured.items()):
        for family in text_string_to_metric_families(text.decode()):
            metric = found.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                metric.add_sample(sample.name, {**sample.labels, "worker": name}, sample.value)
    return found.values()


# This process


def _durations(requests: Requests) -> Metric:
    family = HistogramMetricFamily(
        "timeline_http_request_duration_seconds",
        # A stream lasts for as long as its reader likes, and what is quick would not show beside it.
        "Requests answered by this process, and how long it took until the answer began.",
        labels=["route", "method", "status"],
    )
    for labels, tally in requests.durations():
        family.add_metric([str(label) for label in labels], _buckets(tally), tally.total)
    return family


def _under_way(service: Service, requests: Requests) -> Metric:
    family = GaugeMetricFamily(
        "timeline_http_under_way",
        "What this process is at: requests, of these bodies that arrive, uploads and exports, live readers.",
        labels=["what"],
    )
    kinds = {
        "requests": requests.slots,
        "bodies": service.bodies,
        "uploads": service.uploads,
        "exports": service.streams,
        "live": service.live.slots,
    }
    for kind, slots in kinds.items():
        family.add_metric([kind], slots.in_use)
    return family


def _of_writer(service: Service) -> Iterator[Metric]:
    writer = service.application.writer
    yield _gauge(
        "timeline_append_queued", "Appends that wait to be recorded by this process.", writer.queued
    )
    sizes = writer.commit_sizes
    yield HistogramMetricFamily(
        "timeline_commit_events",
        "Events in a commit of this process: their sum is its events, their count its commits.",
        buckets=_buckets(sizes),
        sum_value=sizes.total,
    )
    durations = writer.commit_durations
    yield HistogramMetricFamily(
        "timeline_commit_duration_seconds",
        "How long this process took to judge and commit a group of appends, refused ones included.",
        buckets=_buckets(durations),
        sum_value=durations.total,
    )
    refused = CounterMetricFamily(
        "timeline_append_refused",
        "Appends that this process did not record, or of which it could not tell.",
        labels=["reason"],
    )
    for reason, count in service.refusals.counted():
        refused.add_metric([reason], count)
    yield refused


# The database


def _of_database(service: Service) -> Iterator[Metric]:
    found = _status(service)
    yield _gauge(
        "timeline_database_usable",
        "Whether the database is there, can be read, and has the schema of this version.",
        found is not None,
    )
    if found is None:
        return
    lag_events = _by_projection("lag_events", "Events that a read model has not read.")
    lag_s = _by_projection("lag_seconds", "For how long the first of these has waited.")
    positions = _by_projection("position", "The position that a read model reflects.")
    for each in found.projections:
        lag_events.add_metric([each.name], each.lag_events)
        lag_s.add_metric([each.name], each.lag_s)
        positions.add_metric([each.name], each.position)
    yield lag_events
    yield lag_s
    # Whoever may not read is not told how much there is.
    if service.application.settings.public_read:
        yield positions
        size = 0 if found.checkpoint is None else found.checkpoint.size
        yield _gauge(
            "timeline_checkpoint_size", "How many entries the newest checkpoint has.", size
        )
        yield _gauge("timeline_log_position", "The position of the newest event.", found.position)
    yield _gauge(
        "timeline_log_stopped",
        "Whether nothing is recorded, since the log was found to be another one than was signed.",
        found.stopped is not None,
    )
    if found.rebuild is not None:
        yield from _of_rebuild(found.rebuild, told=service.application.settings.public_read)
    yield _gauge(
        "timeline_parked_policies",
        "Policies whose events wait, since one of them broke the read models.",
        len(found.parked),
    )


def _of_rebuild(last: standing.RebuildStatus, *, told: bool) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "timeline_rebuild_state",
        "What the last rebuild does, or how it ended: 1 for that state.",
        labels=["state"],
    )
    for each in (*UNDER_WAY, *ENDED):
        state.add_metric([each], each == last.state)
    yield state
    yield _gauge(
        "timeline_rebuild_silent_seconds",
        "How long ago the last rebuild was heard of.",
        last.silent_s,
    )
    if told:
        yield _gauge(
            "timeline_rebuild_events_done",
            "Events that the last rebuild has worked out.",
            last.events_done,
        )
        yield _gauge(
            "timeline_rebuild_events_total",
            "Events that the last rebuild has to work out.",
            last.events_total,
        )


def _status(service: Service) -> standing.Status | None:
    """Return how the database stands; None where one cannot serve from it."""
    if not service.database_is_there():
        return None
    application = service.application
    try:
        found = standing.status(application.engine, application.store, "", now())
    except EventStoreError:
        return None
    return found if found.ok else None


def _by_projection(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"timeline_projection_{name}", about, labels=["projection"])


# As the library takes it


def _gauge(name: str, about: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _buckets(tally: Tally) -> list[tuple[str, float]]:
    return [
        ("+Inf" if bound == float("inf") else str(float(bound)), count)
        for bound, count in tally.up_to_bounds()
    ]
