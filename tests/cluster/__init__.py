"""A real control plane, and simulated Windows nodes that belong to it.

with ControlPlane(folder, lane) as plane:
    plane.admin().create("/api/v1/nodes", objects.node("win-1", "192.0.2.11"))
"""
