"""A node in a cluster: its subnet, its routes and its pools, as the Kubernetes API has them.

Rule 1: no verb loads anything of this room, and no ADD asks the API.
Rule 2: what the API does not say removes nothing: only a complete answer does.
"""
