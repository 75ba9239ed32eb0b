"""Representations of answers other than one JSON document.

Must not know where the answers come from, nor how they are sent.
"""
