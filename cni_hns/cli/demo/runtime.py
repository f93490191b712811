"""The part of the container runtime: what it sends to the plugin, and the containers that it makes.

Source: CNI SPEC, section 3, for what is added to a configuration for each call.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from cni_hns.cni.protocol import UNSTATED, VERBS, at_least

__all__ = ["IFNAME", "PORT_MAPPING", "Call", "Pod", "Runtime", "filled"]

IFNAME = "eth0"
PORT_MAPPING = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}

_OWNER = "cni-hns-demo"


class Pod(NamedTuple):
    """`name` is the ID of its sandbox container; `namespace` that of its HCN namespace, or empty."""

    name: str
    namespace: str
    mapped: bool = False
    """Whether it has a port mapping."""


class Call(NamedTuple):
    """One CNI call: its variables, and the members that its document has beside the configuration."""

    variables: dict[str, str]
    added: dict[str, Any]


class Runtime:
    """Knows the configuration's version, and what ADD answered for each pod."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.version = str(document.get("cniVersion") or UNSTATED)
        self.results: dict[str, Any] = {}

    def has(self, verb: str) -> bool:
        """Whether the configuration's version has the verb."""
        return at_least(self.version, VERBS[verb].since)

    def call(self, verb: str, pod: Pod | None) -> Call:
        """The call of this verb, for a pod or for the whole network."""
        if pod is None:
            return Call({"CNI_COMMAND": verb}, {})
        variables = {"CNI_CONTAINERID": pod.name, "CNI_IFNAME": IFNAME, "CNI_NETNS": pod.namespace}
        added: dict[str, Any] = {}
        if pod.mapped:
            added["runtimeConfig"] = {"portMappings": [PORT_MAPPING]}
        # A prevResult with CHECK and DEL came with the version that brought CHECK.
        if verb in ("CHECK", "DEL") and self.has("CHECK") and self.results.get(pod.name):
            added["prevResult"] = self.results[pod.name]
        return Call({"CNI_COMMAND": verb, **variables}, added)

    def call_gc(self, alive: Pod) -> Call:
        """The call after which only this pod's attachment is left."""
        valid = [{"containerID": alive.name, "ifname": IFNAME}]
        return Call({"CNI_COMMAND": "GC"}, {"cni.dev/valid-attachments": valid})


def filled(template: dict[str, Any], container: str, namespace: str) -> dict[str, Any]:
    """The document of `cni-hns container create --template process` for this container of this namespace.

    The layer and the volume are made up: a simulated container runs no program from them.
    """
    layer = uuid.uuid5(uuid.NAMESPACE_DNS, f"{container}.{_OWNER}")
    storage = {
        "Layers": [{"Id": str(layer), "Path": rf"C:\demo\{container}"}],
        "Path": f"\\\\?\\Volume{{{layer}}}\\",
    }
    made = template.get("Container", {})
    networking = {**made.get("Networking", {}), "Namespace": namespace}
    return {
        **template,
        "Owner": _OWNER,
        "Container": {
            **made,
            "GuestOs": {"HostName": container},
            "Storage": storage,
            "Networking": networking,
        },
    }
