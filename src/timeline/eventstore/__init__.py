"""The append-only log: its port, the in-memory reference, SQL, group commit.

Owns positions, versions, exactly-once by id, optimistic concurrency and what is durable when. Must
not know what an event means (that is `domain`), nor what is derived from the log (`projections`).
"""
