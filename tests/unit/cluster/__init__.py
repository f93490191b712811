"""The cluster's rooms."""
