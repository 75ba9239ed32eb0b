"""Timeline: the record of what governments did, as an append-only event store."""

__version__ = "0.1.0"
