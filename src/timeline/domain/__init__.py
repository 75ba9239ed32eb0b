"""What a policy record means.

Pure: no I/O, no clock, no randomness, no environment. Knows the standard library and msgspec alone.
"""
