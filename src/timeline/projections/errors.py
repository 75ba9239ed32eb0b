"""Why a rebuild does not come to its end.

    RebuildError                      the live read models are as they were; it can be run again
    ├── RebuildInterruptedError
    ├── RebuildOvertakenError
    ├── RebuildUnsettledError
    └── RebuildBrokenError            running it again helps only once the event can be taken in

A class's docstring is its message.
"""


class RebuildError(Exception):
    """The rebuild did not come to its end; it can be run again."""

    def __str__(self) -> str:
        return (type(self).__doc__ or type(self).__name__).strip()


class RebuildInterruptedError(RebuildError):
    """Another rebuild of the same read models is under way."""


class RebuildOvertakenError(RebuildError):
    """The log moved on faster than the rebuild could follow."""


class RebuildUnsettledError(RebuildError):
    """A policy was parked, or tried again, while the rebuild went on: run it once more."""


class RebuildBrokenError(RebuildError):
    """An event breaks the rebuilt rows that does not wait in the live ones, which stay as they were."""
