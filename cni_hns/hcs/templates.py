"""Documents to begin from, for a container in an HCN namespace: what a runtime sends, in its plainest form.

What stands in angle brackets is the node's: the layers of an image and the volume that is written to.
Source: hcsshim's documents for Windows containers; the page "ComputeSystem" of Microsoft's schema.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TEMPLATES", "hyperv", "process"]

_OWNER = "cni-hns"
_SCHEMA = {"Major": 2, "Minor": 1}


def process(namespace: str) -> dict[str, Any]:
    """A container on the host's own kernel."""
    return {**_system(), "Container": _container(namespace)}


def hyperv(namespace: str) -> dict[str, Any]:
    """A container in a virtual machine that runs already, and that somebody has given its network cards."""
    hosted = {"SchemaVersion": _SCHEMA, "Container": _container(namespace)}
    return {**_system(), "HostingSystemId": "<id of the virtual machine>", "HostedSystem": hosted}


TEMPLATES = {"process": process, "hyperv": hyperv}


def _system() -> dict[str, Any]:
    # Else it would end with the command that makes it: nobody has it open then.
    return {"Owner": _OWNER, "SchemaVersion": _SCHEMA, "ShouldTerminateOnLastHandleClosed": False}


def _container(namespace: str) -> dict[str, Any]:
    return {
        "GuestOs": {"HostName": "example"},
        "Storage": {
            "Layers": [{"Id": "<GUID of the layer>", "Path": "<folder of the layer>"}],
            "Path": "<volume, with a backslash at its end>",
        },
        "Processor": {"Count": 1},
        "Memory": {"SizeInMB": 512},
        "Networking": {"Namespace": namespace, "AllowUnqualifiedDnsQuery": True},
    }
