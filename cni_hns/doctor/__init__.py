"""The node examined: what disagrees, why, what it does to pods, and the command that mends it.

Rule 1: `examine` is pure functions over what `survey` read; what was not read is no finding.
Rule 2: a finding has its cause and a remedy that can be typed. What a repair may do by itself is safe: no pod
that has its network loses it.
Rule 3: one file in `checks/` for each thing that is examined; its table of kinds is also the reference.
"""
