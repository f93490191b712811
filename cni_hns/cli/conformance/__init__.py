"""`cni-hns conformance`: checks any CNI plugin against the CNI specification."""
