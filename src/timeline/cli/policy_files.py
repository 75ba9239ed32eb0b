"""Files that say which witnesses count, as commands take them.

Owns what is said of a file that is none, or is about another log. Must not know the format
(`transparency.policies`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from timeline.cli.errors import CommandError
from timeline.transparency.errors import WrongPolicy
from timeline.transparency.keys import VerifierKey
from timeline.transparency.policies import Policy

MAX_POLICY_BYTES: Final = 65_536
"""More than as many logs, witnesses and groups take as a policy may have, with comments."""


def read_policy(file: BinaryIO) -> Policy:
    """Read a policy; raises CommandError, which names the file, for anything else."""
    name = Path(file.name).name
    raw: bytes = file.read(MAX_POLICY_BYTES + 1)
    if len(raw) > MAX_POLICY_BYTES:
        raise CommandError(f"{name} has more than {MAX_POLICY_BYTES} bytes.")
    try:
        return Policy.parse(raw.decode())
    except (WrongPolicy, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from error


def require_named(policy: Policy, keys: Sequence[VerifierKey]) -> None:
    """Refuse a policy that names logs, and not this one."""
    if policy.logs and keys and not set(policy.logs).intersection(keys):
        raise CommandError(f"The policy is not about this log, which signs with {keys[-1]}.")
