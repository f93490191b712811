"""One attachment's life on a node: its row, its addresses, its endpoint, and its end.

What is here touches HNS, the ledger and the configuration's IPAM plugin; the order of a verb's steps is the
verb's own (`cni_hns.verbs`).
"""
