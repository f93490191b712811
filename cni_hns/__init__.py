"""cni-hns: a Windows CNI plugin for the Host Compute Network service."""

__version__ = "0.1.0"
