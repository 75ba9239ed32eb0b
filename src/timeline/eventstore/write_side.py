"""Rows of the write side that do not follow from the log: what a check of it asks for.

Owns these queries. Must not know what is said of the rows.

What the write side keeps can be worked out from entries and payloads. Where columns of entries are
enough for that, the database compares; nobody reads a log's million rows to find that none differs.
Each query gives the rows that differ, at most `ROWS` of them, whatever stands in their columns.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, case, exists, func, literal, or_, select

from timeline.domain.vocabulary import EventType
from timeline.eventstore.dialects import RAW
from timeline.eventstore.tables import log_entries, log_payloads, log_tags, streams, subjects

ROWS: Final = 100
"""As many findings as are told at most."""

_CYCLE: Final = 4_093
"""A prime: remainders by it have squares that no sum of a log's is too large for."""

_ERASED: Final = EventType.PAYLOAD_ERASED.value
_RETRACTED: Final = EventType.EVENT_RETRACTED.value
_MERGED: Final = EventType.POLICIES_MERGED.value
_SOURCE: Final = EventType.SOURCE_ATTACHED.value

MARKS: Final = ("erased_by", "retracted_by", "duplicate", "disputes", "retracts")
"""What may be kept of an event beyond its entry."""

_event: Final = log_entries.alias("event")
_by: Final = log_entries.alias("by")
_under: Final = subjects.alias("under")


def heads(connection: Connection) -> list[Any]:
    """Return the heads of streams that are not where their streams end: policy, version, the last one's.

    Both versions are the same where it is another event that is said to have registered the policy.
    """
    last = (
        select(func.max(_event.c.version)).where(_event.c.policy == streams.c.policy)
    ).scalar_subquery()
    first = and_(
        _by.c.id == streams.c.registered_by,
        _by.c.policy == streams.c.policy,
        _by.c.version == 1,
    )
    query = (
        select(streams.c.policy, streams.c.version, last)
        .outerjoin_from(streams, _by, first)
        .where(or_(streams.c.version.is_distinct_from(last), _by.c.id.is_(None)))
    )
    return _all(connection, query.order_by(streams.c.policy))


def headless(connection: Connection) -> list[Any]:
    """Return policies that have events and no head: position and policy.

    Versions are dense, so that with all heads where they have to be, they add up to all events.
    """
    total = connection.execute(select(func.coalesce(func.sum(streams.c.version), 0))).scalar_one()
    if total == _last(connection):
        return []
    query = (
        select(_event.c.position, _event.c.policy)
        .outerjoin_from(_event, streams, streams.c.policy == _event.c.policy)
        .where(_event.c.version == 1, streams.c.policy.is_(None))
    )
    return _all(connection, query.order_by(_event.c.position))


def wrong_marks(connection: Connection) -> list[Any]:
    """Return what is marked as no event of the log marks it.

    Each is the marked event, its position, of each of the `MARKS` whether it is wrong, and what it is.
    """
    erased = _marked(subjects.c.erased_by, _ERASED)
    retracted = _marked(subjects.c.retracted_by, _RETRACTED, _ERASED)
    chain = case(
        (
            _event.c.type == _RETRACTED,
            case(
                (
                    func.coalesce(_under.c.retracts, "[]") == "[]",
                    literal('["').concat(_event.c.subject).concat('"]'),
                ),
                else_=literal('["')
                .concat(_event.c.subject)
                .concat('",')
                .concat(func.substr(_under.c.retracts, 2)),
            ),
        ),
        else_="[]",
    )
    wrong = {
        "erased_by": and_(subjects.c.erased_by.is_not(None), ~erased),
        "retracted_by": and_(subjects.c.retracted_by.is_not(None), ~retracted),
        "duplicate": and_(subjects.c.duplicate.is_not(None), _event.c.type != _MERGED),
        "disputes": and_(
            subjects.c.disputes.is_distinct_from(0), func.coalesce(_event.c.type, "") != _SOURCE
        ),
        "retracts": subjects.c.retracts.is_distinct_from(chain),
    }
    found: list[Any] = [wrong[name].label(f"is_{name}") for name in MARKS]
    found += [subjects.c[name] for name in MARKS]
    query = (
        select(subjects.c.id, _event.c.position, *found)
        .outerjoin_from(subjects, _event, _event.c.id == subjects.c.id)
        .outerjoin(_under, _under.c.id == _event.c.subject)
        .where(or_(_event.c.position.is_(None), *wrong.values()))
    )
    return _all(connection, query.order_by(subjects.c.id))


