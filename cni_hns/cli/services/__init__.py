"""`cni-hns service`."""
