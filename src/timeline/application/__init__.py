"""The use cases: record, read, replay, and who may.

Must not know HTTP or the command line.
"""
