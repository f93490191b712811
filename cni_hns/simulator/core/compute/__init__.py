"""The rules of the Host Compute System of the node, whose containers join the namespaces of its HNS."""
