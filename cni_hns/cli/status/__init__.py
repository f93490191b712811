"""`cni-hns status`: a node on one screen.

Rule 1: `readings` asks, `lines` are pure functions over what came: an answer that did not come is a line too.
Rule 2: each question has its own limit of time, and all of them end before two seconds are over.
"""
