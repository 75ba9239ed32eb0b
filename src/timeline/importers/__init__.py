"""Other people's data, read as events.

Must not know how events are recorded.
"""
