"""Load balancers read as Kubernetes services: what kube-proxy made of each, explained and verified.

Rule: the node's own objects are enough; the cluster's API may be away.
"""
