"""The service over HTTP: routes, problems, access, pages.

Owns everything that a client sees on the wire. Must not judge an event or read a table: the use
cases in `application` do.
"""
