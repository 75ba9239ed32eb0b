"""How many requests a client may make.

Owns a token bucket per client, in this process alone. Must not know HTTP.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

MAX_CLIENTS: Final = 10_000
"""Clients remembered; beyond, the one that was silent longest starts afresh. Some 2 MB."""

_MINUTE_S: Final = 60.0
_HAIR_S: Final = 1e-6
"""Sums of floats miss the whole minute by their last digit."""


class RateLimit:
    """A bucket for each client: a minute's requests at once, then as many as the minute refills.

    Each worker process counts by itself, as a connection stays with one worker.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._spacing_s = _MINUTE_S / per_minute if per_minute else 0.0
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, client: str, now_s: float) -> float:
        """Count a request; returns 0 where it may go on, else in how many seconds it may.

        Args:
            client: an address.
            now_s: a clock that never goes back.

        """
        if not self.per_minute:
            return 0.0
        key = _client(client)
        full_at = max(self._full_at.pop(key, now_s), now_s)
        waits = full_at + self._spacing_s - now_s - _MINUTE_S
        admitted = waits <= _HAIR_S
        self._full_at[key] = full_at + self._spacing_s if admitted else full_at
        if len(self._full_at) > MAX_CLIENTS:
            self._full_at.popitem(last=False)
        return 0.0 if admitted else waits


def _client(address: str) -> str:
    """Return who counts as one client: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
