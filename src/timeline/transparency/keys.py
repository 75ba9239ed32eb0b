"""Keys of signed notes: Ed25519, for a log that signs its checkpoints and for a witness that cosigns.

Owns how keys are written, named and used. Must not know what is signed, where a key is kept, or
where randomness comes from.

Sources of the formats: C2SP signed-note v1.0.0 (verifier keys, key ids), C2SP tlog-cosignature
v1.0.0 (the algorithm byte of witnesses), golang.org/x/mod/sumdb/note (how a signing key is written).
"""

import base64
import binascii
import re
from hashlib import sha256
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from timeline.transparency.errors import WrongKey

ED25519: Final = 0x01
"""The algorithm byte of keys that sign notes."""

COSIGNATURE_V1: Final = 0x04
"""The algorithm byte of keys that cosign checkpoints, with the time at which they did."""

SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
KEY_ID_BYTES: Final = 4

MAX_NAME_CHARACTERS: Final = 255
"""A name stands in each signature line, and lines are bounded."""

_PRIVATE: Final = "PRIVATE+KEY+"
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]+")


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key by which signatures are checked: whose it is, for what, and its 32 bytes."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The key's id, 4 bytes: what a signature line begins with."""
        return key_id(self.name, self.algorithm, self.public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key, such as "example.com/log+33d7b496+AeHTu4…".

        Raises WrongKey for anything else, and where id and key do not belong together.
        """
        name, plus, rest = text.partition("+")
        id, plus_too, encoded = rest.partition("+")
        if not plus or not plus_too:
            raise WrongKey(reason="a verifier key has the form NAME+ID+KEY")
        algorithm, public = _typed_key(encoded)
        key = cls(_checked_name(name), algorithm, public)
        if id != key.id.hex():
            raise WrongKey(reason=f"its id is {key.id.hex()}, not {id[:16]}")
        return key

    def __str__(self) -> str:
        """Write the key as `parse` reads it."""
        encoded = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether 64 bytes are this key's Ed25519 signature of a message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey(msgspec.Struct, frozen=True):
    """A private key, given by its name, its algorithm and its seed of 32 bytes."""

    name: str
    seed: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        _checked_name(self.name)
        if len(self.seed) != SEED_BYTES:
            raise WrongKey(reason=f"a seed has {SEED_BYTES} bytes, not {len(self.seed)}")

    @property
    def verifier(self) -> VerifierKey:
        """The public key."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, self.algorithm, public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a signing key, as `to_text` writes it.

        Raises WrongKey for anything else; what was read is never repeated.
        """
        name, _, rest = text.removeprefix(_PRIVATE).partition("+")
        id, plus, encoded = rest.partition("+")
        if not text.startswith(_PRIVATE) or not plus:
            raise WrongKey(reason="a signing key has the form PRIVATE+KEY+NAME+ID+KEY")
        algorithm, seed = _typed_key(encoded)
        key = cls(name, seed, algorithm)
        if id != key.verifier.id.hex():
            raise WrongKey(reason="its id belongs to another key")
        return key

    def to_text(self) -> str:
        """Write the key, private as it is."""
        encoded = base64.b64encode(bytes([self.algorithm]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{encoded}"

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def __repr__(self) -> str:
        """Show whose key it is, and nothing of the seed."""
        return f"SigningKey({self.name!r})"


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """Return the id of a key: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ key)."""
    typed = name.encode() + b"\n" + bytes([algorithm]) + public
    return sha256(typed).digest()[:KEY_ID_BYTES]


def _checked_name(name: str) -> str:
    if len(name) > MAX_NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise WrongKey(
            reason="a name has no spaces, plus signs or control characters, and at most"
            f" {MAX_NAME_CHARACTERS} characters"
        )
    return name


def _typed_key(encoded: str) -> tuple[int, bytes]:
    try:
        typed = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise WrongKey(reason="its last part is no base64") from None
    if not typed or typed[0] not in {ED25519, COSIGNATURE_V1}:
        raise WrongKey(reason="its algorithm is none that is known here")
    if len(typed) != 1 + SEED_BYTES:
        raise WrongKey(reason=f"it has {len(typed) - 1} bytes in place of {SEED_BYTES}")
    return typed[0], typed[1:]
