"""Pages for people, and what they load.

Each is rendered on the server from the same answers that programs get, can be read without
JavaScript, and works without the internet.
"""
