"""The Host Compute System, which runs the containers."""
