"""Typed documents of the Host Compute Network, schema 2: the truth of what a document may be.

No verb loads this package (pydantic costs as much as the rest of a verb): verbs send the plain documents of
`cni_hns.hcn.documents` and of a compiled plan, and the tests hold those against these models.
"""
