"""The ways to the other nodes' pods: which are wanted, and how they are brought about on this node.

Rule 1: nothing here asks the API. What it answered comes in as members, and what its answers prove as `Gone`.
Rule 2: a route is removed only where its node is proven gone; one that somebody else made is never touched.
"""
