"""Read models: rows derived from the log alone, one file each, and the runner that keeps them.

Must not know HTTP. A read model can be dropped and rebuilt at any time with the same result.
"""
