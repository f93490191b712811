"""Typed documents of the Host Compute System, schema 2: the truth of what a document may be.

A member that came with a version of the schema names it; what has none is in all of them (2.0). No verb loads
this package: pydantic costs as much as the rest of a verb.
"""
