"""The command line: one file per command.

Owns arguments, progress, exit codes and how an error reads in a terminal. Must not decide anything
about the record: each command asks the application layer.
"""

from timeline.cli.group import main

__all__ = ["main"]
