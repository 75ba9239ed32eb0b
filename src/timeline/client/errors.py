"""Why the client has no answer.

    ClientError
    ├── Unreachable                no answer came, however often it was asked
    ├── UnexpectedAnswer           what came is no answer of this API
    ├── LineRefused                a line of a stream; those before it are recorded
    └── ProblemError               the service says why not
        ├── InvalidRequest
        ├── InvalidData
        ├── TokenRefused
        ├── NotAllowed
        ├── NotFound
        ├── PolicyGone
        ├── Merged                 the policy is a duplicate; `survivor` names the other one
        ├── WrongExpectedVersion   someone else was faster; `actual` is the version now
        ├── ConditionFailed
        ├── IdConflict
        ├── PartlyKnownBatch
        ├── AlreadyRegistered
        ├── NotRegistered
        └── ComeBackLater          and it had been asked as often as it may be

A class's docstring is its message; the facts are attributes. Of problems, the message is what the
service says in `detail`, and the docstring what that means. A problem type without a class of its own is a ProblemError: its `type`
says which.
"""

from collections.abc import Mapping
from typing import Any, Final


class ClientError(Exception):
    """The service gives no answer."""

    def __init__(self, **facts: Any) -> None:
        self.facts: dict[str, Any] = facts
        super().__init__((type(self).__doc__ or "").strip().format_map(facts))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)


class Unreachable(ClientError):
    """{url} cannot be reached: {reason}"""  # noqa: D400 - the docstring is the message's template


class UnexpectedAnswer(ClientError):
    """{url} gives no answer of this API: {reason}"""  # noqa: D400 - as above


class ProblemError(ClientError):
    """The service says why it does not do what was asked.

    Attributes:
        type: the last part of the problem's type, such as "wrong-expected-version".
        title: the type in words.
        status: of the HTTP answer.
        detail: what is wrong, in a sentence.
        field: which field, parameter or header is wrong, or None.
        instance: the path that was asked.
        request_id: what the service's log calls the request.
        facts: what problems of this type tell besides.
        retry_after_s: when to come back, where the service says so.

    """

    def __init__(
        self,
        *,
        type: str,
        detail: str = "",
        title: str = "",
        status: int = 0,
        field: str | None = None,
        instance: str = "",
        request_id: str = "",
        **facts: Any,
    ) -> None:
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.field = field
        self.instance = instance
        self.request_id = request_id
        self.facts = facts
        self.retry_after_s: float | None = None
        # The text is a server's, and no template.
        Exception.__init__(self, detail or title or type)


class InvalidRequest(ProblemError):
    """A parameter, a header or the body is malformed; `field` names it."""


class InvalidData(ProblemError):
    """An event's data has not the shape of its type; `field` names what is wrong."""


class TokenRefused(ProblemError):
    """There is no token, or one that the service does not know."""


class NotAllowed(ProblemError):
    """The token's role is too low."""


class NotFound(ProblemError):
    """The record holds no such thing at the position asked about."""


class PolicyGone(ProblemError):
    """The policy was taken out of the record."""


class Merged(ProblemError):
    """The policy is a duplicate of another one, which takes the events."""

    @property
    def survivor(self) -> str:
        """The policy to record under."""
        return str(self.facts["survivor"])


class WrongExpectedVersion(ProblemError):
    """The policy is at another version than the append expects."""

    @property
    def actual(self) -> int:
        """The version that it is at; 0 where it is not registered."""
        return int(self.facts["actual"])


class ConditionFailed(ProblemError):
    """Something was recorded that the append's condition rules out."""

    @property
    def position(self) -> int:
        """Where it was recorded."""
        return int(self.facts["position"])


class IdConflict(ProblemError):
    """An id is that of another event."""


class PartlyKnownBatch(ProblemError):
    """Some of a batch's events are recorded already."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Which ones."""
        return tuple(self.facts["ids"])


class AlreadyRegistered(ProblemError):
    """The policy is in the record already."""


class NotRegistered(ProblemError):
    """The policy is not in the record yet."""


class ComeBackLater(ProblemError):
    """The service cannot answer now; what was sent with ids can be sent again as it is."""


class LineRefused(ClientError):
    """A line of a stream is refused.

    Attributes:
        line: its number, from 1; lines before it are recorded, later ones are not.
        problem: why.

    """

    def __init__(self, line: int, problem: ProblemError) -> None:
        self.line = line
        self.problem = problem
        self.facts = {}
        Exception.__init__(self, f"Line {line} is refused: {problem}")


CLASSES: Final[Mapping[str, type[ProblemError]]] = {
    "invalid-request": InvalidRequest,
    "invalid-data": InvalidData,
    "token-missing": TokenRefused,
    "token-unknown": TokenRefused,
    "not-allowed": NotAllowed,
    "unknown-resource": NotFound,
    "unknown-route": NotFound,
    "policy-gone": PolicyGone,
    "policy-merged": Merged,
    "wrong-expected-version": WrongExpectedVersion,
    "condition-failed": ConditionFailed,
    "id-conflict": IdConflict,
    "partly-known-batch": PartlyKnownBatch,
    "policy-already-registered": AlreadyRegistered,
    "policy-not-registered": NotRegistered,
    "too-many-requests": ComeBackLater,
    "internal-error": ComeBackLater,
    "not-ready": ComeBackLater,
    "not-yet-reflected": ComeBackLater,
    "outcome-unknown": ComeBackLater,
    "overloaded": ComeBackLater,
    "store-busy": ComeBackLater,
    "store-unavailable": ComeBackLater,
}
"""What a caller may want to tell apart, by problem type. What is ComeBackLater is tried again."""


def problem_of(document: Mapping[str, Any]) -> ProblemError:
    """Return the exception that a problem document stands for; KeyError where it is none."""
    facts = dict(document)
    slug = str(facts.pop("type")).removeprefix("/problems/")
    errors = facts.pop("errors", None)
    found = CLASSES.get(slug, ProblemError)(
        type=slug,
        title=str(facts.pop("title", "")),
        status=int(facts.pop("status", 0)),
        detail=str(facts.pop("detail", "")),
        field=_field(errors),
        instance=str(facts.pop("instance", "")),
        request_id=str(facts.pop("request_id", "")),
    )
    found.facts = facts
    return found


def _field(errors: Any) -> str | None:
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return None
    return str(errors[0].get("field", "")) or None
