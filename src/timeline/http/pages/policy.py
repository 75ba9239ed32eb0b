"""The page of one policy: what is believed of it on a date, why, and what was said before."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, route
from litestar.params import FromPath
from msgspec import Meta

from timeline.application.errors import UnknownResource
from timeline.application.queries import MAX_LIMIT, BothClocks, EventsQuery
from timeline.application.reading import Reader
from timeline.domain.events import SLUG_PATTERN
from timeline.http.pages import annotations
from timeline.http.pages.asking import Shown, answered, clocks, plain, show
from timeline.http.pages.bars import bar
from timeline.http.problems import shown
from timeline.http.reading import READ
from timeline.http.replies import HttpRequest
from timeline.http.service import Service

MAX_READS: Final = 8
"""Pages of the log that are read for the annotations of one policy, which is 4,000 events at most:
the longest real streams have a few hundred."""

MAX_DECIDING_SHOWN: Final = 20
"""Deciding events of other policies that are looked up by id; an axis names at most so many."""

_POLICY: Final = re.compile(SLUG_PATTERN)
_LONGEST_POLICY: Final = 128


class PolicyPageQuery(BothClocks, frozen=True, kw_only=True):
    """`GET /policies/{policy}`."""

    why: Annotated[
        Annotated[str, Meta(max_length=64, pattern=r"^[a-z_]+$")] | None,
        Meta(description="The derived value whose deciding events are pointed out."),
    ] = None


@route("/policies/{policy:str}", http_method=READ, status_code=200)
async def policy(request: HttpRequest, policy: FromPath[str]) -> Response[bytes]:
    """Answer the page of one policy."""
    return await show(request, PolicyPageQuery, partial(_policy, policy))


def known_form(policy: str, service: Service) -> str:
    """Return a policy's id; raises UnknownResource for what no policy can be called."""
    if _POLICY.match(policy) is None or len(policy) > _LONGEST_POLICY:
        raise UnknownResource(
            kind="policy", id=shown(policy), position=service.position, field="policy"
        )
    return policy


def _policy(policy: str, service: Service, query: PolicyPageQuery) -> Shown:
    known_form(policy, service)
    document = answered(service, query, lambda reader, query: reader.policy(policy, query))
    events, whole = _stream(service, policy, document["position"])
    why = _why(service, query.why, document, events)
    named = [*_named(document), *(each["policy"] for each in (why or {}).get("events", ()))]
    values = {
        "document": document,
        "clocks": clocks(query),
        "titles": service.application.reader.titles(named, document["position"]),
        "bar": bar(document["periods"], document["as_of"]),
        "corrections": annotations.corrections(events),
        "descriptions": annotations.descriptions(events),
        "disputes": annotations.disputes(document["disputes"], events),
        "retractions": annotations.retractions(events),
        "whole": whole,
        "why": why,
    }
    return Shown("policy.html", values, document["position"])


def _named(document: dict[str, Any]) -> Iterator[str]:
    """Yield the policies that a policy's page names beside its own."""
    relations = document["relations"]
    for each in relations["incoming"]:
        yield each["policy"]
    for each in relations["outgoing"]:
        yield from each["resolves_to"] or ()
        if each["target"].get("policy"):
            yield each["target"]["policy"]
    for each in (*document["actions"], *relations["incoming"], *relations["outgoing"]):
        if each["by"] and each["by"].get("policy"):
            yield each["by"]["policy"]


def _stream(service: Service, policy: str, until: int) -> tuple[list[dict[str, Any]], bool]:
    """Return a policy's events up to a position, those of policies merged into it too.

    With them, whether these are all.
    """
    events: dict[int, dict[str, Any]] = {}
    waiting, read = [policy], 0
    seen = {policy}
    while waiting and read < MAX_READS:
        query = EventsQuery(policy=(waiting.pop(),), limit=MAX_LIMIT)
        cursor: str | None = None
        while read < MAX_READS:
            read += 1
            page = answered(service, msgspec.structs.replace(query, cursor=cursor), Reader.events)
            known = [event for event in page["items"] if event["position"] <= until]
            events |= {event["position"]: event for event in known}
            cursor = page["next"] if len(known) == len(page["items"]) else None
            if cursor is None:
                break
        else:
            return _in_order(events), False
        merged = {
            event["data"]["duplicate"]
            for event in events.values()
            if event["type"] == "PoliciesMerged" and event["data"]
        }
        waiting += sorted(merged - seen)
        seen |= merged
    return _in_order(events), not waiting


def _in_order(events: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [events[position] for position in sorted(events)]


def _why(
    service: Service, name: str | None, document: dict[str, Any], events: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Return a derived value and the events that decide it."""
    if name is None or not (ids := document["decided_by"].get(name)):
        return None
    known = {event["id"]: event for event in events}
    ids = ids[:MAX_DECIDING_SHOWN]
    reader = service.application.reader
    return {
        "name": name,
        "value": document.get(name),
        "ids": ids,
        "events": [known.get(id) or plain(reader.event(id).document) for id in ids],
    }


HANDLERS: Final = (policy,)
