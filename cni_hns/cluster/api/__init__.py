"""Kubernetes over HTTP: four calls, a watch, and what is kept up to date with them.

Rule 1: it knows nothing of HNS, and of no resource more than where it is found.
Rule 2: every wait has an end, and `close` ends it from another thread.
Rule 3: no token and no key is in any text that leaves this room.

It is made of the standard library alone. A client library would bring its own models of all of Kubernetes,
megabytes of them, into a process that runs with high rights on every node, where each dependency is one
more to patch; and none of them lets another thread end a read that hangs.
"""
