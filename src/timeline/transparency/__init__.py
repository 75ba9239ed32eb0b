"""What makes the log checkable by strangers: canonical JSON, entries, Merkle hashes.

Owns the bytes that are hashed and the hashes over them. Must not know what an event means, where
it is stored, or who asks.
"""
