"""The cluster: what a node learns from the Kubernetes API, and what it does with it."""
