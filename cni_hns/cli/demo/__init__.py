"""`cni-hns demo`: the life of pods on a simulated node, through the real front door.

Nothing here touches the HCS, the HNS, the ledger or the files of the machine it runs on.
"""
