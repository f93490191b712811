"""Beside the peers: the same configurations, requests and nodes for both, and what comes of each.

python -m tests.differential [--sample N] [--seed N] [--list] [--only TEXT] [--jobs N] [--document]

cases              one configuration, the requests' variables, the node
generated          the dialects' fields, and the configurations that try their values pairwise
pairs              how few rows hold every pair of values
subject            one plugin on a simulated node: the steps of two pods, and what each step came to
picture            the same without what differs by nature: IDs, and the addresses and MACs that were chosen
rows, rows.toml    what the peers that cannot be had by name answer, as data
comparison         two of those side by side: the places where they differ
table, differences.toml
                   the differences that are meant, each with its reason
"""