def _marked(mark: Any, *types: str) -> Any:
    """Compare with the events of some types that name the one that is marked."""
    return exists().where(_by.c.id == mark, _by.c.subject == subjects.c.id, _by.c.type.in_(types))


def missing_marks(connection: Connection) -> list[Any]:
    """Return events that mark another one which is not marked so: position, type and that one.

    A retraction that is itself retracted marks nothing.
    """
    own = subjects.alias("own")
    standing = own.c.retracted_by.is_(None)
    query = (
        select(_by.c.position, _by.c.type, _by.c.subject)
        .outerjoin_from(_by, own, own.c.id == _by.c.id)
        .outerjoin(subjects, subjects.c.id == _by.c.subject)
        .where(
            or_(
                and_(_by.c.type == _ERASED, subjects.c.erased_by.is_distinct_from(_by.c.id)),
                and_(_by.c.type == _RETRACTED, standing, subjects.c.retracted_by.is_(None)),
                and_(_by.c.type == _RETRACTED, ~standing, subjects.c.retracted_by == _by.c.id),
            ),
            _by.c.type.in_((_ERASED, _RETRACTED)),
        )
    )
    return _all(connection, query.order_by(_by.c.position))


def telling(connection: Connection) -> Iterator[Any]:
    """Yield the events whose data tells what is kept of them.

    Each is a position, the data, and what is kept: `duplicate` and `disputes`, or None.
    """
    query = (
        select(
            _event.c.position,
            log_payloads.c.data,
            subjects.c.duplicate,
            subjects.c.disputes,
        )
        .join_from(_event, log_payloads, log_payloads.c.position == _event.c.position)
        .outerjoin(subjects, subjects.c.id == _event.c.id)
        .where(_event.c.type.in_((_MERGED, _SOURCE)))
    )
    yield from connection.execute(query, execution_options={"yield_per": 256, **RAW})


def untagged(connection: Connection) -> list[Any]:
    """Return positions that are tagged with no jurisdiction, or with several: position, how many."""
    tags = log_tags.c.kind == "jurisdiction"
    place = log_tags.c.position
    sums = select(func.count(), func.sum(place), func.sum(place % _CYCLE * (place % _CYCLE)))
    last = _last(connection)
    if tuple(connection.execute(sums.where(tags)).one()) == _sums(last):
        return []
    position = log_entries.c.position
    both = (
        select(position.label("position"), literal(0).label("tags"))
        .union_all(select(place, literal(1)).where(tags))
        .subquery()
    )
    number = func.sum(both.c.tags)
    query = select(both.c.position, number).group_by(both.c.position)
    other = or_(func.sum(1 - both.c.tags) != 1, number != 1)
    return _all(connection, query.having(other).order_by(both.c.position))


def _sums(last: int) -> tuple[int | None, ...]:
    """Return what each position up to the last, once, adds up to.

    With the squares of remainders, since others in place of some may add up to the same.
    """
    if not last:
        return 0, None, None
    cycles, rest = divmod(last, _CYCLE)
    squares = cycles * _squares(_CYCLE - 1) + _squares(rest)
    return last, last * (last + 1) // 2, squares


def _squares(last: int) -> int:
    return last * (last + 1) * (2 * last + 1) // 6


def strays(connection: Connection) -> list[Any]:
    """Return tags of other kinds than there are, or at no position: kind, value and position."""
    place, last = log_tags.c.position, _last(connection)
    wrong = or_(place < 1, place > last, log_tags.c.kind.in_(_unknown_kinds(connection)))
    query = select(log_tags).where(wrong)
    return _all(connection, query.order_by(log_tags.c.kind, log_tags.c.value, place))


def _unknown_kinds(connection: Connection) -> list[Any]:
    """Return what stands where kinds do and is none, found by the steps of an index."""
    kind = log_tags.c.kind
    found: list[Any] = []
    while len(found) < ROWS:
        later = () if not found else (kind > found[-1],)
        step = connection.execute(select(func.min(kind)).where(*later)).scalar()
        if step is None:
            break
        found.append(step)
    return [each for each in found if each not in KINDS]


def _last(connection: Connection) -> int:
    return connection.execute(select(func.max(log_entries.c.position))).scalar() or 0


KINDS: Final = ("actor", "identifier", "jurisdiction", "target", "topic")
"""Kinds of tags."""


def _all(connection: Connection, query: Select[Any]) -> list[Any]:
    return list(connection.execute(query.limit(ROWS), execution_options=RAW).all())
