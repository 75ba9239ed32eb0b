"""A client of a running service, for programs in Python.

    with Client("https://timeline.example", token) as client:
        for item in client.timeline(topic="housing"):
            print(item.occurred.edtf, item.title)

Knows the domain's words and shapes, and nothing of what stands behind the service.
"""

from timeline.client.client import Client
from timeline.client.drafts import Condition, Draft, new_event_id
from timeline.client.errors import (
    AlreadyRegistered,
    ClientError,
    ComeBackLater,
    ConditionFailed,
    IdConflict,
    InvalidData,
    InvalidRequest,
    LineRefused,
    Merged,
    NotAllowed,
    NotFound,
    NotRegistered,
    PartlyKnownBatch,
    PolicyGone,
    ProblemError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
    WrongExpectedVersion,
)
from timeline.client.following import Following, Log
from timeline.client.paging import Pages

__all__ = (
    "AlreadyRegistered",
    "Client",
    "ClientError",
    "ComeBackLater",
    "Condition",
    "ConditionFailed",
    "Draft",
    "Following",
    "IdConflict",
    "InvalidData",
    "InvalidRequest",
    "LineRefused",
    "Log",
    "Merged",
    "NotAllowed",
    "NotFound",
    "NotRegistered",
    "Pages",
    "PartlyKnownBatch",
    "PolicyGone",
    "ProblemError",
    "TokenRefused",
    "UnexpectedAnswer",
    "Unreachable",
    "WrongExpectedVersion",
    "new_event_id",
)
