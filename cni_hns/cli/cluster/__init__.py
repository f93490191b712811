"""The operator's commands for a node in a Kubernetes cluster."""
