"""What this package refuses. A class's docstring is its message; the facts are attributes.

TransparencyError
├── CanonicalError    a value without a canonical JSON form
├── MalformedJson     bytes that are not the strict JSON the record takes
├── EntryTooLarge     an entry beyond what a tile's entry bundle can hold
├── WrongEntry        bytes that are no entry, or not in the one form that it has
├── WrongSaltSize     a salt that is not as long as the format says
├── WrongHashSize     bytes that are no SHA-256 hash
├── WrongFrontier     a Merkle frontier that belongs to no tree
├── WrongKey          text that is no key of a signed note
├── WrongNote         bytes that are no signed note, or one that no known key has signed
│   └── UnknownSigner the latter: it is signed, by a key that was not given
├── WrongCheckpoint   a note that is no checkpoint, or one of another log
├── WrongTile         a path, a tile or a bundle of entries that is not as C2SP tlog-tiles has it
├── WrongPolicy       a policy of witnesses that cannot be read
└── WrongProof        a proof that does not hold
"""

from typing import Any


class TransparencyError(Exception):
    """The transparency layer refused its input."""

    def __str__(self) -> str:
        # `python -OO` drops docstrings; the class's name is then what is left to say.
        return (type(self).__doc__ or type(self).__name__).format_map(vars(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)


class CanonicalError(TransparencyError):
    """The value has no canonical JSON form{where}: {reason}."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.where = f" at {path}" if path else ""


class MalformedJson(TransparencyError):
    """The JSON is refused{where}: {reason}."""

    def __init__(
        self, *, path: str = "", reason: str, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(path, reason, line, column)
        self.path = path
        self.reason = reason
        self.line = line
        self.column = column
        if line is not None:
            self.where = f" at line {line}, column {column}"
        else:
            self.where = f" at {path}" if path else ""


class EntryTooLarge(TransparencyError):
    """The entry takes {size_bytes} bytes, and at most {limit_bytes} are allowed."""

    def __init__(self, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(size_bytes, limit_bytes)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class WrongEntry(TransparencyError):
    """The bytes are no entry: {reason}."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongSaltSize(TransparencyError):
    """The salt has {size_bytes} bytes in place of {expected_bytes}."""

    def __init__(self, *, size_bytes: int, expected_bytes: int) -> None:
        super().__init__(size_bytes, expected_bytes)
        self.size_bytes = size_bytes
        self.expected_bytes = expected_bytes


class WrongHashSize(TransparencyError):
    """A hash has {size_bytes} bytes in place of {expected_bytes}."""

    def __init__(self, *, size_bytes: int, expected_bytes: int) -> None:
        super().__init__(size_bytes, expected_bytes)
        self.size_bytes = size_bytes
        self.expected_bytes = expected_bytes


class WrongFrontier(TransparencyError):
    """No Merkle tree of size {size} has this frontier: {reason}."""

    def __init__(self, *, size: int, reason: str) -> None:
        super().__init__(size, reason)
        self.size = size
        self.reason = reason


class WrongKey(TransparencyError):
    """The key cannot be used: {reason}."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongNote(TransparencyError):
    """The signed note is refused: {reason}."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSigner(WrongNote):
    """The signed note cannot be checked: {reason}."""

    def __init__(self, *, signers: tuple[str, ...]) -> None:
        names = ", ".join(signers)
        by = f"; it says to be signed by {names}" if signers else ""
        super().__init__(reason=f"none of the known keys has signed it{by}")
        self.signers = signers


class WrongCheckpoint(TransparencyError):
    """The checkpoint is refused: {reason}."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongTile(TransparencyError):
    """The tile is refused: {reason}."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongProof(TransparencyError):
    """The proof does not hold: {reason}."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongPolicy(TransparencyError):
    """The policy is refused at line {line}: {reason}."""

    def __init__(self, *, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason
