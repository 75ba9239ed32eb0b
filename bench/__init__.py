"""Measurements of what the documents claim; each is a command of its own."""
