"""Audit packs: a log in one file that can be checked offline, with the program that checks it.

Owns what is in a pack and what its check covers. Must not know terminals, nor how a log is kept.
"""
