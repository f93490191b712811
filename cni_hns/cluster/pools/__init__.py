"""Addresses beyond a Node's podCIDR: blocks of cluster-wide pools, claimed ahead and given back when empty.

A block is one object of the API, named after its prefix: to create it is to have it, and nobody writes an
object that others write. The verbs find the blocks in the ledger and never ask the API.

Rule 1: a block gives addresses only while the API has it as this node's: it is claimed in the API first, then
in the ledger; given back it is in the ledger first.
Rule 2: what is missing from a list takes no block away from a node that is there.
Rule 3: blocks have no owner reference to their Node. A Node object may be deleted while its pods run on; the
API's garbage collector would free their addresses at once, and two pods would have one.
"""
